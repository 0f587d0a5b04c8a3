"""Floor 1: the text of a formula, as it was written in the table."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from functools import cache, lru_cache
from types import CodeType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _lambdas(filename: str) -> dict[int, list[ast.Lambda]]:
    """The lambdas of a source file by the line that they start on."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return {}
    found: dict[int, list[ast.Lambda]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
    return found


def reads_as(text: str) -> Callable[[F], F]:
    """A decorator of a helper that computes `text`, in the names of its parameters, and only does so faster or for more
    shapes: that is how a formula that calls it reads. It leaves the helper as it is."""

    def marked(helper: F) -> F:
        helper.reads_as = text  # type: ignore[attr-defined]
        return helper

    return marked


class _Read(ast.NodeTransformer):
    """Calls of helpers become what they read as, or lose the underscore of their name."""

    def __init__(self, helpers: dict[str, Any]):
        self.helpers = helpers

    def visit_Name(self, node: ast.Name) -> ast.AST:
        given = self.helpers.get(node.id)
        return given if isinstance(given, ast.AST) else ast.Name(node.id.lstrip("_"))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        helper: Any = self.helpers.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if not hasattr(helper, "reads_as"):
            return self.generic_visit(node)
        names = helper.__code__.co_varnames
        given = dict(zip(names, [self.visit(argument) for argument in node.args], strict=False))
        meaning: ast.AST = _Read(given).visit(ast.parse(helper.reads_as, mode="eval").body)
        return meaning


def formula_source(formula: Any) -> str | None:
    """The body of the lambda `formula` as it was written, such as "g * (1 - y * y)"; None where its source is not to be
    had, or where it is no lambda."""
    code: CodeType | None = getattr(formula, "__code__", None)
    if code is None or formula.__name__ != "<lambda>":
        return None
    columns = [p[2] for p in code.co_positions() if p[0] == code.co_firstlineno and p[2] and p[2] != p[3]]
    for node in _lambdas(code.co_filename).get(code.co_firstlineno, []):
        body = node.body
        if columns and body.col_offset <= min(columns) and max(columns) <= (body.end_col_offset or 0):
            return ast.unparse(body)
    return None


@lru_cache(maxsize=4096)
def formula_text(formula: Any) -> str | None:
    """The formula as it reads: the body of a lambda, in which helpers read as `reads_as` says; a function's name and
    parameters; None where the source is not to be had."""
    code: CodeType | None = getattr(formula, "__code__", None)
    if code is None:
        return None
    if formula.__name__ != "<lambda>":
        return f"{formula.__name__.lstrip('_')}({', '.join(code.co_varnames[: code.co_argcount])})"
    source = formula_source(formula)
    return source and ast.unparse(_Read(formula.__globals__).visit(ast.parse(source, mode="eval").body))
