"""Handing a trial in by hand: read and checked here, decided by the controller."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from autolab.campaign.desk import INJECT
from autolab.compose.approving import posted
from autolab.compose.resuming import RESUMABLE, campaign_record
from autolab.config.units import convert, read_quantity
from autolab.config.words import did_you_mean, listed
from autolab.core.clock import real_clock
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, Value, Values
from autolab.core.principals import Principal
from autolab.core.problem import Space
from autolab.journal.journal import Journal

__all__ = ["inject_trial", "pairs_of", "values_of"]

_PAIR = re.compile(r"(?P<name>[^=\s]+)=(?P<value>.+)")
_SAME = 1e-9
"""Fraction by which a number may differ from one that the hardware can do."""


def inject_trial(data: Path, name: str, texts: Sequence[str], because: str, by: Principal) -> str:
    """Hand a trial to a campaign: it takes the next number, and all checks that a suggestion goes through.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        texts: A value for each parameter that is not fixed, as ``name=value``, with or without its unit.
        because: Why; it is kept.
        by: Who wants it.

    Returns:
        The controller's answer, in one sentence.

    Raises:
        InputError: no such campaign, no point of its space, no reason, or the controller refuses.
    """
    if not because.strip():
        raise InputError("--because: say why, such as 'the centre point, to see the noise'; it is kept with the trial")
    record = campaign_record(data, name)
    if record.state not in RESUMABLE:
        raise InputError(f"{record.id} has {record.state}: hand the trial to a campaign that runs or is paused")
    values = values_of(record.problem.space, texts)
    with closing(Journal(data, real_clock())) as journal:
        arguments = {"values": values, "because": because}
        return posted(journal, record, INJECT, arguments, by, f"the trial that {by.name} hands in")


def pairs_of(texts: Sequence[str]) -> dict[str, str]:
    """What a person has written as ``name=value``, by name.

    Raises:
        InputError: a text is no such pair, or a name is given twice.
    """
    given: dict[str, str] = {}
    for text in texts:
        pair = _PAIR.fullmatch(text.strip())
        if pair is None:
            raise InputError(f"{text!r} is no value: write NAME=VALUE, such as cyan=20 or 'cyan=20 uL'")
        if pair["name"] in given:
            raise InputError(f"{pair['name']} is given twice")
        given[pair["name"]] = pair["value"].strip()
    return given


def values_of(space: Space, texts: Sequence[str]) -> Values:
    """The point that a person has written, complete, each value exactly as the hardware would be told.

    Raises:
        InputError: it is no point of the space; all that is wrong is said.
    """
    given = pairs_of(texts)
    for name in given:
        if name not in space.names:
            guess = did_you_mean(name, space.names)
            hint = f"did you mean {guess!r}?" if guess else f"parameters are {listed(space.names)}"
            raise InputError(f"{name!r} is not a parameter: {hint}")
    fixed: Values = {p.name: p.value for p in space.parameters if isinstance(p, FixedParameter)}
    missing = [name for name in space.names if name not in given and name not in fixed]
    if missing:
        said = f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        raise InputError(f"a trial has a value for each parameter, and {said}: add {missing[0]}=VALUE")
    values: Values = {p.name: _value(p, given[p.name]) if p.name in given else fixed[p.name] for p in space.parameters}
    if problems := space.violations(values):
        raise InputError("; ".join(problems))
    return values


def _value(parameter: Parameter, text: str) -> Value:
    """One value, of the type that the parameter has.

    Raises:
        InputError: the parameter does not take it.
    """
    if isinstance(parameter, ChoiceParameter | FixedParameter):
        choices = parameter.choices if isinstance(parameter, ChoiceParameter) else (parameter.value,)
        found = [choice for choice in choices if _text(choice) == text or _is_number(choice, text)]
        if not found:
            raise InputError(f"{parameter.name}: {text!r} is none of {', '.join(_text(choice) for choice in choices)}")
        return found[0]
    try:
        number = float(text) if _is_plain(text) else _converted(text, parameter.unit)
    except InputError as error:
        raise InputError(f"{parameter.name}: {error}") from None
    if not parameter.lower <= number <= parameter.upper:
        bounds = f"[{parameter.lower:g}, {parameter.upper:g}] {parameter.unit}".rstrip()
        raise InputError(f"{parameter.name}: {number:g} is outside {bounds}")
    rounded = parameter.round(number)
    if abs(float(rounded) - number) > _SAME * max(1.0, abs(number)):
        raise InputError(f"{parameter.name}: {number:g} is not on its grid: the nearest value is {rounded:g}")
    return rounded


def _converted(text: str, unit: str) -> float:
    quantity = read_quantity(text, unit)
    return float(f"{convert(quantity.value, quantity.unit, unit):.12g}")  # without the dust of the conversion


def _text(choice: Value) -> str:
    """A choice as a person writes it."""
    return ("true" if choice else "false") if isinstance(choice, bool) else str(choice)


def _is_number(choice: Value, text: str) -> bool:
    return (
        isinstance(choice, int | float) and not isinstance(choice, bool) and _is_plain(text) and float(text) == choice
    )


def _is_plain(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
