"""More of what is done to each number alone: angles, signs, parts, cases.

At kinks: fmax and fmin share g evenly at ties and take no NaN for an answer; copysign'(0) and fabs'(0) are 0.
sinc is differentiated by an exact row of its own, so that 0 is a point like any other.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Op
from .elementwise import (
    arctan2,
    floor_divide,
    imag,
    isfinite,
    log,
    real,
    remainder,
    sign,
    trunc,
    where,
)
from .shape import value_of

__all__ = ["angle", "divmod", "frexp", "modf", "real_if_close", "unwrap"]

DEGREE = math.pi / 180


def _sinc_derivative(x: Any, *, n: int) -> Any:
    """The n-th derivative of sin(pi x) / (pi x): near 0 by its power series, elsewhere by
    x s_n = pi^(n-1) sin(pi x + n pi / 2) - n s_(n-1), which comes from differentiating x sinc(x) n times."""
    x = np.asarray(x)
    near = np.abs(x) < 1 + 0.25 * n  # dividing by x n times loses digits where x is small
    far = np.where(near, 1, x)
    s = np.sinc(far)
    for k in range(1, n + 1):
        s = (math.pi ** (k - 1) * np.sin(math.pi * far + k * math.pi / 2) - k * s) / far
    u = np.where(near, x, 0)
    series = np.zeros_like(u)
    for j in range(40 + 2 * n, (n - 1) // 2, -1):  # sum over 2 j >= n of (-1)^j pi^2j / (2j+1)! (2j)!/(2j-n)! x^(2j-n)
        log_size = 2 * j * math.log(math.pi) - math.log(2 * j + 1) - math.lgamma(2 * j - n + 1)
        series = series + (-1) ** j * math.exp(log_size) * u ** (2 * j - n)
    return np.where(near, series, s).astype(x.dtype)


def _nan_to_num(x: Any, *, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def _finite_parts(g: Any, x: Any) -> Any:
    """g where x is finite; of complex numbers, each part of g where that part of x is."""
    if x.dtype.kind != "c":
        return where(isfinite(x), g, 0)
    return where(isfinite(real(x)), real(g), 0) + 1j * where(isfinite(imag(x)), imag(g), 0)


# fmt: off
# Angles
deg2rad = Op(np.deg2rad, x=lambda g: g * DEGREE, linear=("x",))
radians = Op(np.radians, x=lambda g: g * DEGREE, linear=("x",))
rad2deg = Op(np.rad2deg, x=lambda g: g / DEGREE, linear=("x",))
degrees = Op(np.degrees, x=lambda g: g / DEGREE, linear=("x",))
sinc            = Op(lambda x: np.sinc(x), name="sinc",        x=lambda g, x: g * sinc_derivative(x, 1),          elementwise=True)
sinc_derivative = Op(_sinc_derivative,     name="sinc_derivative", x=lambda g, x, n: g * sinc_derivative(x, n + 1), elementwise=True)

# Signs and sizes
fabs      = Op(np.fabs,      x=lambda g, x: g * sign(x))
copysign  = Op(np.copysign,  a=lambda g, a, b: g * sign(a) * copysign(1, b), b=None)
heaviside = Op(np.heaviside, a=None, b=lambda g, a: where(a == 0, g, 0))
fmax      = Op(np.fmax,      a=lambda g, y, a, b: where(y == a, where(a == b, g / 2, g), 0), b=lambda g, y, a, b: where(y == b, where(a == b, g / 2, g), 0))
fmin      = Op(np.fmin,      a=lambda g, y, a, b: where(y == a, where(a == b, g / 2, g), 0), b=lambda g, y, a, b: where(y == b, where(a == b, g / 2, g), 0))
fmod      = Op(np.fmod,      a=lambda g: g, b=lambda g, a, b: -g * trunc(a / b))
nan_to_num = Op(_nan_to_num, x=lambda g, x: _finite_parts(g, x), holomorphic=False, elementwise=True)

# Powers
float_power = Op(np.float_power, a=lambda g, a, b: g * b * float_power(a + (a == 0) * (b == 0), b - 1), b=lambda g, y, a: g * y * log(a + (a == 0)))
exponent    = Op(lambda x: np.frexp(x)[1], name="frexp", x=None, elementwise=True)
ldexp       = Op(np.ldexp,       a=lambda g, b: ldexp(g, b), b=None)
# fmt: on


def angle(z: Any, deg: bool = False) -> Any:
    """The angle of complex numbers, -pi < angle <= pi; not differentiable at 0."""
    result = arctan2(imag(z), real(z)) if z.dtype.kind == "c" else arctan2(0, z)
    return result * (180 / math.pi) if deg else result


def real_if_close(a: Any, tol: float = 100) -> Any:
    """The real part, where every imaginary part is within `tol` machine epsilons of 0."""
    return real(a) if a.dtype.kind == "c" and np.isrealobj(np.real_if_close(value_of(a), tol)) else a


def divmod(x1: Any, x2: Any) -> Any:
    """`(x1 // x2, x1 % x2)`."""
    return floor_divide(x1, x2), remainder(x1, x2)


def modf(x: Any) -> Any:
    """The fractional and the integral part, each with the sign of `x`."""
    x = x if x.dtype.kind == "f" else x.astype(np.modf.resolve_dtypes((x.dtype, None, None))[0])
    return fmod(x, 1), trunc(x)


def frexp(x: Any) -> Any:
    """`(m, e)` with x = m 2^e and 0.5 <= |m| < 1; the exponents are flat."""
    exponents = exponent(x)
    return ldexp(x, -exponents), exponents


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    """Angles without jumps: whole periods are added, which no gradient sees."""
    value = value_of(p)
    return p + (np.unwrap(value, discont, axis, period=period) - value)
