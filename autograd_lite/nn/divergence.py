"""What went wrong when a loss is no number any more: where, why, and back to the last theta that was good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..diagnose.nonfinite import find_nonfinite
from ..errors import DivergenceError, NonFiniteError
from ..tensor import Tensor

if TYPE_CHECKING:
    from .training import Run

BOUND = 1e9  # a loss that has grown by this factor (from 1, if it began below) will not come back
GROWN = 10.0  # and one that became NaN after it had grown by this one did so because it diverged
LARGE = 1e6  # or after some parameter had grown by this one


class OutOfBounds(Exception):
    """The loss of a batch, or theta after an epoch, is not finite or has outgrown all bounds."""

    def __init__(self, risk: Any, value: float):
        self.risk, self.value = risk, value


class State:
    """A copy of all that a model has learned."""

    def __init__(self, model: Any):
        self.theta = model.theta.data.copy()
        self.buffers = {name: np.copy(value) for name, value in _buffers(model)}

    def restore(self, model: Any) -> None:
        """Give the model back what it had."""
        theta = model.theta
        theta.data[:] = self.theta
        theta.changed()
        for name, value in _buffers(model):
            value[...] = self.buffers[name]


def _buffers(model: Any) -> Any:
    return model.named_buffers() if hasattr(model, "named_buffers") else ()


def diagnosis(run: Run, failure: OutOfBounds) -> NonFiniteError:
    """The error that says what happened; theta goes back to where it was good."""
    theta, first = run.model.theta.data, run.bound / BOUND
    epoch, good, best = run.history.best_epoch, run.start, "that of the start"
    if epoch is not None and run.history["loss"][epoch] <= first:
        good, best = run.best, f"that of epoch {epoch}, the best so far"
    where = f"epoch {run.epoch}, batch {run.batch} (both from 0)"
    culprit = _first_nonfinite(run.model, failure.risk)
    finite = bool(np.isfinite(theta).all())
    largest = np.abs(theta).max(initial=0, where=np.isfinite(theta))
    diverged = (
        (np.isfinite(failure.value) and finite)  # then it was the bound
        or max([run.loss, *run.history["loss"][-1:]]) > GROWN * first
        or largest > LARGE * max(1.0, np.abs(run.start.theta).max())
        or bool(np.isinf(theta).any())
    )
    if diverged:
        good.restore(run.model)
        return DivergenceError(
            f"fit: training diverged in {where}: the loss, {first:.3g} or less at first, has become {failure.value:.3g}"
            f"{f'; first not finite: {culprit}' if culprit else ''}. Lower the learning"
            f" rate, clip the gradient (clip_norm=) or scale the inputs. theta is again {best}"
        )
    if not finite:
        good.restore(run.model)
    return NonFiniteError(
        f"fit: the loss is {failure.value:.3g} in {where}; first not finite: {culprit}"
        f"{'' if finite else ', whose gradient was not finite in the update before'}."
        f" theta is {'as before this batch' if finite else 'again ' + best}"
    )


def _first_nonfinite(model: Any, loss: Any) -> str:
    """In words: the first parameter that is not finite, or else what made the first such value or gradient of the graph
    of `loss`; empty if there is none."""
    for name, parameter in model.named_parameters():
        if not np.isfinite(parameter.data).all():
            return f"the parameter {name}, of shape {parameter.shape}"
    found = find_nonfinite(loss) if isinstance(loss, Tensor) and loss.node is not None else None
    return found.where if found else ""
