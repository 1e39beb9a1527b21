"""Opening a lab: simulators or hardware, devices built and connected, and all of it let go again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolab.campaign.lab import OpenLab
from autolab.compose import benches
from autolab.compose.benches import Bench
from autolab.compose.names import Names
from autolab.compose.options import RunOptions
from autolab.compose.power import check_power, powered
from autolab.compose.stocktaking import consumables_left, own_stock, stock_left
from autolab.config.specs import LabSpec
from autolab.core.clock import Clock, ScaledClock, VirtualClock, real_clock
from autolab.core.errors import AutolabError, InputError, NotConnectedError
from autolab.core.people import AsksPeople
from autolab.core.trials import Realm
from autolab.journal.records import DeviceRecord
from safety.foreign import guard_foreign
from safety.trip import Trip
from safety.zones import Zones

__all__ = ["CONNECT_REAL_S", "BenchPlan", "bench_for", "open_lab", "plan_bench", "reach_channel_access"]

CONNECT_REAL_S = 10.0
"""Real seconds that each device has to answer."""


@dataclass(frozen=True)
class BenchPlan:
    """Which bench a campaign is going to run on: decided before anything is imported or started."""

    running: Bench | None
    """A bench that ``autolab simulate`` runs for this lab."""
    ca_ports: Mapping[str, int]
    """Ports for the Channel Access servers of a bench of our own."""
    part: LabSpec | None = None
    """Of a lab that is simulated in part, the devices that are, where their simulators are going to listen."""


def plan_bench(lab: LabSpec, options: RunOptions) -> BenchPlan:
    """Decide on the bench, and point this process's Channel Access client at it.

    Raises:
        InputError: the lab cannot be simulated, its simulators run with other settings, or a device to simulate is none
            of it.
    """
    if not options.simulate or options.virtual:
        return BenchPlan(None, {})
    if options.only:
        part = benches.part_of(lab, options.only)
        benches.check_simulators(part)
        ports = benches.free_ca_ports(part)
        reach_channel_access(tuple(ports.values()), is_beside_hardware=True)
        return BenchPlan(None, ports, part)
    benches.check_simulators(lab)
    found = benches.attached(lab, options.data / "simulators" / lab.name)
    if found is None:
        ports = benches.free_ca_ports(lab)
        reach_channel_access(tuple(ports.values()))
        return BenchPlan(None, ports)
    bench, _ = found
    if options.time_factor not in (1.0, bench.factor):
        raise InputError(
            f"--time-factor {options.time_factor:g}: the simulators of {lab.name} run at {bench.factor:g}: "
            "leave the option out, or stop 'autolab simulate'"
        )
    reach_channel_access(bench.ca_ports)
    return BenchPlan(bench, {})


@contextmanager
def bench_for(
    lab: LabSpec, names: Names, options: RunOptions, plan: BenchPlan, seed: int, folder: Path
) -> Iterator[tuple[Bench | None, Clock]]:
    """The bench of a campaign with the clock that goes with it; None for hardware.

    Simulators of our own keep their state in ``folder``, and stop when the block ends.

    Raises:
        AutolabError: the power is latched off, or simulators, relay or watchdog do not start.
    """
    check_power(lab, options)
    if not options.simulate:
        yield None, real_clock()
    elif options.virtual:
        clock = VirtualClock()
        yield benches.in_memory(lab, names, clock, seed), clock
    elif plan.running is not None:
        if lab.power is not None and plan.running.power is None:
            raise InputError(f"{lab.name}: its simulators run without the relay that it declares: start them again")
        yield plan.running, ScaledClock(plan.running.factor)
    elif plan.part is not None:
        with benches.in_processes(plan.part, folder, seed, 1.0, plan.ca_ports) as bench:
            yield bench, real_clock()
    else:
        with (
            powered(lab, names, options.data, real_clock()) as supply,
            benches.in_processes(lab, folder, seed, options.time_factor, plan.ca_ports, supply=supply) as bench,
        ):
            yield bench, ScaledClock(bench.factor)


@contextmanager
def open_lab(lab: LabSpec, names: Names, bench: Bench | None, clock: Clock) -> Iterator[OpenLab]:
    """Build and connect the devices of a lab; disconnect them when the block ends.

    Raises:
        FileError: the devices or the envelope do not fit together.
        NotConnectedError: devices do not answer; all of them are named.
    """
    from autolab.compose import devices as building
    from autolab.compose.ruling import lab_rules, locate_all

    simulated = {} if bench is None else bench.addresses
    addresses = {name: device.at for name, device in lab.devices.items()} | dict(simulated)
    classes = building.device_classes(lab, names)
    with ExitStack() as stack:
        loop = _event_loop(stack, classes)
        rules, trip = lab_rules(lab, classes), Trip()
        zones = Zones(rules.zones)
        built = building.build_devices(lab, addresses, clock, classes, trip, zones)
        for item in built:
            stack.callback(_disconnect, item.device)
        records = _connect(built, simulated.keys(), loop)
        locate_all(zones, {item.spec.name: item.device for item in built})
        realm = min((Realm(record.realm) for record in records), key=list(Realm).index)
        # Where some devices are hardware, its wells are counted as used, and its stock as taken.
        identity = "physical" if bench is None or simulated.keys() < lab.devices.keys() else bench.id
        yield OpenLab(
            name=lab.name,
            laboratory=lab.laboratory,
            realm=realm,
            clock=clock,
            bench=identity,
            devices={item.spec.name: item.device for item in built},
            records=tuple(records),
            stations=frozenset(lab.stations),
            wells=_wells(lab),
            loop=loop,
            power=None if bench is None else bench.power,
            check=lambda: _silent(built),
            trip=trip,
            rules=rules,
            zones=zones,
            guards={item.spec.name: item.guard for item in built},
            stock_left=lambda journal: stock_left(journal, lab, identity),
            own_stock=lambda journal, campaign: own_stock(journal, lab, identity, campaign),
            consumables=lab.consumables,
            consumables_left=lambda journal: consumables_left(journal, lab, identity),
        )


def reach_channel_access(ports: Sequence[int], *, is_beside_hardware: bool = False) -> None:
    """Point the process's Channel Access client at our servers. It reads this once, when EPICS is first used.

    Args:
        ports: Of our servers.
        is_beside_hardware: Leave the way to other servers as it is.
    """
    if not ports:
        return
    ours = [f"127.0.0.1:{port}" for port in ports]
    others = os.environ.get("EPICS_CA_ADDR_LIST", "").split() if is_beside_hardware else []
    wanted = " ".join(dict.fromkeys([*others, *ours]))
    if "epics" in sys.modules and os.environ.get("EPICS_CA_ADDR_LIST") != wanted:
        raise InputError(
            "this process has talked to another EPICS bench before, and Channel Access cannot be pointed elsewhere: "
            "start a new process"
        )
    os.environ.update(EPICS_CA_ADDR_LIST=wanted, EPICS_CA_CONN_TMO="3")
    if not is_beside_hardware:
        os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"


def _event_loop(stack: ExitStack, classes: Mapping[str, type]) -> asyncio.AbstractEventLoop | None:
    """The event loop that asynchronous devices and all lanes share; None where no device needs one."""
    asynchronous = sys.modules.get("ophyd_async.core")
    if asynchronous is None or not any(issubclass(c, asynchronous.Device) for c in classes.values()):
        return None
    from bluesky import RunEngine

    loop = asyncio.new_event_loop()
    RunEngine(context_managers=[], loop=loop)  # starts the loop, and names it as the one of asynchronous devices
    stack.callback(loop.call_soon_threadsafe, loop.stop)
    return loop


def _connect(
    built: Sequence[Any], simulated: Collection[str], loop: asyncio.AbstractEventLoop | None
) -> list[DeviceRecord]:
    """Connect all devices at the same time, and report all that do not answer together."""
    with ThreadPoolExecutor(len(built)) as pool:
        futures = [pool.submit(_connect_one, item, item.spec.name in simulated, loop) for item in built]
    problems = [error for future in futures if (error := future.exception()) is not None]
    for problem in problems:
        if not isinstance(problem, AutolabError):
            raise problem
    if problems:
        raise NotConnectedError("\n".join(str(problem) for problem in problems))
    return [future.result() for future in futures]


def _connect_one(item: Any, simulated: bool, loop: asyncio.AbstractEventLoop | None) -> DeviceRecord:
    spec, device = item.spec, item.device
    model, serial, says_simulated = type(device).__name__, "", False
    if item.is_ours:
        identity = device.connect(CONNECT_REAL_S)
        model, serial, says_simulated = identity.model, identity.serial_number, identity.is_simulated
        if simulated and spec.simulator is not None and not says_simulated:
            raise NotConnectedError(
                f"{spec.name}: was to be simulated, and what answers at {spec.at} does not say that it is a simulator: "
                "nothing has moved; see what else serves that address"
            )
    else:
        _connect_foreign(spec.name, device, loop)
        guard_foreign(device, item.guard)
    address = str(spec.at)
    is_soft = address == "none" and not isinstance(device, AsksPeople)
    real = Realm.EMULATED if says_simulated or is_soft else Realm.PHYSICAL
    realm = Realm.SIMULATED if simulated else real
    return DeviceRecord(spec.name, spec.class_name, address, model, serial, str(realm))


def _connect_foreign(name: str, device: Any, loop: asyncio.AbstractEventLoop | None) -> None:
    try:
        if loop is not None and asyncio.iscoroutinefunction(getattr(device, "connect", None)):
            asyncio.run_coroutine_threadsafe(device.connect(timeout=CONNECT_REAL_S), loop).result(2 * CONNECT_REAL_S)
        elif hasattr(device, "wait_for_connection"):
            device.wait_for_connection(timeout=CONNECT_REAL_S)
    except Exception as error:
        raise NotConnectedError(f"{name}: does not answer ({type(error).__name__}: {error})") from error


def _disconnect(device: Any) -> None:
    disconnect = getattr(device, "disconnect", None) or getattr(device, "destroy", None)
    if disconnect is not None:
        disconnect()


def _silent(built: Sequence[Any]) -> list[str]:
    """A sentence for each of our devices that does not answer."""
    sentences: list[str] = []
    for item in built:
        if not item.is_ours:
            continue
        try:
            item.device.counters()
        except AutolabError as error:
            sentences.append(str(error))
    return sentences


def _wells(lab: LabSpec) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (f"{labware.name}-{number}", place, well)
        for labware in lab.labware.values()
        for number, place in enumerate(labware.places, 1)
        for well in range(labware.wells)
    )
