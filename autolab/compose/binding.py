"""Binding a campaign to a plan: which argument is a device, which is a parameter, and in which unit."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autolab.config.specs import CampaignSpec, LabSpec
from autolab.config.units import check_same_dimension, convert
from autolab.config.words import did_you_mean
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.core.operations import Operations
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, Values
from autolab.core.plates import Prepared
from autolab.core.samples import Sample
from devices.base import WritableSignal
from plans.conventions import Moved, Unit
from plans.reducers import Reducer

__all__ = [
    "RESERVED",
    "Binding",
    "MeasuringBinding",
    "PreludeBinding",
    "bind",
    "bind_measuring",
    "bind_recovery",
    "is_moved",
    "is_plan",
    "measured_by",
    "unit_in",
]

RESERVED = ("operations", "sample", "md")
"""Arguments that a campaign gives to a plan by itself."""


@dataclass(frozen=True)
class Binding:
    """A plan with what a campaign gives it."""

    plan: Callable[..., Any]
    reducer: Reducer
    devices: tuple[str, ...]
    """Names of the lab's devices that the plan takes."""
    converters: Mapping[str, Callable[[float], float]]
    """For each numeric parameter whose unit differs from the plan's."""
    takes: frozenset[str]
    """Which of ``operations``, ``sample`` and ``md`` the plan takes."""
    measuring: MeasuringBinding | None = None
    """The plan that measures a plate of trials; None where each trial is measured by its own plan."""
    moved: Mapping[str, str] = field(default_factory=dict[str, str])
    """For each argument that takes a device which a person moves, the device: a parameter names it."""

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the lab's devices that a trial takes, also while its plate is measured."""
        measuring = self.measuring.devices if self.measuring else ()
        return tuple(dict.fromkeys((*self.devices, *self.moved.values(), *measuring)))

    @property
    def plans(self) -> tuple[Callable[..., Any], ...]:
        """The plans that a trial takes."""
        return (self.plan,) if self.measuring is None else (self.plan, self.measuring.plan)

    def arguments(
        self, devices: Mapping[str, Any], values: Values, operations: Operations, sample: Sample | None, md: Any
    ) -> dict[str, Any]:
        """Keyword arguments of the plan for one trial, numbers in the plan's own units."""
        arguments: dict[str, Any] = {name: devices[name] for name in self.devices}
        for name, value in values.items():
            if name in self.moved:
                arguments[name] = devices[self.moved[name]]
                continue
            converter = self.converters.get(name)
            arguments[name] = value if converter is None else converter(float(value))
        extras = {"operations": operations, "sample": sample, "md": md}
        return arguments | {name: extras[name] for name in self.takes}

    @property
    def uses_samples(self) -> bool:
        """True where each trial needs a sample of its own."""
        return "sample" in self.takes


def bind(
    campaign: CampaignSpec, lab: LabSpec, plan: Any, reducer: Any, signals: Mapping[str, Sequence[WritableSignal]]
) -> Binding:
    """Match a plan's arguments with the lab's devices and the campaign's parameters, by name.

    Args:
        campaign: The campaign file.
        lab: The lab file.
        plan: What the dotted name of the plan stands for.
        reducer: What the dotted name of the reducer stands for.
        signals: Writable signals of each device of a class of ours.

    Raises:
        FileError: the plan is no plan, an argument has no match, a parameter has no argument, a unit does not fit, or
            a metric is not among those that the reducer declares.
    """
    source = campaign.source
    _refuse_other_than_a_plan(campaign, ("plan",), campaign.plan, plan)
    if not isinstance(reducer, Reducer):
        raise source.error(
            ("reduce",),
            f"{campaign.reduce!r} is not a reducer: declare it with @reducer(metrics=...) of plans.reducers",
        )
    matched = _Match(campaign, lab, plan, signals)
    problems = [*matched.problems(), *_metric_problems(campaign, lab, reducer)]
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return Binding(plan, reducer, matched.devices, matched.converters, matched.takes, moved=matched.moved)


