"""Floor 5: a box of the flow graph in words, its title, shape, value and gradient; and all of them as a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .node import Leaf, Node
from .ops.index import Index
from .scopes import calls
from .several import SEVERAL, Cotangents, Outputs

if TYPE_CHECKING:
    from .flow import Box, Graph

SMALL = 6  # entries that are written out; more are summed up
NARROW = 26  # characters of them in a narrow place
FIRST, LAST = 40, 20  # rows of a table that are shown of a graph with more than both together
WIDEST = 44  # characters in a column of the table


def kind(shape: tuple[Any, ...], dtype: Any) -> str:
    """Shape and dtype, such as "8×10 float32"; a scalar is its dtype alone."""
    if dtype is SEVERAL:
        return f"{len(shape)} outputs" if shape else "no output"
    return f"{size(shape)} {dtype}" if shape else str(dtype)


def size(shape: tuple[int, ...]) -> str:
    """A shape such as "8×10"; "" for a scalar, "3" for a vector."""
    return "×".join(map(str, shape))


def number(value: Any, digits: int = 4) -> str:
    """One entry, in so many digits; integers in full."""
    kind = np.asarray(value).dtype.kind
    if kind in "biu":
        return str(bool(value) if kind == "b" else int(value))
    return f"{value + 0:.{digits}g}"  # + 0: no "-0"


def many(count: int, noun: str) -> str:
    """A count and its noun; of more than 20 digits the leading ones."""
    if count < 10**20:
        return f"{count:,} {noun}{'s' * (count != 1)}"
    exponent = math.log10(count)
    return f"about {10 ** (exponent % 1):.4g}e{int(exponent)} {noun}s"


def inline(array: Any, digits: int = 4) -> str:
    """A small array on one line."""
    if array.ndim == 0:
        return number(array[()], digits)
    return f"[{', '.join(inline(part, digits) for part in array)}]"


def summary(value: Any, *, ends: bool = True) -> str:
    """A scalar or a small array in full; a large one by mean, standard deviation, minimum and maximum. Without the
    `ends` it is at most some 26 characters."""
    if isinstance(value, (Outputs, Cotangents)):
        return f"{len(value.shape)} outputs"
    array = np.asarray(value)
    if array.ndim == 0:
        return number(array[()])
    if array.size == 0:
        return "empty"
    if array.size <= SMALL and (len(text := inline(array, 3)) <= NARROW or ends):
        return text
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {array.size} true"
    wrong = array.size - int(np.isfinite(array).sum())
    if wrong:
        return f"{wrong} of {array.size} not finite"
    if (array == array.flat[0]).all():
        return f"all {number(array.flat[0])}"
    with np.errstate(all="ignore"):
        wide = array.astype(complex if array.dtype.kind == "c" else float)
        largest = np.abs(wide).max()
        unit = 1.0 if 1e-150 < largest < 1e150 else largest  # whose squares neither overflow nor vanish
        mean, deviation = (wide / unit).mean() * unit, (wide / unit).std().real * unit
        if 0 < deviation < np.inf:  # no digits of the mean that the deviation drowns
            mean = np.round(mean, 2 - int(np.floor(np.log10(deviation))))
        text = f"{number(mean, 3)} ± {number(deviation, 2)}"
        whole = ends and array.dtype.kind != "c"
        return f"{text} in [{number(array.min(), 2)}, {number(array.max(), 2)}]" if whole else text


def printable(text: str) -> str:
    """`text` on one line, without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def magnitude(value: Any) -> float:
    """The root of the mean square of the entries: how large a gradient is, whatever its shape."""
    array = np.abs(np.asarray(value)).astype(float, copy=False)
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(array * array))) if array.size else 0.0


def is_number(value: Any) -> bool:
    """Whether a constant input is one number, which stands in the title instead of in a box of its own."""
    return isinstance(value, (int, float, complex, np.number, np.bool_)) and np.ndim(value) == 0


def statics_in(node: Node) -> str:
    """The statics of an op that were given, such as "axis=0" or "[1:]"; "" where few words do not tell them."""
    words = []
    for name, value in zip(node.op.statics, node.statics, strict=True):
        if isinstance(value, Index):
            words.append(repr(value))
        elif value is not node.op.defaults[name] and isinstance(value, (bool, int, float, str, tuple)):
            words.append(f"{name}={value}")
    text = ", ".join(words)
    return text if len(text) <= NARROW else ""


