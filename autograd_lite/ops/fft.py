"""np.fft. A discrete Fourier transform is a symmetric matrix: its gradient is the same transform of g.

A real transform's gradient is that of the complex one it is a part of; the engine keeps its real part.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..op import Op
from . import batching
from .arrange import roll
from .elementwise import conjugate
from .shape import concatenate

__all__ = [
    "fft2", "fftn", "fftshift", "hfft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft2", "irfftn", "rfft2", "rfftn",
]  # fmt: skip


def _fft(a: Any, *, n: int | None = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    return np.fft.fft(a, n, axis, norm)


def _ifft(a: Any, *, n: int | None = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    return np.fft.ifft(a, n, axis, norm)


def _rfft(a: Any, *, n: int | None = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    return np.fft.rfft(a, n, axis, norm)


def _irfft(a: Any, *, n: int | None = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    return np.fft.irfft(a, n, axis, norm)


def _resized(x: Any, n: int, axis: int) -> Any:
    """`x` cut, or filled with zeros, to length n along `axis`: what a transform of another length does."""
    length = x.shape[axis]
    axis %= x.ndim
    if length >= n:
        return x[(slice(None),) * axis + (slice(0, n),)]
    return concatenate([x, np.zeros((*x.shape[:axis], n - length, *x.shape[axis + 1 :]), x.dtype)], axis)


def _length(shape: tuple[int, ...], n: int | None, axis: int) -> int:
    return shape[axis] if n is None else n


def _doubled(g: Any, n: int, axis: int) -> Any:
    """The entries of a half spectrum that stand for two of the whole, doubled: all but 0 and n/2."""
    weights = np.full(n // 2 + 1, 2, g.dtype)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return g * weights.reshape((-1,) + (1,) * (g.ndim - 1 - axis % g.ndim))


# Which scaling undoes which, for the adjoint of an inverse transform.
_OTHER = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}

# fmt: off
fft   = Op(_fft,   a=lambda g, a_shape, axis, norm: _resized(fft(g, None, axis, norm), a_shape[axis], axis),  linear=("a",), batch=batching.along("axis"))
ifft  = Op(_ifft,  a=lambda g, a_shape, axis, norm: _resized(ifft(g, None, axis, norm), a_shape[axis], axis), linear=("a",), batch=batching.along("axis"))
rfft  = Op(_rfft,  a=lambda g, a_shape, n, axis, norm: _resized(fft(g, _length(a_shape, n, axis), axis, norm), a_shape[axis], axis), linear=("a",), batch=batching.along("axis"))
irfft = Op(_irfft, a=lambda g, a_shape, axis, norm: _resized(_doubled(conjugate(rfft(g, None, axis, _OTHER[norm])), g.shape[axis], axis), a_shape[axis], axis), linear=("a",), batch=batching.along("axis"))
# fmt: on


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    """The transform of a signal whose spectrum is real."""
    n = (a.shape[axis] - 1) * 2 if n is None else n
    return irfft(conjugate(a), n, axis, _OTHER[norm], out)


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    """The inverse of `hfft`."""
    return conjugate(rfft(a, a.shape[axis] if n is None else n, axis, _OTHER[norm], out))


# -- several axes: one after another, in NumPy's order ------------------------------------------------------------


def _sizes_and_axes(a: Any, s: Any, axes: Any, inverse_real: bool = False) -> tuple[list[int], list[int]]:
    if s is None:
        axes = list(range(a.ndim)) if axes is None else list(axes)
        s = [a.shape[k] for k in axes]
        if inverse_real and s:
            s[-1] = (s[-1] - 1) * 2
    else:
        axes = list(range(-len(s), 0)) if axes is None else list(axes)
        s = [a.shape[k] if n == -1 else n for n, k in zip(s, axes, strict=False)]
    if len(s) != len(axes):
        raise ShapeError(f"fft: {len(s)} sizes for {len(axes)} axes")
    return s, axes


def _along(transform: Callable[..., Any], a: Any, sizes: list[int], axes: list[int], norm: Any) -> Any:
    for n, axis in reversed(list(zip(sizes, axes, strict=True))):
        a = transform(a, n, axis, norm)
    return a


def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Any:
    """The transform over several axes."""
    return _along(fft, a, *_sizes_and_axes(a, s, axes), norm)


def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Any:
    """The inverse of `fftn`."""
    return _along(ifft, a, *_sizes_and_axes(a, s, axes), norm)


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Any:
    """The half of the transform over several axes that tells all of a real array's."""
    sizes, axes = _sizes_and_axes(a, s, axes)
    return _along(fft, rfft(a, sizes[-1], axes[-1], norm), sizes[:-1], axes[:-1], norm)


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Any:
    """The inverse of `rfftn`."""
    sizes, axes = _sizes_and_axes(a, s, axes, inverse_real=True)
    for n, axis in zip(sizes[:-1], axes[:-1], strict=True):
        a = ifft(a, n, axis, norm)
    return irfft(a, sizes[-1], axes[-1], norm)


def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Any:
    """The transform over two axes."""
    return fftn(a, s, axes, norm)


def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Any:
    """The inverse of `fft2`."""
    return ifftn(a, s, axes, norm)


def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Any:
    """`rfftn` over two axes."""
    return rfftn(a, s, axes, norm)


def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Any:
    """The inverse of `rfft2`."""
    return irfftn(a, s, axes, norm)


def fftshift(x: Any, axes: Any = None) -> Any:
    """Frequency 0 moved to the middle."""
    return _shifted(x, axes, lambda n: n // 2)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of `fftshift`."""
    return _shifted(x, axes, lambda n: -(n // 2))


def _shifted(x: Any, axes: Any, by: Callable[[int], int]) -> Any:
    axes = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, (int, np.integer)) else tuple(axes)
    return roll(x, tuple(by(x.shape[k]) for k in axes), axes)
