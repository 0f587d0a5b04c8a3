"""docs/coverage.md: what is differentiable, found out by running it. Written by `make docs`.

The programs are those of tests/surface.py, each on inputs of two sizes. Nothing here reads the derivative table.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special

import autograd_lite as ag
import autograd_lite.numpy as agnp
import autograd_lite.scipy.special as agsp
from autograd_lite.tree import leaves

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from surface import FLAT, SIZES, SURFACE, Program

COLUMNS = ("function", "reverse", "forward", "order", "complex", "batched")
HIGHEST = 3  # the highest order that is tried

INTRODUCTION = """# What is differentiable

Every function here was run at two sizes of its inputs, and its derivatives held against central differences:
{count} functions, {programs} programs. `make docs` writes this page from `tests/surface.py`; nothing on it is
copied from the table of derivatives.

- **reverse**: the gradient by the backward pass. *flat*: recorded, but without a gradient, since the function is
  piecewise constant.
- **forward**: the derivative along a direction, without a backward pass (`ag.jvp`).
- **order**: the highest order of derivative that was tried and is right; {highest} is the highest tried.
- **complex**: complex inputs; a dash where NumPy has none.
- **batched**: `ag.vmap` runs it, and its gradient, for a batch; *no* where its shape, or a choice by Python, depends on
  the values.

Functions that are not here fail when they are called with a recorded Tensor, and say so.
"""


def as_function(program: Program, inputs: dict[str, Any]) -> Callable[..., list[Any]]:
    def f(*moving: Any) -> list[Any]:
        y = program(agnp, agsp, {**inputs, **dict(zip(program.live, moving, strict=True))})
        return [part for part in leaves(y) if getattr(part, "dtype", np.dtype(float)).kind in "fc"]

    return f


def holds(check: Callable[[], Any]) -> bool:
    """Whether `check` ends without an error."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part that is dropped
            return check() is not False
    except Exception:
        return False


def right_to_order(program: Program, inputs: dict[str, Any], order: int) -> bool:
    return holds(lambda: ag.check_grads(as_function(program, inputs), *map(inputs.get, program.live), order=order))


def forward_agrees(program: Program, inputs: dict[str, Any]) -> bool:
    """Whether <v, J u> = <J' v, u> for random directions."""
    rng, f, xs = np.random.default_rng(0), as_function(program, inputs), [inputs[k] for k in program.live]
    us = [np.asarray(rng.standard_normal(np.shape(x))).astype(x.dtype)[()] for x in xs]

    def agrees() -> bool:
        _, tangents = ag.jvp(f, xs, us)
        y, pullback = ag.vjp(f, *xs)
        vs = [rng.standard_normal(part.shape) for part in y]
        pairs = [zip(vs, tangents, strict=True), zip(us, pullback(vs), strict=True)]
        return np.allclose(*[sum(np.sum(np.real(a * b)) for a, b in pair) for pair in pairs], equal_nan=True)

    return holds(agrees)


def order_of(programs: list[Program]) -> int:
    """The highest order to which the derivatives of all programs are right at both sizes."""
    for order in range(HIGHEST, 0, -1):
        if all(right_to_order(p, p.inputs(size), order) for p in programs for size in SIZES):
            return order
    return 0


def complex_of(programs: list[Program]) -> str:
    taken = [p for p in programs if holds(lambda p=p: p(np, scipy.special, p.inputs(SIZES[0], complex_inputs=True)))]
    if not taken:
        return "-"
    return "yes" if all(right_to_order(p, p.inputs(SIZES[0], complex_inputs=True), 1) for p in taken) else "no"


def batched(program: Program) -> bool:
    """Whether `ag.vmap` gives the results and the gradients of each example."""
    single = program.inputs(SIZES[0])
    batches = [np.stack([single[k], single[k] * 0.9]) for k in program.live]
    f = as_function(program, single)
    which = tuple(range(len(batches)))

    def total(*xs: Any) -> Any:
        return sum(np.sum(np.real(part)) for part in f(*xs))

    def both(*xs: Any) -> Any:
        return [*f(*xs), *ag.grad(total, which)(*xs)]

    together = ag.vmap(both)(*batches)
    for k in range(2):
        for a, b in zip(together, both(*[x[k] for x in batches]), strict=True):
            if a[k].shape != b.shape or not np.allclose(a[k], b, equal_nan=True):
                return False
    return True


def row(name: str, texts: list[str]) -> str:
    programs = [Program(text) for text in texts]
    order = order_of(programs)
    forward = "yes" if all(forward_agrees(p, p.inputs(size)) for p in programs for size in SIZES) else "**no**"
    all_batched = "yes" if all(holds(lambda p=p: batched(p)) for p in programs) else "no"
    cells = [f"`{name}`", "yes" if order else "**no**", forward, str(order), complex_of(programs), all_batched]
    return f"| {' | '.join(cells)} |"


def flat_row(name: str, texts: list[str]) -> str:
    """A function whose result is recorded, has the right value, and no gradient."""
    right = all(holds(lambda text=text: is_flat(Program(text))) for text in texts)
    return f"| `np.{name}` | {'flat' if right else '**no**'} | flat | - | - | - |"


def is_flat(program: Program) -> bool:
    inputs = program.inputs(SIZES[0])
    recorded = {k: ag.tensor(x, requires_grad=True) if k in program.live else x for k, x in inputs.items()}
    return all(y.node is not None and not y.requires_grad for y in leaves(program(agnp, agsp, recorded)))


def page() -> str:
    chapters = {"np.": "NumPy", "np.linalg.": "np.linalg", "np.fft.": "np.fft", "scipy.special.": "scipy.special"}
    every = [*SURFACE.values(), *FLAT.values()]
    lines = [INTRODUCTION.format(count=len(every), programs=sum(map(len, every)), highest=HIGHEST).rstrip()]
    for prefix, title in chapters.items():
        names = {n: t for n, t in SURFACE.items() if max((p for p in chapters if n.startswith(p)), key=len) == prefix}
        lines += ["", f"## {title}", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        lines += [row(name, names[name]) for name in sorted(names)]
        if prefix == "np.":
            lines += [flat_row(name, FLAT[name]) for name in sorted(FLAT)]
    return "\n".join(lines) + "\n"


def main() -> None:
    (Path(__file__).parent / "coverage.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
