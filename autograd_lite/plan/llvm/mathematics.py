"""exp, log, tanh and their kin for vectors: arithmetic and bits alone, no branches, so that every lane does the same.

Each function reduces its argument to a small interval, takes a polynomial there, and puts the result together from
that and a power of two. Rounding is kept under control by splitting constants in a part that multiplies exactly and a
rest (Cody & Waite 1980, Software Manual for the Elementary Functions), and by adding small terms to large ones last.
Errors in units in the last place, against mpmath (tests/test_llvm.py): exp and log at most 1, log1p 1.5, expm1, tanh
and softplus 2, sigmoid 2.5. NaN, infinities, subnormals and signed zeros come out as C's functions give them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from .registers import F32, F64, Kind, Register, fma, select

INF = math.inf


class Format(NamedTuple):
    """What the functions need to know of a floating format."""

    mantissa: int  # bits behind the point
    bias: int  # of the exponent
    integer: float  # 1.5 * 2^mantissa: adding it rounds to an integer, which then stands in the lowest bits
    ln2: tuple[float, float]  # ln 2 as a part with trailing zeros and the rest
    exp_range: tuple[float, float]  # below it exp is 0, above it infinite
    exp_terms: int  # of the Taylor series of exp on [-ln2/2, ln2/2]
    log_terms: int  # of the series of artanh on [-0.172, 0.172]
    tanh_range: float  # above half of it tanh is 1

    def exponent(self, k: Register) -> Register:
        """2^k for an integer k of a normal number."""
        return ((k + self.bias) << self.mantissa).as_float()


FORMATS: dict[Kind, Format] = {
    F32: Format(23, 127, 1.5 * 2**23, (0.693145751953125, 1.428606765330187e-06), (-104.0, 89.0), 7, 4, 20.0),
    F64: Format(
        52, 1023, 1.5 * 2**52, (0.6931471803691238, 1.9082149292705877e-10), (-746.0, 710.0), 13, 10, 40.0
    ),
}  # fmt: skip


def polynomial(x: Register, coefficients: list[float]) -> Register:
    """c0 + c1 x + c2 x^2 + ..., by Horner's rule."""
    y = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        y = fma(x, y, c)
    return y


def limited(x: Register, low: float, high: float) -> Register:
    """x within [low, high]; NaN stays NaN."""
    x = select(x.compare("lt", low), low, x)
    return select(x.compare("gt", high), high, x)


def _reduced(x: Register) -> tuple[Register, Register]:
    """(m, n) with exp(x) = 2^n (1 + m): n the integer next to x / ln 2, m from the series of exp(r) - 1 at the rest r.

    What the rounding of r loses is added where the small terms are.
    """
    f = FORMATS[x.kind]
    shifted = fma(x, 1 / math.log(2), f.integer)
    n = shifted - f.integer
    first = fma(n, -f.ln2[0], x)
    r = fma(n, -f.ln2[1], first)
    tail = polynomial(r, [1 / math.factorial(k) for k in range(2, f.exp_terms + 1)])
    m = r + fma(r * r, tail, fma(n, -f.ln2[1], first - r))
    return m, shifted.bits() - x.like(f.integer).bits()


def exp(x: Register) -> Register:
    """e^x = 2^n (1 + m); the power of two in two steps, so that subnormal results are rounded once."""
    f = FORMATS[x.kind]
    m, n = _reduced(limited(x, *f.exp_range))
    half = n >> 1
    return (m + 1) * f.exponent(half) * f.exponent(n - half)


def _expm1(x: Register) -> Register:
    """e^x - 1 = 2 (h m + h - 1/2) with h = 2^(n - 1), for x that is not so large that h overflows."""
    m, n = _reduced(x)
    h = FORMATS[x.kind].exponent(n - 1)
    return fma(h, m, h - 0.5) * 2


def expm1(x: Register) -> Register:
    """e^x - 1, accurate where it is small too."""
    low, high = -0.5 * FORMATS[x.kind].exp_range[1], FORMATS[x.kind].exp_range[1]
    return select(x.compare("eq", 0), x, _expm1(limited(x, low, high)))


