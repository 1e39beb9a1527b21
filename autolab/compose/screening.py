"""What dry runs are made with, in this process or in that of the host: ``python -m autolab.compose.screening``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autolab.compose.calibrating import match_calibrations
from autolab.compose.devices import BuiltDevice, build_devices, check_envelope, device_classes, writable_signals
from autolab.compose.names import Names
from autolab.compose.sources import plans_of, sources_hash
from autolab.config.specs import CampaignSpec, LabSpec
from autolab.core.addresses import Address, EpicsAddress, MemoryAddress
from autolab.core.clock import VirtualClock, real_clock
from autolab.core.envelope import Limit
from autolab.core.errors import InputError
from autolab.core.operations import SHARED
from autolab.core.plates import Prepared
from autolab.screen.client import DryRunHost
from autolab.screen.envelope import envelope_rule
from autolab.screen.host import quiet, serve
from autolab.screen.planscreen import PlanScreen
from autolab.screen.present import Presence
from autolab.screen.process import HostProcess, forked, is_forkable, spawned
from autolab.screen.rig import DryRunner, DryRunRequest, InProcess, Rig
from autolab.screen.shadows import DeadCore, Reached, Shadows
from safety.trip import Trip

if TYPE_CHECKING:
    from autolab.campaign.lab import OpenLab
    from autolab.compose.matching import Bound

__all__ = ["dry_run_host", "in_process", "plan_screen", "rig_for"]

NO_PRELUDES: Mapping[str, Any] = MappingProxyType({})
COMMAND = (sys.executable, "-m", "autolab.compose.screening")


@dataclass(frozen=True)
class _About:
    """What a host's rig is made of: the files as the controller has read them."""

    campaign: CampaignSpec
    lab: LabSpec


@contextmanager
def dry_run_host(campaign: CampaignSpec, lab: LabSpec) -> Iterator[DryRunHost]:
    """The process that makes the dry runs of a campaign; it ends with the block.

    Enter it before ophyd and plans are imported: it is forked then, and does its own imports meanwhile. One that is
    started later, or again, imports everything itself.
    """
    host = DryRunHost(_host_process, _About(campaign, lab), real_clock())
    try:
        yield host
    finally:
        host.close()


def _host_process() -> HostProcess:
    return forked(_serve) if is_forkable() else spawned(COMMAND)


def _serve() -> None:
    serve(_host_rig, *quiet())


def in_process(bound: Bound) -> InProcess:
    """What makes dry runs in this process: only where no device is hardware, under the virtual clock."""
    return InProcess(rig_for(bound.lab, bound.names, bound.binding, bound.preludes), real_clock())


def plan_screen(bound: Bound, lab: OpenLab, runner: DryRunner) -> PlanScreen:
    """What screens the plans of a campaign in an open lab."""
    limits = check_envelope(bound.lab, device_classes(bound.lab, bound.names))
    by_signal: dict[str, Limit] = {f"{d}.{signal}": limit for d, own in limits.items() for signal, limit in own.items()}
    presence = Presence(lab.devices, lab.loop, at_once=not isinstance(lab.clock, VirtualClock))
    asked = tuple(dict.fromkeys((*bound.binding.used, *sorted(bound.used), *sorted(lab.zones.devices))))
    return PlanScreen(runner, (envelope_rule(by_signal),), presence, asked)


def rig_for(lab: LabSpec, names: Names, binding: Any, preludes: Mapping[str, Any] = NO_PRELUDES) -> Rig:
    """The shadows of the devices that a campaign's plans take, and the plans.

    Args:
        lab: The lab file.
        names: Resolves the device classes.
        binding: The plan with what the campaign gives it.
        preludes: The plans that may come before it by their names, likewise.

    Raises:
        InputError: a device of the lab cannot be built.
    """
    reached = Reached()
    shadows = Shadows(reached)
    for name in dict.fromkeys((*binding.used, *(name for each in preludes.values() for name in each.devices))):
        core = DeadCore(name, reached)
        built = _built(lab, names, name, core)
        shadows.add(name, built.device, built.guard, is_ours=built.is_ours)
        core.is_built = True

    def make_plan(devices: Mapping[str, Any], request: DryRunRequest) -> Callable[[], Generator[Any, Any, Any]]:
        measuring, sample, arguments = binding.measuring, request.sample, dict[str, Any]()
        if not request.plate:
            arguments = binding.arguments(devices, request.values, request.operations, sample, request.md)

        def make() -> Generator[Any, Any, Any]:
            if request.first is not None:
                prelude = preludes[request.first.plan]
                yield from prelude.plan(**prelude.arguments(devices, request.first.operations, request.first.sample))
            if request.is_alone:
                return
            if not request.plate:
                yield from binding.plan(**arguments)
            if measuring is not None:  # a trial by itself: also what its plate will do with it
                own = () if sample is None else (Prepared(request.operations.trial, sample, request.operations),)
                wells = request.plate or own
                shared = replace(request.operations, replicate=SHARED)
                yield from measuring.plan(**measuring.arguments(devices, wells, shared, request.md))

        return make

    return Rig(shadows, make_plan, sources_hash(plans_of(binding, preludes), lab.packages))


def _built(lab: LabSpec, names: Names, name: str, core: DeadCore) -> BuiltDevice:
    """A device that is never connected: with a dead transport where its class takes one."""
    spec = lab.devices[name]
    envelope = {key: limit for key, limit in lab.envelope.items() if key.partition(".")[0] == name}
    alone = replace(lab, devices={name: spec}, envelope=envelope)
    classes = device_classes(alone, names)
    prefix = spec.at.prefix if isinstance(spec.at, EpicsAddress) else ""
    is_ours = writable_signals(classes[name], spec) is not None
    if is_ours:
        dead: Address = MemoryAddress(core, prefix)
        with suppress(InputError):  # a transport of its own: building the device opens nothing all the same
            return build_devices(alone, {name: dead}, VirtualClock(), classes, Trip())[0]
    return build_devices(alone, {name: spec.at}, VirtualClock(), classes, Trip())[0]


def _host_rig(about: _About) -> Rig:
    """The rig of this host process."""
    from autolab.compose.matching import match_plan, match_recoveries

    _let_no_channel_open()
    campaign, lab = about.campaign, about.lab
    lab_names = Names(lab.source, lab.packages, campaign.lab.parent)
    preludes = {**match_recoveries(campaign, lab), **match_calibrations(lab, lab_names)}
    return rig_for(lab, lab_names, match_plan(campaign, lab)[0], preludes)


def _let_no_channel_open() -> None:
    """Give EPICS signals of other people's classes a dead transport too."""
    import ophyd

    from devices.memory import MemoryLayer

    core = DeadCore("an EPICS device", Reached())
    ophyd.cl = MemoryLayer(core, VirtualClock(), "")


if __name__ == "__main__":
    _serve()
