"""The figures and the page of `benchmarks.growth`."""

import platform
from itertools import pairwise
from math import log
from statistics import median

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from benchmarks.cases import CONTESTANTS

COLOURS = {"eager": "#1f77b4", "numpy": "#2ca02c", "llvm": "#9467bd", "torch": "#d95f02"}
STYLE = {"svg.hashsalt": "growth", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}

OPENING = """# Growth: time and memory against size

`make growth` measures and writes this page. A point is a process of its own: it sets a program up and takes steps of it
(forward, backward and, in training, the update), with the threads that are best there. Memory is the peak of the
resident memory in a step, less what was resident before the program was set up: parameters, their gradients and
momentum, data, and what the step holds. The third panel of each figure is a roofline: the time that the step would take
if it did nothing but its products at the rate of a large float32 product, or nothing but move its bytes at the rate of
a large copy, whichever is longer, as a share of the time that it takes. Both rates are measured before each point.
"""


def write(folder, measured, processors):
    """Write growth.md and one figure per series into the folder."""
    (folder / "growth").mkdir(parents=True, exist_ok=True)
    parts = [OPENING, machine(measured, processors)]
    for series, rows in measured.items():
        with plt.rc_context(STYLE):
            figure(series, rows).savefig(folder / "growth" / f"{series.name}.svg", metadata={"Date": None})
        parts += [f"## {series.name.capitalize()}", f"![{series.title}](growth/{series.name}.svg)", table(rows)]
        parts.append(slopes(rows))
    (folder / "growth.md").write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def machine(measured, processors):
    rows = [row for rows in measured.values() for row in rows]
    product, copy = (median(row[rate] for row in rows) / 1e9 for rate in ("product_rate", "bandwidth"))
    return (
        f"Measured on {platform.machine()} with {processors} processors, Python {platform.python_version()}; products "
        f"at {product:.0f} GF/s and copies at {copy:.1f} GB/s (medians)."
    )


def figure(series, rows):
    fig, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
    panels = [
        ("time per step", "s", lambda row: row["seconds"]),
        ("peak memory", "MB", lambda row: row["bytes"] / 1e6),
        ("share of the roofline", "", lambda row: row["bound"]),
    ]
    for ax, (title, unit, value) in zip(axes, panels, strict=True):
        for name, points in by_contestant(rows).items():
            xs, ys = [row["n"] for row in points], [value(row) for row in points]
            ax.plot(xs, ys, "o-", markersize=3, color=COLOURS.get(name), label=CONTESTANTS[name].title)
        ax.set(xscale="log", yscale="log", title=title, ylabel=unit)
    axes[2].axhline(1, color="black", linewidth=0.8)
    axes[0].legend()
    fig.supxlabel(series.title)
    return fig


def by_contestant(rows):
    names = dict.fromkeys(row["contestant"] for row in rows)
    return {name: [row for row in rows if row["contestant"] == name] for name in names}


def table(rows):
    """A line for each size; for each contestant time, memory, and the share of the nearer bound."""
    points = by_contestant(rows)
    titles = [f"{CONTESTANTS[name].title}: {what}" for name in points for what in ("time", "memory", "share")]
    lines = ["| size | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for n in dict.fromkeys(row["n"] for row in rows):
        cells = []
        for some in points.values():
            row = next((row for row in some if row["n"] == n), None)
            cells += ["-"] * 3 if row is None else [duration(row["seconds"]), amount(row["bytes"]), share(row)]
        lines.append(f"| {n:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def slopes(rows):
    """By which power of the size time and memory grow from the last size but one to the last."""
    sentences = []
    for name, points in by_contestant(rows).items():
        for before, after in list(pairwise(points))[-1:]:
            step = log(after["n"] / before["n"])
            time, memory = (log(after[key] / before[key]) / step for key in ("seconds", "bytes"))
            sentences.append(f"{CONTESTANTS[name].title} {time:.2f} and {memory:.2f}")
    return f"Over the last step, time and memory grow by these powers of the size: {'; '.join(sentences)}."


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def amount(size):
    return f"{size / 1e6:,.0f} MB" if size >= 1e8 else f"{size / 1e6:.2g} MB"


def share(row):
    kind = "products" if row["products"] >= row["memory"] else "bytes"
    return f"{row['bound']:.1%} ({kind})" if row["bound"] >= 0.001 else f"{row['bound']:.0e} ({kind})"
