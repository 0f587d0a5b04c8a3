"""Diagnosis: where the first NaN or infinity was made and why, on which line, what a graph keeps, shapes, checks."""

from __future__ import annotations

import sys
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs import SPECS

import autograd_lite as ag
from autograd_lite.testing import sample

x = np.array([4.0, 0.0, 1.0])
inf = np.inf


@pytest.mark.parametrize(
    ("f", "where", "kind", "places"),
    [
        (lambda x: np.sum(np.log(x)), "fprop of log", "logarithm of zero", [(1,)]),
        (lambda x: np.sum(np.log2(x.astype(np.float32))), "fprop of log2", "logarithm of zero", [(1,)]),
        (lambda x: np.sum(np.arctanh(x / 4)), "fprop of arctanh", "logarithm of zero", [(0,)]),
        (lambda x: np.sum(1 / x), "fprop of divide", "division by zero", [(1,)]),
        (lambda x: np.sum(np.reciprocal(x)), "fprop of reciprocal", "division by zero", [(1,)]),
        (lambda x: np.sum(x**-2.0), "fprop of raised", "division by zero", [(1,)]),
        (lambda x: np.sum(x / x), "fprop of divide", "division by zero", [(1,)]),
        (lambda x: np.sum(np.exp(1000 * x)), "fprop of exp", "overflow", [(0,), (2,)]),
        (lambda x: (x * 1e200) @ (x * 1e200), "fprop of matmul", "overflow", [()]),
        (lambda x: ag.prod(x[::2] * 1e200), "fprop of prod", "overflow", [()]),
        (lambda x: np.sum(np.sqrt(x - 2)), "fprop of sqrt", "outside the domain", [(1,), (2,)]),
        (lambda x: np.sum(np.arccos(x)), "fprop of arccos", "outside the domain", [(0,)]),
        (lambda x: np.sum(np.sin(x * inf)), "fprop of multiply", "non-finite input", [(0,), (1,), (2,)]),
        (lambda x: np.sum(x + np.array([0, np.nan, 0])), "fprop of add", "non-finite input", [(1,)]),
        (lambda x: np.sum(np.sqrt(x)), "bprop of sqrt", "division by zero", [(1,)]),
        (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), "bprop of sqrt", "where trap", [(1,)]),
        (lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), "bprop of log", "where trap", [(1,)]),
        (lambda x: np.sum(np.where(x > 0, -(1 / x), 0.0)), "bprop of divide", "where trap", [(1,)]),
        (lambda x: np.sum(np.sqrt(x)[::2]), "bprop of sqrt", "where trap", [(1,)]),
        (lambda x: np.sum(np.sqrt(x) * np.array([1.0, 0, 1])), "bprop of sqrt", "0 x inf", [(1,)]),
        (lambda x: np.sum(x * 1e-300 * 1e200 * 1e200), "bprop of multiply", "overflow", [(0,), (1,), (2,)]),
    ],
)
def test_each_kind(f, where, kind, places):
    found = ag.find_nonfinite(f, x)
    assert found.where.startswith(f"{where}: {kind}, in ")
    assert (found.kind, [entry.place for entry in found.entries]) == (kind, places)
    assert found.count == len(places)
    assert kind in repr(found)
    assert str(found.line) in repr(found)
    assert found.line.filename == __file__


@pytest.mark.parametrize(
    ("f", "first", "then"),
    [
        (lambda x: np.sum(np.log(x) * x), "logarithm of zero", "fprop of multiply: 0 x inf"),
        (lambda x: np.sum(np.exp(1e3 * x) - np.exp(1e3 * x)), "overflow", "fprop of subtract: inf - inf"),
        (lambda x: np.sum(np.exp(1e3 * x) / np.exp(1e3 * x)), "overflow", "fprop of divide: inf / inf"),
        (lambda x: np.sum(np.sin(1 / x)), "division by zero", "fprop of sin: outside the domain"),
        (lambda x: np.sum(ag.softmax(x + np.full(3, -inf))), "non-finite input", "fprop of softmax: inf - inf"),
        (lambda x: np.sum(np.eye(3) @ np.exp(1e3 * x)), "overflow", "fprop of matmul: 0 x inf"),
    ],
)
def test_the_first_nan_that_comes_of_an_infinity(f, first, then):
    found = ag.find_nonfinite(f, x)
    assert found.kind == first
    assert found.then.where.startswith(then)
    assert "the first NaN: " + then in repr(found)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.tanh(x)),
        lambda x: np.sum(ag.softmax(x - np.array([inf, 0, 0]))),  # a mask, of which nothing comes
        lambda x: np.sum(np.maximum(x, -inf)),
        lambda x: np.sum(np.exp(-1 / (x + 0.0)[::2])),
    ],
)
def test_what_is_finite_is_not_reported(f):
    assert ag.find_nonfinite(f, x) is None


