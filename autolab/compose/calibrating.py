"""The calibrations of a lab file: their plans and reducers found, matched with the lab, and made in an open lab."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from autolab.compose.names import Names
from autolab.config.specs import LabSpec
from autolab.config.units import convert, read_quantity
from autolab.config.words import did_you_mean, listed, shown
from autolab.core.calibrations import Calibration
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.core.parameters import Value

if TYPE_CHECKING:
    from autolab.campaign.lab import OpenLab
    from autolab.campaign.setup import CalibrationPlan
    from autolab.compose.matching import Bound

__all__ = [
    "calibration_notes",
    "calibration_plans",
    "match_calibrations",
    "needed",
    "quality_notes",
    "refuse_too_few",
    "refuse_unknown",
]


def match_calibrations(lab: LabSpec, names: Names) -> dict[str, Any]:
    """Resolve the plans and reducers of a lab's calibrations, and match them with its devices.

    Args:
        lab: The lab file.
        names: Resolves its dotted names.

    Returns:
        The `autolab.compose.binding.PreludeBinding` of each, by its name.

    Raises:
        FileError: one is refused.
        InputErrors: several are.
    """
    found: dict[str, Any] = {}
    problems: list[InputError] = []
    for calibration in lab.calibrations:
        try:
            found[calibration.name] = _match(lab, names, calibration)
        except InputErrors as errors:
            problems += errors.errors
        except InputError as error:
            problems.append(error)
    if not problems:
        problems += _lacking_metrics(lab, found)
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return found


def needed(lab: LabSpec, devices: Collection[str], asked: Collection[str]) -> list[Calibration]:
    """The calibrations that plans rely on which take these devices, those that are asked for, and their references."""
    wanted = {c.name for c in lab.calibrations if c.name in asked or not set(devices).isdisjoint(c.of)}
    wanted |= {c.valid.drift.of for c in lab.calibrations if c.name in wanted and c.valid.drift is not None}
    return [calibration for calibration in lab.calibrations if calibration.name in wanted]


def refuse_too_few(bound: Bound) -> None:
    """Refuse calibrations that are valid for fewer trials than a plate has which relies on them.

    Raises:
        FileError: there is one.
    """
    plate, measuring = bound.campaign.plate, bound.binding.measuring
    if plate is None or measuring is None:
        return
    for one in bound.needed:
        n_valid = one.valid.trials
        if n_valid is not None and n_valid < plate.trials and not set(measuring.devices).isdisjoint(one.of):
            raise bound.campaign.source.error(
                ("plate", "trials"),
                f"a plate of {plate.trials} trials is measured with {', '.join(one.of)} in one run, and {one} is valid "
                f"for {n_valid}: give at most {n_valid}, or let it be valid for more in the lab file",
            )


def refuse_unknown(lab: LabSpec, asked: Collection[str]) -> None:
    """Refuse names that are no calibrations of a lab.

    Raises:
        InputError: there is one.
    """
    known = [calibration.name for calibration in lab.calibrations]
    for name in asked:
        if name not in known:
            guess = did_you_mean(name, known)
            hint = f"did you mean {guess!r}?" if guess else f"it declares {listed(known) if known else 'none'}"
            raise InputError(f"{name!r} is not a calibration of {lab.name}: {hint}")


def calibration_plans(bound: Bound, lab: OpenLab) -> tuple[CalibrationPlan, ...]:
    """How the calibrations that a campaign relies on are performed, with the devices of an open lab."""
    from autolab.campaign.setup import CalibrationPlan
    from autolab.compose.planmaking import prelude_maker

    measuring = bound.binding.measuring
    of_plates = set[str]() if measuring is None else set(measuring.devices)
    return tuple(
        CalibrationPlan(
            calibration,
            prelude_maker(bound.calibrations[calibration.name], lab),
            bound.calibrations[calibration.name].reducer,
            "sample" in bound.calibrations[calibration.name].takes,
            not of_plates.isdisjoint(calibration.of),
        )
        for calibration in bound.needed
    )


def quality_notes(bound: Bound) -> list[str]:
    """Which quality checks of a lab look at nothing that a campaign yields, one sentence each."""
    yielded = bound.binding.reducer.metrics
    return [
        f"quality check {check.name!r} looks at {check.of!r}, which {bound.campaign.reduce} does not yield: it is not "
        "judged in this campaign"
        for check in bound.lab.quality
        if check.kind in ("range", "scatter") and "." not in check.of and yielded is not None
        if check.of not in yielded
    ]


def calibration_notes(lab: LabSpec) -> list[str]:
    """What a person should know of the calibrations of a lab, one sentence each."""
    does = {
        "wait": "then the controller performs it before the next trial",
        "refuse": "then the campaign pauses until a person has it performed",
    }
    return [f"{c} is valid for {c.valid}; {does[c.if_invalid]}" for c in lab.calibrations]


def _match(lab: LabSpec, names: Names, calibration: Calibration) -> Any:
    from autolab.compose.binding import PreludeBinding, is_plan
    from plans.reducers import Reducer

    path, source = ("calibrations", calibration.name), lab.source
    plan = names.resolve(calibration.plan, (*path, "plan"), "plan")
    if not is_plan(plan):
        raise source.error(
            (*path, "plan"), f"{calibration.plan!r} is not a plan: a plan is a function that yields messages"
        )
    reducer = None
    if calibration.reduce is not None:
        reducer = names.resolve(calibration.reduce, (*path, "reduce"), "reducer")
        if not isinstance(reducer, Reducer):
            raise source.error(
                (*path, "reduce"),
                f"{calibration.reduce!r} is not a reducer: declare it with @reducer(metrics=...) of plans.reducers",
            )
    arguments = inspect.signature(plan).parameters
    wanted = [n for n, a in arguments.items() if a.kind not in (a.VAR_KEYWORD, a.VAR_POSITIONAL)]
    takes = frozenset(n for n in wanted if n in ("operations", "sample"))
    devices = tuple(n for n in wanted if n in lab.devices and n not in calibration.arguments)
    values = _values(lab, calibration, plan, [n for n in wanted if n not in (*takes, *devices)])
    for name in wanted:
        is_known = name in takes or name in devices or name in values
        if not is_known and arguments[name].default is inspect.Parameter.empty:
            raise source.error(
                (*path, "plan"),
                f"plan {calibration.plan!r} needs {name!r}, which is no device of the lab: write it under 'with'; "
                f"devices are {', '.join(lab.devices)}, and besides them it may take operations and sample",
            )
    if "sample" in takes and not lab.labware:
        raise source.error(
            (*path, "plan"), f"plan {calibration.plan!r} needs a sample, and the lab file declares no 'labware'"
        )
    return PreludeBinding(plan, devices, takes, values, reducer)


def _values(lab: LabSpec, calibration: Calibration, plan: Any, free: list[str]) -> dict[str, Value]:
    """What the plan is given besides devices, numbers in its own units."""
    from autolab.compose.binding import unit_in

    hints = typing.get_type_hints(plan, include_extras=True)
    found: dict[str, Value] = {}
    problems: list[FileError] = []
    for name, value in calibration.arguments.items():
        path = ("calibrations", calibration.name, "with", name)
        if name not in free:
            guess = did_you_mean(name, free)
            hint = f"did you mean {guess!r}?" if guess else f"it takes {listed(free) if free else 'nothing else'}"
            problems.append(lab.source.error(path, f"plan {calibration.plan!r} takes no {name!r} from here; {hint}"))
            continue
        try:
            found[name] = _in_unit(value, unit_in(hints.get(name)))
        except InputError as error:
            problems.append(lab.source.error(path, f"{name}: {error}"))
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return found


def _in_unit(value: Value, unit: str | None) -> Value:
    """A value in the unit of the argument that it is for; as it is where that has none.

    Raises:
        InputError: it is no number with a unit of this kind.
    """
    if unit is None:
        return value
    if not isinstance(value, str):
        raise InputError(f"{shown(value)} has no unit: write for example '{value} {unit}'")
    quantity = read_quantity(value, unit)
    return convert(quantity.value, quantity.unit, unit)


def _lacking_metrics(lab: LabSpec, found: Mapping[str, Any]) -> list[InputError]:
    """Where a reference does not yield what is to show a drift, or to correct one."""
    wanted: list[tuple[tuple[str, ...], str, str, str]] = []
    for one in lab.calibrations:
        path = ("calibrations", one.name)
        if one.valid.drift is not None:
            wanted.append(((*path, "valid", "drift", "metric"), one.name, one.valid.drift.of, one.valid.drift.metric))
        wanted += [((*path, "corrects", c.metric, "by"), one.name, one.name, c.by) for c in one.corrects]
    wanted += [(("quality", q.name, "metric"), q.name, q.of, q.metric) for q in lab.quality if q.kind == "drift"]
    return [
        lab.source.error(path, f"{name}: {of} does not yield {metric!r}; it yields {listed(found[of].reducer.metrics)}")
        for path, name, of, metric in wanted
        if found[of].reducer.metrics is not None and metric not in found[of].reducer.metrics
    ]
