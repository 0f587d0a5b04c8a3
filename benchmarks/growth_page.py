"""The figures and the page of `benchmarks.growth`."""

import platform
from itertools import pairwise
from math import log
from statistics import median

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from benchmarks.cases import CONTESTANTS

COLOURS = {"eager": "#1f77b4", "numpy": "#2ca02c", "llvm": "#9467bd", "torch": "#d95f02"}
STYLE = {"svg.hashsalt": "growth", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}

OPENING = """# Growth: time and memory against size

`make growth` measures and writes this page. A point is a process of its own: it sets a program up and takes steps of it
(forward, backward and, in training, the update), with the threads that are best there. Memory is the peak of the
resident memory in a step, less what was resident before the program was set up: parameters, their gradients and
momentum, data, what the step holds, and of what is compiled the program itself. It shows only where it is more than
what the process had free by then, from starting and from a step of the smallest size. Dotted lines are the first call,
with recording and compiling.

The lower panels are the roofline: the operations and the bytes that a step cannot do without, per second, as a share of
the rate of a large float32 product and of the rate of a large copy, both measured right before each point. At 100 % the
machine is used up. Bytes that stay in a cache are not slowed by memory, so a share can be more than that.
"""


def write(folder, measured, processors):
    """Write growth.md and one figure per series into the folder."""
    (folder / "growth").mkdir(parents=True, exist_ok=True)
    parts = [OPENING, machine(measured, processors)]
    for series, rows in measured.items():
        with plt.rc_context(STYLE):
            figure(series, rows).savefig(folder / "growth" / f"{series.name}.svg", metadata={"Date": None})
        parts += [f"## {series.name.capitalize()}", f"![{series.title}](growth/{series.name}.svg)", table(rows)]
        parts.append(" ".join([slopes(rows), left_out(rows)]))
    (folder / "growth.md").write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def machine(measured, processors):
    rows = [row for rows in measured.values() for row in rows if "seconds" in row]
    product, copy = (median(row[rate] for row in rows) / 1e9 for rate in ("product_rate", "bandwidth"))
    return (
        f"Measured on {platform.machine()} with {processors} processors, Python {platform.python_version()}; products "
        f"at {product:.0f} GF/s and copies at {copy:.1f} GB/s (medians)."
    )


def figure(series, rows):
    fig, axes = plt.subplots(2, 2, figsize=(9, 6.6), layout="constrained", sharex=True)
    panels = [
        ("time per step", duration, lambda row: row["seconds"]),
        ("peak memory", amount, lambda row: row["bytes"]),
        ("share of the product rate", percent, lambda row: row["products"]),
        ("share of the bandwidth", percent, lambda row: row["memory"]),
    ]
    points = by_contestant(rows)
    for ax, (title, unit, value) in zip(axes.flat, panels, strict=True):
        for name, some in points.items():
            xs, ys = [row["n"] for row in some], [value(row) for row in some]
            ax.plot(xs, ys, "o-", markersize=3.5, color=COLOURS.get(name), label=CONTESTANTS[name].title)
        ax.set(xscale="log", yscale="log", title=title)
        ax.set_xticks(series.sizes, [f"{n:,}" if n < 10_000 else f"{n:.0e}".replace("e+0", "e") for n in series.sizes])
        ax.xaxis.set_minor_locator(NullLocator())
        values = [value(row) for some in points.values() for row in some]
        few = max(values) < 50 * min(values)  # then a label a decade would be too few
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        ax.yaxis.set_major_formatter(lambda y, _, unit=unit: unit(y))
        ax.yaxis.set_minor_formatter(NullFormatter())
    for name, some in points.items():
        if CONTESTANTS[name].compiles:
            label = f"{CONTESTANTS[name].title}, first call"
            xs, ys = [row["n"] for row in some], [row["first"] for row in some]
            axes[0, 0].plot(xs, ys, ":", color=COLOURS.get(name), label=label)
    for ax in axes[1]:
        ax.axhline(1, color="black", linewidth=0.8)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    fig.supxlabel(series.title, fontsize="medium")
    return fig


def by_contestant(rows):
    """The points of each; not where it was left out."""
    names = dict.fromkeys(row["contestant"] for row in rows if "seconds" in row)
    return {name: [row for row in rows if row["contestant"] == name and "seconds" in row] for name in names}


def left_out(rows):
    """Who is missing from which size on, and why."""
    return " ".join(
        f"{CONTESTANTS[row['contestant']].title} is left out from {row['n']:,} on: {row['error']}."
        for row in rows
        if "error" in row
    )


def table(rows):
    """A line for each size; for each contestant time, the first call's if it compiles, memory, and the nearer bound."""
    points = by_contestant(rows)
    titles = [f"{CONTESTANTS[name].title}: {title}" for name in points for title, _ in columns(name)]
    lines = ["| size | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for n in dict.fromkeys(row["n"] for row in rows):
        cells = []
        for name, some in points.items():
            row = next((row for row in some if row["n"] == n), None)
            cells += ["-" if row is None else cell(row) for _, cell in columns(name)]
        lines.append(f"| {n:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def columns(name):
    first = [("first call", lambda row: duration(row["first"]))] if CONTESTANTS[name].compiles else []
    return [
        ("time", lambda row: duration(row["seconds"])),
        *first,
        ("memory", lambda row: amount(row["bytes"])),
        ("share", share),
    ]


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
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"


def percent(share):
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:.0f} %"


def share(row):
    kind = "products" if row["products"] >= row["memory"] else "bytes"
    return f"{percent(row['bound'])} ({kind})"
