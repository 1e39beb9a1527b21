"""Spaces and targets drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from autolab.core.atmost import AtMost
from autolab.core.conditionals import Conditional
from autolab.core.constraints import Constraint
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Space

__all__ = ["spaces", "split_spaces"]


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


@st.composite
def split_spaces(draw: st.DrawFn) -> Space:
    """A space in which parameters may have to stand still, with a constraint on their sum that some point surely keeps.

    Unordered choices are only what parameters depend on.
    """
    names = ["a", "b", "c", "d"][: draw(st.integers(2, 4))]
    parts = tuple(draw(_part(name)) for name in names)
    at_most: tuple[AtMost, ...] = ()
    if is_counted := draw(st.booleans()):
        at_most = (AtMost(draw(st.integers(1, len(names) - 1)), tuple(names)),)
    constraints: tuple[Constraint, ...] = ()
    if draw(st.booleans()):
        constraints = (Constraint(f"{' + '.join(names)} {draw(st.sampled_from(['==', '>=', '<=']))} 6"),)
    solvent = ChoiceParameter("solvent", ("water", "dmf", "dmso"))
    if is_counted and draw(st.booleans()):
        return Space(parts, constraints, at_most)
    active = draw(st.sampled_from([("dmf",), ("dmf", "dmso")]))
    rules = (Conditional("a", (("solvent", active),), 0), Conditional("t", (("solvent", active),), 30))
    return Space((*parts, solvent, IntegerParameter("t", 20, 90, step=10)), constraints, at_most, rules)


@st.composite
def _part(draw: st.DrawFn, name: str) -> Parameter:
    kind = draw(st.sampled_from(["range", "step", "integer", "choice"]))
    if kind == "choice":
        return ChoiceParameter(name, (0, 1.5, 6), ordered=True)
    if kind == "integer":
        return IntegerParameter(name, 0, draw(st.sampled_from([6, 9])), step=draw(st.sampled_from([1, 3])))
    return RangeParameter(name, 0.0, 6.0, step=draw(st.sampled_from([0.5, 2.0])) if kind == "step" else None)
