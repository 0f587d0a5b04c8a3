"""Floor 2: the values and the gradients of an op with several outputs, such as a singular value decomposition.

Such an op is one node whose value is all its outputs together. Each output that the caller gets has a node of its
own behind that one, the op `output` (op.py), whose bprop sends back a gradient of the whole that is absent but in
one place. Sums of these are what reaches the op's own formula, so the reverse walk needs to know nothing of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class _SeveralTypes:
    """Stands where one output has its dtype."""

    kind = "several"

    def __repr__(self) -> str:
        return "several outputs"


SEVERAL = _SeveralTypes()


class Shapes(tuple[Any, ...]):
    """The shapes of several outputs, and their `dtypes`."""

    dtypes: tuple[Any, ...]

    def __new__(cls, outputs: Any) -> Shapes:
        self = super().__new__(cls, [y.shape for y in outputs])
        self.dtypes = tuple([y.dtype for y in outputs])
        return self


class Outputs(tuple[Any, ...]):
    """The outputs of one op as one value; `form` is the kind of tuple or list that they came in."""

    form: type
    dtype = SEVERAL

    def __new__(cls, form: type, outputs: Any) -> Outputs:
        self = super().__new__(cls, outputs)
        self.form = form
        return self

    @property
    def shape(self) -> Shapes:
        """The shapes of the outputs."""
        return Shapes(self)

    def filled_in(self, values: list[Any]) -> Any:
        """`values`, one for each output, in the form that the op's function returns."""
        return self.form(*values) if hasattr(self.form, "_fields") else self.form(values)


class Cotangents:
    """Gradients of an op's outputs, of `shape` (theirs), by position; where none came there is none."""

    __slots__ = ("parts", "shape")
    dtype = SEVERAL

    def __init__(self, shape: tuple[Any, ...], parts: dict[int, Any]):
        self.shape = shape
        self.parts = parts

    def __add__(self, other: Cotangents) -> Cotangents:
        total = dict(self.parts)
        for k, g in other.parts.items():
            total[k] = total[k] + g if k in total else g
        return Cotangents(self.shape, total)

    def with_zeros(self) -> tuple[Any, ...]:
        """One gradient for each output, zeros where none came."""
        real = next(iter(self.parts.values())).dtype.type(0).real.dtype
        return tuple([self.parts[k] if k in self.parts else np.zeros(s, real)[()] for k, s in enumerate(self.shape)])