@given(
    steps=st.lists(st.sampled_from([np.exp, np.log, np.sqrt, np.square, np.negative, np.tanh]), min_size=1, max_size=7)
)
def test_a_finding_is_there_exactly_if_something_is_not_finite(steps):
    def f(x):
        for step in steps:
            x = step(x)
        return np.sum(x)

    with np.errstate(all="ignore"):
        y = ag.tensor(np.array([0.0, 1.0, 30.0]), requires_grad=True)
        loss = f(y)
        loss.backward()
    found = ag.find_nonfinite(loss)
    assert (found is None) == bool(np.isfinite(loss.data) and np.isfinite(y.grad).all())
    if found is not None:  # it is the first: what went in was finite
        boxes = {box.node: box for box in ag.Graph(loss)}
        (source,) = boxes[found.node].inputs
        with np.errstate(all="ignore"):
            assert found.direction == "bprop" or np.isfinite(source.value).all()


def test_entries_say_what_they_were_made_of():
    found = ag.find_nonfinite(lambda a, b: np.sum(a / b), np.ones((2, 3)), np.array([1.0, 0.0, 2.0]))
    assert [str(entry) for entry in found.entries] == ["[0, 1]: a = 1, b = 0 → inf", "[1, 1]: a = 1, b = 0 → inf"]
    trap = ag.find_nonfinite(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), x)
    assert str(trap.entries[0]) == "[1]: g = 0, x = 0 → nan"
    assert (trap.masked_by, trap.input) == ("where", "x")
    assert "np.where(mask, x, 1.0)" in repr(trap)
    many = ag.find_nonfinite(lambda x: np.sum(np.log(x)), np.zeros(1000))
    assert (many.count, many.size, len(many.entries)) == (1000, 1000, 5)
    assert "and 995 more" in repr(many)


def test_a_leaf_that_came_in_so():
    found = ag.find_nonfinite(lambda w, x: np.sum(w * x), np.array([1.0, np.nan]), 2.0)
    assert found.where == "the leaf w, shape (2,): non-finite input, in 1 of 2 entries of the value"
    assert found.line is None
    assert "ag.debug" not in repr(found)


def test_sums_of_gradients_that_overflow():
    w = ag.tensor(1e-200, requires_grad=True, name="w")
    half = w * 1e154 * 1e154  # each term sends 1e308
    found = ag.find_nonfinite(half + half * 1.0)
    assert (found.direction, found.kind) == ("bprop", "overflow")


def test_a_recorded_loss_knows_its_lines_only_from_debug():
    w = ag.tensor(0.0, requires_grad=True, name="w")
    assert "record inside `with ag.debug():`" in repr(ag.find_nonfinite(ag.sqrt(w)))
    before = sys.getprofile()
    with ag.debug():
        root = ag.sqrt(w)  # here
        loss = np.sum(root * 1.0)
    assert sys.getprofile() is before
    found = ag.find_nonfinite(loss)
    assert found.line.text == "root = ag.sqrt(w)  # here"
    assert found.line.function == "test_a_recorded_loss_knows_its_lines_only_from_debug"


def test_debug_names_the_users_line_not_the_packages():
    model = ag.nn.MLP([2, 2], rng=0)
    with ag.debug():
        y = model(np.ones((1, 2)))  # through a module
        z = np.linalg.norm(y)  # through NumPy
    from autograd_lite.diagnose.lines import line_of

    assert line_of(y.node).text.endswith("# through a module")
    assert line_of(z.node).text.endswith("# through NumPy")
    assert line_of((y * 1.0).node) is None