def numbers_in(node: Node) -> str:
    """The inputs of an op with its Python numbers written out, such as "1.5 * ·"; "" where it has none."""
    words = [number(i) if not isinstance(i, Node) and is_number(i) else "·" for i in node.inputs]
    if all(word == "·" for word in words):
        return ""
    return f" {node.op.symbol} ".join(words) if node.op.symbol else ", ".join(words)


def title(box: Box) -> str:
    """The op with what it was given besides arrays, such as `multiply  1.5 * ·` or `sum  axis=0`; a leaf's name."""
    given = [numbers_in(box.node), statics_in(box.node)] if box.op else []
    return f"{box.name}  {', '.join(filter(None, given))}".rstrip()


def slot(box: Box, k: int) -> str:
    """The name of input k, where the order of inputs matters and does not show; else ""."""
    op = box.op
    if op is None or len(box.inputs) == 1 or op.symbol in ("+", "*") or k >= len(op.inputs):
        return ""
    return str(op.inputs[k])


def constant_name(box: Box, k: int) -> str:
    """What to call the constant array that is input k: the input's name where that means something, as `labels` does;
    not the a and b of `a @ b`."""
    return (slot(box, k) if box.op and box.op.symbol is None else "") or "constant"


def parameter_names(boxes: Iterable[Box]) -> dict[Node, str]:
    """Names for leaves without one of their own: the path in the module that was called, such as `layers.0.weight`."""
    ops = [box for box in boxes if not isinstance(box.node, Leaf)]
    if not ops:
        return {}
    names: dict[Node, str] = {}
    for call in calls(ops[0].node.order, ops[-1].node.order):  # outer modules first: their paths are the full ones
        if hasattr(call.what, "named_parameters"):
            for path, parameter in call.what.named_parameters():
                names.setdefault(parameter.node, path)
    return names


def leaf_names(boxes: Iterable[Box]) -> dict[Node, str]:
    """What to call each leaf: its own name; the path that leads to it where it has none, or shares it; or "leaf"."""
    boxes = list(boxes)
    leaves = [box.node for box in boxes if isinstance(box.node, Leaf)]
    paths, own = parameter_names(boxes), Counter(leaf.name for leaf in leaves)
    return {
        leaf: leaf.name if leaf.name and (own[leaf.name] == 1 or leaf not in paths) else paths.get(leaf, "leaf")
        for leaf in leaves
    }


def columns(rows: Sequence[Sequence[str]], right: Container[int]) -> list[str]:
    """A table as lines: its columns stand to the left, those in `right` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    return [line.rstrip() for line in lines]


def table(graph: Graph) -> str:
    """Order, op, inputs, shape, value and gradient of every box, one a line; of a large graph the first and last."""
    position, names = {box.node: k for k, box in enumerate(graph)}, leaf_names(graph)
    shown = list(range(len(graph)))
    if len(graph) > FIRST + LAST:
        del shown[FIRST:-LAST]
    rows = [_row(k, graph[k], position, names) for k in shown]
    lines = columns([["", "op", "inputs", "shape", "value", "gradient"], *rows], right={0})
    if len(shown) < len(graph):
        lines.insert(1 + FIRST, f"... {len(graph) - len(shown):,} boxes more ...")
    return "\n".join(lines)


def _row(k: int, box: Box, position: dict[Node, int], names: dict[Node, str]) -> list[str]:
    several = box.node.dtype is SEVERAL  # the outputs have boxes of their own
    inputs = ", ".join(_input(i, position) for i in box.node.inputs)
    value = "" if several else summary(box.value)
    gradient = "" if several or box.grad is None else summary(box.grad)
    name = f"{names[box.node]} (leaf)" if isinstance(box.node, Leaf) else f"{box.name} {statics_in(box.node)}"
    cells = (name, inputs, kind(box.shape, box.node.dtype), value, gradient)
    return [f"{k}", *[_cut(" ".join(printable(cell).split())) for cell in cells]]


def _input(value: Any, position: dict[Node, int]) -> str:
    """An input that is a box by its number, as in `#3`; a constant by its value or its shape."""
    if isinstance(value, Node):
        return f"#{position[value]}"
    return number(value) if is_number(value) else f"[{size(np.shape(value)) or type(value).__name__}]"


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