@dataclass(frozen=True)
class MeasuringBinding:
    """A plan that measures a plate, with what a campaign gives it."""

    plan: Callable[..., Any]
    devices: tuple[str, ...]
    takes: frozenset[str]
    """Which of ``plate``, ``operations`` and ``md`` the plan takes."""

    def arguments(
        self, devices: Mapping[str, Any], plate: Sequence[Prepared], operations: Operations, md: Any
    ) -> dict[str, Any]:
        """Keyword arguments of the plan."""
        extras = {"plate": plate, "operations": operations, "md": md}
        return {name: devices[name] for name in self.devices} | {name: extras[name] for name in self.takes}


@dataclass(frozen=True)
class PreludeBinding:
    """A plan that comes before that of a trial, a recovery plan or a calibration, with what it is given."""

    plan: Callable[..., Any]
    devices: tuple[str, ...]
    takes: frozenset[str]
    """Which of ``operations`` and ``sample`` the plan takes."""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else it is given, numbers in its own units."""
    reducer: Reducer | None = None
    """What reduces its data; None where they give no value."""

    def arguments(self, devices: Mapping[str, Any], operations: Operations, sample: Sample | None) -> dict[str, Any]:
        """Keyword arguments of the plan."""
        extras = {"operations": operations, "sample": sample}
        taken = {name: extras[name] for name in self.takes}
        return {**self.values, **{name: devices[name] for name in self.devices}, **taken}


def bind_recovery(campaign: CampaignSpec, lab: LabSpec, kind: str, name: str, plan: Any) -> PreludeBinding:
    """Match a recovery plan's arguments with the lab's devices, by name.

    Args:
        campaign: The campaign file.
        lab: The lab file.
        kind: Kind of fault that names the plan.
        name: Dotted name of the plan.
        plan: What the name stands for.

    Raises:
        FileError: it is no plan, or wants something that is no device of the lab.
    """
    where = ("on_failure", kind, "recover")
    _refuse_other_than_a_plan(campaign, where, name, plan)
    arguments = inspect.signature(plan).parameters
    wanted = [n for n, a in arguments.items() if a.kind not in (a.VAR_KEYWORD, a.VAR_POSITIONAL)]
    takes = {n for n in wanted if n in ("operations", "sample")}
    for argument in wanted:
        is_known = argument in takes or argument in lab.devices
        if not is_known and arguments[argument].default is inspect.Parameter.empty:
            raise campaign.source.error(
                where,
                f"recovery plan {name!r} needs {argument!r}, which is no device of the lab; devices are "
                f"{', '.join(lab.devices)}, and besides them it may take operations and sample",
            )
    return PreludeBinding(plan, tuple(n for n in wanted if n in lab.devices), frozenset(takes))


def bind_measuring(campaign: CampaignSpec, lab: LabSpec, plan: Any, binding: Binding) -> MeasuringBinding:
    """Match the arguments of the plan that measures plates with the lab's devices, by name.

    Args:
        campaign: The campaign file, which has a plate.
        lab: The lab file.
        plan: What the name of the plan stands for.
        binding: The plan that prepares a trial.

    Raises:
        FileError: it is no plan of a plate, or trials are prepared without wells.
    """
    where, name = ("plate", "measure"), "" if campaign.plate is None else campaign.plate.measure
    _refuse_other_than_a_plan(campaign, where, name, plan)
    arguments = inspect.signature(plan).parameters
    wanted = [n for n, a in arguments.items() if a.kind not in (a.VAR_KEYWORD, a.VAR_POSITIONAL)]
    takes = {n for n in wanted if n in ("plate", "operations", "md")}
    for argument in wanted:
        is_known = argument in takes or argument in lab.devices
        if not is_known and arguments[argument].default is inspect.Parameter.empty:
            raise campaign.source.error(
                where,
                f"plan {name!r} needs {argument!r}, which is no device of the lab; devices are "
                f"{', '.join(lab.devices)}, and besides them it may take plate, operations and md",
            )
    if "plate" not in takes:
        raise campaign.source.error(where, f"plan {name!r} takes no 'plate': it would not know which wells to measure")
    if not binding.uses_samples:
        said = f"plan {campaign.plan!r} takes no 'sample': each trial of a plate is prepared in a well of its own"
        raise campaign.source.error(("plan",), said)
    return MeasuringBinding(plan, tuple(n for n in wanted if n in lab.devices), frozenset(takes))


def _refuse_other_than_a_plan(campaign: CampaignSpec, where: tuple[str, ...], name: str, plan: Any) -> None:
    if not is_plan(plan):
        raise campaign.source.error(where, f"{name!r} is not a plan: a plan is a function that yields messages")


def is_plan(found: Any) -> bool:
    """Whether this is a function that yields messages."""
    return inspect.isgeneratorfunction(inspect.unwrap(found) if callable(found) else found)


def is_moved(hint: Any) -> bool:
    """Whether the annotation of an argument says that it takes a device which a person moves."""
    return any(isinstance(item, Moved) for item in getattr(hint, "__metadata__", ()))


def unit_in(hint: Any) -> str | None:
    """The unit that the annotation of an argument names; None where it names none."""
    return next((item.name for item in getattr(hint, "__metadata__", ()) if isinstance(item, Unit)), None)


def measured_by(lab: LabSpec) -> list[str]:
    """Metrics that the instruments of a lab declare, and results that its people give, in the order of its file."""
    options = [device.options for device in lab.devices.values()]
    return [name for said in options for key in ("metrics", "results") for name in dict(said.get(key, {}))]


class _Match:
    """The arguments of a plan, sorted into devices, parameters and the three reserved names."""

    def __init__(
        self,
        campaign: CampaignSpec,
        lab: LabSpec,
        plan: Callable[..., Any],
        signals: Mapping[str, Sequence[WritableSignal]],
    ) -> None:
        self._campaign = campaign
        self._lab = lab
        self._arguments = inspect.signature(plan).parameters
        self._hints = typing.get_type_hints(plan, include_extras=True)
        self._parameters = {parameter.name: parameter for parameter in campaign.problem.space.parameters}
        named = [n for n, a in self._arguments.items() if a.kind not in (a.VAR_KEYWORD, a.VAR_POSITIONAL)]
        self.takes = frozenset(name for name in named if name in RESERVED and not self._can_do_without(name))
        free = [name for name in named if name not in RESERVED]
        self.devices = tuple(name for name in free if name in lab.devices and name not in self._parameters)
        self.converters: dict[str, Callable[[float], float]] = {}
        self._wanted = [name for name in named if is_moved(self._hints.get(name))]
        fixed = {n: p.value for n, p in self._parameters.items() if n in self._wanted and isinstance(p, FixedParameter)}
        self.moved = {name: str(value) for name, value in fixed.items() if value in lab.devices}
        own = [s for device in (*self.devices, *self.moved.values()) for s in signals.get(device, ())]
        self._signal_units = {signal.name: signal.unit for signal in own if signal.unit}
        self._unmatched = [name for name in free if name not in lab.devices and name not in self._parameters]
        self._takes_any = any(a.kind is a.VAR_KEYWORD for a in self._arguments.values())

    def problems(self) -> list[FileError]:
        """What does not fit, one refusal each. Converters are known afterwards."""
        plan, source = self._campaign.plan, self._campaign.source
        found: list[FileError] = []
        for name in self._unmatched:
            if self._arguments[name].default is inspect.Parameter.empty:
                known = f"devices are {', '.join(self._lab.devices)}; parameters are {', '.join(self._parameters)}"
                message = f"plan {plan!r} needs {name!r}, which is no device and no parameter here; {known}"
                found.append(source.error(("plan",), message))
        for name, parameter in self._parameters.items():
            path = ("parameters", name)
            if name in self._lab.devices:
                found.append(source.error(path, f"{name!r} is a device of the lab too: rename the parameter"))
            elif name in self._wanted and name not in self.moved:
                found.append(source.error(path, self._unnamed(parameter)))
            elif name not in self._arguments and not self._takes_any:
                found.append(source.error(path, f"plan {plan!r} takes no parameter {name!r}; it takes {self._taken()}"))
            elif (problem := self._unit_problem(parameter)) is not None:
                found.append(source.error((*path, "unit"), problem))
        if "sample" in self.takes and not self._lab.labware:
            found.append(
                source.error(("plan",), f"plan {plan!r} needs samples, and the lab file declares no 'labware'")
            )
        return found

    def _unnamed(self, parameter: Parameter) -> str:
        """What is wrong with a parameter that should name a device."""
        known = f"the lab has {', '.join(self._lab.devices)}"
        if not isinstance(parameter, FixedParameter):
            return f"{parameter.name} names one device, such as {{value: {next(iter(self._lab.devices))}}}; {known}"
        guess = did_you_mean(str(parameter.value), self._lab.devices)
        return f"there is no device {parameter.value!r}; " + (f"did you mean {guess!r}?" if guess else known)

    def _can_do_without(self, name: str) -> bool:
        """A plan with an optional sample gets none in a lab without labware."""
        return name == "sample" and not self._lab.labware and self._arguments[name].default is None

    def _taken(self) -> str:
        return ", ".join(n for n in self._arguments if n not in RESERVED and n not in self._lab.devices)

    def _unit_problem(self, parameter: Parameter) -> str | None:
        """Why the parameter's unit does not fit the plan's; None where it does."""
        wanted = self._wanted_unit(parameter.name)
        if wanted is None or (isinstance(parameter, ChoiceParameter) and not parameter.is_numeric):
            return None
        takes = f"plan {self._campaign.plan!r} takes it in {wanted}"
        if not parameter.unit:
            return f"{parameter.name} has no unit, and {takes}: add 'unit: {wanted}'"
        if parameter.unit == wanted:
            return None
        try:
            check_same_dimension(parameter.unit, wanted)
        except InputError as error:
            return f"{parameter.name} is in {parameter.unit}, and {takes}: {error}"
        self.converters[parameter.name] = affine(parameter.unit, wanted)
        return None

    def _wanted_unit(self, name: str) -> str | None:
        """The unit in which the plan takes a parameter: that of its argument's annotation.

        A plan that takes any parameter hands it to a device's signal of the same name, in that signal's unit.
        """
        if name not in self._arguments:
            return self._signal_units.get(name)
        return unit_in(self._hints.get(name))


def affine(unit: str, wanted: str) -> Callable[[float], float]:
    """The conversion between two units of one dimension, as a plain function of a number."""
    offset = convert(0.0, unit, wanted)
    slope = convert(1.0, unit, wanted) - offset
    return lambda value: float(f"{slope * value + offset:.12g}")


def _metric_problems(campaign: CampaignSpec, lab: LabSpec, reducer: Reducer) -> list[FileError]:
    declared = set(measured_by(lab) if reducer.metrics is None else reducer.metrics)
    problem = campaign.problem
    paths: list[tuple[str, tuple[str | int, ...]]] = [
        (objective.metric, ("objectives", objective.metric)) for objective in problem.objectives
    ]
    paths += [(c.metric, ("outcome_constraints", i)) for i, c in enumerate(problem.outcome_constraints)]
    known = ", ".join(sorted(declared)) or "none"
    return [
        campaign.source.error(path, f"reducer {campaign.reduce!r} does not yield {metric!r}; it yields {known}")
        for metric, path in paths
        if metric not in declared
    ]
