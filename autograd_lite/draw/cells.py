"""DOT's HTML-like labels: rows of text, and an array as a tiny heat-map."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from ..describe import SMALL, printable
from ..several import SEVERAL
from .numbers import block_means
from .styles import NEGATIVE, NOT_FINITE, POSITIVE, ZERO

ROWS, COLUMNS, CELL = 8, 16, 5  # a heat-map's cells, and the side of one in points


def text(
    line: str,
    *,
    bold: bool = False,
    color: str | None = None,
    points: int | None = None,
    fixed: bool = False,
    left: bool = False,
) -> str:
    """One row of a label; whatever stands in `line`, a viewer shows it and does not obey it. `fixed` keeps every space
    and gives each character the same width; a row that is not `left` stands in the middle."""
    shown = escape(printable(line)) or " "
    shown = shown.replace(" ", "&#160;") if fixed else shown
    shown = f"<B>{shown}</B>" if bold else shown
    facts = {"COLOR": color, "POINT-SIZE": points, "FACE": "monospace" if fixed else None}
    font = "".join(f' {name}="{value}"' for name, value in facts.items() if value)
    shown = f"<FONT{font}>{shown}</FONT>" if font else shown
    return f'<TR><TD ALIGN="LEFT">{shown}</TD></TR>' if left else f"<TR><TD>{shown}</TD></TR>"


def label(rows: list[str]) -> str:
    """A label of `rows`."""
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>>'


def heatmap(value: Any) -> str | None:
    """A row with an array's entries as colours, green above zero and purple below, black where not finite; blocks of
    a large array by their mean. None for what is written out in full."""
    if getattr(value, "dtype", None) is SEVERAL:
        return None
    array = np.asarray(value)
    if array.size <= SMALL or array.dtype.kind not in "fiu":
        return None
    matrix = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)
    grid, _ = block_means(matrix.astype(float), ROWS, COLUMNS)
    largest = np.max(np.abs(grid[np.isfinite(grid)]), initial=0.0) or 1.0
    rows = [
        "".join(
            f'<TD FIXEDSIZE="TRUE" WIDTH="{CELL}" HEIGHT="{CELL}" BGCOLOR="{_color(x / largest)}"></TD>' for x in row
        )
        for row in grid
    ]
    cells = "".join(f"<TR>{row}</TR>" for row in rows)
    return (
        '<TR><TD><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" FIXEDSIZE="TRUE"'
        f' WIDTH="{CELL * grid.shape[1]}" HEIGHT="{CELL * grid.shape[0]}">{cells}</TABLE></TD></TR>'
    )


def _color(x: float) -> str:
    """A colour for x in [-1, 1]."""
    if not np.isfinite(x):
        return NOT_FINITE
    ends = zip(_rgb(ZERO), _rgb(POSITIVE if x > 0 else NEGATIVE), strict=True)
    mixed = [round(a + (b - a) * abs(x)) for a, b in ends]
    return "#" + bytes(mixed).hex().upper()


def _rgb(color: str) -> bytes:
    return bytes.fromhex(color[1:])
