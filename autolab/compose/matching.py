"""Matching a campaign with its lab: files read, names resolved, and what one wants found in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autolab.compose.calibrating import match_calibrations, needed, refuse_too_few, refuse_unknown
from autolab.compose.engines import check_engine
from autolab.compose.names import Names
from autolab.compose.opening import BenchPlan, plan_bench
from autolab.compose.options import RunOptions
from autolab.compose.permitting import check_level
from autolab.compose.subscribers import check_subscribers
from autolab.config.avoiding import in_force
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.config.specs import CampaignSpec, LabSpec
from autolab.core.calibrations import Calibration
from autolab.core.clock import real_clock
from autolab.core.envelope import Limit
from autolab.core.errors import InputError
from autolab.core.people import AsksPeople
from autolab.core.proposing import UNLEARNED
from autolab.core.quality import QualityCheck

__all__ = ["Bound", "bind", "bind_files", "match_plan", "match_recoveries", "with_options"]


@dataclass(frozen=True)
class Bound:
    """A campaign and its lab, read, resolved and matched; nothing has been started."""

    campaign: CampaignSpec
    lab: LabSpec
    names: Names
    binding: Any
    """A `autolab.compose.binding.Binding`."""
    recoveries: Mapping[str, Any]
    """A `autolab.compose.binding.PreludeBinding` for each recovery plan, by its dotted name."""
    bench: BenchPlan
    signals: Mapping[str, Any]
    """Writable signals of each device of a class of ours."""
    limits: Mapping[str, Limit]
    """The envelope by ``device.signal``, in each device's own unit."""
    calibrations: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """A `autolab.compose.binding.PreludeBinding` for each calibration of the lab, by its name."""
    asked: tuple[str, ...] = ()
    """Calibrations that a person wants performed now."""

    @property
    def used(self) -> frozenset[str]:
        """Names of the devices that its plans, a recovery plan or a calibration takes."""
        return self._used.union(*(self.calibrations[one.name].devices for one in self.needed))

    @property
    def needed(self) -> list[Calibration]:
        """The calibrations that its trials rely on, and those that a person wants, in the order of the lab file.

        Nothing is measured with a device that is moved by hand.
        """
        return needed(self.lab, self._used - set(self.binding.moved.values()), self.asked)

    @property
    def quality(self) -> tuple[QualityCheck, ...]:
        """The checks of what its trials measure: none of a device that is moved by hand."""
        moved = set(self.binding.moved.values())
        return tuple(check for check in self.lab.quality if check.of.partition(".")[0] not in moved)

    @property
    def preludes(self) -> Mapping[str, Any]:
        """All plans that may come before that of a trial, by their names."""
        return {**self.recoveries, **self.calibrations}

    @property
    def _used(self) -> frozenset[str]:
        return frozenset(self.binding.used).union(*(recovery.devices for recovery in self.recoveries.values()))


def bind_files(file: Path, options: RunOptions) -> Bound:
    """Read a campaign file and its lab file, resolve their names, and match one with the other. Nothing moves.

    Raises:
        InputError: something in the files is refused; all that was found is reported together.
    """
    return bind(with_options(load_campaign(file), options), options)


def bind(campaign: CampaignSpec, options: RunOptions, lab: LabSpec | None = None) -> Bound:
    """Resolve the names of a campaign and its lab, and match one with the other. Nothing moves.

    Args:
        campaign: The campaign file.
        options: How it is to be run.
        lab: The lab file; None to read it here.

    Raises:
        InputError: something in the files is refused; all that was found is reported together.
    """
    lab = lab or load_lab(campaign.lab)
    bench = plan_bench(lab, options)  # before plans are imported: they bring EPICS along
    binding, signals = match_plan(campaign, lab)
    from autolab.compose.devices import check_envelope, device_classes
    from autolab.compose.ruling import lab_rules

    lab_names = Names(lab.source, lab.packages, campaign.lab.parent)
    check_engine(campaign, lab)
    recoveries = match_recoveries(campaign, lab)
    classes = device_classes(lab, lab_names)
    limits = {f"{name}.{s}": limit for name, own in check_envelope(lab, classes).items() for s, limit in own.items()}
    lab_rules(lab, classes)
    refuse_unknown(lab, options.calibrate)
    calibrations = match_calibrations(lab, lab_names)
    check_subscribers(lab, lab_names)
    bound = Bound(
        campaign, lab, lab_names, binding, recoveries, bench, signals, limits, calibrations, options.calibrate
    )
    _check_lanes(campaign, lab, sorted(bound.used))
    if campaign.plate is not None and campaign.lanes > 1:
        raise InputError("--lanes: the trials of a plate are prepared one by one: leave it out")
    refuse_too_few(bound)
    _refuse_virtual_people(options, classes, sorted(bound.used))
    check_level(campaign, limits, bound.used)
    return bound


