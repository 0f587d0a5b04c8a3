"""Floor 1: a formula that is nothing but arithmetic, written out: called on symbols, it says what it computes."""

from __future__ import annotations

import ast
import dis
from collections.abc import Callable
from typing import Any

# How the instructions begin that a formula may have to be written out: it then has no branch, calls nothing and looks
# nothing up. Where another Python has other names for that, the formula is called, as any other.
_ARITHMETIC = (
    "CACHE",
    "RESUME",
    "LOAD_FAST",
    "LOAD_CONST",
    "LOAD_SMALL_INT",
    "BINARY_OP",
    "UNARY_NEGATIVE",
    "RETURN_VALUE",
)
_OPERATORS = {"add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "truediv": ast.Div, "pow": ast.Pow}


class Symbol:
    """A value of which only the expression is known."""

    def __init__(self, tree: ast.expr):
        self.tree = tree

    def __neg__(self) -> Symbol:
        return Symbol(ast.UnaryOp(ast.USub(), self.tree))


def _binary(kind: type[ast.operator], reflected: bool) -> Callable[[Symbol, Any], Any]:
    def apply(a: Symbol, b: Any) -> Any:
        if isinstance(b, Symbol):
            trees = [a.tree, b.tree]
        elif type(b) in (int, float) and str(b)[0] != "-":  # "-2.0 ** x" would be read as -(2.0 ** x)
            trees = [a.tree, ast.Constant(b)]
        else:
            return NotImplemented
        left, right = reversed(trees) if reflected else trees
        return Symbol(ast.BinOp(left, kind(), right))

    return apply


for _name, _kind in _OPERATORS.items():
    setattr(Symbol, f"__{_name}__", _binary(_kind, False))
    setattr(Symbol, f"__r{_name}__", _binary(_kind, True))


def written_out(formula: Any, arguments: list[str]) -> str | None:
    """What `formula` computes of `arguments`, each an expression, as one expression; None where that takes more than
    arithmetic.

    >>> written_out(lambda g, y: g * (1 - y * y), ["g", "node.saved_y"])
    'g * (1 - node.saved_y * node.saved_y)'
    >>> written_out(lambda g, x: g * abs(x), ["g", "node.saved_x"]) is None
    True
    """
    code = getattr(formula, "__code__", None)
    if code is None or not all(dis.opname[byte].startswith(_ARITHMETIC) for byte in code.co_code[::2]):
        return None
    try:
        meaning = formula(*[Symbol(ast.parse(argument, mode="eval").body) for argument in arguments])
    except Exception:  # an operator or a constant that is none of the above; 1 / 0 fails when it is called
        return None
    return ast.unparse(meaning.tree) if isinstance(meaning, Symbol) else None
