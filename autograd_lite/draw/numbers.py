"""Values as a page shows them: in brief, entry by entry where there are few, as a heat-map where there are many."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np

from ..several import SEVERAL, Cotangents, Outputs

IN_FULL = 36  # entries that are written out
ROWS, COLUMNS = 32, 48  # of the largest heat-map
CELLS = 400_000  # of all heat-maps of a page together
NOT_FINITE = 255  # a cell of a heat-map with a NaN or an infinity in it


def number(x: Any, digits: int = 4) -> str:
    """One entry, in so many digits."""
    kind = getattr(np.asarray(x), "dtype", np.dtype(float)).kind
    if kind == "b":
        return str(bool(x))
    if kind in "iu":
        return str(int(x))
    return f"{x + 0:.{digits}g}"  # + 0: no "-0"


def kind(shape: tuple[int, ...], dtype: Any) -> str:
    """Shape and dtype in words, such as "8 × 10 float32"."""
    if dtype is SEVERAL:
        return f"{len(shape)} outputs"
    return f"{size(shape)} {dtype}" if shape else str(dtype)


def size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) if len(shape) != 1 else f"{shape[0]} entries" if shape[0] != 1 else "1 entry"


def brief(x: Any) -> str:
    """A value in some 20 characters: a number, a few numbers, or mean and standard deviation."""
    if isinstance(x, (Outputs, Cotangents)):
        return f"{len(x.shape)} outputs"
    array = np.asarray(x)
    if array.ndim == 0:
        return number(array[()])
    if array.size == 0:
        return "empty"
    if array.size <= 4:
        text = inline(array, 3)
        if len(text) <= 26:
            return text
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {array.size} true"
    if not np.isfinite(array).all():
        return f"{int((~np.isfinite(array)).sum())} of {array.size} not finite"
    wide = array.astype(complex if array.dtype.kind == "c" else float)
    mean, deviation = wide.mean(), wide.std()
    if (wide == wide.flat[0]).all():
        return f"all {number(wide.flat[0])}"
    if deviation:  # no digits of the mean that the deviation drowns
        mean = np.round(mean, 2 - int(np.floor(np.log10(deviation))))
    return f"{number(mean, 3)} ± {number(deviation, 2)}"


def inline(array: Any, digits: int = 4) -> str:
    """A small array on one line."""
    if array.ndim == 0:
        return number(array[()], digits)
    return f"[{', '.join(inline(part, digits) for part in array)}]"


class Values:
    """The values of a page, each once: `at(x)` is the position of x in `rows`, which JSON can hold."""

    def __init__(self, boxes: int):
        self.rows: list[dict[str, Any]] = []
        self._known: dict[int, tuple[int, Any]] = {}  # the value too, so that nothing else gets its id
        self._cells = max(32, min(ROWS * COLUMNS, CELLS // max(boxes, 1)))

    def at(self, x: Any) -> int:
        if id(x) not in self._known:
            self._known[id(x)] = len(self.rows), x
            self.rows.append(self._row(x))
        return self._known[id(x)][0]

    def _row(self, x: Any) -> dict[str, Any]:
        if isinstance(x, (Outputs, Cotangents)):
            return {"kind": kind(x.shape, SEVERAL), "brief": brief(x)}
        array = np.asarray(x)
        if array.dtype.kind not in "biufc":  # a random generator, an index that is no array
            return {"kind": type(x).__name__, "brief": type(x).__name__}
        row: dict[str, Any] = {"kind": kind(array.shape, array.dtype), "brief": brief(x)}
        grid = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1]) if array.size else array
        if array.size <= IN_FULL and array.size:
            row["full"] = [[number(entry, 6) for entry in line] for line in grid]
        elif array.size:
            row["stats"] = _stats(array)
            row["heat"] = _heat(grid, self._cells)
        return row


def _stats(array: Any) -> str:
    if array.dtype.kind == "b":
        return brief(array)
    finite = array[np.isfinite(array)]
    wrong = f"{array.size - finite.size} entries are not finite; the others: " if finite.size < array.size else ""
    if not finite.size:
        return "no entry is finite"
    size = np.abs(finite) if array.dtype.kind == "c" else finite.astype(float)
    what = "sizes: mean" if array.dtype.kind == "c" else "mean"
    return (
        f"{wrong}{what} {number(size.mean())}, standard deviation {number(size.std())},"
        f" from {number(size.min())} to {number(size.max())}"
    )


def _heat(grid: Any, cells: int) -> dict[str, Any]:
    """A matrix in few cells, each the mean of a block: bytes from 0 (-most) over 127 (zero) to 254 (+most)."""
    grid = np.abs(grid) if grid.dtype.kind == "c" else grid.astype(float)
    columns = min(grid.shape[1], COLUMNS, cells)
    rows = min(grid.shape[0], ROWS, max(1, cells // columns))
    high, wide = -(-grid.shape[0] // rows), -(-grid.shape[1] // columns)
    with np.errstate(all="ignore"):
        for axis, step in ((0, high), (1, wide)):
            starts = np.arange(0, grid.shape[axis], step)
            counts = np.diff([*starts, grid.shape[axis]])
            counts = counts[:, np.newaxis] if axis == 0 else counts
            grid = np.add.reduceat(grid, starts, axis=axis) / counts
    finite = np.isfinite(grid)
    most = float(np.abs(grid[finite]).max(initial=0.0))
    scaled = np.where(finite, np.round(np.where(finite, grid, 0) / (most or 1.0) * 127) + 127, NOT_FINITE)
    return {
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "block": [high, wide],
        "most": number(most),
        "cells": b64encode(scaled.astype(np.uint8).tobytes()).decode(),
    }
