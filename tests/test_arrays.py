"""Programs of statements on arrays: assignment, methods, operators and attributes, with values and gradients as NumPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_lite as ag
import autograd_lite.numpy as agnp

X = np.array([[0.3, -1.2, 0.7], [1.4, 0.9, -0.4], [-0.8, 2.1, 0.55]])

PROGRAMS = """
x += 1; return x * x
x *= y; return x
x @= x; return x
x **= 2; return x
x //= 2; return x
x /= y; return x
x -= y; return x
x %= 2; return x
a, b = x[0], x[1]; return a * b
a, b, c = x; return a * b + c
y = x.copy(); y[0] += 1; return y * x
y = x.copy(); y[y > 0] *= 2; return y
y = x.copy(); y[y > 0] = 0; return y
y = x.copy(); y[[0, 1]] += x[1]; return y
y = x.copy(); y[1:, ::2] = x[1:, ::2] ** 2; return y
y = x.copy(); y[..., 0] *= 3; return y
y = np.zeros((3, 3)); y[x > 0] = x[x > 0]; return y
y = np.zeros(3); np.add.at(y, [0, 0, 2], x[0]); return y * y
y = np.zeros((3, 3)); np.copyto(y, x); return y * y
y = x.copy(); np.copyto(y, 1.0, where=x > 0); return y * x
y = np.zeros((3, 3)); np.fill_diagonal(y, x[0]); return y @ x
y = x.copy(); np.fill_diagonal(y, 0); return y * y
y = x.copy(); np.fill_diagonal(y, [1.0, 2.0]); return y * y
y = x.copy(); np.put_along_axis(y, np.argmax(x, 1)[:, None], 0.0, 1); return y * x
y = x.copy(); np.put_along_axis(y, np.argsort(x, 0), x ** 2, 0); return y
y = x.copy(); np.putmask(y, x > 0, x ** 2); return y
y = x.copy(); np.putmask(y, x > 0, [1.0, 2.0]); return y * x
y = x.copy(); np.place(y, x > 0, [5.0, 2.0]); return y * x
y = x.copy(); np.put(y, [0, 4], x[0, 1]); return y * x
y = x.copy(); y.put([0, 4], [1., 2.]); return y * x
y = x.copy(); y.sort(); return y * y
y = x.copy(); y.sort(axis=0); return y * y
y = x.copy(); y.fill(2.0); return y * x
y = x.copy(); y.partition(1); return y * y
q, r = divmod(x, 2); return q + r * x
return divmod(5.0, x)[1]
return round(x[0, 0], 1) + x
return round(x[0, 0]) * x
return abs(x) + pow(x, 2)
return sum(x) + max(x[0]) + min(x[1])
return np.array([row.sum() for row in x])
return np.array([[x[i, j] * i for i in range(3)] for j in range(3)])
return np.choose([0, 1, 2], x)
return np.choose(np.argmin(x, 0), x)
return np.piecewise(x, [x < 0, x >= 0], [lambda z: -z ** 3, lambda z: z])
return np.piecewise(x, [x < 0], [lambda z: -z ** 3, 5.0])
return np.apply_along_axis(lambda v: v / v.sum(), 1, x)
return np.apply_along_axis(np.sum, 0, x)
return np.apply_along_axis(lambda v: np.outer(v, v), 0, x)
return np.apply_over_axes(np.sum, x, [0, 1]) * x
return np.vander(x[0])
return np.vander(x[0], 4, increasing=True)
return np.copy(x) * x
return np.nanmedian(x, axis=0)
return np.nanquantile(x, [0.2, 0.7], axis=1)
return np.nanpercentile(x, 30)
return np.nancumsum(x, axis=0) + np.nancumprod(x, axis=1)
return x[np.where(x > 0)]
return x.flat[3] * x
return x.view() * x.ravel()[0]
return x.astype(float, copy=False) * x
return x.reshape(9, order='F') * 2
return np.isin(x, [1.0]).sum() + x
return x.nbytes + x.itemsize + x
return x.item(0, 1) * 0 + x
return np.frexp(x)[0]
return x.conj().T.mT.real.imag + x
return x.std(ddof=1) + x.var(axis=0, ddof=1)
return x.dot(x).trace()
return x.sum(where=x > 0)
return np.lexsort((x[0], x[1])) * x
return x[None, ..., 0] + x[True][0]
return x[x.argmax(axis=0), [0, 1, 2]]
return x.max(axis=1, keepdims=True) - x.min()
return x.cumsum(axis=1).cumprod(axis=0)
return x.take([0, 1], axis=1).repeat(2, axis=0)
return x.clip(-0.5, 0.5).round(1) + x.squeeze()
return x.swapaxes(0, 1).flatten() 
return np.array_equiv(x, x) * x
assert isinstance(x, np.ndarray) and not np.isscalar(x) and np.isscalar(x[0, 0]); return x
return 0.0 in x[0] and x or x * 2
""".strip().split("\n")


def function(text, numpy):
    """The program as a function of a 3 x 3 array x that it may change; y is a number."""
    scope = {"np": numpy}
    exec("def f(x, y=2.5):\n    " + "\n    ".join(text.split("; ")), scope)
    return lambda x: scope["f"](x * 1.0)


@pytest.mark.parametrize("text", PROGRAMS)
def test_statements(text):
    wanted = function(text, np)(X)
    got = function(text, agnp)(ag.tensor(X, requires_grad=True))
    assert isinstance(got, ag.Tensor)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got.data, wanted)
    ag.check_grads(function(text, agnp), X)


@pytest.mark.parametrize(
    "leak",
    [
        math.sin,
        float,
        lambda t: np.copyto(np.zeros(()), t),
        lambda t: np.put(np.zeros(3), [0], t),
        lambda t: np.putmask(np.zeros(3), np.ones(3), t * np.ones(3)),
    ],
)
def test_what_would_drop_the_history_is_refused(leak):
    t = ag.tensor(1.5, requires_grad=True)
    with pytest.raises(TypeError):
        leak(t)


def test_a_tensor_is_an_array_to_a_numpy_program():
    t = ag.tensor(X, requires_grad=True)
    assert isinstance(t, agnp.ndarray)
    assert isinstance(agnp.zeros(3), agnp.ndarray)
    assert isinstance(X, agnp.ndarray)
    assert not isinstance(t.sum(), agnp.ndarray)
    assert agnp.isscalar(t.sum())
    assert not agnp.isscalar(t)