def match_plan(campaign: CampaignSpec, lab: LabSpec) -> tuple[Any, Mapping[str, Any]]:
    """Resolve the names of a campaign's plan, its reducer and the lab's devices, and match them.

    Returns:
        The `autolab.compose.binding.Binding`, and the writable signals of each device of a class of ours.

    Raises:
        InputError: something in the files is refused; all that was found is reported together.
    """
    names = Names(campaign.source, lab.packages, campaign.lab.parent)
    from autolab.compose.binding import bind as match
    from autolab.compose.binding import bind_measuring
    from autolab.compose.devices import device_classes, writable_signals

    plan = names.resolve(campaign.plan, ("plan",), "plan")
    reducer = names.resolve(campaign.reduce, ("reduce",), "reducer")
    classes = device_classes(lab, Names(lab.source, lab.packages, campaign.lab.parent))
    signals = {name: writable_signals(classes[name], spec) or () for name, spec in lab.devices.items()}
    binding = match(campaign, lab, plan, reducer, signals)
    if campaign.plate is not None:
        measure = names.resolve(campaign.plate.measure, ("plate", "measure"), "plan")
        binding = replace(binding, measuring=bind_measuring(campaign, lab, measure, binding))
    return binding, signals


def match_recoveries(campaign: CampaignSpec, lab: LabSpec) -> dict[str, Any]:
    """Resolve the names of a campaign's recovery plans, and match them with the lab.

    Returns:
        The `autolab.compose.binding.PreludeBinding` of each, by its dotted name.

    Raises:
        FileError: one is refused.
    """
    from autolab.compose.binding import bind_recovery

    names = Names(campaign.source, lab.packages, campaign.lab.parent)
    wanted = {kind: policy.recover for kind, policy in campaign.on_failure.items() if policy.recover is not None}
    return {
        name: bind_recovery(campaign, lab, kind, name, names.resolve(name, ("on_failure", kind, "recover"), "plan"))
        for kind, name in wanted.items()
    }


def with_options(campaign: CampaignSpec, options: RunOptions) -> CampaignSpec:
    """A campaign as the options want it, under the rules that are in force today.

    Raises:
        InputError: they do not go together, or a rule leaves nothing of the space.
    """
    budget = campaign.budget if options.trials is None else replace(campaign.budget, trials=options.trials)
    engine = campaign.engine if options.engine is None else replace(campaign.engine, name=options.engine)
    lanes = options.lanes or campaign.lanes
    if options.virtual and lanes > 1:
        raise InputError("--virtual runs one lane: leave --lanes out, or run without --virtual")
    hard = campaign.problem.hard_constraints
    if hard and engine.name in UNLEARNED and not options.in_memory:  # a rehearsal in memory breaks nothing
        raise InputError(
            f"--engine {engine.name}: it predicts nothing, and '{hard[0]}' is hard: take an engine that learns"
        )
    today = real_clock().date().date()
    return in_force(replace(campaign, budget=budget, engine=engine, lanes=lanes), today)


def _check_lanes(campaign: CampaignSpec, lab: LabSpec, devices: Sequence[str]) -> None:
    """Refuse lanes that would move one device at the same time."""
    shared = [name for name in devices if name not in lab.stations]
    if campaign.lanes > 1 and shared:
        raise campaign.source.error(
            ("lanes",),
            f"{campaign.lanes} lanes would use {', '.join(shared)} at the same time: "
            "list them under 'stations' in the lab file, so that one trial holds them at a time",
        )


def _refuse_virtual_people(options: RunOptions, classes: Mapping[str, type], devices: Sequence[str]) -> None:
    people = [name for name in devices if issubclass(classes[name], AsksPeople)]
    if options.virtual and people:
        raise InputError(
            f"--virtual: {', '.join(people)} is a person, and nobody can answer on the virtual clock: leave it out"
        )
