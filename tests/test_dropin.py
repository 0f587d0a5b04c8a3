"""The drop-in namespace: `import autograd_lite.numpy as np` in programs that were written for NumPy."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest

import autograd_lite as ag
import autograd_lite.numpy as np
import autograd_lite.numpy.linalg as npl
import autograd_lite.numpy.random as npr
from autograd_lite.numpy.linalg import norm

x = numpy.array([0.3, -0.7, 1.2])


def test_everything_else_is_numpys():
    assert np.pi is numpy.pi
    assert np.float64 is numpy.float64
    assert np.exp is numpy.exp
    assert isinstance(x, np.ndarray)
    assert isinstance(ag.tensor(x), np.ndarray)
    assert not isinstance([1.0], np.ndarray)
    assert npr.default_rng is numpy.random.default_rng
    assert set(dir(numpy)) <= set(dir(np))
    for name in numpy.__all__:
        assert hasattr(np, name)
    with pytest.raises(AttributeError):
        np.no_such_function  # noqa: B018


def test_plain_data_stays_plain():
    for y in (np.sum([1.0, 2.0]), np.array([1.0, 2.0]), np.concatenate([x, x]), np.arange(3), np.eye(2), norm(x)):
        assert not isinstance(y, ag.Tensor)
    assert isinstance(np.zeros(3, int), numpy.ndarray)  # counters
    assert isinstance(np.zeros(3, bool), numpy.ndarray)  # masks
    assert isinstance(np.ones_like([1, 2]), numpy.ndarray)


PROGRAMS = {
    "array of mixed numbers": lambda x: np.array([x[0], 1.0, x[1] * x[2]]),
    "array of rows": lambda x: np.array([[x[0], 2.0], [3, x[2]]]) @ x[:2],
    "array of arrays": lambda x: np.array([x, x**2]),
    "array of a Tensor": lambda x: np.array(x) * np.asarray(x),
    "ndmin": lambda x: np.array(x, ndmin=3),
    "buffer": lambda x: filled(np.zeros(4), x),
    "buffer like": lambda x: filled(np.zeros_like(np.zeros((4,))), x),
    "empty": lambda x: filled(np.empty(4) * 0, x),
    "full": lambda x: np.full((2, 3), x) + np.full(3, x[0]),
    "lists": lambda x: np.sum([x[0], x[1]]) + np.max([x[2], 0.1]) + np.mean([[x[0], 1.0], [x[1], 2.0]]),
    "dot of lists": lambda x: np.dot([x[0], x[1]], [x[1], x[2]]),
    "norm of a list": lambda x: npl.norm([x[0], x[1]]),
    "stacks of lists": lambda x: np.stack([[x[0], 1.0], [2.0, x[1]]]),
    "r_": lambda x: np.r_[x, 0.0, x[0], 1:3],
    "c_": lambda x: np.c_[x, x**2],
    "where of a list": lambda x: np.where([True, False, True], x, [x[0], x[1], 0.0]),
    "meshgrid": lambda x: np.meshgrid(x, [1.0, x[1]])[1],
    "block": lambda x: np.block([[x[:2], x[2]], [1.0, x[1:]]]),
    "linspace": lambda x: np.linspace(x[0], x[1], 4),
    "comprehension": lambda x: np.array([np.sin(v) for v in x]),
    "outer": lambda x: np.outer([x[0], x[1]], x),
}


def filled(buffer, x):
    buffer[0] = x[0]
    buffer[1:3] = x[1:] ** 2
    buffer[buffer > 1] *= 2
    buffer[3] += x[0] * buffer[1]
    return buffer


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    program = PROGRAMS[name]
    y = program(ag.tensor(x, requires_grad=True))
    assert y.requires_grad
    plain = program(x)
    plain = plain.data if isinstance(plain, ag.Tensor) else plain
    numpy.testing.assert_array_equal(y.data, plain)
    ag.check_grads(program, x)


def test_dtypes_and_copies():
    t = ag.tensor(x, requires_grad=True, dtype=numpy.float32)
    assert np.array([t[0], t[1]]).dtype == numpy.float32
    assert np.array([t[0], 1], dtype=float).dtype == numpy.float64
    assert np.asarray(t) is t
    assert np.array(t) is not t
    assert np.zeros(2, numpy.float32).dtype == numpy.float32
    assert np.ones((2, 2)).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_errors_are_numpys():
    t = ag.tensor(x, requires_grad=True)
    for call in (
        lambda: np.array([[t[0], 1.0], [2.0]]),
        lambda: np.concatenate([t, np.ones((2, 2))]),
        lambda: np.reshape(t, (2, 2)),
        lambda: np.dot(t, np.ones(4)),
        lambda: np.zeros(-1),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()


def test_submodules_are_reached_from_the_package():
    a = numpy.diag([1.0, 2.0])
    assert ag.linalg.det(a) == 2.0
    assert ag.fft.rfft(x).shape == (2,)
    assert ag.median(ag.tensor(x)).item() == 0.3
    assert ag.special.expit(0.0) == 0.5


def test_chapters_load_when_they_are_used():
    """Adding functions must not make `import autograd_lite` slower."""
    program = """
import sys, autograd_lite as ag
late = [m for m in sys.modules if m.startswith("autograd_lite.") and m.split(".")[-1] in
        ("arrange", "statistics", "differences", "contractions", "flat", "numbers", "fft", "decompositions", "special")]
assert not late, late
assert "scipy" not in sys.modules
import numpy as np
t = ag.tensor([1.0, 2.0], requires_grad=True)
assert np.shape(t) == (2,) and np.ndim(t) == 1
assert "autograd_lite.ops.arrange" not in sys.modules, "a look at a shape loads nothing"
np.fft.fft(t)
assert "autograd_lite.ops.fft" in sys.modules
assert "autograd_lite.ops.decompositions" not in sys.modules
assert "scipy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
