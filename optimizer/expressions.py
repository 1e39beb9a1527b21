"""Constraints as functions of whole arrays: the grammar of `autolab.core.constraints`, evaluated elementwise.

The text has been checked when the `Constraint` was made. The same function serves numpy arrays, torch tensors and
plain numbers, since it uses nothing but their operators.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from autolab.core.constraints import Constraint, Relation

__all__ = ["HOLDS_WITHIN", "CompiledConstraint"]

HOLDS_WITHIN = 1e-8
"""A constraint holds when it is violated by at most this fraction of the larger of 1 and its bound."""

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class CompiledConstraint:
    """One constraint, read once and evaluated many times.

    Args:
        constraint: The constraint; its text is in the grammar.
    """

    def __init__(self, constraint: Constraint) -> None:
        compare = cast("ast.Compare", ast.parse(constraint.text, mode="eval").body)
        self.text = constraint.text
        self.names = constraint.names
        self.relation: Relation = constraint.relation
        self.linear = constraint.linear
        self._left, self._right = compare.left, compare.comparators[0]

    def excess(self, columns: Mapping[str, Any]) -> Any:
        """How far beyond the constraint, signed: at most 0 where an inequality holds, exactly 0 where ``==`` does.

        Args:
            columns: Values by name; arrays of one shape.

        Returns:
            An array of that shape; not finite where the expression cannot be computed.
        """
        difference = _evaluate(self._left, columns) - _evaluate(self._right, columns)
        return -difference if self.relation == ">=" else difference

    def bound(self, columns: Mapping[str, Any]) -> Any:
        """The right-hand side, to which the tolerance is relative. Shapes as in `excess`."""
        return _evaluate(self._right, columns)


def _evaluate(node: ast.expr, columns: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return columns[node.id]
    if isinstance(node, ast.Constant):
        return float(cast("float", node.value))
    if isinstance(node, ast.UnaryOp):
        operand = _evaluate(node.operand, columns)
        return -operand if isinstance(node.op, ast.USub) else operand
    binary = cast("ast.BinOp", node)
    return _OPERATORS[type(binary.op)](_evaluate(binary.left, columns), _evaluate(binary.right, columns))
