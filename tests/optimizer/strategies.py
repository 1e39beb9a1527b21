"""Spaces and targets drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from autolab.core.constraints import Constraint
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Space

__all__ = ["spaces"]


@st.composite
def _parameter(draw: st.DrawFn, name: str) -> Parameter:
    kind = draw(st.sampled_from(["range", "log", "step", "logstep", "integer", "ordered", "unordered", "fixed"]))
    lower = draw(st.sampled_from([0.1, 0.5, 1.0, 2.0]))
    upper = lower + draw(st.sampled_from([1.0, 7.3, 50.0]))
    if kind in ("range", "log"):
        return RangeParameter(name, lower, upper, scale="log" if kind == "log" else "linear")
    if kind in ("step", "logstep"):
        step = draw(st.sampled_from([0.07, 0.1, 0.25, 0.9]))
        return RangeParameter(name, lower, upper, step=step, scale="log" if kind == "logstep" else "linear")
    if kind == "integer":
        return IntegerParameter(name, draw(st.integers(-3, 2)), draw(st.integers(4, 30)), step=draw(st.integers(1, 2)))
    if kind == "fixed":
        return FixedParameter(name, draw(st.sampled_from([1.5, 3, "water", True])))
    choices = draw(st.sampled_from([(1, 2, 5), (0.5, 1.0, 4.0, 8.0), ("water", "ethanol", "acetone"), (True, False)]))
    return ChoiceParameter(name, choices, ordered=kind == "ordered")


def _is_number(parameter: Parameter) -> bool:
    if isinstance(parameter, ChoiceParameter):
        return parameter.is_numeric
    if isinstance(parameter, FixedParameter):
        return isinstance(parameter.value, float | int) and not isinstance(parameter.value, bool)
    return True


def _range_of(parameter: Parameter) -> tuple[float, float]:
    if isinstance(parameter, FixedParameter):
        return float(parameter.value), float(parameter.value)
    if isinstance(parameter, ChoiceParameter):
        numbers = [float(choice) for choice in parameter.choices]
        return min(numbers), max(numbers)
    return float(parameter.lower), float(parameter.upper)


@st.composite
def spaces(draw: st.DrawFn, *, constrained: bool = True) -> Space:
    """A space of one to four parameters, and up to one constraint that some point surely keeps."""
    names = ["a", "b", "c", "d"][: draw(st.integers(1, 4))]
    parameters = tuple(draw(_parameter(name)) for name in names)
    numeric = [parameter for parameter in parameters if _is_number(parameter)]
    if not constrained or len(numeric) < 2 or not draw(st.booleans()):
        return Space(parameters)
    first, second = numeric[0], numeric[1]
    (low1, high1), (low2, high2) = _range_of(first), _range_of(second)
    share = draw(st.sampled_from([0.1, 0.5, 0.9]))
    if draw(st.booleans()):
        bound = low1 + low2 + share * (high1 + high2 - low1 - low2)
        text = f"{first.name} + {second.name} <= {bound!r}"
    else:
        bound = 2 * (low2 - high1) + share * 2 * (high2 - low1 - low2 + high1)
        text = f"2 * {second.name} - 2 * {first.name} >= {min(bound, 2 * (high2 - low1))!r}"
    return Space(parameters, (Constraint(text),))
