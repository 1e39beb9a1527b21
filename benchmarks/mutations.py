"""The small changes that mutation testing makes, one at a time, to the syntax tree of a module."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

__all__ = ["mutations"]

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
}
Found = tuple[str, str, str, int, ast.Module]
"""Scope, text before, text after, line, and the changed tree, which is changed back when the next one is asked for."""


def mutations(source: str) -> Iterator[Found]:
    """Each change of a module. Annotations, documentation, messages and ``__all__`` are left as they are."""
    tree = ast.parse(source)
    for scope, node, put in _places(tree):
        for changed in _changed(node):
            before, line = ast.unparse(node), node.lineno
            put(ast.fix_missing_locations(ast.copy_location(changed, node)))
            yield scope, before, ast.unparse(changed), line, tree
            put(node)


Put = Callable[[ast.AST], None]


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.expr | ast.stmt, Put]]:
    """Each expression and statement that may be changed, with what puts another in its place."""
    waiting: list[tuple[str, ast.AST]] = [("module", tree)]
    while waiting:
        scope, parent = waiting.pop(0)
        for field, value in ast.iter_fields(parent):
            if field in {"annotation", "returns", "decorator_list"} or isinstance(parent, ast.Raise):
                continue
            items = value if isinstance(value, list) else [value]
            for index, item in enumerate(items):
                if not isinstance(item, ast.AST) or _is_left(item):
                    continue
                inner = scope
                if isinstance(item, ast.FunctionDef | ast.ClassDef):
                    inner = item.name if scope == "module" else f"{scope}.{item.name}"
                waiting.append((inner, item))
                if isinstance(item, ast.expr | ast.stmt):
                    yield scope, item, _putter(parent, field, value, index)


def _is_left(node: ast.AST) -> bool:
    """Documentation, imports, type aliases and the list of public names."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return "__all__" in targets or (bool(targets) and isinstance(node.value, ast.Subscript | ast.BinOp))
    return isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)


def _putter(parent: ast.AST, field: str, value: object, index: int) -> Put:
    def put(node: ast.AST) -> None:
        if isinstance(value, list):
            value[index] = node
        else:
            setattr(parent, field, node)

    return put


def _changed(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    """What a place may be changed to."""
    yield from _changed_logic(node)
    yield from _changed_value(node)
    match node:
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(ast.Call()) | ast.AugAssign():
            yield ast.Pass()
        case _:
            return


def _changed_logic(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    """Comparisons, and what joins or negates them."""
    match node:
        case ast.Compare(left, ops, comparators):
            for index, op in enumerate(ops):
                for other in _COMPARISONS[type(op)]:
                    yield ast.Compare(left, [*ops[:index], other(), *ops[index + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values)
            for index in range(len(values)):
                left = [*values[:index], *values[index + 1 :]]
                yield left[0] if len(left) == 1 else ast.BoolOp(op, left)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield body
            yield orelse
            yield ast.IfExp(test, orelse, body)
        case _:
            return


def _changed_value(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    """Arithmetic and constants."""
    match node:
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)](), right)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(None):
            yield ast.Constant(True)
        case _:
            return
