"""Values as a page shows them: in brief, entry by entry where there are few, as a heat-map where there are many."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np

from ..describe import kind, number, summary
from ..several import SEVERAL, Cotangents, Outputs

IN_FULL = 36  # entries that are written out
ROWS, COLUMNS = 32, 48  # of the largest heat-map
CELLS = 400_000  # of all heat-maps of a page together
NOT_FINITE = 255  # a cell of a heat-map with a NaN or an infinity in it


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
            return {"kind": kind(x.shape, SEVERAL), "brief": summary(x, ends=False)}
        array = np.asarray(x)
        if array.dtype.kind not in "biufc":  # a random generator, an index that is no array
            return {"kind": type(x).__name__, "brief": type(x).__name__}
        row: dict[str, Any] = {"kind": kind(array.shape, array.dtype), "brief": summary(x, ends=False)}
        grid = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1]) if array.size else array
        if array.size <= IN_FULL and array.size:
            row["full"] = [[number(entry, 6) for entry in line] for line in grid]
        elif array.size:
            row["stats"] = _stats(array)
            row["heat"] = _heat(grid, self._cells)
        return row


def _stats(array: Any) -> str:
    if array.dtype.kind == "b":
        return summary(array)
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
    grid, block = block_means(grid, min(ROWS, max(1, cells // columns)), columns)
    finite = np.isfinite(grid)
    most = float(np.abs(grid[finite]).max(initial=0.0))
    scaled = np.where(finite, np.round(np.where(finite, grid, 0) / (most or 1.0) * 127) + 127, NOT_FINITE)
    return {
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "block": block,
        "most": number(most),
        "cells": b64encode(scaled.astype(np.uint8).tobytes()).decode(),
    }


def block_means(matrix: Any, rows: int, columns: int) -> tuple[Any, list[int]]:
    """A matrix of at most rows x columns, each entry the mean of a block of `matrix`; and the size of a block."""
    block = [-(-n // most) for n, most in zip(matrix.shape, (rows, columns), strict=True)]
    with np.errstate(all="ignore"):
        for axis, step in enumerate(block):
            starts = np.arange(0, matrix.shape[axis], step)
            counts = np.diff([*starts, matrix.shape[axis]])
            matrix = np.add.reduceat(matrix, starts, axis=axis) / (counts[:, np.newaxis] if axis == 0 else counts)
    return matrix, block
