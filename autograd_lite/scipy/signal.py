"""scipy.signal; its `convolve` takes Tensors. All other names are SciPy's."""

from __future__ import annotations

from typing import Any

from scipy import signal

from ..op import Op
from ..ops.arrange import padded
from ..ops.shape import flip


def _convolve(in1: Any, in2: Any, *, mode: str = "full", method: str = "auto") -> Any:
    return signal.convolve(in1, in2, mode, method)


def _by(g: Any, other: Any, n: tuple[int, ...], m: tuple[int, ...], mode: str, method: str) -> Any:
    """The gradient by the input of shape n of a convolution with `other`, of shape m: g moved along `other`."""
    full = [a + b - 1 for a, b in zip(n, m, strict=True)]
    left = [(f - k) // 2 if mode == "same" else (f - k + 1) // 2 for f, k in zip(full, g.shape, strict=True)]
    around = tuple((b, f - k - b) for b, f, k in zip(left, full, g.shape, strict=True))
    return convolve_row(padded(g, around), flip(other), "valid", method)


# fmt: off
convolve_row = Op(_convolve, name="convolve",
                  in1=lambda g, in2, in1_shape, mode, method: _by(g, in2, in1_shape, in2.shape, mode, method),
                  in2=lambda g, in1, in2_shape, mode, method: _by(g, in1, in2_shape, in1.shape, mode, method))
# fmt: on


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The convolution of two arrays of as many axes: sum_k in1[k] in2[n - k].

    Parameters
    ----------
    mode: "full", "valid" (where one lies wholly within the other) or "same" (as large as in1).
    method: "direct", "fft", or the quicker of them, "auto".

    >>> import numpy as np, autograd_lite as ag
    >>> from autograd_lite.scipy.signal import convolve
    >>> ag.grad(lambda v: convolve(np.array([1.0, 2.0]), v)[1])(np.array([3.0, 5.0]))
    array([2., 1.])
    """
    return convolve_row(in1, in2, mode, method)


def __getattr__(name: str) -> Any:
    return getattr(signal, name)
