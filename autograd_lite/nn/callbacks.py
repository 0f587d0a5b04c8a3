"""Callbacks: what happens between batches and epochs; stopping early is one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError
from .metrics import HIGHER_IS_BETTER

if TYPE_CHECKING:
    from .training import Run


class Callback:
    """Base: a subclass defines what it needs. Each method gets the `Run`, which has the `model`, the `optimizer`, the
    `history`, the numbers `epoch` and `batch` (from 0) and the batch's `loss`; `run.stop(reason)` ends training after
    the epoch, or the batch, that is under way.
    """

    def on_fit_begin(self, run: Run) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, run: Run) -> None:
        """After each update."""

    def on_epoch_end(self, run: Run) -> None:
        """After an epoch has been measured and `run.history` has its numbers."""

    def on_fit_end(self, run: Run) -> None:
        """After the last epoch, the best theta restored where that was asked for; also after Ctrl-C."""


class EveryEpoch(Callback):
    """A plain function of the Run as a callback."""

    def __init__(self, function: Any):
        self.function = function

    def on_epoch_end(self, run: Run) -> None:
        self.function(run)


class EarlyStopping(Callback):
    """Stop when no epoch within the look-ahead has been better than the best one, and go back to that one's theta.

    Parameters
    ----------
    patience: the look-ahead, in epochs: how many to wait for a better one.
    monitor: what is compared, a name in `History`; None is the validation loss, or the training loss where there is
        no validation data.
    higher_is_better: of what is monitored; None goes by its name: true of "accuracy" and "r2", and false of all else,
        so a metric of one's own that should grow needs True.
    min_delta: by how much an epoch must be better for the waiting to begin anew.
    restore_best: leave the model with the theta of the best epoch (of equals, the last: its training loss is mostly
        lower); otherwise with that of the last one.

    Raises ArgumentError (a TypeError) for a patience below 1 or a negative min_delta.

    (Prechelt, 1998, "Early stopping - but when?"; Goodfellow, Bengio and Courville, 2016, algorithm 7.1.)
    """

    def __init__(
        self,
        patience: int = 10,
        *,
        monitor: str | None = None,
        higher_is_better: bool | None = None,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ):
        if type(patience) is bool or not isinstance(patience, (int, np.integer)) or patience < 1 or not min_delta >= 0:
            raise ArgumentError(
                f"EarlyStopping: patience {patience!r}, min_delta {min_delta}; a number of epochs from 1 on, and at"
                " least 0"
            )
        self.patience, self.monitor, self.higher_is_better = patience, monitor, higher_is_better
        self.min_delta, self.restore_best = min_delta, restore_best

    def on_fit_begin(self, run: Run) -> None:
        self.best, self.waited = float("inf"), 0

    def on_epoch_end(self, run: Run) -> None:
        value = run.score()
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            run.stop(f"early: no better {run.monitor} in {self.patience} epochs")


def sign_of(monitor: str, higher_is_better: bool | None = None) -> int:
    """-1 for what is better when higher, else 1."""
    if higher_is_better is None:
        higher_is_better = monitor.removeprefix("validation_") in HIGHER_IS_BETTER
    return -1 if higher_is_better else 1


def as_callback(item: Any) -> Callback:
    """`item` if it is a Callback; a function is called after each epoch."""
    if isinstance(item, Callback):
        return item
    if not callable(item):
        raise ArgumentError(f"fit: {item!r} is no callback; a nn.Callback is needed, or a function of the run")
    return EveryEpoch(item)
