"""ag.compile: what depends on values is refused, and what is not the same to the bit is listed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from compiling import agrees, bits, compiled_for, normal, same

import autograd_lite as ag

# -- what depends on values ----------------------------------------------------------------------------------------

MODEL = ag.nn.Linear(1, 1)
READINGS = {
    "t.item()": lambda t: t.item(),
    "bool(t)": lambda t: bool(t),
    "if t > 0": lambda t: 1 if t > 0 else 2,
    "t.numpy()": lambda t: t.numpy(),
    "float(t)": lambda t: float(t),
    "int(t)": lambda t: int(t),
    "complex(t)": lambda t: complex(t),
    "t.tolist()": lambda t: t.tolist(),
    "t.data": lambda t: t.data,
    "list[t]": lambda t: [1, 2, 3][np.floor(t).astype(int)],
    "range(t)": lambda t: range(np.floor(t).astype(int)),
    "np.asarray(t)": lambda t: np.asarray(t),
    "np.array([t])": lambda t: np.array([t]),
    "buffer += t": lambda t: np.add(np.zeros(2), t, out=np.zeros(2)),
    "math.sin(t)": lambda t: math.sin(t),
    "math.floor(t)": lambda t: math.floor(t),
    "round(t)": lambda t: round(t),
    "max(t, 2 t)": lambda t: max(t, 2 * t),
    "any([t])": lambda t: any([t]),
    "t in [1, 2]": lambda t: t in [1.0, 2.0],
    "1 in t": lambda t: 1.0 in t[None],
    "format(t)": lambda t: f"{t:.2f}",
    "and": lambda t: t > 0 and t,
    "theta.grad": lambda t: MODEL.theta.grad * t,
}


@pytest.mark.parametrize("kind", ["argument", "float", "leaf", "captured"])
@pytest.mark.parametrize("reading", READINGS)
def test_asking_for_a_value_is_refused(reading, kind):
    """At the first call, with the line and what to write instead."""

    w, a = ag.tensor(1.5, requires_grad=True), np.array([1.5])
    reads = {
        "argument": lambda t: READINGS[reading](t * 2),
        "float": lambda t: READINGS[reading](t + 1),
        "leaf": lambda t: READINGS[reading](w * 1),
        "captured": lambda t: READINGS[reading](np.sum(t * 0 + a)),
    }[kind]
    compiled = compiled_for(reads)
    for _ in range(2):
        with pytest.raises(ag.LeakError) as caught:
            compiled(1.5 if kind == "float" else np.float64(1.5))
        said = str(caught.value)
        assert "np.where" in said or "write" in said
    assert ag.node.is_tracing() == ()


def test_the_line_is_named():
    def f(x):
        y = x * 2
        if np.sum(y) > 0:  # this one
            return y
        return x

    with pytest.raises(ag.LeakError, match=r"test_compile_limits.py:\d+ in f: if np.sum\(y\) > 0"):
        compiled_for(f)(normal(3))


def test_what_is_no_reading():
    """Shapes, dtypes, printing, and control flow on what is outside are free."""

    def f(x, flag, n):
        assert (x.shape, x.ndim, x.size, len(x), x.dtype, np.shape(x)) == ((3,), 1, 3, 3, float, (3,))
        assert repr(x)
        for k in range(n):
            x = x * 2 if flag else x + k
        return [y * 2 for y in x], [*x]

    agrees(f, (normal(3), True, 2), (normal(3), False, 2), (normal(3), False, 3))


SIZES_BY_VALUES = {
    "x[x > 0]": lambda x: x[x > 0],
    "np.tanh(x[x > 0])": lambda x: np.tanh(x[x > 0]) * 2 + 1,
    "its size": lambda x: np.sum(x[x > 0]) / x[x > 0].size,
    "its gradient": lambda x: ag.grad(lambda x: np.sum(np.tanh(x[x > 0]) * x[x > 0]))(x),
    "nonzero": lambda x: np.nonzero(x > 0)[0] * 2,
    "flatnonzero": lambda x: np.flatnonzero(x > 0) * 2,
    "argwhere": lambda x: np.argwhere(x > 0) * 2,
    "extract": lambda x: np.extract(x > 0, x) + 1,
    "compress": lambda x: np.compress(x > 0, x) + 1,
    "where": lambda x: np.where(x > 0)[0],
}


@pytest.mark.parametrize("name", SIZES_BY_VALUES)
def test_sizes_that_depend_on_values_are_right_or_refused(name):
    f = SIZES_BY_VALUES[name]
    compiled = agrees(f, (np.array([1.0, -1.0, 2.0]),), (np.array([-1.0, 3.0, 2.0]),))
    for other in ([1.0, 2.0, 3.0], [-1.0, 2.0, -3.0], [-1.0, -2.0, -3.0]):
        with pytest.raises(ag.LeakError, match=r"np\.where"):
            compiled(np.array(other))
    agrees(f, (np.array([1.0, -1.0, 2.0]),))


def test_masks_from_outside():
    mask = np.array([True, False, True])
    compiled = agrees(lambda x: x[mask] * 2, (normal(3),), (normal(3, seed=1),))
    mask[:] = [False, True, True]
    same(compiled(normal(3)), normal(3)[mask] * 2)


# -- what is listed as not the same to the bit ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["e", "f", "d", "F", "D"])
@pytest.mark.parametrize("n", [65_535, 65_536, 200_001])
def test_large_sums(n, dtype):
    """From 65,536 entries on they are sums of blocks' sums: within NumPy's own bound of a sum, n eps |x|_1, and a
    hundredth of it here."""
    x = normal(n, dtype=dtype) if dtype not in "FD" else (normal(n) + 1j * normal(n, seed=1)).astype(dtype)
    if dtype == "e":
        x = x / 8  # so that the sum of squares is below 65504
    f = lambda x: (np.sum(np.tanh(x) * x), np.sum(x), np.sum(x * 2))
    got, wanted = compiled_for(f)(x), f(x)
    for g, w, terms in zip(got, wanted, (np.tanh(x) * x, x, x * 2), strict=True):
        assert g.dtype == w.dtype
        if n < 65_536:
            assert bits(g) == bits(w)
        bound = n * float(np.finfo(dtype).eps) * float(np.sum(np.abs(terms).astype("d"))) / 100
        assert abs(complex(g) - complex(w)) <= bound


@pytest.mark.parametrize("fold", [np.max, np.min, np.prod, np.any, np.all, np.sum])
@pytest.mark.parametrize("dtype", ["f", "d", "i4", "?", "u1"])
def test_other_large_folds_are_the_same_to_the_bit(fold, dtype):
    x = np.random.default_rng(0).integers(0, 3, (300, 300)).astype(dtype)
    agrees(lambda x: (fold(x), fold(x + x)), (x,), (x.T.copy(),))
    if dtype in "fd" and fold in (np.max, np.min):
        x[7, 7] = np.nan
        agrees(lambda x: fold(x * 2), (x,))


LAYOUTS = {
    "C": lambda x: x,
    "Fortran": np.asfortranarray,
    "rows backwards": lambda x: x[::-1],
    "columns backwards": lambda x: x[:, ::-1],
    "every other row": lambda x: np.repeat(x, 2, 0)[::2],
    "every other column": lambda x: np.repeat(x, 2, 1)[:, ::2],
    "one row for all": lambda x: np.broadcast_to(x[:1], x.shape),
    "locked": lambda x: locked(x),
    "other bytes": lambda x: x.astype(x.dtype.newbyteorder()),
    "unaligned": lambda x: unaligned(x),
}


def locked(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    memory[...] = x
    return memory


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(6, 6), (70, 70), (300, 300)])
def test_layouts_of_arguments(layout, shape):
    """Entry by entry to the bit; sums and products to rounding, as NumPy itself takes them in the order of memory."""
    f = lambda x: (np.tanh(x) * x - 1, x.T + x, x[1:], np.max(x, 0), x * 2 > 0, x.reshape(-1), np.exp(x.T))
    g = lambda x: (np.sum(np.tanh(x), 0), x @ x.T, np.sum(np.exp(x).T, 1), ag.grad(lambda x: np.sum(x @ x))(x))
    arrays = [LAYOUTS[layout](normal(*shape, seed=s)) for s in range(2)]
    compiled, other = compiled_for(f), compiled_for(g)
    for x in arrays:
        before = np.array(x)
        for y, wanted in zip(compiled(x), f(x), strict=True):
            np.testing.assert_array_equal(y, wanted)
            assert y.dtype == wanted.dtype or layout == "other bytes"
        for y, wanted in zip(other(x), g(x), strict=True):
            np.testing.assert_allclose(y, wanted, rtol=1e-10, atol=1e-12 * shape[0])
        same(x, before)
    assert len(compiled._plans) == 1


def test_arguments_that_are_no_plain_arrays_are_refused():
    class Own(np.ndarray):
        pass

    for x in (np.ones(2).view(Own), np.ma.array([1.0, 2.0], mask=[0, 1])):
        with pytest.raises(ag.ArgumentError, match=type(x).__name__):
            compiled_for(lambda x: x * 2)(x)


def test_an_unknown_backend_is_refused_at_once():
    with pytest.raises(ag.ArgumentError, match="backend 'numba'; there are numpy and llvm"):
        ag.compile(ag.tanh, backend="numba")
