"""History: what training has measured, epoch by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ArgumentError
from .names import unknown


class History:
    """The measurements of `nn.fit`, one list for each, one number an epoch.

    `history["loss"]` is the mean training loss (without the regularizer) of the batches as they were trained on;
    with validation data, `history["validation_loss"]`; metrics by their names, and `validation_...`;
    `history["rate"]`, the learning rate at the end of the epoch; `history["seconds"]`, the time it took.

    `stopped` says why training ended, and `best_epoch` counts from 0. Another name raises ArgumentError (a TypeError).

    >>> history = History(["loss"])
    >>> history.append({"loss": 0.5})
    >>> history["loss"], len(history)
    ([0.5], 1)
    """

    def __init__(self, names: Any):
        self.values: dict[str, list[float]] = {name: [] for name in names}
        self.best_epoch: int | None = None
        self.stopped = ""

    def append(self, measured: dict[str, float]) -> None:
        """Add the numbers of one epoch."""
        for name, values in self.values.items():
            values.append(measured[name])

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.values:
            raise unknown("history: measurement", name, self.values)
        return self.values[name]

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def to_dict(self) -> dict[str, list[float]]:
        """All measurements, copied: ready for JSON or pandas.DataFrame."""
        return {name: list(values) for name, values in self.values.items()}

    def __repr__(self) -> str:
        last = ", ".join(f"{k} {v[-1]:.4g}" for k, v in self.values.items() if v and k not in ("rate", "seconds"))
        best = f", best epoch {self.best_epoch}" if self.best_epoch is not None else ""
        return f"<History of {len(self)} epochs ({self.stopped or 'running'}){': ' * bool(last)}{last}{best}>"

    def plot(self, path: str | Path | None = None, *, metrics: Any = None, title: str = "") -> Any:
        """Losses, and beside them the metrics, against the epoch; the best epoch is marked.

        Parameters
        ----------
        path: a file to write the picture to; its ending says the format.
        metrics: names of the metrics to show; all if None.
        title: a heading.

        Returns matplotlib's Figure (not registered with pyplot, so no window opens and nothing is left to close).
        Raises ImportError without matplotlib.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("History.plot needs matplotlib: pip install 'autograd_lite[demo]'") from error
        losses: list[str] = [name for name in ("loss", "validation_loss") if name in self.values]
        if metrics is None:
            metrics = [name for name in self.values if name not in (*losses, "rate", "seconds")]
        if not len(self):
            raise ArgumentError("History.plot: no epoch was completed; there is nothing to draw")
        figure = Figure(figsize=(10 if metrics else 6, 4), layout="constrained")
        panels = figure.subplots(1, 2 if metrics else 1, squeeze=False)[0]
        self._draw(panels[0], losses, "loss")
        if all(value > 0 for name in losses for value in self[name]):
            panels[0].set_yscale("log")
        if metrics:
            kinds = {name.removeprefix("validation_") for name in metrics}
            self._draw(panels[1], metrics, kinds.pop() if len(kinds) == 1 else "metrics")
        if title:
            figure.suptitle(title)
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def _draw(self, panel: Any, names: list[str], label: str) -> None:
        epochs = range(1, len(self) + 1)
        for name in names:
            colour = "#D55E00" if name.startswith("validation_") else "#0072B2"
            panel.plot(epochs, self[name], color=colour if len(names) <= 2 else None, label=name.replace("_", " "))
        if self.best_epoch is not None:
            panel.axvline(self.best_epoch + 1, color="#999999", linestyle=":", label="best epoch")
        panel.set_xlabel("epoch")
        panel.set_ylabel(label.replace("_", " "))
        panel.legend()
