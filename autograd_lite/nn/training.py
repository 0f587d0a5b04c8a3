"""Training: argmin over theta of (1/T) sum_t l(f(x_t; theta), y_t) + lambda Omega(theta), by mini-batches."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .callbacks import Callback, EarlyStopping, as_callback, sign_of
from .checks import check_output, check_parts, check_targets
from .data import batches, checked, is_whole
from .divergence import BOUND, OutOfBounds, State, diagnosis
from .history import History
from .losses import loss_named
from .metrics import Metric, metrics_named
from .modes import mode
from .prediction import evaluate
from .step import Step, step_for


def fit(
    model: Any,
    loss: str | Callable[..., Any],
    data: Any,
    optimizer: Any,
    *,
    epochs: int,
    batch_size: int | None,
    validation: Any = None,
    regularizer: Any = None,
    clip_norm: float | None = None,
    rng: Any = 0,
    metrics: Any = (),
    early_stopping: EarlyStopping | int | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    compile: bool | str = True,
) -> History:
    """Minimise the mean loss over the data, plus the regularizer, by mini-batches.

    Parameters
    ----------
    model: a Module; its parameters are changed in place.
    loss: `loss(output, target) -> scalar`, such as nn.cross_entropy; or its name in nn.LOSSES.
    data: (X, y), arrays with one example a row; or (X, y, weights), and then `loss(output, target,
        reduction="none")` is averaged with these weights. Real numbers take the dtype of the parameters.
    optimizer: holds the model's parameters.
    epochs: how many times to go through the data.
    batch_size: examples per update, at most all; None is all of them.
    validation: (X, y) to measure on after each epoch.
    regularizer: `regularizer(model) -> scalar`; one with a `proximal_step` shrinks after each update instead.
    clip_norm: the largest norm of the gradient, as one vector, that an update is made from; a longer one is scaled to
        it (`nn.clip_grad_norm_`).
    rng: a numpy.random.Generator for the order of the examples, or a seed for one. Same seed, same bits.
    metrics: names in nn.METRICS, or functions (output, target) -> float. Those of the training data are taken from
        the outputs that the updates were made from.
    early_stopping: an EarlyStopping, or the number of epochs to look ahead.
    callbacks: nn.Callback objects, or functions that are called with the Run after each epoch.
    progress: show a bar with loss, metrics and time left, where tqdm is installed.
    compile: record the update once for each size of a batch and replay it (`ag.compile`), by the backend of that name
        or, if True, the one that is faster for that many updates. What Python does in the model or loss besides
        computing is done only when it is recorded; where values decide what is computed, training runs uncompiled, and
        a warning says why.

    Ctrl-C ends training with the best theta of the completed epochs; before the first of them is complete, with the
    theta of the last whole update. `history.stopped` says so.

    Raises
    ------
    ShapeError (a ValueError) for data that is empty, of unequal lengths or not finite, and for a batch size out of
    range; IndexingError for labels outside the classes. NonFiniteError (a FloatingPointError) if the loss is NaN or
    infinite: it names epoch, batch and the first node that is; theta is then as before that batch. DivergenceError
    (one of those) if the loss has outgrown all bounds; theta is then that of the best epoch, or of the start.

    >>> from autograd_lite import nn
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = nn.MLP([1, 2])
    >>> optimizer = nn.SGD(model.parameters(), lr=1.0)
    >>> history = fit(model, nn.cross_entropy, (X, np.array([0, 0, 1, 1])), optimizer, epochs=100, batch_size=4,
    ...               metrics="accuracy", progress=False)
    >>> history["accuracy"][-1], len(history)
    (1.0, 100)
    """
    loss = loss_named(loss)
    check_parts(model, optimizer, regularizer, clip_norm)
    check_output(model, loss)
    theta = model.theta
    train = checked(data, "training data", theta.data.dtype)
    held_out = None if validation is None else checked(validation, "validation data", theta.data.dtype)
    size = len(train[0]) if batch_size is None else batch_size
    if not (is_whole(size) and size <= len(train[0])):
        raise ShapeError(
            f"fit: batch size {batch_size} for {len(train[0])} examples; a whole number from 1 to all of them is needed"
        )
    if not is_whole(epochs):
        raise ArgumentError(f"fit: {epochs} epochs; a whole number from 1 on is needed")
    check_targets(model, loss, train, "training data")
    if held_out is not None:
        check_targets(model, loss, held_out, "validation data")
    if not set(map(id, optimizer.theta.leaves)) & set(map(id, theta.leaves)):
        raise ArgumentError("fit: the optimizer holds none of the model's parameters; give it model.parameters()")
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        early_stopping = EarlyStopping(early_stopping)
    run = Run(model, loss, optimizer, regularizer, metrics_named(metrics), held_out, early_stopping, clip_norm)
    called = [as_callback(callback) for callback in callbacks]
    called += [early_stopping] if early_stopping is not None else []
    rng = rng if hasattr(rng, "permutation") else np.random.default_rng(rng)
    updates = epochs * -(-len(train[0]) // size)
    run.step = step_for(run, _weighted(loss) if len(train) == 3 else loss, compile, updates)
    run.train(train, size, epochs, rng, called, progress)
    return run.history


class Run:
    """One call of `fit`, as callbacks see it."""

    def __init__(
        self,
        model: Any,
        loss: Callable[..., Any],
        optimizer: Any,
        regularizer: Any,
        metrics: dict[str, Metric],
        validation: Any,
        early_stopping: EarlyStopping | None,
        clip_norm: float | None = None,
    ):
        self.model, self.optimizer, self.regularizer, self.clip_norm = model, optimizer, regularizer, clip_norm
        self.loss_function, self.metrics, self.validation = loss, metrics, validation
        names = ["loss", *metrics]
        if validation is not None:
            names += [f"validation_{name}" for name in names]
        self.history = History([*names, "rate", "seconds"])
        self.monitor = "loss" if validation is None else "validation_loss"
        higher = None
        if early_stopping is not None:
            self.monitor, higher = early_stopping.monitor or self.monitor, early_stopping.higher_is_better
        self.sign = sign_of(self.monitor, higher)
        _ = self.history[self.monitor]  # an unknown name is an error now, not after the first epoch
        self.restore_best = early_stopping is not None and early_stopping.restore_best
        self.epoch = self.batch = 0
        self.loss, self.bound = 0.0, np.inf
        self.step: Step
        self.updating = False  # whether theta may be half moved
        self.start = self.best = State(model)
        self.best_score = np.inf

    def stop(self, reason: str) -> None:
        """End training after the batch, or epoch, that is under way."""
        self.history.stopped = reason

    def score(self) -> float:
        """What is monitored, of the last epoch: the lower, the better."""
        return self.sign * self.history[self.monitor][-1]

    def train(
        self, data: Any, batch_size: int, epochs: int, rng: Any, callbacks: list[Callback], progress: bool
    ) -> None:
        """All epochs, until one is the last."""
        bar = _bar(epochs * -(-len(data[0]) // batch_size), progress)
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"), mode(self.model, True):
                _tell(callbacks, "on_fit_begin", self)
                for self.epoch in range(epochs):
                    self._run_epoch(data, batch_size, rng, callbacks, bar)
                    if self.history.stopped:
                        break
                self.history.stopped = self.history.stopped or "all epochs done"
        except KeyboardInterrupt:
            self.history.stopped = "interrupted"
            if self.updating or self.history.best_epoch is not None:
                self.best.restore(self.model)
        except OutOfBounds as failure:
            raise diagnosis(self, failure) from None
        finally:
            bar.close()
        if self.restore_best and self.history.best_epoch is not None:
            self.best.restore(self.model)
        _tell(callbacks, "on_fit_end", self)

    def _run_epoch(self, data: Any, batch_size: int, rng: Any, callbacks: list[Callback], bar: Any) -> None:
        started = perf_counter()
        _tell(callbacks, "on_epoch_begin", self)
        after_batch = [c.on_batch_end for c in callbacks if type(c).on_batch_end is not Callback.on_batch_end]
        outputs: list[Any] = []
        targets: list[Any] = []
        total, seen = 0.0, 0
        for self.batch, (X, *target) in enumerate(batches(data, batch_size, rng)):
            output = self.step(X, *target)
            if not seen and self.bound == np.inf:
                self.bound = BOUND * max(1.0, abs(self.loss))
            total += self.loss * len(X)
            seen += len(X)
            if self.metrics:
                outputs.append(output)
                targets.append(target[0])
            for call in after_batch:
                call(self)
            bar.update()
            if self.history.stopped:
                break
        measured = {"loss": total / seen}
        if self.metrics:
            output, y = np.concatenate(outputs), np.concatenate(targets)
            measured.update({name: metric(output, y) for name, metric in self.metrics.items()})
        self._end_epoch(measured, perf_counter() - started, callbacks, bar)

    def _end_epoch(self, measured: dict[str, float], seconds: float, callbacks: list[Callback], bar: Any) -> None:
        if not np.isfinite(self.model.theta.data).all():
            raise OutOfBounds(None, self.loss)
        if self.validation is not None:
            loss = _weighted(self.loss_function) if len(self.validation) == 3 else self.loss_function
            held_out = evaluate(self.model, loss, self.validation, self.metrics)
            measured.update({f"validation_{name}": value for name, value in held_out.items()})
        rate = getattr(self.optimizer, "rate", None)
        measured.update(rate=self.optimizer.lr if rate is None else np.mean(rate), seconds=seconds)  # of all entries
        self.history.append({name: float(value) for name, value in measured.items()})
        if self.score() <= self.best_score:
            self.best, self.best_score = State(self.model), self.score()
            self.history.best_epoch = self.epoch
        _tell(callbacks, "on_epoch_end", self)
        bar.set_postfix_str(
            ", ".join(f"{k} {v:.4g}" for k, v in measured.items() if k not in ("rate", "seconds")), refresh=False
        )


def _weighted(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The mean of `loss` with a weight for each example."""
    parameters = inspect.signature(loss).parameters.values()
    if not any(p.name == "reduction" or p.kind is p.VAR_KEYWORD for p in parameters):
        name = getattr(loss, "__name__", repr(loss))
        raise ArgumentError(f"fit: the loss {name} takes no reduction='none', which weights of examples need")

    def weighted(output: Any, target: Any, weights: Any) -> Any:
        each = loss(output, target, reduction="none")
        if each.ndim > 1:
            each = each.reshape(len(weights), -1).mean(1)
        return (each * weights).sum() / np.maximum(
            weights.sum(), np.finfo(each.dtype).tiny
        )  # a batch may weigh nothing

    return weighted


def _tell(callbacks: list[Callback], event: str, run: Run) -> None:
    for callback in callbacks:
        getattr(callback, event)(run)


class _NoBar:
    def update(self) -> None: ...
    def close(self) -> None: ...
    def set_postfix_str(self, text: str, refresh: bool) -> None: ...


def _bar(total: int, progress: bool) -> Any:
    if progress:
        try:
            from tqdm import tqdm
        except ImportError:
            return _NoBar()
        return tqdm(total=total, desc="fit", unit="batch")
    return _NoBar()