def test_debug_concerns_its_own_thread():
    from autograd_lite.diagnose.lines import line_of

    nodes = []
    with ag.debug():
        thread = threading.Thread(target=lambda: nodes.append(ag.tensor(1.0, requires_grad=True).node))
        thread.start()
        thread.join()
    assert line_of(nodes[0]) is None


def test_several_outputs_and_functions_of_containers():
    def f(parameters):
        u, s, _ = np.linalg.svd(parameters["a"] * parameters["scale"])
        return u[0, 0] + np.log(s[1])

    found = ag.find_nonfinite(f, {"a": np.diag([2.0, 0.0]), "scale": 1.0})
    assert found.where == "fprop of log: logarithm of zero, in the only entry of the value"
    two = ag.find_nonfinite(lambda x: (np.sum(x), np.sum(np.log(x))), x)
    assert two.name == "log"


def test_a_closure_over_a_model():
    model = ag.nn.MLP([2, 3, 2], activation="relu")
    model.layers[0].weight.data = np.full((3, 2), 1e300)
    found = ag.find_nonfinite(lambda: ag.nn.cross_entropy(model(np.full((1, 2), 1e300)), np.array([0])))
    assert (found.name, found.kind) == ("affine", "overflow")


def test_it_is_quiet_and_leaves_gradients_alone():
    w = ag.tensor(x, requires_grad=True)
    with np.errstate(all="ignore"):
        loss = np.sum(np.log(w) * w)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="raise"):
            found = ag.find_nonfinite(loss)
            repr(found)
            ag.draw(found)
    assert w.grad is None


def test_what_was_not_recorded():
    with pytest.raises(TypeError, match="was not recorded"):
        ag.find_nonfinite(ag.ones(()))
    with pytest.raises(TypeError, match="returned nothing that was recorded"):
        ag.find_nonfinite(lambda x: 1.0, x)
    with pytest.raises(TypeError, match="arguments go with a function"):
        ag.find_nonfinite(ag.sum(ag.tensor(x, requires_grad=True)), 1.0)


def test_what_it_spoilt_is_shaded():
    found = ag.find_nonfinite(lambda x, w: np.sum(np.where(x > 0, np.sqrt(x * w), 0.0)), x, 2.0)
    assert sorted(node.op.name if node.op else node.name for node in found.tainted) == ["multiply", "w", "x"]
    _, marks = found._drawn_()
    assert {mark.kind for mark in marks.values()} == {"bad", "tainted"}
    assert marks[found.node].note == "bprop: where trap"
    source = ag.draw(found).source
    assert "where trap" in source
    assert str(ag.draw(found, format="text")).count("tainted") == 3


def test_a_graph_of_many_nodes():
    w = ag.tensor(1.0, requires_grad=True, name="w")
    y = w
    for _ in range(30_000):
        y = y * 1.0
    found = ag.find_nonfinite(np.sqrt(y - 1.0))
    assert (found.name, found.direction, len(found.gradients)) == ("sqrt", "bprop", 30_002)
    assert len(repr(found)) < 1000
    assert ag.memory(y).nodes == 30_001


# -- shapes --------------------------------------------------------------------------------------------------------


def _error(call):
    with pytest.raises(ag.ShapeError) as caught:
        call()
    return caught.value


def test_shapes_one_below_the_other():
    w = ag.tensor(np.ones((5, 3)), requires_grad=True, name="w")
    error = _error(lambda: np.tanh(w) + np.ones(4))
    assert error.__notes__ == ["  a (5, 3)  tanh\n  b    (4,) constant\n        ^   sizes 3 and 4 differ"]
    assert error.op is ag.OPS["add"]
    three = _error(lambda: np.where(np.ones((2, 1)) > 0, w[:, 0], np.ones((100, 3, 6))))
    assert three.__notes__[0].splitlines()[-1].strip().endswith("sizes 2 and 3 differ, sizes 5 and 6 differ")
    assert not hasattr(_error(lambda: w @ w), "__notes__")


