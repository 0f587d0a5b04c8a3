"""What the lecture examples share: their options, colours, and a figure that is saved with its numbers printed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by the colour-blind.
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"
)  # fmt: skip
matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color=[BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW])


def axes(rows: int = 1, columns: int = 1, size: tuple[float, float] = (5, 4), **options: Any) -> Any:
    """A new figure and its axes, each of `size` inches, as `pyplot.subplots` gives them."""
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def show(lecture: Callable[[bool], tuple[Figure, dict[str, Any]]], script: str, argv: Any = None) -> dict[str, Any]:
    """Run `lecture(quick)`, save its figure under the script's name, and print and return its numbers by name."""
    claim = (lecture.__globals__["__doc__"] or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=claim)
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder of the picture")
    parser.add_argument("--quick", action="store_true", help="less of everything, for a test")
    options = parser.parse_args(argv)
    figure, numbers = lecture(options.quick)
    for name, value in numbers.items():
        print(f"{name:56} {value if isinstance(value, str) else f'{value:.6g}'}")
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / f"{Path(script).stem}.png", dpi=110)
    return numbers
