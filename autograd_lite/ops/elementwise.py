"""Arithmetic, powers, exponentials, trigonometry, comparisons: each entry of y depends on one entry of each input.

`g` is the gradient of the output y, and each formula is the chain rule's g * dy/dx. Broadcasting is undone by
the engine. At ties and kinks: minimum and maximum share g evenly, clip passes half at its bounds, relu'(0),
abs'(0) and hypot'(0, 0) are 0, leaky_relu'(0) is its slope, elu'(0) its alpha. Masks go through `where(c, g, 0)`:
`g * c` would be NaN where g is infinite.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..op import Op
from ..source import reads_as
from .masks import choose, choose_into

__all__ = ["clip", "sign"]  # compositions of rows; rows are public by themselves

# fmt: off
LN2, LN10 = float(np.log(2)), float(np.log(10))

# Arithmetic
add      = Op(np.add,      "+", run=operator.add,     a=lambda g: g,        b=lambda g: g,                linear=("a", "b"))
subtract = Op(np.subtract, "-", run=operator.sub,     a=lambda g: g,        b=lambda g: -g,               linear=("a", "b"))
multiply = Op(np.multiply, "*", run=operator.mul,     a=lambda g, b: g * b, b=lambda g, a: g * a)
divide   = Op(np.divide,   "/", run=operator.truediv, a=lambda g, b: g / b, b=lambda g, y, b: -g * y / b)
negative = Op(np.negative, "-", run=operator.neg,     x=lambda g: -g,       linear=("x",))
positive = Op(np.positive, "+", run=operator.pos,     x=lambda g: g,        linear=("x",))
remainder    = Op(np.remainder,    "%",  run=operator.mod,      a=lambda g: g, b=lambda g, a, b: -g * (a // b))
floor_divide = Op(np.floor_divide, "//", run=operator.floordiv, a=None,        b=None)

# Powers. At a = b = 0, da = g b a^(b-1) is 0, with no division by zero on the way; where a = 0, db = g y log(a) is 0.
_power: Any = {"a": lambda g, a, b: g * b * (a + (a == 0) * (b == 0)) ** (b - 1), "b": lambda g, y, a: g * y * log(a + (a == 0))}
power      = Op(np.power,     "**", **_power)
raised     = Op(operator.pow, "**", name="raised", **_power, elementwise=True)  # a ** b, which NumPy rounds differently for scalars
square     = Op(np.square,     x=lambda g, x: _twice(g) * x)
sqrt       = Op(np.sqrt,       x=lambda g, y: g / (2 * y))
cbrt       = Op(np.cbrt,       x=lambda g, y: g / (3 * y * y))
reciprocal = Op(np.reciprocal, x=lambda g, y: -g * y * y)
hypot      = Op(np.hypot,      a=lambda g, y, a: g * (a / (y + (y == 0))), b=lambda g, y, b: g * (b / (y + (y == 0))))

# Exponentials and logarithms
exp        = Op(np.exp,   x=lambda g, y: g * y)
exp2       = Op(np.exp2,  x=lambda g, y: g * y * LN2)
expm1      = Op(np.expm1, x=lambda g, y: g * (y + 1))
log        = Op(np.log,   x=lambda g, x: g / x)
log2       = Op(np.log2,  x=lambda g, x: g / (x * LN2))
log10      = Op(np.log10, x=lambda g, x: g / (x * LN10))
log1p      = Op(np.log1p, x=lambda g, x: g / (1 + x))
logaddexp  = Op(np.logaddexp,  a=lambda g, a, b: g * sigmoid(a - b),         b=lambda g, a, b: g * sigmoid(b - a))
logaddexp2 = Op(np.logaddexp2, a=lambda g, a, b: g * sigmoid((a - b) * LN2), b=lambda g, a, b: g * sigmoid((b - a) * LN2))

# Trigonometric and hyperbolic functions
sin     = Op(np.sin,     x=lambda g, x: g * cos(x))
cos     = Op(np.cos,     x=lambda g, x: -g * sin(x))
tan     = Op(np.tan,     x=lambda g, y: g * (1 + y * y))
arcsin  = Op(np.arcsin,  x=lambda g, x: g / sqrt(1 - x * x))
arccos  = Op(np.arccos,  x=lambda g, x: -g / sqrt(1 - x * x))
arctan  = Op(np.arctan,  x=lambda g, x: g / (1 + x * x))
arctan2 = Op(np.arctan2, a=lambda g, a, b: g * b / (a * a + b * b), b=lambda g, a, b: -g * a / (a * a + b * b))
sinh    = Op(np.sinh,    x=lambda g, x: g * cosh(x))
cosh    = Op(np.cosh,    x=lambda g, x: g * sinh(x))
tanh    = Op(np.tanh,    x=lambda g, y: g * (1 - y * y))
arcsinh = Op(np.arcsinh, x=lambda g, x: g / sqrt(x * x + 1))
arccosh = Op(np.arccosh, x=lambda g, x: g / (sqrt(x - 1) * sqrt(x + 1)))
arctanh = Op(np.arctanh, x=lambda g, x: g / (1 - x * x))


# The field's own
@reads_as("1 / (1 + exp(-x))")
def _sigmoid(x: Any) -> Any:
    """A number between 0 and 1, the larger the larger x is: the logistic function."""
    with np.errstate(over="ignore"):  # exp(-x) = inf gives sigmoid(x) = 0, as it should
        return 1 / (1 + np.exp(-x))


sigmoid  = Op(_sigmoid,                                  x=lambda g, y: g * (y * (1 - y)), elementwise=True, quiet=("over",))
softplus = Op(lambda x: np.logaddexp(x, 0), name="softplus", x=lambda g, x: g * sigmoid(x),   elementwise=True)
relu     = Op(lambda x: np.maximum(x, 0),   name="relu",     x=lambda g, y: where(y > 0, g, 0), elementwise=True)
leaky_relu = Op(lambda x, *, slope=0.01: np.maximum(x, slope * x), name="leaky_relu", x=lambda g, x, slope: where(x > 0, g, slope * g), elementwise=True)  # 0 <= slope <= 1 (Maas et al., 2013)
elu      = Op(lambda x, *, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), name="elu", x=lambda g, y, alpha: where(y > 0, g, g * (y + alpha)), elementwise=True)  # alpha > 0 (Clevert et al., 2016, eq. 15)

# Choices, and parts of numbers
absolute = Op(np.absolute, "abs", run=operator.abs, x=lambda g, x: g * sign(x).conj(), holomorphic=False)
_sign    = Op(np.sign,     x=None)
maximum  = Op(np.maximum,  a=lambda g, a, b: where(a > b, g, where(a == b, g / 2, 0)), b=lambda g, a, b: where(b > a, g, where(a == b, g / 2, 0)))
minimum  = Op(np.minimum,  a=lambda g, a, b: where(a < b, g, where(a == b, g / 2, 0)), b=lambda g, a, b: where(b < a, g, where(a == b, g / 2, 0)))
where    = Op(np.where,    run=choose, c=None, a=lambda g, c: where(c, g, 0), b=lambda g, c: where(c, 0, g), elementwise=True, write=choose_into)
conjugate = Op(np.conjugate, x=lambda g: g.conj(), holomorphic=False, linear=("x",))
real     = Op(lambda x: x.real, name="real", x=lambda g: g,                                 elementwise=True, holomorphic=False, linear=("x",), view=True)
imag     = Op(lambda x: x.imag, name="imag", x=lambda g: g * -1j,                       elementwise=True, holomorphic=False, linear=("x",), view=True)

stop_gradient = Op(lambda x: np.array(x), name="stop_gradient", x=None, elementwise=True)  # a copy: a leaf may change

# Comparisons, logic and rounding: flat, yet recorded, since a replay needs their masks
equal         = Op(np.equal,         "==", run=operator.eq, a=None, b=None)
not_equal     = Op(np.not_equal,     "!=", run=operator.ne, a=None, b=None)
less          = Op(np.less,          "<",  run=operator.lt, a=None, b=None)
less_equal    = Op(np.less_equal,    "<=", run=operator.le, a=None, b=None)
greater       = Op(np.greater,       ">",  run=operator.gt, a=None, b=None)
greater_equal = Op(np.greater_equal, ">=", run=operator.ge, a=None, b=None)
logical_and   = Op(np.logical_and,         a=None, b=None)
logical_or    = Op(np.logical_or,          a=None, b=None)
logical_xor   = Op(np.logical_xor,         a=None, b=None)
logical_not   = Op(np.logical_not,         x=None)
bitwise_and   = Op(np.bitwise_and, "&",    a=None, b=None)
bitwise_or    = Op(np.bitwise_or,  "|",    a=None, b=None)
invert        = Op(np.invert,      "~",    x=None)
isnan         = Op(np.isnan,               x=None)
isinf         = Op(np.isinf,               x=None)
isfinite      = Op(np.isfinite,            x=None)
floor         = Op(np.floor,               x=None)
ceil          = Op(np.ceil,                x=None)
trunc         = Op(np.trunc,               x=None)
rint          = Op(np.rint,                x=None)
# fmt: on


@reads_as("2 * g")
def _twice(g: Any) -> Any:
    """2 g; one number stands for an array that has it everywhere, such as the gradient that a sum sends."""
    if type(g) is np.ndarray and g.size and not any(g.strides):
        g = g[(0,) * g.ndim]
    return g + g


def sign(x: Any) -> Any:
    """-1, 0 or 1, flat; for a complex number z / |z|, which is not."""
    return (
        where(x == 0, 0, x) / (absolute(x) + (x == 0))
        if getattr(x, "dtype", np.dtype(type(x))).kind == "c"
        else _sign(x)
    )


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """`a` limited to [a_min, a_max], min(max(a, a_min), a_max); passes half the gradient at a bound."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is not None:
        a = maximum(a, low)
    return a if high is None else minimum(a, high)
