"""Looking at a plan in a throw-away process: what it takes, and what reduces its data. Nothing is built or reached."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from autolab.compose.names import Names
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.config.words import listed
from autolab.core.errors import InputError

__all__ = ["PlanView", "look_at_plan", "thrown_away"]

_Found = TypeVar("_Found")
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan, seen from outside."""

    lab: str
    """Name of the lab."""
    units: Mapping[str, str]
    """Its parameters, each with the unit in which it is taken; empty where none is named."""
    needed: tuple[str, ...]
    """Parameters without a default."""
    takes_any: bool
    """Whether it takes parameters of other names too."""
    about: str
    """The plan, for a message: its name, and that of the device which a parameter names."""
    reducer: str
    """Dotted name of what reduces its data."""
    metrics: tuple[str, ...]
    """What the reducer yields, its first metric first."""


def look_at_plan(lab: Path, plan: str, reducer: str | None, given: Mapping[str, str] = NOTHING) -> PlanView:
    """What a plan takes, in a process that is thrown away: what modules do when they are imported happens there.

    Args:
        lab: The lab file.
        plan: Dotted name of the plan.
        reducer: Dotted name of a reducer; None for the only one in the plan's module.
        given: Values of its parameters, as a person wrote them: one may name the device that the plan takes.

    Raises:
        InputError: the file is refused, a name stands for nothing or for something else, or the process died.
    """
    return thrown_away(
        f"{plan}: importing it ended the process that looked at it", _look, lab, plan, reducer, dict(given)
    )


def thrown_away(died: str, look: Callable[..., _Found], *about: Any) -> _Found:
    """What a function finds in a process that is thrown away.

    Raises:
        InputError: the function raises it; or the process died, which ``died`` says.
    """
    with ProcessPoolExecutor(1, get_context("fork")) as child:
        try:
            return child.submit(look, *about).result()
        except BrokenProcessPool:
            raise InputError(died) from None


def _look(file: Path, plan: str, reducer: str | None, given: Mapping[str, str]) -> PlanView:
    from autolab.compose.binding import RESERVED, is_moved, is_plan  # with Bluesky behind it
    from autolab.compose.moving import settings_of

    lab = load_lab(file)
    names = Names(lab.source, lab.packages, file.parent)
    found = names.resolve(plan, (), "plan")
    if not is_plan(found):
        raise InputError(f"{plan!r} is not a plan: a plan is a function that yields messages")
    name = reducer or _only_reducer(plan, found)
    metrics = _metrics(lab, name, names.resolve(name, (), "reducer"))
    arguments = inspect.signature(found).parameters
    named = [n for n, a in arguments.items() if a.kind not in (a.VAR_KEYWORD, a.VAR_POSITIONAL)]
    own = [n for n in named if n not in lab.devices and n not in RESERVED]
    units, takes_any = _units(found, own), any(a.kind is a.VAR_KEYWORD for a in arguments.values())
    hints = typing.get_type_hints(found, include_extras=True)
    chosen = [given[n] for n in own if n in given and is_moved(hints.get(n))]
    if chosen and takes_any:
        units |= {name: unit for device in chosen for name, unit in settings_of(lab, file.parent, device).items()}
    elif takes_any:
        units |= _instrument_units(lab)
    return PlanView(
        lab=lab.name,
        units=units,
        needed=tuple(n for n in own if arguments[n].default is inspect.Parameter.empty),
        takes_any=takes_any and not chosen,
        about=" of ".join([plan, *chosen]),
        reducer=name,
        metrics=metrics,
    )


def _units(plan: Any, names: list[str]) -> dict[str, str]:
    from autolab.compose.binding import unit_in

    hints = typing.get_type_hints(plan, include_extras=True)
    return {name: unit_in(hints.get(name)) or "" for name in names}


def _instrument_units(lab: LabSpec) -> dict[str, str]:
    """Units of the parameters that instruments of the lab take by name."""
    return {
        name: str(unit)
        for device in lab.devices.values()
        for name, unit in dict(device.options.get("parameters", {})).items()
    }


def _only_reducer(plan: str, found: Any) -> str:
    from plans.reducers import Reducer

    module = inspect.unwrap(found).__module__
    own = [
        name
        for name, each in vars(sys.modules[module]).items()
        if isinstance(each, Reducer) and each.function.__module__ == module
    ]
    if len(own) == 1:
        return f"{module}.{own[0]}"
    said = f"has {listed(own)}" if own else "has none"
    raise InputError(f"{plan}: say with --reduce which reducer makes its data into an outcome; its module {said}")


def _metrics(lab: LabSpec, name: str, reducer: Any) -> tuple[str, ...]:
    from autolab.compose.binding import measured_by
    from plans.reducers import Reducer

    if not isinstance(reducer, Reducer):
        raise InputError(f"{name!r} is not a reducer: declare it with @reducer(metrics=...) of plans.reducers")
    if reducer.metrics is not None:
        return reducer.metrics
    measured = measured_by(lab)
    if not measured:
        raise InputError(f"{name}: yields what the lab's instruments measure, and none declares 'metrics' or 'results'")
    return tuple(dict.fromkeys(measured))
