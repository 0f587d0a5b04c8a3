"""Floor 1: the text of a formula, as it was written in the table."""

from __future__ import annotations

import ast
import linecache
from functools import cache
from types import CodeType
from typing import Any


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


def formula_text(formula: Any) -> str | None:
    """The body of the lambda `formula`, such as "g * (1 - y * y)"; None where its source is not to be had."""
    code: CodeType | None = getattr(formula, "__code__", None)
    if code is None:
        return None
    if formula.__name__ != "<lambda>":
        return f"{formula.__name__}({', '.join(code.co_varnames[: code.co_argcount])})"
    columns = [p[2] for p in code.co_positions() if p[0] == code.co_firstlineno and p[2] and p[2] != p[3]]
    for node in _lambdas(code.co_filename).get(code.co_firstlineno, []):
        body = node.body
        if columns and body.col_offset <= min(columns) and max(columns) <= (body.end_col_offset or 0):
            return ast.unparse(body)
    return None
