"""scipy.special, where SciPy is installed: error functions, the gamma family, Bessel functions, entropies.

As in elementwise.py, `g` is the gradient of the output y, and each formula is g * dy/dx. Where two terms of the
textbook's formula would cancel, or one of them overflow, another formula with the same value stands in its place.

At edges: entr'(0) and the derivatives of rel_entr and kl_div by a at a = 0 are the limits, -+inf; where they
are infinite by definition (outside their domain) the gradient is 0. xlogy(a, b) has the derivative log(b) by a
also at a = 0, and 0 by b at a = b = 0. i0e'(0) and ive's term |z| take sign(0) as 0.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from ..errors import ArgumentError, NotDifferentiableError
from ..node import is_recording
from ..op import Op
from ..tensor import Tensor
from . import neural, reduce
from .elementwise import (
    absolute,
    add,
    cos,
    equal,
    exp,
    isfinite,
    log,
    log1p,
    logical_and,
    minimum,
    multiply,
    real,
    sign,
    subtract,
    where,
)

__all__ = ["digamma", "jn", "log_softmax", "logsumexp", "softmax"]  # compositions of rows, and second names


def unknown(g: Any) -> Any:
    """The formula of an input by which the derivative has no closed form: there is none, which is not zero."""
    raise NotDifferentiableError("no derivative by this input is known; take it by t.detach() if none is wanted")


class _Partial(Op):
    # A row some of whose inputs have an `unknown` derivative: it says so at the forward call already.

    __doc__ = vars(Op)["__doc__"]

    def __call__(self, *inputs: Any, **statics: Any) -> Any:
        for name, x in zip(self.inputs, inputs, strict=False):
            if self.formulas[name] is unknown and isinstance(x, Tensor) and x.requires_grad and is_recording():
                raise NotDifferentiableError(
                    f"{self.name}: no derivative by {name} is known; take {name} by t.detach() if none is wanted"
                )
        return self.call(*inputs, **statics)


def _polygamma(n: Any, x: Any) -> Any:
    return _in_dtype_of(x, special.polygamma(n, x))


def _multigammaln(a: Any, *, d: int) -> Any:
    return _in_dtype_of(a, special.multigammaln(a, d))


def _in_dtype_of(x: Any, y: Any) -> Any:
    """SciPy's functions that are written in Python give float64; here float32 stays float32."""
    return y.astype(np.float32) if getattr(x, "dtype", None) == np.float32 else y


PI, SQRT_HALF = math.pi, math.sqrt(0.5)
SQRT_2PI, SQRT_2_OVER_PI, HALF_SQRT_PI, TWO_OVER_SQRT_PI = (
    math.sqrt(2 * PI), math.sqrt(2 / PI), math.sqrt(PI) / 2, 2 / math.sqrt(PI),
)  # fmt: skip

# fmt: off
# The error function and the normal distribution
erf      = Op(special.erf,      x=lambda g, x: g * TWO_OVER_SQRT_PI * exp(-x * x))
erfc     = Op(special.erfc,     x=lambda g, x: -g * TWO_OVER_SQRT_PI * exp(-x * x))
erfcx    = Op(special.erfcx,    x=lambda g, x, y: g * _erfcx_slope(x, y))
erfinv   = Op(special.erfinv,   x=lambda g, y: g * HALF_SQRT_PI * exp(y * y))
erfcinv  = Op(special.erfcinv,  x=lambda g, y: -g * HALF_SQRT_PI * exp(y * y))
ndtr     = Op(special.ndtr,     x=lambda g, x: g * exp(-x * x / 2) / SQRT_2PI)
log_ndtr = Op(special.log_ndtr, x=lambda g, x: g * _density_over_ndtr(x))
ndtri    = Op(special.ndtri,    x=lambda g, y: g * SQRT_2PI * exp(y * y / 2))
ndtri_exp = Op(special.ndtri_exp, x=lambda g, y: g / _density_over_ndtr(y))

# The logistic function. 1 - y would lose the digits of expit(-x).
expit     = Op(special.expit,     x=lambda g, x, y: g * y * expit(-x))
log_expit = Op(special.log_expit, x=lambda g, x: g * expit(-x))
logit     = Op(special.logit,     x=lambda g, x: g / (x * (1 - x)))

