"""Axes to draw on: the caller's, or new ones."""

from __future__ import annotations

from typing import Any


def axes(ax: Any = None) -> Any:
    """`ax`, or the axes of a new matplotlib figure; raises ImportError where matplotlib is not installed."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("analysis: plot() needs matplotlib: pip install 'autograd_lite[demo]'") from error
    return pyplot.subplots(layout="constrained")[1]
