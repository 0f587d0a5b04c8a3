"""How to read a picture, in a few words below it."""

from __future__ import annotations

from .cells import label, text
from .styles import BPROP, FPROP, QUIET

BOXES = "Square boxes are operations, rounded ones what they start from: inputs and parameters."
VALUES = "▲ Forward, upward: each box takes the values from the boxes below it and computes its own value."
GRADIENTS = (
    "▼ Backward, dashed: each box passes down how much the result at the top changes with the value below,",
    "the gradient (grad). The thicker the arrow, the larger the gradient.",
)
RECORDED = "▲ How the gradients are computed, from ∂loss/∂loss up to those of the inputs, with values of the pass."
LARGE = "Large arrays: mean ± standard deviation in [minimum, maximum]; rms is the root of the mean square."
COLORS = "Small squares: entries (or means of many); green is positive, purple negative, black not finite."


def how_to_read(direction: str, values: bool | str) -> str:
    """The legend, as a label in DOT."""
    rows = [(BOXES, QUIET), (VALUES, FPROP)]
    if direction == "both":
        rows += [(line, BPROP) for line in GRADIENTS]
    if direction == "bprop":
        rows.append((RECORDED, BPROP))
    rows += [(LARGE, QUIET)] if values else []
    rows += [(COLORS, QUIET)] if values == "heatmap" else []
    return label([text(line, color=color, points=10, left=True) for line, color in rows])
