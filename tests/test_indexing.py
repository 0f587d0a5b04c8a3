"""Every form of NumPy indexing, read and assigned, against NumPy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_lite as ag

SHAPE = (3, 4, 2)
X = np.random.default_rng(0).standard_normal(SHAPE)
MASK = X > 0

INDICES = [
    0, -1, np.int64(1), (1, 2), (1, 2, 0), slice(None), slice(1, None), slice(None, None, -1), slice(3, 0, -2),
    Ellipsis, None, (None, 0), (Ellipsis, 0), (0, Ellipsis, None, 1), (slice(None), None, slice(2)), (),
    [0, 2], [2, 2, 0], np.array([[0, 1], [2, 2]]), (slice(None), [1, 1, 3]), ([0, 1], [1, 3]), ([0, 1], slice(None), [0, 1]),
    ([[0], [2]], [1, 2]), (np.array(1), slice(None)), MASK, MASK[:, 0, 0], (slice(None), MASK[0, :, 0]),
    (MASK[:, :, 0], 1), (0, MASK[0]), ([0, 2], None, 1), (np.newaxis, [0, 0]), [], (slice(0, 0),), True, False,
    [True, False, True], (Ellipsis, [0, 0]),
]  # fmt: skip


def both(index):
    """A read and an assignment of that index, checked in value and gradient."""
    wanted = X[index]
    got = ag.tensor(X, requires_grad=True)[index]
    np.testing.assert_array_equal(got.data, wanted)
    assert got.shape == wanted.shape
    if wanted.size:
        ag.check_grads(lambda x: x[index] ** 2, X)
    v = np.random.default_rng(1).standard_normal(wanted.shape)

    def assigned(x, v):
        y = x * 1.0
        y[index] = v
        return y

    plain = X.copy()
    plain[index] = v
    np.testing.assert_array_equal(assigned(ag.tensor(X, requires_grad=True), v).data, plain)
    if wanted.size:
        ag.check_grads(lambda x, v: assigned(x, v) ** 2, X, v)
        ag.check_grads(lambda x, v: assigned(x, v) ** 2, X, 0.7)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_every_form(index):
    both(index)


@given(hnp.basic_indices(SHAPE, allow_newaxis=True, allow_ellipsis=True))
def test_basic_indices(index):
    both(index)


@given(hnp.integer_array_indices(SHAPE, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
def test_integer_arrays(index):
    both(index)


@given(hnp.arrays(bool, SHAPE[:2]), st.integers(0, 1))
def test_masks(mask, k):
    both((mask, k))


def test_a_tensor_as_index():
    x, i = ag.tensor(X, requires_grad=True), ag.tensor([2, 0, 2])
    (x[i] * 2.0).sum().backward()
    np.testing.assert_array_equal(x.grad[:, 0, 0], [2.0, 0.0, 4.0])
    best = ag.argmax(x, axis=0)
    assert not best.requires_grad
    np.testing.assert_array_equal(x[best, np.arange(4)[:, None], np.arange(2)].data, X.max(0))


def test_the_last_write_wins_and_the_others_get_no_gradient():
    v = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = ag.zeros(2)
    x[[0, 0, 1]] = v
    np.testing.assert_array_equal(x.data, [2.0, 3.0])
    (x * np.array([10.0, 100.0])).sum().backward()
    np.testing.assert_array_equal(v.grad, [0.0, 10.0, 100.0])


def test_assignment_rebinds_the_handle_and_leaves_other_graphs_alone():
    w = ag.tensor(np.arange(3.0), requires_grad=True)
    x = w * 2.0
    before = x * x
    view = x[1:]
    x[0] = w[2] * 10.0
    np.testing.assert_array_equal(x.data, [20.0, 2.0, 4.0])
    np.testing.assert_array_equal(view.data, [2.0, 4.0])
    before.sum().backward()
    np.testing.assert_array_equal(w.grad, 8 * np.arange(3.0))
    w.zero_grad()
    x.sum().backward()
    np.testing.assert_array_equal(w.grad, [0.0, 2.0, 12.0])


def test_a_constant_in_a_graph_can_be_assigned_into_afterwards():
    c, w = ag.ones(3), ag.tensor(np.ones(3), requires_grad=True)
    y = (c * w).sum()
    c[0] = 5.0
    y.backward()
    np.testing.assert_array_equal(w.grad, np.ones(3))


def test_augmented_assignment():
    x = ag.tensor(np.arange(4.0), requires_grad=True)
    y = x * 1.0
    y[y > 1] *= 3.0
    y[0] += x[3]
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [3.0, 1.0, 6.0, 9.0])
    np.testing.assert_array_equal(x.grad, [1.0, 1.0, 3.0, 4.0])


def test_assigning_into_a_view_says_what_to_do():
    x = ag.tensor(X, requires_grad=True) * 1.0
    with pytest.raises(TypeError, match="assign through the base"):
        x[0][1] = 2.0
    c = ag.zeros((2, 2))
    with pytest.raises(TypeError, match="assign through the base"):
        c[0][1] = 2.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x[5], IndexError, r"getitem: \(3, 4, 2\): index 5 is out of bounds"),
        (lambda x: x[0, 0, 0, 0], IndexError, "too many indices"),
        (lambda x: x[[0, 9]], IndexError, "out of bounds"),
        (lambda x: x[1.5], IndexError, "integer"),
        (lambda x: (x * 1.0).__setitem__(0, np.ones(7)), ValueError, r"setitem: \(3, 4, 2\), \(7,\)"),
    ],
)
def test_bad_indices(call, error, message):
    with pytest.raises(error, match=message):
        call(ag.tensor(X, requires_grad=True))


def test_integers_cannot_hold_recorded_values():
    x = ag.zeros(3, dtype=int)
    with pytest.raises(TypeError, match=r"astype\(float\)"):
        x[0] = ag.tensor(1.5, requires_grad=True)


# -- buffers that a program fills ------------------------------------------------------------------------------------


def copies_made(fill, n=50):
    """How often a buffer moved while `fill(buffer, k, w)` was called n times."""
    w = ag.tensor(0.9, requires_grad=True)
    buffer = ag.zeros((n + 1, 2))
    buffer[0] = w
    copies = 0
    for k in range(n):
        address = buffer.data.ctypes.data
        fill(buffer, k, w)
        copies += buffer.data.ctypes.data != address
    return buffer, copies, w


@pytest.mark.parametrize(
    "fill",
    [
        lambda b, k, w: b.__setitem__(k + 1, b[k] * w),
        lambda b, k, w: b.__setitem__((k + 1, 0), np.sin(b[k, 1]) + w),
        lambda b, k, w: np.add.at(b, ([k + 1, k + 1], [0, 1]), b[k] * w),
        lambda b, k, w: b.__setitem__(k + 1, b[k] + np.tanh(b[k])),
    ],
)
def test_filling_a_buffer_copies_it_once(fill):
    """A simulation that keeps its path costs no more for a step late than for one early."""
    buffer, copies, w = copies_made(fill)
    assert copies <= 1, "the buffer is written in place once it is the program's own"
    buffer.sum().backward()
    assert np.isfinite(w.grad)


def test_what_others_hold_is_not_written_over():
    w = ag.tensor(2.0, requires_grad=True)
    b = ag.zeros(3)
    b[0] = w
    kept, squared = b.data, b * b  # the caller's, and a formula's
    view = b.reshape(3, 1)
    b[1] = 5.0 * w
    assert kept.tolist() == [2.0, 0.0, 0.0]
    assert view.tolist() == [[2.0], [0.0], [0.0]]
    (squared.sum() + b.sum()).backward()
    assert w.grad == 2 * 2.0 + 1 + 5


def test_a_graph_can_be_run_again_after_assignments_in_place():
    w = ag.tensor(1.5, requires_grad=True)
    b = ag.zeros(4)
    for k in range(4):
        b[k] = w * b[k - 1] + 1.0
    loss = (b * b).sum()
    graph = ag.Graph(loss)
    for box in graph:
        box.fprop()
    np.testing.assert_array_equal(graph[-1].value, loss.data)
    loss.backward()
    first = w.grad.copy()
    w.zero_grad()
    loss.backward()
    np.testing.assert_array_equal(w.grad, first)


def simulated(w, steps=30):
    path = ag.zeros((steps, 2))
    path[0] = w
    for k in range(1, steps):
        path[k] = path[k - 1] + 0.1 * np.sin(path[k - 1][::-1])
        path[k, 0] *= 0.99
    path[path > 1.2] *= 0.5
    np.add.at(path, (np.array([0, 0, 1]), 1), w[0])
    np.subtract.at(path, 3, w)
    return path


def test_gradients_through_a_simulation():
    ag.check_grads(simulated, np.array([0.4, -0.3]))


def test_the_gradient_of_a_written_buffer_is_not_shared():
    """x's gradient is changed in place for what was written; what was written gets its own part before."""
    v = ag.tensor(np.ones((3, 2)), requires_grad=True)
    x = ag.tensor(np.ones((3, 2)), requires_grad=True)
    y = x * 1.0
    y[...] = v
    z = y * 1.0
    z[0] = 2 * v[1]
    (z * np.arange(6.0).reshape(3, 2)).sum().backward()
    assert v.grad.tolist() == [[0.0, 0.0], [2.0, 5.0], [4.0, 5.0]]
    assert x.grad.tolist() == [[0.0, 0.0]] * 3
