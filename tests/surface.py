"""NumPy's differentiable surface as a table: for each function programs that use it, on inputs known by letters.

`test_surface.py` runs every program: value, gradients, complex, float32; `docs/coverage.py` writes the coverage page
from the same runs. A letter is an input (`INPUTS`); those of a program that are not integers or masks are
differentiated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

SIZES = [(2, 3), (3, 5)]  # (m, n): every program runs at both


def _well_conditioned(rng: np.random.Generator, *shape: int) -> Any:
    return rng.uniform(-1, 1, shape) + 3 * np.eye(*shape[-2:])


def _positive_definite(rng: np.random.Generator, *shape: int) -> Any:
    a = rng.uniform(-1, 1, shape)
    return a @ a.swapaxes(-1, -2) + np.diag(1.0 + np.arange(shape[-1]))


def _with_nan(rng: np.random.Generator, m: int, n: int) -> Any:
    x = rng.permutation(np.linspace(-2, 2, m * n)).reshape(m, n)
    x[0, 0] = x[-1, 1] = np.nan
    return x


INPUTS: dict[str, Callable[[np.random.Generator, int, int], Any]] = {
    # vectors of n, matrices of (m, n), stacks; all entries of one input apart from each other and from integers
    "x": lambda rng, m, n: rng.permutation(np.linspace(-1.83, 1.71, n)),
    "y": lambda rng, m, n: rng.permutation(np.linspace(-1.37, 1.93, n)),
    "X": lambda rng, m, n: rng.permutation(np.linspace(-1.83, 1.71, m * n)).reshape(m, n),
    "Y": lambda rng, m, n: rng.permutation(np.linspace(-1.37, 1.93, m * n)).reshape(m, n),
    "T": lambda rng, m, n: rng.permutation(np.linspace(-1.83, 1.71, 2 * m * n)).reshape(2, m, n),
    "s": lambda rng, m, n: np.float64(rng.uniform(0.3, 0.7)),
    "v": lambda rng, m, n: rng.uniform(-1, 1, 3),
    "V": lambda rng, m, n: rng.uniform(-1, 1, (m, 3)),
    "p": lambda rng, m, n: rng.uniform(0.4, 2.2, n),
    "q": lambda rng, m, n: rng.uniform(0.4, 2.2, n),
    "P": lambda rng, m, n: rng.uniform(0.4, 2.2, (m, n)),
    "u": lambda rng, m, n: rng.uniform(-0.8, 0.8, n),
    "h": lambda rng, m, n: rng.uniform(0.1, 0.9, n),
    "w": lambda rng, m, n: rng.uniform(1.3, 3, n),
    "o": lambda rng, m, n: np.sort(rng.uniform(0.2, 0.8, n) + np.arange(n)),  # in order
    "F": _with_nan,
    # square matrices: well conditioned, positive definite; stacks of them
    "A": lambda rng, m, n: _well_conditioned(rng, n, n),
    "B": lambda rng, m, n: _well_conditioned(rng, 2, n, n),
    "S": lambda rng, m, n: _positive_definite(rng, n, n),
    "H": lambda rng, m, n: _positive_definite(rng, 2, n, n),
    "R": lambda rng, m, n: _well_conditioned(rng, n + 2, n),  # tall
    "Z": lambda rng, m, n: rng.uniform(-1, 1, (m, n)) + 1j * rng.uniform(0.2, 0.6, (m, n)),
    # not differentiated
    "i": lambda rng, m, n: rng.integers(0, n, n),
    "I": lambda rng, m, n: rng.integers(0, n, (m, n)),
    "b": lambda rng, m, n: np.arange(n) % 2 == 0,
    "K": lambda rng, m, n: rng.random((m, n)) < 0.6,
}
DISCRETE = "iIbK"


class Program:
    """A function of the inputs that its text names."""

    def __init__(self, text: str):
        self.text = text
        self.code = compile(text, "<surface>", "eval")
        self.letters = [c for c in INPUTS if re.search(rf"(?<![\w.'\"]){c}(?![\w'\"=])", text)]
        self.live = [c for c in self.letters if c not in DISCRETE]

    def inputs(self, size: tuple[int, int], *, complex_inputs: bool = False) -> dict[str, Any]:
        rng = np.random.default_rng(7)
        drawn = {c: INPUTS[c](rng, *size) for c in self.letters}
        if complex_inputs:
            turned = {c: _imaginary(rng, c, drawn[c]) for c in self.live if drawn[c].dtype.kind != "c"} if drawn else {}
            drawn.update(turned)
        return drawn

    def __call__(self, np_module: Any, scipy_special: Any, inputs: dict[str, Any]) -> Any:
        return eval(self.code, {"np": np_module, "sp": scipy_special, **inputs})


def _imaginary(rng: np.random.Generator, letter: str, x: Any) -> Any:
    imaginary = rng.uniform(0.2, 0.6, np.shape(x))
    if letter in "SH":  # Hermitian
        imaginary = imaginary - np.swapaxes(imaginary, -1, -2)
    return x + 1j * imaginary


# fmt: off
NUMPY: dict[str, list[str]] = {
    # what HIPS autograd differentiates
    "abs": ["np.abs(x)"], "add": ["np.add(x, X)"], "amax": ["np.amax(X, axis=0)", "np.amax(x)"], "amin": ["np.amin(X, axis=-1)"],
    "angle": ["np.angle(Z)", "np.angle(Z, deg=True)"], "arccos": ["np.arccos(u)"], "arccosh": ["np.arccosh(w)"], "arcsin": ["np.arcsin(u)"],
    "arcsinh": ["np.arcsinh(x)"], "arctan": ["np.arctan(x)"], "arctan2": ["np.arctan2(x, X)"], "arctanh": ["np.arctanh(u)"],
    "array_split": ["np.array_split(x, 2)[0] * 2", "np.array_split(X, [1, 2], axis=-1)[1]", "np.array_split(x, 2)"], "astype": ["X.astype(float)", "np.astype(X, np.float64)"],
    "atleast_1d": ["np.atleast_1d(s)", "np.atleast_1d(s, x)"], "atleast_2d": ["np.atleast_2d(x)"], "atleast_3d": ["np.atleast_3d(X)", "np.atleast_3d(x)"],
    "broadcast_to": ["np.broadcast_to(x, (4, x.shape[0]))"], "clip": ["np.clip(X, -0.5, 1.01)", "np.clip(X, None, 0.77)", "np.clip(x, min=-0.6)"],
    "concatenate": ["np.concatenate([x, y, x])", "np.concatenate((X, Y), axis=-1)", "np.concatenate([X, Y], axis=None)"],
    "column_stack": ["np.column_stack((x, y, X.T))"], "conj": ["np.conj(Z)", "np.conj(x)"], "cos": ["np.cos(X)"], "cosh": ["np.cosh(X)"],
    "cross": ["np.cross(v, V)", "np.cross(V, v)", "np.cross(V.T, V.T, axis=0) + np.cross(V, 2 * V[::-1]).T"], "cumsum": ["np.cumsum(X)", "np.cumsum(X, axis=0)", "np.cumsum(X, 1)"],
    "deg2rad": ["np.deg2rad(x)"], "degrees": ["np.degrees(x)"], "diag": ["np.diag(x)", "np.diag(x, k=-1)", "np.diag(X)", "np.diag(X, 1)"],
    "diagonal": ["np.diagonal(X)", "np.diagonal(T, 1, 0, 2)", "np.diagonal(T, offset=-1, axis1=1, axis2=2)"], "diff": ["np.diff(X)", "np.diff(X, 2)", "np.diff(X, axis=0, prepend=0., append=Y[:1])"],
    "divide": ["np.divide(x, P)"], "dot": ["np.dot(x, y)", "np.dot(X, x)", "np.dot(X, Y.T)", "np.dot(T, x)", "np.dot(X, T.swapaxes(1, 2))", "np.dot(s, X)", "np.dot(x, T.swapaxes(1, 2))"],
    "dsplit": ["np.dsplit(T, [1])[1]"], "einsum": ["np.einsum('ij,kj->ik', X, Y)", "np.einsum('ij,j', X, x)", "np.einsum('ii->i', A)", "np.einsum('ii', A)", "np.einsum('...j,j->...', T, x)", "np.einsum('ij->j', X)", "np.einsum(X, [0, 1], x, [1], [0])", "np.einsum('i,j,ij->', X[:, 0], x, Y, optimize=True)", "np.einsum('i...,i...->...', X, Y)", "np.einsum('ij->', X)", "np.einsum('bii,i->b', B, x)", "np.einsum('ij,kj->ik', X, Y[:, :1])"],
    "exp": ["np.exp(x)"], "exp2": ["np.exp2(x)"], "expand_dims": ["np.expand_dims(X, 1)", "np.expand_dims(x, axis=(0, 2))"], "expm1": ["np.expm1(x)"], "fabs": ["np.fabs(x)"],
    "fliplr": ["np.fliplr(X)"], "flipud": ["np.flipud(X)"], "fmax": ["np.fmax(x, Y)", "np.fmax(F, 0.1)"], "fmin": ["np.fmin(x, Y)"], "full": ["np.full((2, 3), s)", "np.full(x.shape, x)"],
    "gradient": ["np.gradient(x)", "np.gradient(X)", "np.gradient(X, 0.3, axis=-1)", "np.gradient(x, o)", "np.gradient(x, o, edge_order=2)", "np.gradient(x, edge_order=2)", "np.gradient(X[:, :], 2.0, o, edge_order=1)"],
    "hsplit": ["np.hsplit(X, [1, 2])[1]", "np.hsplit(x, [1])"], "hstack": ["np.hstack([x, y])", "np.hstack([X, Y])", "np.hstack((s, s))"], "hypot": ["np.hypot(x, Y)"], "imag": ["np.imag(Z)", "np.imag(x)"],
    "inner": ["np.inner(x, y)", "np.inner(X, Y)", "np.inner(T, x)", "np.inner(X, T)", "np.inner(s, X)"], "kron": ["np.kron(X, Y)", "np.kron(x, X)", "np.kron(X, y)"],
    "linspace": ["np.linspace(s, 2.0, 5)", "np.linspace(x, y, 4)", "np.linspace(0.0, x, 3, endpoint=False, axis=-1)"], "log": ["np.log(p)"], "log10": ["np.log10(p)"], "log1p": ["np.log1p(p)"], "log2": ["np.log2(p)"],
    "logaddexp": ["np.logaddexp(x, Y)"], "logaddexp2": ["np.logaddexp2(x, Y)"], "matmul": ["np.matmul(X, x)", "X @ Y.T", "B @ A", "np.matmul(T, X.T)"],
    "max": ["np.max(X)", "np.max(X, axis=-1, keepdims=True)", "np.max(X, 0, initial=0.1, where=K)"], "maximum": ["np.maximum(x, Y)"], "mean": ["np.mean(X)", "np.mean(X, axis=(0, 1))", "np.mean(X, 1, keepdims=True)", "np.mean(T, axis=0, where=True)"],
    "min": ["np.min(X)", "np.min(T, axis=(0, 2))"], "minimum": ["np.minimum(x, Y)"], "mod": ["np.mod(x, P)", "x % 0.7"], "moveaxis": ["np.moveaxis(T, 0, -1)", "np.moveaxis(T, [0, 1], [1, 2])"], "multiply": ["np.multiply(x, Y)"],
    "nan_to_num": ["np.nan_to_num(F)", "np.nan_to_num(F, nan=1.5)"], "negative": ["np.negative(x)"], "outer": ["np.outer(x, X)"],
    "pad": ["np.pad(x, 2)", "np.pad(X, ((1, 0), (2, 1)))", "np.pad(X, 1, mode='edge')", "np.pad(x, (2, 1), 'reflect')", "np.pad(X, ((1, 2), (0, 0)), mode='symmetric')", "np.pad(x, 2, mode='wrap')", "np.pad(x, 1, constant_values=3.0)"],
    "partition": ["np.partition(X, 1)", "np.partition(x, 2)[2]"], "power": ["np.power(p, x)", "x ** 3", "p ** -0.5", "np.power(x, 2)"], "prod": ["np.prod(X)", "np.prod(X, axis=0)", "np.prod(X, axis=-1, where=K, initial=2.0)"],
    "rad2deg": ["np.rad2deg(x)"], "radians": ["np.radians(x)"], "ravel": ["np.ravel(X)", "np.ravel(X, order='F')"], "real": ["np.real(Z)", "np.real(x)"], "real_if_close": ["np.real_if_close(x)", "np.real_if_close(Z)"],
    "reciprocal": ["np.reciprocal(p)"], "repeat": ["np.repeat(x, 3)", "np.repeat(X, 2, axis=0)", "np.repeat(X, 2)", "np.repeat(x, i)", "np.repeat(s, 3)"],
    "reshape": ["np.reshape(X, (-1,))", "X.reshape(X.shape[1], -1)", "np.reshape(X, (-1,), order='F')"], "roll": ["np.roll(X, 1)", "np.roll(X, (1, -2), axis=(0, 1))", "np.roll(x, -1)"], "rollaxis": ["np.rollaxis(T, 2)", "np.rollaxis(T, 0, 3)"],
    "rot90": ["np.rot90(X)", "np.rot90(X, 2)", "np.rot90(T, 3, axes=(1, 2))"], "select": ["np.select([x > 0.5, x < -0.5], [x ** 2, y], 0.3 * x)"], "sin": ["np.sin(X)"], "sinc": ["np.sinc(x)", "np.sinc(0 * x)", "np.sinc(x * 0.01)"], "sinh": ["np.sinh(X)"],
    "sort": ["np.sort(X)", "np.sort(X, axis=0)", "np.sort(X, axis=None)"], "split": ["np.split(x, [1, 2])[2]", "np.split(T, 2)[1]", "np.split(X, [1], axis=-1)"], "sqrt": ["np.sqrt(p)"], "square": ["np.square(x)"], "squeeze": ["np.squeeze(X[None])", "np.squeeze(X[:, None], axis=-2)"],
    "stack": ["np.stack([x, y])", "np.stack((X, Y), axis=-1)"], "std": ["np.std(X)", "np.std(X, axis=0)", "np.std(X, axis=-1, ddof=1, keepdims=True)"], "subtract": ["np.subtract(x, Y)"], "sum": ["np.sum(X)", "np.sum(X, axis=0)", "np.sum(T, (0, 2), keepdims=True)", "np.sum(X, axis=-1, where=K, initial=3.0)", "sum(X)"],
    "swapaxes": ["np.swapaxes(T, 0, 2)"], "tan": ["np.tan(u)"], "tanh": ["np.tanh(x)"], "tensordot": ["np.tensordot(X, Y, ([1], [1]))", "np.tensordot(T, X)", "np.tensordot(T, x, 1)", "np.tensordot(x, y, 0)"],
    "tile": ["np.tile(x, 3)", "np.tile(X, (2, 1, 2))"], "trace": ["np.trace(A)", "np.trace(T, 1, 1, 2)"], "transpose": ["np.transpose(T)", "np.transpose(T, (1, 2, 0))", "X.T"], "tril": ["np.tril(A)", "np.tril(B, -1)"], "triu": ["np.triu(A, 1)"], "true_divide": ["np.true_divide(x, P)"],
    "var": ["np.var(X)", "np.var(X, axis=0)", "np.var(X, axis=-1, ddof=1)", "np.var(X, correction=1)"], "vsplit": ["np.vsplit(X, [1])[0]"], "vstack": ["np.vstack([x, Y])"], "where": ["np.where(b, x, y)", "np.where(K, X, 0.0)"],
    # what it does not
    "cumprod": ["np.cumprod(x)", "np.cumprod(X, axis=0)", "np.cumprod(X)", "np.cumprod(X * b, axis=-1)"], "flip": ["np.flip(X)", "np.flip(T, axis=(0, 1))"], "take": ["np.take(x, I)", "np.take(X, i, axis=-1)", "np.take(x, [7, -2], mode='wrap')", "np.take(X, 1)"],
    "take_along_axis": ["np.take_along_axis(X, I, axis=-1)", "np.take_along_axis(X, np.argsort(X, 1), 1)"], "compress": ["np.compress(b, x)", "np.compress(b, X, axis=-1)"], "median": ["np.median(X)", "np.median(X, axis=0)", "np.median(T, axis=(0, 2), keepdims=True)", "np.median(x)"],
    "quantile": ["np.quantile(X, 0.3)", "np.quantile(X, [0.1, 0.5, 0.9], axis=-1)", "np.quantile(x, 0.37, method='hazen')", "np.quantile(x, 0.37, method='nearest')", "np.quantile(T, 0.2, axis=(0, 1), keepdims=True)"], "percentile": ["np.percentile(X, 30)", "np.percentile(X, [25, 75], axis=0)"],
    "nansum": ["np.nansum(F)", "np.nansum(F, axis=-1)"], "nanmean": ["np.nanmean(F)", "np.nanmean(F, axis=-1, keepdims=True)"], "nanvar": ["np.nanvar(F)", "np.nanvar(F, axis=-1, ddof=1)"], "nanstd": ["np.nanstd(F)", "np.nanstd(F, axis=-1)"], "nanmax": ["np.nanmax(F)", "np.nanmax(F, axis=-1)"], "nanmin": ["np.nanmin(F)", "np.nanmin(F, axis=-1)"], "nanprod": ["np.nanprod(F, axis=-1)"],
    "ptp": ["np.ptp(X)", "np.ptp(X, axis=-1, keepdims=True)"], "interp": ["np.interp(u * 2 + 1.5, o, x)", "np.interp(X, o, y, left=-1.0, right=2.0)", "np.interp(x * 3, h, y, period=1.0)", "np.interp(s, o, x)", "np.interp([0.7, 1.6], [0.0, 1.0, 2.0], Z[0, :3])"], "trapezoid": ["np.trapezoid(x)", "np.trapezoid(X, o)", "np.trapezoid(X, dx=0.3, axis=0)"],
    "convolve": ["np.convolve(x, v)", "np.convolve(v, x, mode='same')", "np.convolve(x, v, 'valid')", "np.convolve(y, x, 'same')", "np.convolve(x, v[:2], 'same')"], "correlate": ["np.correlate(x, v, 'full')", "np.correlate(x, y)", "np.correlate(x, v, mode='same')"], "vdot": ["np.vdot(x, y)", "np.vdot(X, Y)"], "vecdot": ["np.vecdot(X, y)", "np.vecdot(X, Y, axis=0)"], "matvec": ["np.matvec(X, y)", "np.matvec(B, X[:2])"], "vecmat": ["np.vecmat(x, Y.T)", "np.vecmat(X[:2], B)"],
    "cbrt": ["np.cbrt(p)"], "float_power": ["np.float_power(p, x)"], "positive": ["np.positive(x)"], "average": ["np.average(X)", "np.average(X, axis=-1, weights=p)", "np.average(X, weights=P)", "np.average(X, axis=0, weights=P, returned=True)"],
    "cov": ["np.cov(X)", "np.cov(X, rowvar=False)", "np.cov(x, y)", "np.cov(x)", "np.cov(X, aweights=p)", "np.cov(X, bias=True)"], "corrcoef": ["np.corrcoef(X) * 2", "np.corrcoef(x, y)[0, 1]"], "insert": ["np.insert(x, 1, 5.0)", "np.insert(X, 1, y, axis=0)", "np.insert(x, [0, 2], y[:2])", "np.insert(X, 2, s)", "np.insert(X, 1, X[:, 0], axis=-1)"], "delete": ["np.delete(x, 1)", "np.delete(X, [0, 2], axis=-1)", "np.delete(X, slice(0, 1), 0)"],
    "append": ["np.append(x, y)", "np.append(X, Y, axis=0)", "np.append(X, 3.0)"], "block": ["np.block([[X, Y], [Y, X]])", "np.block([x, y])", "np.block([x, s])", "np.block(X)"], "dstack": ["np.dstack([x, y])", "np.dstack([X, Y])"], "meshgrid": ["np.meshgrid(x, y)[0]", "np.meshgrid(x, v, indexing='ij')", "np.meshgrid(x, v, sparse=True)"],
    "broadcast_arrays": ["np.broadcast_arrays(x, Y)"], "cumulative_sum": ["np.cumulative_sum(x)", "np.cumulative_sum(X, axis=0, include_initial=True)"], "cumulative_prod": ["np.cumulative_prod(x)", "np.cumulative_prod(X, axis=-1, include_initial=True)"], "unstack": ["np.unstack(X)", "np.unstack(T, axis=1)[0]"], "matrix_transpose": ["np.matrix_transpose(T)", "X.mT"],
    "permute_dims": ["np.permute_dims(T, (2, 0, 1))"], "heaviside": ["np.heaviside(0 * x, s)"], "copysign": ["np.copysign(x, y)"], "ldexp": ["np.ldexp(x, i)"], "polyval": ["np.polyval(v, X)", "np.polyval(v, s)"], "polyadd": ["np.polyadd(v, x)"], "polysub": ["np.polysub(v, x)"], "polymul": ["np.polymul(v, x)"], "polyder": ["np.polyder(x)", "np.polyder(x, 2)"], "polyint": ["np.polyint(x)", "np.polyint(x, 2, k=[1.0, 2.0])"], "vander": ["np.vander(x)", "np.vander(x, 4, increasing=True)"], "nancumsum": ["np.nancumsum(F, axis=-1)"], "nancumprod": ["np.nancumprod(F, axis=0)"], "ediff1d": ["np.ediff1d(X)", "np.ediff1d(x, to_begin=s, to_end=y)"], "full_like": ["np.full_like(X, s)"], "logspace": ["np.logspace(s, 2.0, 4)"],
    "fmod": ["np.fmod(x, P)"], "extract": ["np.extract(b, x)"], "resize": ["np.resize(x, (2, 4))"], "diagflat": ["np.diagflat(X)"], "unique_values": ["np.sort(np.unique_values(X))"], "divmod": ["np.divmod(x, 0.7)[1]"], "modf": ["np.modf(x)[0]"], "unwrap": ["np.unwrap(x * 5)"],
    # ufunc methods and arguments
    "add.reduce": ["np.add.reduce(X)", "np.add.reduce(X, axis=-1, keepdims=True)", "np.add.reduce(X, axis=None, initial=s)"], "multiply.accumulate": ["np.multiply.accumulate(X, axis=-1)"], "add.accumulate": ["np.add.accumulate(X)"], "subtract.outer": ["np.subtract.outer(x, X)"], "maximum.reduce": ["np.maximum.reduce(X)"], "maximum.accumulate": ["np.maximum.accumulate(x)"], "logaddexp.reduce": ["np.logaddexp.reduce(X)"], "hypot.reduce": ["np.hypot.reduce(X, axis=-1)"], "add.reduceat": ["np.add.reduceat(X, [0, 2, 1], axis=-1)"], "where=": ["np.where(K, np.log(P, where=K, out=None), 0)"], "dtype=": ["np.add(x, y, dtype=np.float64)", "np.sum(X, dtype=np.float64)"],
    "frexp": ["np.frexp(X)"], "unique": ["np.unique(X)", "np.unique(X, return_counts=True)[0]", "np.unique(X, axis=0)"], "join, dtype=": ["np.vstack([x, y], dtype=np.float64)", "np.concatenate([X, Y], 1, dtype=np.float64)", "np.stack([x, y], dtype=np.float64)"], "choose": ["np.choose([0, 1], X[:2, :2])", "np.choose(b * 1, [x, y])"], "piecewise": ["np.piecewise(x, [x < 0, x > 0.5], [lambda z: z ** 3, 2.0, lambda z: -z])"], "apply_along_axis": ["np.apply_along_axis(lambda v: v / v[0], 1, X)", "np.apply_along_axis(np.diag, 0, X)"], "apply_over_axes": ["np.apply_over_axes(np.mean, T, [0, 2])"], "copy": ["np.copy(X)"], "nanmedian": ["np.nanmedian(F)", "np.nanmedian(F, axis=1)"], "nanquantile": ["np.nanquantile(F, [0.2, 0.7], axis=1)", "np.nanquantile(F, 0.3, keepdims=True)"], "nanpercentile": ["np.nanpercentile(F, 30, axis=1)"],
    # the names of NumPy 2
    "acos": ["np.acos(u)"], "acosh": ["np.acosh(w)"], "asin": ["np.asin(u)"], "asinh": ["np.asinh(x)"], "atan": ["np.atan(x)"], "atan2": ["np.atan2(x, y)"], "atanh": ["np.atanh(u)"], "concat": ["np.concat([x, y])"], "pow": ["np.pow(p, x)"], "absolute": ["np.absolute(x)"], "conjugate": ["np.conjugate(Z)"], "remainder": ["np.remainder(x, P)"],
}

FLAT: dict[str, list[str]] = {
    "floor": ["np.floor(x)"], "ceil": ["np.ceil(x)"], "trunc": ["np.trunc(x)"], "rint": ["np.rint(x)"], "fix": ["np.fix(x)"], "round": ["np.round(x, 1)"], "around": ["np.around(x)"], "sign": ["np.sign(x)"], "floor_divide": ["np.floor_divide(x, p)"], "argmax": ["np.argmax(X, axis=-1)"], "argmin": ["np.argmin(X)"], "argsort": ["np.argsort(X, axis=0)"], "argpartition": ["np.argpartition(x, 1)"], "nanargmax": ["np.nanargmax(F)"], "nanargmin": ["np.nanargmin(F, axis=-1)"],
    "equal": ["x == y"], "not_equal": ["np.not_equal(x, y)"], "less": ["x < y"], "less_equal": ["x <= y"], "greater": ["np.greater(x, y)"], "greater_equal": ["x >= y"], "isclose": ["np.isclose(x, y)"], "allclose": ["np.allclose(x, x)"], "array_equal": ["np.array_equal(x, x)"], "isnan": ["np.isnan(F)"], "isinf": ["np.isinf(F)"], "isfinite": ["np.isfinite(F)"], "isposinf": ["np.isposinf(x)"], "isneginf": ["np.isneginf(x)"], "isreal": ["np.isreal(x)"], "iscomplex": ["np.iscomplex(Z)"], "signbit": ["np.signbit(x)"],
    "isin": ["np.isin(x, y)"], "lexsort": ["np.lexsort((x, y))"],
    "searchsorted": ["np.searchsorted(o, x)"], "digitize": ["np.digitize(x, o)"], "nonzero": ["np.nonzero(X)"], "flatnonzero": ["np.flatnonzero(x)"], "argwhere": ["np.argwhere(X)"], "count_nonzero": ["np.count_nonzero(X, axis=0)"], "all": ["np.all(X, axis=0)"], "any": ["np.any(X)"], "logical_and": ["np.logical_and(x, y)"], "logical_or": ["np.logical_or(x, y)"], "logical_xor": ["np.logical_xor(x, y)"], "logical_not": ["np.logical_not(x)"], "nextafter": ["np.nextafter(x, y)"], "spacing": ["np.spacing(x)"],
    "gcd": ["np.gcd(np.argsort(x), 6)"], "lcm": ["np.lcm(np.argsort(x), 6)"], "left_shift": ["np.left_shift(np.argsort(x), 1)"], "right_shift": ["np.right_shift(np.argsort(x), 1)"], "bitwise_xor": ["np.bitwise_xor(np.argsort(x), 1)"], "bitwise_and": ["np.argsort(x) & 1"], "bitwise_or": ["(x > 0) | (x < -1)"], "invert": ["~(x > 0)"], "bincount": ["np.bincount(np.argsort(x))"], "linalg.matrix_rank": ["np.linalg.matrix_rank(A)"],
}

LINALG: dict[str, list[str]] = {
    "cholesky": ["np.linalg.cholesky((S + S.conj().mT) / 2)", "np.linalg.cholesky((H + H.conj().mT) / 2)", "np.linalg.cholesky((S + S.conj().mT) / 2, upper=True)"], "det": ["np.linalg.det(A)", "np.linalg.det(B)"],
    "eig": ["np.sort(np.real(np.linalg.eig(A)[0]))", "np.abs(np.linalg.eig(A)[1])", "np.abs(np.linalg.eig(B)[0])"], "eigh": ["np.linalg.eigh((S + S.conj().mT) / 2)[0]", "np.abs(np.linalg.eigh((S + S.conj().mT) / 2).eigenvectors)", "np.linalg.eigh((H + H.conj().mT) / 2, 'U')[0]"],
    "eigvals": ["np.abs(np.linalg.eigvals(A))"], "eigvalsh": ["np.linalg.eigvalsh((S + S.conj().mT) / 2)", "np.linalg.eigvalsh((H + H.conj().mT) / 2)"], "inv": ["np.linalg.inv(A)", "np.linalg.inv(B)"], "lstsq": ["np.linalg.lstsq(R, R[:, 0] ** 2)[0]", "np.linalg.lstsq(R, np.sin(R))[0]"],
    "matrix_norm": ["np.linalg.matrix_norm(X)", "np.linalg.matrix_norm(T, ord='nuc')", "np.linalg.matrix_norm(T, ord=2, keepdims=True)", "np.linalg.matrix_norm(X, ord=1)", "np.linalg.matrix_norm(X, ord=-2)"], "matrix_power": ["np.linalg.matrix_power(A, 3)", "np.linalg.matrix_power(B, -2)", "np.linalg.matrix_power(A, 1)", "np.linalg.matrix_power(A, 5)"], "multi_dot": ["np.linalg.multi_dot([x, A, A, x])", "np.linalg.multi_dot([X, A, Y.T])"],
    "norm": ["np.linalg.norm(x)", "np.linalg.norm(X)", "np.linalg.norm(X, axis=-1)", "np.linalg.norm(x, 1)", "np.linalg.norm(x, np.inf)", "np.linalg.norm(x, -np.inf)", "np.linalg.norm(x, 3)", "np.linalg.norm(X, 'nuc')", "np.linalg.norm(X, 2)", "np.linalg.norm(X, -2)", "np.linalg.norm(X, 1)", "np.linalg.norm(X, -1)", "np.linalg.norm(X, np.inf)", "np.linalg.norm(X, 'fro', keepdims=True)", "np.linalg.norm(T, axis=(0, 2))", "np.linalg.norm(X, 2, axis=0)"],
    "pinv": ["np.linalg.pinv(X)", "np.linalg.pinv(R)", "np.linalg.pinv(T)"], "qr": ["np.linalg.qr(R)", "np.linalg.qr(A, mode='r')", "np.linalg.qr(B)[1]"], "slogdet": ["np.linalg.slogdet(A)[1]", "np.linalg.slogdet(B).logabsdet"], "solve": ["np.linalg.solve(A, x)", "np.linalg.solve(B, A)", "np.linalg.solve(A, X.T)"],
    "svd": ["np.linalg.svd(X, compute_uv=False)", "np.linalg.svd(X, full_matrices=False)[1]", "np.abs(np.linalg.svd(X, full_matrices=False)[0])", "np.abs(np.linalg.svd(T, full_matrices=False).Vh)"], "svdvals": ["np.linalg.svdvals(X)", "np.linalg.svdvals(T)"], "tensorinv": ["np.linalg.tensorinv(A, ind=1)"], "tensorsolve": ["np.linalg.tensorsolve(A, x)"], "vector_norm": ["np.linalg.vector_norm(X)", "np.linalg.vector_norm(X, axis=-1, ord=3)", "np.linalg.vector_norm(x, ord=0.5)"],
    "cond": ["np.linalg.cond(A)", "np.linalg.cond(B, 'fro')", "np.linalg.cond(A, -2)"], "cross": ["np.linalg.cross(v, V)"], "diagonal": ["np.linalg.diagonal(T)"], "matmul": ["np.linalg.matmul(X, Y.T)"], "matrix_transpose": ["np.linalg.matrix_transpose(T)"], "outer": ["np.linalg.outer(x, y)"], "tensordot": ["np.linalg.tensordot(X, Y, axes=2)"], "trace": ["np.linalg.trace(B)"], "vecdot": ["np.linalg.vecdot(X, Y)"],
}

FFT: dict[str, list[str]] = {
    **{name: [f"np.fft.{name}(X)", f"np.fft.{name}(X, n=3)", f"np.fft.{name}(X, n=8, axis=0, norm='ortho')", f"np.fft.{name}(x, norm='forward')"] for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")},
    **{name: [f"np.fft.{name}(T)", f"np.fft.{name}(T, s=(4, 3), axes=(0, 2), norm='ortho')"] for name in ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")},
    **{name: [f"np.fft.{name}(x)", f"np.fft.{name}(T, axes=(0, 2))"] for name in ("fftshift", "ifftshift")},
}

SPECIAL: dict[str, list[str]] = {
    **{name: [f"sp.{name}(x)"] for name in ("erf", "erfc", "expit", "i0", "i1", "j0", "j1", "log_ndtr", "ndtr")},
    **{name: [f"sp.{name}(p)"] for name in ("gamma", "gammaln", "rgamma", "digamma", "y0", "y1", "entr", "erfcinv")},
    "erfinv": ["sp.erfinv(u)"], "logit": ["sp.logit(h)"], "erfcinv": ["sp.erfcinv(h)"], "polygamma": ["sp.polygamma(1, p)", "sp.polygamma(0, p)"], "beta": ["sp.beta(p, q)"], "betaln": ["sp.betaln(p, q)"], "betainc": ["sp.betainc(2.0, 3.0, h)"], "gammainc": ["sp.gammainc(2.5, p)"], "gammaincc": ["sp.gammaincc(2.5, p)"],
    "iv": ["sp.iv(1, p)", "sp.iv(0.5, p)"], "ive": ["sp.ive(1, p)"], "jn": ["sp.jn(2, p)"], "yn": ["sp.yn(2, p)"], "xlogy": ["sp.xlogy(x, p)"], "xlog1py": ["sp.xlog1py(x, p)"], "rel_entr": ["sp.rel_entr(p, q)"], "kl_div": ["sp.kl_div(p, q)"],
    "logsumexp": ["sp.logsumexp(X)", "sp.logsumexp(X, axis=-1)", "sp.logsumexp(X, axis=0, keepdims=True, b=P)"], "softmax": ["sp.softmax(X)", "sp.softmax(X, axis=-1)"], "log_softmax": ["sp.log_softmax(X, axis=-1)", "sp.log_softmax(x)"],
}
# fmt: on

SURFACE: dict[str, list[str]] = {
    **{f"np.{name}": programs for name, programs in NUMPY.items()},
    **{f"np.linalg.{name}": programs for name, programs in LINALG.items()},
    **{f"np.fft.{name}": programs for name, programs in FFT.items()},
    **{f"scipy.special.{name}": programs for name, programs in SPECIAL.items()},
}
