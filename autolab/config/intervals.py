"""Interval arithmetic: what a constraint can come to inside bounds. It proves at once that some cannot be kept."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import cast

from autolab.core.constraints import Constraint

__all__ = ["Interval", "is_out_of_reach"]

Interval = tuple[float, float]
"""Lowest and highest value."""
_ANYTHING: Interval = (-math.inf, math.inf)
_MARGIN = 1e-6
"""Share of the larger of 1 and a side's size by which a side has to be beyond: more than a constraint's tolerance."""


def is_out_of_reach(constraint: Constraint, bounds: Mapping[str, Interval]) -> bool:
    """True where it is proven that no values inside ``bounds`` keep ``constraint``. False where nothing is known."""
    compare = cast("ast.Compare", ast.parse(constraint.text, mode="eval").body)
    left, right = _reach(compare.left, bounds), _reach(compare.comparators[0], bounds)
    sizes = [abs(number) for number in (*left, *right) if math.isfinite(number)]
    margin = _MARGIN * max([1.0, *sizes])
    is_above, is_below = left[0] > right[1] + margin, left[1] < right[0] - margin
    return {"<=": is_above, ">=": is_below, "==": is_above or is_below}[constraint.relation]


def _reach(node: ast.expr, bounds: Mapping[str, Interval]) -> Interval:
    """An interval that holds all that an expression can come to."""
    if isinstance(node, ast.Name):
        return bounds[node.id]
    if isinstance(node, ast.Constant):
        number = float(cast("float", node.value))
        return number, number
    if isinstance(node, ast.UnaryOp):
        low, high = _reach(node.operand, bounds)
        return (-high, -low) if isinstance(node.op, ast.USub) else (low, high)
    binary = cast("ast.BinOp", node)
    left, right = _reach(binary.left, bounds), _reach(binary.right, bounds)
    match binary.op:
        case ast.Add():
            found = left[0] + right[0], left[1] + right[1]
        case ast.Sub():
            found = left[0] - right[1], left[1] - right[0]
        case ast.Mult():
            found = _hull([one * other for one in left for other in right])
        case ast.Div() if not right[0] <= 0.0 <= right[1]:
            found = _hull([one / other for one in left for other in right])
        case ast.Pow() if left[0] > 0.0 or (left[0] == 0.0 and right[0] > 0.0):
            found = _powers(left, right)
        case ast.Pow() if right == (2.0, 2.0):
            found = (0.0, max(left[0] ** 2, left[1] ** 2)) if left[0] <= 0.0 <= left[1] else _powers(left, right)
        case _:
            return _ANYTHING
    return _ANYTHING if math.isnan(found[0]) or math.isnan(found[1]) else found


def _powers(left: Interval, right: Interval) -> Interval:
    """A power is monotonous in each of its parts where its base has one sign, so that the corners are enough."""
    try:
        return _hull([math.pow(one, other) for one in left for other in right])
    except (OverflowError, ValueError):
        return _ANYTHING


def _hull(numbers: list[float]) -> Interval:
    return _ANYTHING if any(math.isnan(number) for number in numbers) else (min(numbers), max(numbers))
