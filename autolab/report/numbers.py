"""Numbers as people read them: few digits, their unit, their standard error."""

from __future__ import annotations

import math
import re

from autolab.core.objectives import Objective
from autolab.core.parameters import Parameter, RangeParameter, Value
from autolab.core.problem import Space
from autolab.core.proposing import Recommendation
from autolab.core.trials import Estimate

__all__ = [
    "claim_text",
    "duration_text",
    "estimate_text",
    "number_text",
    "outcome_text",
    "quantity_text",
    "recipe",
    "target_text",
    "unit_text",
    "value_text",
    "with_unit",
]

_MICRO = re.compile(r"\bu(?=(?:L|m|s|g|A|V|M|mol|N|W)\b)")


def unit_text(unit: str) -> str:
    """A unit as people write it: ``uL`` is µL, ``degC`` is °C."""
    pretty = _MICRO.sub("µ", unit).replace("degC", "°C").replace("degF", "°F").replace("**2", "²").replace("**3", "³")
    return "%" if pretty == "percent" else pretty


def number_text(number: float, digits: int = 4) -> str:
    """A number with so many significant digits at most, without trailing zeros and never as ``1e+03``."""
    if not math.isfinite(number):
        return str(number)
    if number == 0:
        return "0"
    exponent = math.floor(math.log10(abs(number)))
    if -5 < exponent < max(digits, 6):
        text = f"{number:.{max(digits - 1 - exponent, 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{number:.{digits - 1}e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def estimate_text(value: float, sem: float | None) -> str:
    """A value with its standard error, both to the digits that the error allows: ``1.43 ± 0.08``."""
    if sem is None or not math.isfinite(sem) or sem <= 0:
        return number_text(value)
    decimals = 1 - math.floor(math.log10(float(f"{sem:.1e}")))
    if decimals > 8 or decimals < -6:
        return f"{number_text(value)} ± {number_text(sem, 2)}"
    places = max(decimals, 0)
    return f"{round(value, decimals):.{places}f} ± {round(sem, decimals):.{places}f}"


def outcome_text(estimate: Estimate | None, unit: str = "") -> str:
    """An estimate with its unit; a dash where there is none."""
    return "–" if estimate is None else with_unit(estimate_text(estimate.value, estimate.sem), unit)


def with_unit(text: str, unit: str) -> str:
    """A text followed by a unit, where there is one."""
    return f"{text} {unit_text(unit)}" if unit else text


def claim_text(recommendation: Recommendation, unit: str = "") -> str:
    """What is claimed of the recommended recipe, with its standard error, its interval, and whether it is confirmed."""
    value = with_unit(estimate_text(recommendation.mean, recommendation.sem), unit)
    if not recommendation.confirmed:
        return f"{value} (not confirmed)"
    n = recommendation.confirmed
    said = f"confirmed by {n} replicate{'s' if n > 1 else ''}"
    if recommendation.interval is None:
        return f"{value} ({said})"
    low, high = recommendation.interval
    sem = recommendation.sem
    decimals = 3 if not sem else max(1 - math.floor(math.log10(sem)), 0)
    return f"{value} (90 % interval {low:.{decimals}f} to {high:.{decimals}f}; {said})"


def value_text(parameter: Parameter, value: Value) -> str:
    """A parameter's value without its unit, to the digits of its step."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(parameter, RangeParameter) and parameter.step is not None:
        return number_text(value, 10)
    return str(value) if isinstance(value, int) else number_text(value)


def quantity_text(parameter: Parameter, value: Value) -> str:
    """A parameter's value with its unit."""
    return with_unit(value_text(parameter, value), parameter.unit)


def recipe(space: Space, values: dict[str, Value]) -> list[tuple[str, str]]:
    """Name and value with unit of each parameter, in the order of the file."""
    return [(p.name, quantity_text(p, values[p.name])) for p in space.parameters if p.name in values]


def target_text(objective: Objective) -> str:
    """What the objective asks for, such as ``at most 2``; empty without a target."""
    if objective.target is None:
        return ""
    number = number_text(objective.target, 6)
    if objective.goal == "target":
        spread = "" if objective.tolerance is None else f" ± {number_text(objective.tolerance, 6)}"
        return with_unit(number + spread, objective.unit)
    target = with_unit(number, objective.unit)
    return f"at most {target}" if objective.goal == "minimize" else f"at least {target}"


def duration_text(seconds: float) -> str:
    """A duration in the unit that suits it: ``42 s``, ``3 min 10 s``, ``2 h 5 min``."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 0.0995:
        return f"{number_text(seconds * 1000, 2)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    if minutes < 60 * 48:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"
