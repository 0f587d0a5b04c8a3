"""One update of theta from one mini-batch, as it stands or compiled.

Compiled, the forward and backward pass and the optimizer's update are one program (autograd_lite/plan): recorded at the
first batch of each size, replayed at the others, with theta and the optimizer's state changed in place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LeakError, OutOfBoundsError
from ..ops.neural import in_bounds
from ..plan.compiled import compile as compiled
from ..plan.record import recording
from .checks import require_scalar
from .divergence import OutOfBounds
from .optimizers.base import Optimizer
from .optimizers.clipping import clip_grad_norm_
from .regularizers import Regularizer

if TYPE_CHECKING:
    from .training import Run


class Step:
    """`step(X, *target)` moves theta once; it returns the model's output where `run` needs that, and leaves the mean
    loss in `run.loss`.

    Raises
    ------
    OutOfBounds where the loss is not finite or above `run.bound`; theta is then as before.
    """

    def __init__(self, run: Run, loss: Callable[..., Any]):
        self.run, self.model, self.loss, self.optimizer = run, run.model, loss, run.optimizer
        regularizer = run.regularizer
        self.smooth = getattr(regularizer, "smooth", regularizer)
        self.shrink = getattr(regularizer, "proximal_step", None)

    def __call__(self, X: Any, *target: Any) -> Any:
        output: Any = None

        def objective() -> Any:
            nonlocal output
            first, output = output is None, self.model(X)
            risk = self.loss(output, *target)
            if first:  # an optimizer that then searches along a line may well look at points that are out of bounds
                require_scalar(risk)
                value = float(risk.item())
                if not -self.run.bound < value < self.run.bound:
                    raise OutOfBounds(risk, value)
                self.run.loss = value
            return self.regularized(risk)

        rate = self.optimizer.rate if self.shrink else None
        self.optimizer.zero_grad()
        if getattr(self.optimizer, "needs_closure", False):
            self.run.updating = True
            self.optimizer.step(objective)
        else:
            objective().backward()
            self.clip()
            self.run.updating = True
            self.optimizer.step()
        if self.shrink:
            self.shrink(self.model, rate)
        self.run.updating = False
        return output.data if self.run.metrics else None

    def clip(self) -> None:
        """Scale a gradient that is too long."""
        if self.run.clip_norm is not None:
            clip_grad_norm_(self.optimizer.theta, self.run.clip_norm)

    def regularized(self, risk: Any) -> Any:
        """The empirical risk and what of the regularizer has a gradient."""
        penalty = None if self.smooth is None else self.smooth(self.model)
        return risk if penalty is None else risk + penalty


class CompiledStep(Step):
    """The same, recorded once for each size of a batch; as it stands, with one warning, where that cannot be."""

    def __init__(self, run: Run, loss: Callable[..., Any], backend: str | None):
        super().__init__(run, loss)
        self.replay: Any = compiled(self._update, backend=backend)

    def __call__(self, X: Any, *target: Any) -> Any:
        if self.replay is None:
            return super().__call__(X, *target)
        try:
            self.run.updating = True
            loss, output = self.replay(X, *target)
        except OutOfBoundsError as failure:
            self.run.updating = False
            raise OutOfBounds(self.loss(self.model(X), *target), failure.value) from None  # with a graph to search
        except LeakError as error:
            self.run.updating, self.replay = False, None
            output = super().__call__(X, *target)
            warnings.warn(f"fit: training runs uncompiled: {error}", RuntimeWarning, stacklevel=2)
            return output
        self.run.loss = float(loss)
        self.run.updating = False
        return output

    def _update(self, X: Any, *target: Any) -> Any:
        """What is recorded."""
        trace: Any = recording()
        if trace is None:  # then it is being run as it stands
            raise LeakError("the model or the loss differentiates through a value that was recorded before")
        self.optimizer.zero_grad()
        output = self.model(X)
        risk = self.loss(output, *target)
        require_scalar(risk)
        in_bounds(risk, trace.reads(lambda: self.run.bound, np.float64(np.inf), "bound of the loss"))
        self.regularized(risk).backward()
        self.clip()
        self.optimizer.step()
        if self.shrink:
            self.shrink(self.model, self.optimizer.rate_in(trace))
        return risk, output if self.run.metrics else None


MANY = 2_000  # updates that are worth some tenths of a second for making native code


def step_for(run: Run, loss: Callable[..., Any], compile: bool | str, updates: int) -> Step:
    """A compiled step where that is wanted and the whole update can be: not for optimizers that look at several points,
    nor for classes whose step is somebody else's. By the faster backend where there are many updates to come."""
    whole = isinstance(run.optimizer, Optimizer) and type(run.optimizer).step is Optimizer.step
    if hasattr(run.regularizer, "proximal_step"):
        whole &= isinstance(run.regularizer, Regularizer)
    if not compile or not whole or run.optimizer.needs_closure:
        return Step(run, loss)
    faster = None if updates >= MANY else "numpy"
    return CompiledStep(run, loss, compile if isinstance(compile, str) else faster)