def test_the_graph_up_to_a_shape_error_can_be_drawn():
    w = ag.tensor(np.ones((5, 3)), requires_grad=True, name="w")
    picture = ag.draw(_error(lambda: np.tanh(w) + np.ones(4)))
    assert "sizes&#160;3&#160;and&#160;4&#160;differ" in picture.source
    assert "tanh" in picture.source
    product = ag.draw(_error(lambda: np.tanh(w) @ w), format="text")
    assert "inner sizes 3 and 5 differ" in product
    layer = ag.draw(_error(lambda: ag.nn.Linear(4, 2)(np.tanh(w))), format="text")
    assert "x has 3 features and W expects 4" in layer
    joined = ag.draw(_error(lambda: np.concatenate([w, np.ones((2, 2))])), format="text")
    assert "xs (5, 3) leaf w" in joined
    with pytest.raises(TypeError, match="this is a ValueError"):
        ag.draw(ValueError("of another kind"))


# -- memory --------------------------------------------------------------------------------------------------------


def test_memory_is_drawn_at_each_node():
    model = ag.nn.MLP([3, 4, 2], activation="relu")
    loss = ag.nn.cross_entropy(model(np.ones((5, 3))), np.array([0, 1, 0, 1, 0]))
    kept = ag.memory(loss)
    text = ag.draw(kept, format="text")
    assert "<- note: value 96 bytes: it is a leaf" in text
    assert "y 160 bytes: dx = where(y > 0, g, 0)" in text
    assert "x, which relu keeps: dW = mT(g) @ x; W, which W2 keeps: dx = g @ W" in text  # not theta, nor its first part
    assert text.count("<- note") == len({row.node for row in kept.rows})


def test_bytes_kept_by_each_node():
    w = ag.tensor(np.ones((10, 10)), requires_grad=True, name="w")
    y = np.tanh(w)
    loss = ag.sum(y * y @ np.ones((10, 1)))
    kept = ag.memory(loss)
    assert kept.of(w) == 800
    assert kept.of(y) == 800
    assert kept.total == 800 + 800 + 80  # y * y shares y, the product keeps only the constant
    shared = [row for row in kept.rows if row.shared is not None]
    assert {row.nbytes for row in shared} == {0}
    assert "in #1" in repr(kept)
    loss.backward()
    assert ag.memory(loss).of(w) == 1600


def test_views_keep_the_whole_of_their_memory():
    big = np.ones(1000)
    w = ag.tensor(2.0, requires_grad=True)
    kept = ag.memory(ag.sum(w * big[:10]) + ag.sum(w * big[5:20]))
    assert kept.unseen == 8000 - 20 * 8
    assert kept.total == 8 + 8000
    broadcast = ag.memory(ag.sum(w * np.broadcast_to(3.0, (1000, 1000))))
    assert broadcast.total < 50


def test_models_share_one_vector():
    model = ag.nn.MLP([8, 4, 2])
    loss = ag.nn.cross_entropy(model(np.ones((3, 8))), np.array([0, 1, 0]))
    kept = ag.memory(loss)
    parameters = sum(kept.of(p) for p in model.parameters())
    assert parameters == len(model.theta) * 8
    assert kept.unseen == 0
    with pytest.raises(TypeError, match="was not recorded"):
        ag.memory(ag.ones(3))


# -- the whole table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -1.0, 1e300, inf])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_row_of_the_table(bad):
    """With an entry at the edge of its domain: there is a finding exactly if the loss or a gradient is not finite."""
    for name, spec in SPECS.items():
        if spec.flat:
            continue
        op, rng = ag.OPS[name], np.random.default_rng(0)
        inputs = [np.array(sample(rng, d, s)) for d, s in zip(spec.domains, spec.cases[0], strict=True)]
        for x in inputs:
            if x.dtype.kind == "f":
                x.flat[:1] = bad
        leaves = [ag.tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in inputs]
        recorded = [x for x in leaves if isinstance(x, ag.Tensor)]
        try:
            y = op(*leaves, **spec.statics[0])
        except ValueError:  # refused
            continue
        if not isinstance(y, ag.Tensor) or not y.requires_grad:
            continue
        loss = ag.sum(y)
        loss.backward()
        fine = [np.isfinite(loss.data), *[x.grad is None or np.isfinite(x.grad).all() for x in recorded]]
        found = ag.find_nonfinite(loss)
        assert (found is None) == all(fine), name
        assert found is None or found.kind in repr(found)