# The gamma function
gamma        = Op(special.gamma,    x=lambda g, x, y: g * y * psi(x))
rgamma       = Op(special.rgamma,   x=lambda g, x, y: g * _rgamma_slope(x, y))   # (-1)^n n! at x = -n, where psi has a pole
gammaln      = Op(special.gammaln,  x=lambda g, x: g * psi(x))
loggamma     = Op(special.loggamma, x=lambda g, x: g * psi(x))
psi          = Op(special.psi,      x=lambda g, x: g * polygamma(1, x))
polygamma    = _Partial(_polygamma, n=unknown, x=lambda g, n, x: g * polygamma(n + 1, x), elementwise=True)
multigammaln = Op(_multigammaln,    a=lambda g, a, d: g * _multidigamma(a, d), elementwise=True)
beta         = Op(special.beta,     a=lambda g, y, a, b: g * y * (psi(a) - psi(a + b)), b=lambda g, y, a, b: g * y * (psi(b) - psi(a + b)))
betaln       = Op(special.betaln,   a=lambda g, a, b: g * (psi(a) - psi(a + b)),        b=lambda g, a, b: g * (psi(b) - psi(a + b)))
gammainc     = _Partial(special.gammainc,  a=unknown, x=lambda g, a, x: g * exp(xlogy(a - 1, x) - x - gammaln(a)))
gammaincc    = _Partial(special.gammaincc, a=unknown, x=lambda g, a, x: -g * exp(xlogy(a - 1, x) - x - gammaln(a)))
betainc      = _Partial(special.betainc,   a=unknown, b=unknown, x=lambda g, a, b, x: g * exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)))
betaincc     = _Partial(special.betaincc,  a=unknown, b=unknown, x=lambda g, a, b, x: -g * exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)))
stdtr        = _Partial(special.stdtr,     df=unknown, t=lambda g, df, t: g * exp(-(df + 1) / 2 * log1p(t * t / df) - betaln(df / 2, df * 0 + 0.5) - log(df) / 2))
hyp1f1       = _Partial(special.hyp1f1,    a=unknown, b=unknown, x=lambda g, a, b, x: g * (a / b) * hyp1f1(a + 1, b + 1, x))

# Bessel functions, by their recurrences; for an integer order v these need no division by z
j0  = Op(special.j0,  x=lambda g, x: -g * j1(x))
j1  = Op(special.j1,  x=lambda g, x: g * (j0(x) - jv(2, x)) / 2)
y0  = Op(special.y0,  x=lambda g, x: -g * y1(x))
y1  = Op(special.y1,  x=lambda g, x: g * (y0(x) - yv(2, x)) / 2)
i0  = Op(special.i0,  x=lambda g, x: g * i1(x))
i1  = Op(special.i1,  x=lambda g, x: g * (i0(x) + iv(2, x)) / 2)
i0e = Op(special.i0e, x=lambda g, x: -g * sign(x) * hyp1f1(1.5, 2.0, -2 * absolute(x)))   # i1e(x) - i0e(x) would cancel
i1e = Op(special.i1e, x=lambda g, x: g * (hyp1f1(1.5, 3.0, -2 * absolute(x)) - absolute(x) * hyp1f1(2.5, 4.0, -2 * absolute(x))) / 2)
k0  = Op(special.k0,  x=lambda g, x: -g * k1(x))
k1  = Op(special.k1,  x=lambda g, x: -g * (k0(x) + kv(2, x)) / 2)
k0e = Op(special.k0e, x=lambda g, x, y: g * (y - k1e(x)))
k1e = Op(special.k1e, x=lambda g, x, y: g * (y - (k0e(x) + kve(2, x)) / 2))
jv  = _Partial(special.jv,  v=unknown, z=lambda g, v, z: g * (jv(v - 1, z) - jv(v + 1, z)) / 2)
yv  = _Partial(special.yv,  v=unknown, z=lambda g, v, z: g * (yv(v - 1, z) - yv(v + 1, z)) / 2)
yn  = _Partial(special.yn,  n=unknown, x=lambda g, n, x: g * (yn(n - 1, x) - yn(n + 1, x)) / 2)
iv  = _Partial(special.iv,  v=unknown, z=lambda g, v, z: g * (iv(v - 1, z) + iv(v + 1, z)) / 2)
ive = _Partial(special.ive, holomorphic=False, v=unknown, z=lambda g, y, v, z: g * (ive(v - 1, z) + ive(v + 1, z)) / 2 - real(g * y) * sign(real(z)))  # = iv exp(-|Re z|)
kv  = _Partial(special.kv,  v=unknown, z=lambda g, v, z: -g * (kv(v - 1, z) + kv(v + 1, z)) / 2)
kn  = _Partial(special.kn,  n=unknown, x=lambda g, n, x: -g * (kn(n - 1, x) + kn(n + 1, x)) / 2)
kve = _Partial(special.kve, v=unknown, z=lambda g, y, v, z: g * (y - (kve(v - 1, z) + kve(v + 1, z)) / 2))