def log(x: Register) -> Register:
    """ln x = k ln 2 + ln(1 + f), where x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).

    ln(1 + f) = 2 artanh(s) with s = f / (2 + f), of which f - f^2/2 is taken apart and added last.
    """
    f = FORMATS[x.kind]
    tiny = x.compare("lt", 2.0 ** (1 - f.bias))  # subnormal: scaled up, so that it has an exponent to take off
    bits = select(tiny, x * 2.0**f.mantissa, x).bits()
    root = x.like(math.sqrt(0.5)).bits()
    k = (bits - root) >> f.mantissa
    part = (bits - (k << f.mantissa)).as_float() - 1
    k_ = select(tiny, k - f.mantissa, k).cast(x.kind)
    y = _log1p_reduced(part, k_, x.like(0.0))
    y = select(x.compare("eq", 0), -INF, y)
    y = select(x.compare("lt", INF), y, x)  # infinity and NaN as they are
    return select(x.compare("lt", 0), math.nan, y)


def _log1p_reduced(part: Register, k: Register, correction: Register) -> Register:
    """ln(1 + part) + k ln 2 + correction."""
    f = FORMATS[part.kind]
    s = part / (part + 2)
    z = s * s
    series = z * polynomial(z, [2 / (2 * j + 1) for j in range(1, f.log_terms + 1)])
    half_square = part * part * 0.5
    small = fma(s, half_square + series, fma(k, f.ln2[1], correction))
    return fma(k, f.ln2[0], part - (half_square - small))


def log1p(x: Register) -> Register:
    """ln(1 + x): of u = 1 + x rounded, and what the rounding lost, c / u."""
    u = x + 1
    y = log(u) + select(u.compare("gt", 0), (x - (u - 1)) / u, 0.0)
    y = select(x.compare("lt", INF), y, x)
    y = select(x.compare("eq", 0), x, y)
    return select(x.compare("lt", -1), math.nan, y)


def tanh(x: Register) -> Register:
    """tanh |x| = e / (e + 2) with e = exp(2 |x|) - 1, and the sign of x."""
    f = FORMATS[x.kind]
    a = x.call("fabs")
    a = select((a + a).compare("gt", f.tanh_range), f.tanh_range, a + a)
    e = _expm1(a)
    below = e + 2
    y = e / below
    rest = fma(-y, below, e) - y * (e - (below - 2))  # what the quotient leaves of e; and 1 / (e + 2) = (1 - y) / 2
    rest = select(e.compare("lt", 2), rest, 0.0)
    return fma(rest, fma(y, -0.5, y.like(0.5)), y).call("copysign", x)


def sigmoid(x: Register) -> Register:
    """1 / (1 + exp(-x)), as e / (1 + e) with e = exp(x) where x is negative: nothing overflows or is lost."""
    e = exp(-x.call("fabs"))
    return select(x.compare("lt", 0), e, 1.0) / (e + 1)


def softplus(x: Register) -> Register:
    """ln(1 + e^x) = max(x, 0) + ln(1 + exp(-|x|))."""
    y = select(x.compare("gt", 0), x, 0.0) + log1p(exp(-x.call("fabs")))
    return select(x.is_nan(), x, y)


def logaddexp(a: Register, b: Register) -> Register:
    """ln(e^a + e^b) = max(a, b) + ln(1 + exp(-|a - b|))."""
    y = select(a.compare("gt", b), a, b) + log1p(exp(-(a - b).call("fabs")))
    return select(a.compare("eq", b), a + math.log(2), y)  # of two infinities there is no difference


FUNCTIONS: dict[str, Callable[[Register], Register]] = {
    f.__name__: f for f in (exp, log, expm1, log1p, tanh, sigmoid, softplus)
}


def applied(name: str, x: Register) -> Register:
    """One of the functions above at x: written in place, or where the module says so as a function that is called."""
    if not x.writer.module.outline:
        return FUNCTIONS[name](x)
    return x.writer.own_function(f"{name}.{x.kind.name}.{x.width}", FUNCTIONS[name], x)
