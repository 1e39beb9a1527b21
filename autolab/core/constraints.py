"""Constraints: a closed grammar of arithmetic over parameter names, read without ``eval``.

``cyan + magenta <= 300``, ``a + b + c == 100`` (a mixture), ``x * y <= 5`` (nonlinear). Allowed are numbers, names,
``+ - * / **``, brackets, and one of ``<= >= ==``.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from autolab.core.errors import InputError

__all__ = ["Constraint", "Linear", "Relation"]

Relation = Literal["<=", ">=", "=="]
_RELATIONS: dict[type[ast.cmpop], Relation] = {ast.LtE: "<=", ast.GtE: ">=", ast.Eq: "=="}
_MAX_LENGTH = 500
_TOLERANCE = 1e-8
"""A constraint holds when it is violated by at most this fraction of the larger of 1 and its bound."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear constraint in the form ``sum(coefficients[name] * name) relation bound``."""

    coefficients: dict[str, float]
    relation: Relation
    bound: float


@dataclass(frozen=True, slots=True)
class Constraint:
    """A relation between parameters that every trial must satisfy.

    Raises:
        InputError: ``text`` is not in the grammar.
    """

    text: str
    because: str = ""
    """Whose wish it is and why, where it comes from a person's rule; or what is left of a material."""
    is_passing: bool = False
    """Whether it says only what can be made now, with what is left."""

    def __post_init__(self) -> None:
        _Reader(self.text).read()

    @property
    def names(self) -> frozenset[str]:
        """Names that occur in the constraint."""
        return frozenset(node.id for node in ast.walk(ast.parse(self.text, mode="eval")) if isinstance(node, ast.Name))

    @property
    def relation(self) -> Relation:
        """How the two sides compare."""
        return _Reader(self.text).read()[1]

    @property
    def linear(self) -> Linear | None:
        """The linear form, or None where the constraint is not linear."""
        left, relation, right = _Reader(self.text).read()
        difference = _linear_form(ast.BinOp(left=left, op=ast.Sub(), right=right))
        if difference is None:
            return None
        coefficients = {name: weight for name, weight in difference.items() if name and weight != 0.0}
        return Linear(coefficients, relation, -difference.get("", 0.0))

    def excess(self, values: Mapping[str, float]) -> float:
        """How far ``values`` are beyond the constraint: at most 0 where it holds, NaN where it cannot be computed.

        For ``==`` it is the absolute difference of the two sides.
        """
        left, relation, right = _Reader(self.text).read()
        try:
            difference = _number(left, values) - _number(right, values)
        except (ZeroDivisionError, OverflowError, ValueError):
            return math.nan
        return abs(difference) if relation == "==" else difference if relation == "<=" else -difference

    def holds(self, values: Mapping[str, float]) -> bool:
        """True where the constraint holds within rounding; NaN never does."""
        _, _, right = _Reader(self.text).read()
        try:
            bound = abs(_number(right, values))
        except (ZeroDivisionError, OverflowError, ValueError):
            return False
        return self.excess(values) <= _TOLERANCE * max(1.0, bound)


class _Reader:
    """Reads the text of one constraint into its two sides."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self) -> tuple[ast.expr, Relation, ast.expr]:
        if len(self.text) > _MAX_LENGTH:
            raise InputError(f"a constraint has at most {_MAX_LENGTH} characters, and this one has {len(self.text)}")
        try:
            body = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._refused("it cannot be read") from None
        if not isinstance(body, ast.Compare) or len(body.ops) != 1 or type(body.ops[0]) not in _RELATIONS:
            raise self._refused("it needs exactly one of <=, >= or ==")
        left, right = body.left, body.comparators[0]
        for side in (left, right):
            self._check(side)
        return left, _RELATIONS[type(body.ops[0])], right

    def _check(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name):
            return
        if (
            isinstance(node, ast.Constant)
            and type(node.value) in (int, float)
            and _is_finite(cast("float", node.value))
        ):
            return
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            self._check(node.operand)
            return
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow):
            self._check(node.left)
            self._check(node.right)
            return
        raise self._refused(f"{ast.unparse(node)!r} is not arithmetic")

    def _refused(self, why: str) -> InputError:
        return InputError(
            f"constraint {self.text!r}: {why}. Allowed are numbers, parameter names, + - * / **, brackets, "
            "and one of <= >= =="
        )


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def _number(node: ast.expr, values: Mapping[str, float]) -> float:
    if isinstance(node, ast.Name):
        return float(values[node.id])
    if isinstance(node, ast.Constant):
        return float(cast("float", node.value))
    if isinstance(node, ast.UnaryOp):
        operand = _number(node.operand, values)
        return -operand if isinstance(node.op, ast.USub) else operand
    binary = cast("ast.BinOp", node)
    left, right = _number(binary.left, values), _number(binary.right, values)
    match binary.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case _:
            return math.pow(left, right)


def _linear_form(node: ast.expr) -> dict[str, float] | None:
    """Coefficients by name, the constant under the empty name; None where the expression is not linear."""
    if isinstance(node, ast.Name):
        return {node.id: 1.0}
    if isinstance(node, ast.Constant):
        return {"": float(cast("float", node.value))}
    if isinstance(node, ast.UnaryOp):
        form = _linear_form(node.operand)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return None if form is None else _scaled(form, sign)
    binary = cast("ast.BinOp", node)
    left, right = _linear_form(binary.left), _linear_form(binary.right)
    if left is None or right is None:
        return None
    match binary.op:
        case ast.Add():
            return _sum(left, right)
        case ast.Sub():
            return _sum(left, _scaled(right, -1.0))
        case ast.Mult() if right.keys() <= {""}:
            return _scaled(left, right.get("", 0.0))
        case ast.Mult() if left.keys() <= {""}:
            return _scaled(right, left.get("", 0.0))
        case ast.Div() if right.keys() <= {""} and right.get("", 0.0) != 0.0:
            return _scaled(left, 1.0 / right[""])
        case ast.Pow() if left.keys() <= {""} and right.keys() <= {""}:
            return _constant_power(left.get("", 0.0), right.get("", 0.0))
        case ast.Pow() if right == {"": 1.0}:
            return left
        case _:
            return None


def _constant_power(base: float, exponent: float) -> dict[str, float] | None:
    try:
        return {"": math.pow(base, exponent)}
    except (ValueError, OverflowError):
        return None


def _sum(left: dict[str, float], right: dict[str, float]) -> dict[str, float]:
    return {name: left.get(name, 0.0) + right.get(name, 0.0) for name in {**left, **right}}


def _scaled(form: dict[str, float], factor: float) -> dict[str, float]:
    return {name: weight * factor for name, weight in form.items()}
