"""What `ag.explain` returns: the paths, as text and as LaTeX."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..describe import many, number
from ..node import Node
from .styles import Mark

PER_LINE = 3  # terms of a sum, as mathematics
SHOWN = 8  # steps of a long path that are written out; the others are counted


def entry_text(shape: tuple[int, ...], entry: int) -> str:
    """An index, such as "[0, 2]", for an entry counted in C order; nothing for a scalar."""
    return f"[{', '.join(map(str, np.unravel_index(entry, shape)))}]" if shape else ""


@dataclass(frozen=True)
class Step:
    """One edge of a path: into the entry `entry` of the value of `node`, through the op's input `slot`; `derivative`
    is that entry's by the one before."""

    node: Node
    entry: str
    slot: str
    derivative: float

    @property
    def formula(self) -> str:
        """How the table writes the derivative, for g = 1."""
        return str(self.node.op.formula_text(self.slot))

    @property
    def name(self) -> str:
        """The op and the entry, such as "tanh[0, 2]"; with the slot, where one value stands in two of them."""
        twice = len({id(i) for i in self.node.inputs}) < len(self.node.inputs)
        return f"{self.node.op.name}{self.entry}{f' by {self.slot}' if twice else ''}"


@dataclass(frozen=True)
class Path:
    """One path: its steps from x to the loss."""

    steps: list[Step]

    @property
    def product(self) -> float:
        """What the path adds to the gradient, the product of its local derivatives; 1 for x itself."""
        return math.prod(step.derivative for step in self.steps)

    @property
    def numbers(self) -> str:
        """The product written out, in the order of the steps."""
        return " · ".join(_shortened([number(step.derivative) for step in self.steps], "…")) or "1"

    def __repr__(self) -> str:
        return f"<Path {number(self.product)} = {self.numbers}>"


