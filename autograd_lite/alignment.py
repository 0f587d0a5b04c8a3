"""Floor 1: shapes written one below the other as broadcasting lines them up, from the last axis on."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[tuple[str, tuple[int, ...], str]], broadcast: bool = True) -> str:
    """A line for each (name, shape, origin); if they are to `broadcast`, the axes that do not are marked.

    >>> print(aligned([("a", (5, 3), "affine"), ("b", (4,), "constant")]))
      a (5, 3)  affine
      b    (4,) constant
            ^   sizes 3 and 4 differ
    """
    ndim = max(len(shape) for _, shape, _ in rows)
    padded = [(None,) * (ndim - len(shape)) + shape for _, shape, _ in rows]
    columns = list(zip(*padded, strict=True))
    widths = [max(len(str(n)) for n in column if n is not None) for column in columns]
    left = max(len(name) for name, _, _ in rows)
    texts = [_tuple(shape, widths) for _, shape, _ in rows]
    width = max(map(len, texts))
    pairs = zip(rows, texts, strict=True)
    lines = [f"  {name:<{left}} {text:<{width}} {origin}" for (name, _, origin), text in pairs]
    sizes = [dict.fromkeys(n for n in column if n not in (None, 1)) for column in columns]
    clashes = [k for k, each in enumerate(sizes) if broadcast and len(each) > 1]
    if clashes:
        marks = "".join(("^" * w if k in clashes else " " * w) + "  " for k, w in enumerate(widths))
        reason = ", ".join(f"sizes {' and '.join(map(str, sizes[k]))} differ" for k in clashes)
        lines.append(f"  {'':<{left}}  {marks.rstrip():<{width - 1}} {reason}")
    return "\n".join(line.rstrip() for line in lines)


def _tuple(shape: tuple[int, ...], widths: list[int]) -> str:
    """A shape as a tuple, its axes right-justified in columns."""
    if not shape:
        return " " * (sum(widths) + 2 * len(widths) - 2 * bool(widths)) + "()"
    first = len(widths) - len(shape)
    cells = [str(n).rjust(w) for n, w in zip(shape, widths[first:], strict=True)]
    blank = sum(widths[:first]) + 2 * first
    return " " * blank + f"({', '.join(cells)}{',' * (len(shape) == 1)})"
