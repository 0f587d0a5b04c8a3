"""The formula of a row with the numbers of one call in it, and which numbers make one entry of a gradient."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

import numpy as np

from ..backprop import fitted
from ..describe import inline, number
from ..hooks import Hooks
from ..local import local_derivatives
from ..node import Node
from ..op import Op
from ..ops.index import Index
from ..several import Cotangents, Outputs
from ..source import formula_text
from .passes import Bprop, Passes, Sent, is_several

SHOWN = 3  # terms of a sum
LONGEST = 160  # characters of a formula


class Share(NamedTuple):
    """How one entry of a gradient came about: the sum, over `places` entries of the output, of the upstream gradient
    there times the local derivative. `terms` are (place, upstream, derivative), the largest products first."""

    entry: tuple[int, ...]
    gradient: Any
    terms: list[tuple[tuple[int, ...], Any, Any]]
    places: int


def share(call: Bprop, sent: Sent) -> Share | None:
    """How the largest entry of what was sent came about; None where the derivative is not a table of real numbers."""
    node, to = call.node, sent.to
    one_kind = not is_several(node) and not is_several(to) and node.dtype.kind == to.dtype.kind == "f"
    if not one_kind or any(isinstance(s, Hooks) for s in node.statics):
        return None
    gradient = np.asarray(fitted(sent.gradient, to))
    if not gradient.size or not np.asarray(call.gradient).size:
        return None
    entry = tuple(map(int, np.unravel_index(np.argmax(np.nan_to_num(np.abs(gradient), nan=np.inf)), gradient.shape)))
    try:
        local = local_derivatives(node, sent.slot, np.array([np.ravel_multi_index(entry, to.shape)]))
    except Exception:  # a formula of the user's own need not be one that can be recorded: no such line then
        return None
    upstream = np.broadcast_to(call.gradient, node.shape)
    places = [tuple(map(int, np.unravel_index(place, node.shape))) for place in local.outputs]
    products = np.abs([upstream[p] * d for p, d in zip(places, local.values, strict=True)])
    largest = np.argsort(-np.nan_to_num(products, nan=np.inf), kind="stable")[:SHOWN]
    terms = [(places[k], upstream[places[k]], local.values[k]) for k in largest]
    return Share(entry, gradient[entry], terms, len(places))


def forward_text(node: Node) -> str:
    """What the op computes, in the names of its inputs, such as "a * b" or "sum(x, axis=0)"."""
    op: Op = node.op
    if op.symbol and len(op.inputs) == 2 and len(node.inputs) == 2:
        return f"{op.inputs[0]} {op.symbol} {op.inputs[1]}"
    if text := getattr(op.fprop, "reads_as", None) or (op.fprop.__name__ == "<lambda>" and formula_text(op.fprop)):
        return text.replace("np.", "")
    inputs = op.all_inputs if len(node.inputs) > len(op.inputs) else op.inputs
    given = [f"{s}={in_short(v)}" for s, v in zip(op.statics, node.statics, strict=True) if v is not op.defaults[s]]
    return f"{op.name}({', '.join([*inputs, *given])})"


def forward_numbers(node: Node, passes: Passes) -> str:
    """`forward_text` with the values of the inputs in it."""
    return with_numbers(forward_text(node), _forward_scope(node, passes))


def backward_numbers(call: Bprop, sent: Sent, passes: Passes, place: tuple[int, ...] | None) -> str:
    """The formula of an input's gradient with values in it; at one `place` of the output if the op is element-wise."""
    node, op = call.node, call.node.op
    scope = {**op.scope(node), **_forward_scope(node, passes), "y": passes.values[node], "g": call.gradient}
    if "r" in op.saves:
        scope["r"] = node.saved[op.saves.index("r")]
    if op.elementwise and place is not None:
        scope = {name: _at(value, node.shape, place) for name, value in scope.items()}
    return with_numbers(op.formula_text(op.input_name(sent.slot)), scope)


def _forward_scope(node: Node, passes: Passes) -> dict[str, Any]:
    op: Op = node.op
    values = [passes.values[i] if isinstance(i, Node) else i for i in node.inputs]
    scope = {**dict(zip(op.inputs, values, strict=False)), **dict(zip(op.statics, node.statics, strict=True))}
    if op.variadic:
        scope[op.variadic] = tuple(values[len(op.inputs) :])
    return scope


def _at(value: Any, shape: tuple[int, ...], place: tuple[int, ...]) -> Any:
    if isinstance(value, np.ndarray) and value.ndim:
        try:
            return np.broadcast_to(value, shape)[place]
        except ValueError:
            return value
    return value


def with_numbers(text: str, scope: dict[str, Any]) -> str:
    """The formula `text` with each name in `scope` replaced by its value: numbers in full, large arrays by shape."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return text
    filled = ast.unparse(_Filled(scope).visit(tree))
    filled = re.sub(r"^\((-[\d.e+-]+)\)$", r"\1", filled)
    filled = re.sub(r"(?<=\w)\(\((-[\d.e+-]+)\)\)", r"(\1)", filled)  # tanh((-2)) is tanh(-2)
    filled = filled.replace(" * ", " × ").replace(" - ", " − ")
    return filled if len(filled) <= LONGEST else f"{filled[: LONGEST - 1]}…"


class _Filled(ast.NodeTransformer):
    """Names become what they stand for; `r.shape[-1]` and `r.size` become numbers."""

    def __init__(self, scope: dict[str, Any]):
        self.scope = scope

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(_words(self.scope[node.id])) if node.id in self.scope else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        known = isinstance(node.value, ast.Name) and node.value.id in self.scope
        if known and node.attr in ("shape", "size", "ndim"):
            return ast.Name(str(getattr(np.asarray(self.scope[node.value.id]), node.attr)))  # type: ignore[attr-defined]
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        filled = self.generic_visit(node)
        if isinstance(filled, ast.Subscript) and isinstance(filled.value, ast.Name):
            try:
                shape, k = ast.literal_eval(filled.value.id), ast.literal_eval(filled.slice)
            except (ValueError, SyntaxError):
                return filled
            if isinstance(shape, tuple) and isinstance(k, int) and -len(shape) <= k < len(shape):
                return ast.Name(str(shape[k]))
        return filled


def in_short(value: Any) -> str:
    """A value in few characters: a number, a small array in full, the shape of a large one."""
    text = _words(value)
    return text[1:-1] if re.fullmatch(r"\(-[\d.e+-]+\)", text) else text


def _words(value: Any) -> str:
    """What a name in a formula stands for; negative numbers in parentheses."""
    if isinstance(value, (Outputs, Cotangents)):
        return f"⟨{len(value.shape)} outputs⟩"
    if isinstance(value, (tuple, list)):
        inside = ", ".join(map(_words, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, Index):
        return str(value)
    array = np.asarray(value) if isinstance(value, (np.ndarray, np.generic, int, float, complex)) else None
    if array is None:
        text = repr(value)
        return text if len(text) <= 40 and " at 0x" not in text else f"⟨{type(value).__name__}⟩"
    if array.ndim == 0:
        text = number(array[()])
        return f"({text})" if text.startswith("-") else text
    return inline(array) if 0 < array.size <= 4 else f"⟨{'×'.join(map(str, array.shape))}⟩"