@dataclass(frozen=True, repr=False)
class Explanation:
    """The derivative of `loss` by `x` as a sum over paths.

    `gradient` is the sum over all `count` paths, `paths` are the largest in absolute value, and `blocked` names the
    ops at which every path ends because a derivative is 0. `tensor` is the loss itself.
    """

    x: str
    loss: str
    gradient: float
    count: int
    paths: list[Path]
    blocked: list[str]
    tensor: Any

    @property
    def rest(self) -> float:
        """What the paths that are not listed add to the gradient."""
        return self.gradient - math.fsum(path.product for path in self.paths) if self.count > len(self.paths) else 0.0

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        head = f"d {self.loss} / d {self.x} = {number(self.gradient)}"
        if not self.count:
            yield head + (
                f": no path, the derivative of {' and of '.join(dict.fromkeys(self.blocked))} is 0"
                if self.blocked
                else f": {self.loss} does not depend on {self.x}"
            )
            return
        more = self.count - len(self.paths)
        largest = f"; the {len(self.paths)} largest" if more and self.paths else ""
        yield f"{head}, the sum over {many(self.count, 'path')}{largest}{':' if self.paths else ''}"
        sums = [f"{number(path.product)} = {path.numbers}" for path in self.paths]
        width, digits = max(map(len, sums), default=0), len(str(len(sums)))
        for k, (path, text) in enumerate(zip(self.paths, sums, strict=True), 1):
            yield f"  {k:>{digits}}.  {text:<{width}}  {self.route(path)}"
        if more:
            yield f"  {'':>{digits}}   {number(self.rest)} from the other {many(more, 'path')}"
        if formulas := self._formulas():
            yield f"with {formulas}, for g = 1"

    def route(self, path: Path) -> str:
        """The values that a path goes through."""
        return " → ".join([self.x, *_shortened([step.name for step in path.steps], "… {} more …")])

    def _formulas(self) -> str:
        """The formulas of all local derivatives that the paths have, each once."""
        found: dict[str, dict[str, str]] = {}
        for path in self.paths:
            for step in path.steps:
                slots = found.setdefault(step.node.op.name, {})
                if step.slot not in slots:
                    slots[step.slot] = step.formula
        rows = [f"{name}: {', '.join(f'd{k} = {of[k]}' for k in sorted(of))}" for name, of in found.items()]
        return "; ".join(_shortened(rows, "…"))

    def _drawn_(self) -> tuple[Any, dict[Node, Mark]]:
        """What `ag.draw` draws: the loss, each step of the listed paths with the local derivatives there."""
        found: dict[Node, list[str]] = {}
        for path in self.paths:
            for step in path.steps:
                text = f"{step.entry} by {step.slot}: {number(step.derivative)}".strip()
                if text not in found.setdefault(step.node, []):
                    found[step.node].append(text)
        return self.tensor, {node: Mark("note", "\n".join(_shortened(texts, "…"))) for node, texts in found.items()}

    # -- as mathematics ----------------------------------------------------------------------------------------------

    @property
    def latex(self) -> str:
        """The sum over paths: with symbols, with numbers, and its value. Values on the way are v_k, k the time of
        recording counted from the first."""
        left = rf"\frac{{\partial {_latex_name(self.loss)}}}{{\partial {_latex_name(self.x)}}}"
        rest = [rf"\cdots\ (\text{{{many(self.count - len(self.paths), 'more path')}}})"] * (
            self.count > len(self.paths)
        )
        if not self.count:
            return rf"{left} = 0"
        symbols = [self._factors(path) for path in self.paths] + rest
        numbers = [_latex_product(path) for path in self.paths] + [f"({_latex_number(self.rest)})"] * bool(rest)
        rows = [_latex_sum(symbols), _latex_sum(numbers), _latex_number(self.gradient)]
        return rf"\begin{{aligned}}{left} &= " + r" \\ &= ".join(rows) + r"\end{aligned}"

    def _factors(self, path: Path) -> str:
        """The partial derivatives that a path multiplies."""
        order = self._numbers()
        values = [_latex_name(self.x)]
        values += [rf"v_{{{order[step.node]}{_superscript(step.entry)}}}" for step in path.steps[:-1]]
        values += [_latex_name(self.loss)] * bool(path.steps)
        pairs = list(zip(values[1:], values, strict=False))
        factors = [rf"\frac{{\partial {y}}}{{\partial {x}}}" for y, x in reversed(pairs)]
        return r"\,".join(_shortened(factors, r"\cdots")) or "1"

    def _numbers(self) -> dict[Node, int]:
        nodes = {step.node for path in self.paths for step in path.steps}
        return {node: k for k, node in enumerate(sorted(nodes, key=lambda node: node.order), 1)}

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"


def _shortened(parts: list[str], gap: str) -> list[str]:
    """The first and the last of many, and between them a gap."""
    if len(parts) <= SHOWN:
        return parts
    half = SHOWN // 2
    return [*parts[:half], gap.format(len(parts) - 2 * half), *parts[-half:]]


def _latex_sum(terms: list[str]) -> str:
    """A sum, a few terms a line."""
    lines = [" + ".join(terms[k : k + PER_LINE]) for k in range(0, len(terms), PER_LINE)]
    return r" \\ &\quad + ".join(lines)


def _latex_number(value: float) -> str:
    if math.isnan(value):
        return r"\text{NaN}"
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    digits, _, exponent = number(value).partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent else digits


def _latex_product(path: Path) -> str:
    factors = [f"({_latex_number(step.derivative)})" for step in reversed(path.steps)]
    return "".join(_shortened(factors, r"\cdots")) or "1"


_ESCAPED = {c: rf"\{c}" for c in "&%$#_{}"} | {"\\": r"\backslash ", "~": r"\sim ", "^": r"\hat{}", "\n": " "}


def _latex_name(name: str) -> str:
    """A name with what LaTeX would read as commands escaped; a letter stays a variable."""
    name, bracket, entry = name.rpartition("[") if name.endswith("]") else (name, "", "")
    text = "".join(_ESCAPED.get(c, c) for c in name)
    symbol = text if len(name) == 1 and name.isalpha() else rf"\mathrm{{{text}}}"
    return symbol + (rf"_{{{entry[:-1]}}}" if bracket else "")


def _superscript(entry: str) -> str:
    return f",\\,({entry[1:-1]})" if entry else ""