# Entropies, and powers made whole at 0. xlogy(g, x) is g log(x), and 0 for g = 0 whatever x is.
xlogy    = Op(special.xlogy,    a=lambda g, b: xlogy(g, b),   b=lambda g, a, b: g * a / (b + logical_and(a == 0, b == 0)))
xlog1py  = Op(special.xlog1py,  a=lambda g, b: xlog1py(g, b), b=lambda g, a, b: g * a / (1 + b + logical_and(a == 0, b == -1)))
entr     = Op(special.entr,     x=lambda g, x: where(x < 0, 0, -xlogy(g, x) - g))
rel_entr = Op(special.rel_entr, a=lambda g, a, b: where(_in_domain(a, b), xlogy(g, _ratio(a, b)) + g, 0), b=lambda g, a, b: where(_in_domain(a, b), -g * _ratio(a, b), 0))
kl_div   = Op(special.kl_div,   a=lambda g, a, b: where(_in_domain(a, b), xlogy(g, _ratio(a, b)), 0),     b=lambda g, a, b: where(_in_domain(a, b), -g * _ratio(a - b, b), 0))
exprel   = Op(special.exprel,   x=lambda g, x: g * hyp1f1(2.0, 3.0, x) / 2)
boxcox   = Op(special.boxcox,   x=lambda g, x, lmbda: g * x ** (lmbda - 1),               lmbda=lambda g, x, lmbda: g * log(x) ** 2 * hyp1f1(2.0, 3.0, lmbda * log(x)) / 2)
boxcox1p = Op(special.boxcox1p, x=lambda g, x, lmbda: g * exp((lmbda - 1) * log1p(x)),    lmbda=lambda g, x, lmbda: g * log1p(x) ** 2 * hyp1f1(2.0, 3.0, lmbda * log1p(x)) / 2)
# fmt: on
digamma, jn = psi, jv


def _in_domain(a: Any, b: Any) -> Any:
    return logical_and(a >= 0, b > 0)


def _ratio(a: Any, b: Any) -> Any:
    """a / b where b > 0, else some number that is masked out."""
    return a / where(b > 0, b, 1)


def _erfcx_slope(x: Any, y: Any) -> Any:
    """2 x y - 2 / sqrt(pi), whose terms cancel for large x; from there on its asymptotic series
    -(1 - 3u (1 - 5u (1 - ...))) / (sqrt(pi) x^2), u = 1 / (2 x^2), to all digits of a double."""
    far = x > 10
    z = where(far, x, 10)
    u = 0.5 / (z * z)
    series: Any = 1.0
    for k in range(27, 1, -2):
        series = 1 - k * u * series
    return where(far, -TWO_OVER_SQRT_PI * u * series, 2 * x * y - TWO_OVER_SQRT_PI)


def _density_over_ndtr(x: Any) -> Any:
    """exp(-x^2 / 2) / sqrt(2 pi) / ndtr(x), where x < 0 without the exp, which would underflow."""
    left, right = where(x < 0, x, 0), where(x < 0, 0, x)
    of_right = exp(-right * right / 2) / (SQRT_2PI * ndtr(right))
    return where(x < 0, SQRT_2_OVER_PI / erfcx(-SQRT_HALF * left), of_right)


def _rgamma_slope(x: Any, y: Any) -> Any:
    """-psi(x) / gamma(x); on the left the derivative of gamma(1 - x) sin(pi x) / pi, which has no poles."""
    left = x < 0.5
    z, w = where(left, x, 0), where(left, 1, x)
    return where(left, gamma(1 - z) * cos(PI * z) - psi(1 - z) * y, -psi(w) * y)


def _multidigamma(a: Any, d: int) -> Any:
    total = psi(a)
    for k in range(1, d):
        total = total + psi(a - k / 2)
    return total


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log sum_i b_i exp(a_i) along `axis` (of all entries if None); b broadcasts with a and may be negative.

    NaN where the sum is negative. A b_i = 0 leaves a_i out, yet has its own derivative, exp(a_i - y), which is
    bounded by exp(80).
    """
    if return_sign:
        raise ArgumentError("logsumexp: return_sign=True has no gradient here; take the sign of sum(b * exp(a - max))")
    if b is None:
        return reduce.logsumexp(a, axis=axis, keepdims=keepdims)
    left_out = equal(b, 0)
    shift = reduce.logsumexp(where(left_out, -np.inf, a), axis=axis, keepdims=True)
    shift = where(isfinite(shift), shift, 0)
    z = subtract(a, shift)
    total = reduce.sum(multiply(b, exp(where(left_out, minimum(z, 80), z))), axis=axis, keepdims=keepdims)
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing to add up gives -inf, a negative sum NaN
        y = log(total)
    return add(y, shift if keepdims else shift.reshape(y.shape))


def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x_i) / sum_j exp(x_j) along `axis`; over all entries if it is None, as in SciPy."""
    return neural.softmax(x, axis=axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """x_i - log sum_j exp(x_j) along `axis`; over all entries if it is None, as in SciPy."""
    return neural.log_softmax(x, axis=axis)
