"""The package's own exceptions: few, and each is also the built-in (or NumPy) error that NumPy would raise."""

from __future__ import annotations

from typing import Any


class AutogradError(Exception):
    """Base of every error that autograd_lite raises on purpose."""


class ShapeError(AutogradError, ValueError):
    """Shapes or values that an op cannot combine; names the op, its inputs and their shapes.

    `op` is the row of the table, `inputs` what it was given, nodes or constants: `ag.draw(error)` shows them.
    """

    op: Any = None
    inputs: tuple[Any, ...] = ()


class IndexingError(AutogradError, IndexError):
    """An index or a label outside what it indexes."""


class AxisError(ShapeError, IndexError):
    """An axis that the input does not have."""


class ArgumentError(AutogradError, TypeError):
    """An argument of the wrong kind, or a table row that names what does not exist."""


class NotDifferentiableError(ArgumentError):
    """A NumPy function, or a dtype, that has no gradient; raised at the forward call."""


class LeakError(ArgumentError):
    """A recorded Tensor was about to turn into plain numbers in silence."""


class StaleValueError(AutogradError, RuntimeError):
    """A backward pass met a leaf that has changed since the graph was recorded."""


class GradientError(AutogradError, AssertionError):
    """A gradient differs from its finite difference."""


class CurvatureError(AutogradError, ArithmeticError):
    """A Hessian that is not positive definite, where a method needs one that is."""


class OutOfBoundsError(AutogradError, ArithmeticError):
    """A number, `value`, is not within the bounds that a compiled function was to keep it in."""

    def __init__(self, message: str, value: float):
        super().__init__(message)
        self.value = value


class NonFiniteError(AutogradError, FloatingPointError):
    """A loss became NaN or infinite; names the epoch, the batch and the first node that is."""


class DivergenceError(NonFiniteError):
    """A loss has outgrown all bounds: the learning rate is too high."""
