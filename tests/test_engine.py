"""What the engine promises: graph, gradients, leaves, staleness, leaks, higher order. Named programs that must be right."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.node import Leaf, Node, topological_order


def leaf(x, name=None):
    return ag.tensor(x, requires_grad=True, name=name)


# -- higher order ------------------------------------------------------------------------------------------------


def test_perturbation_confusion():
    result = ag.grad(lambda x: ag.grad(lambda y: x * y * y)(1.0))(2.0)
    assert result == 2.0
    assert isinstance(result, np.float64), "a plain number: nobody is tracing any more"
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ag.grad(lambda x: ag.grad(lambda x: x**3)(x) * x)(2.0) == 36.0


def test_any_order():
    f = ag.tanh
    for _ in range(5):
        f = ag.grad(f)
    assert f(0.5) == pytest.approx(float(mpmath.diff(mpmath.tanh, 0.5, 5)), rel=1e-10)


def test_gradient_penalty_in_a_loss():
    """d/dw of (df/dx)^2 reaches w through a closure; df/dx of tanh(w x) is w (1 - tanh^2)."""
    w = leaf(0.7)
    x = 1.3
    slope = ag.grad(lambda x: ag.tanh(w * x))(x)
    assert isinstance(slope, ag.Tensor)
    (slope**2).backward()
    eps = 1e-6

    def penalty(w):
        return (w * (1 - np.tanh(w * x) ** 2)) ** 2

    assert w.grad == pytest.approx((penalty(0.7 + eps) - penalty(0.7 - eps)) / (2 * eps), rel=1e-8)


def test_no_grad_around_a_transform():
    with ag.no_grad():
        assert ag.grad(lambda x: x * x)(3.0) == 6.0
        assert ag.grad(ag.grad(lambda x: x**3))(3.0) == 18.0


def test_an_inner_walk_leaves_foreign_leaves_alone():
    w = leaf(3.0)
    g = ag.grad(lambda x: w * x * x)(2.0)
    assert w.grad is None
    assert g.item() == 12.0


def test_hessian_of_prod_and_sum_of_squares():
    H = ag.grad(lambda x: (ag.grad(lambda x: ag.sum(x**4))(x) * np.array([1.0, 0, 0])).sum())(np.arange(3.0) + 1)
    np.testing.assert_allclose(H, [12.0, 0, 0])


def test_grad_of_containers_and_aux():
    def f(p, scale):
        return scale * (p["w"] * p["w"]).sum() + p["b"][0] * p["b"][1], {"seen": p["w"] * 2}

    (value, aux), (gp, gs) = ag.value_and_grad(f, argnums=(0, 1), has_aux=True)(
        {"w": np.array([1.0, 2.0]), "b": [3.0, 4.0]}, 2.0
    )
    assert value == 22.0
    np.testing.assert_array_equal(gp["w"], [4.0, 8.0])
    assert (gp["b"], gs) == ([4.0, 3.0], 5.0)
    np.testing.assert_array_equal(aux["seen"], [2.0, 4.0])
    assert isinstance(aux["seen"], np.ndarray)


def test_independence_is_zero_or_with_strict_an_error():
    np.testing.assert_array_equal(ag.grad(lambda x: 3.0)(np.ones(2)), [0.0, 0.0])
    np.testing.assert_array_equal(ag.grad(lambda x, y: y * y, 0)(np.ones(2), 1.0), [0.0, 0.0])
    with pytest.raises(TypeError, match="does not depend"):
        ag.grad(lambda x: 3.0, strict=True)(1.0)


def test_arguments_may_be_assigned_into():
    def f(x):
        x[0] = x[1] * 2
        return (x * x).sum()

    x = np.array([5.0, 3.0])
    np.testing.assert_array_equal(ag.grad(f)(x), [0.0, 2 * 6 * 2 + 2 * 3])
    np.testing.assert_array_equal(x, [5.0, 3.0])


# -- gradients and their memory ----------------------------------------------------------------------------------


def test_no_gradient_is_an_alias():
    a, b, v = leaf(np.ones(3)), leaf(np.ones(3)), np.arange(3.0)
    (a + b).backward(v)
    arrays = [a.grad, b.grad, v]
    assert not any(np.shares_memory(p, q) for k, p in enumerate(arrays) for q in arrays[:k])
    a.grad[:] = 7
    np.testing.assert_array_equal(b.grad, [0, 1, 2])
    ga, gb = ag.grad(lambda a, b: (a + b).sum(), (0, 1))(np.ones(3), np.ones(3))
    assert not np.shares_memory(ga, gb)
    assert ga.flags.writeable


def test_gradients_accumulate_and_a_second_backward_adds_again():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    first = x.grad
    y.backward()
    np.testing.assert_array_equal(x.grad, [4.0, 8.0])
    assert x.grad is first
    x.zero_grad()
    assert x.grad is None


def test_a_failed_backward_leaves_every_grad_as_it_was():
    broken = ag.Op(lambda x: x, name="broken", x=lambda g: 1 / 0)
    a, b = leaf(1.0), leaf(2.0)
    y = a * broken(b)
    with pytest.raises(ZeroDivisionError) as caught:
        y.backward()
    assert "in the bprop of broken" in caught.value.__notes__[0]
    assert a.grad is None
    assert b.grad is None


def test_broadcasting_is_undone():
    a, b = leaf(np.ones((2, 1, 3))), leaf(np.ones((4, 1)))
    (a * b).sum().backward()
    assert a.grad.shape == (2, 1, 3)
    np.testing.assert_array_equal(b.grad, np.full((4, 1), 6.0))


def test_a_value_used_often():
    x = leaf(np.arange(4.0))
    y = x
    for _ in range(40):
        y = y + y  # 2^40 paths, 40 nodes
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.full(4, 2.0**40))


def test_only_what_leads_to_a_leaf_is_walked():
    calls = []

    def spy(name):
        return ag.Op(lambda a, b: a * b, name=name, a=lambda g, b: calls.append("a") or g * b, b=lambda g, a: calls.append("b") or g * a)  # fmt: skip

    spy("spy")(np.ones(3), leaf(np.ones(3))).sum().backward()
    assert calls == ["b"]
    calls.clear()
    w = leaf(np.ones(3))
    with ag.no_grad():
        ag.grad(lambda x: spy("spy")(x, w).sum())(np.ones(3))
    assert calls == ["a"], "a leaf of somebody else is not walked to either"


def test_complex_gradient_of_a_real_input_is_real():
    x = leaf(np.array([1.0, 2.0]))
    y = x * np.array([1 + 2j, 3 - 1j])
    (y * y.conj()).real.sum().backward()
    np.testing.assert_allclose(x.grad, 2 * x.data * np.array([5.0, 10.0]))
    assert x.grad.dtype == float


def test_complex_convention_is_du_dx_minus_i_du_dy():
    z = 1.0 + 2.0j
    assert ag.grad(lambda z: ag.real(z * z))(z) == 2 * z  # u = x^2 - y^2: 2x + 2iy
    assert ag.grad(lambda z: ag.absolute(z) ** 2)(z) == pytest.approx(2 * z.conjugate())


def test_mixed_dtypes_give_each_input_its_own():
    a, b = leaf(np.ones(3, np.float32)), leaf(np.ones(3))
    (a * b).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)


# -- size --------------------------------------------------------------------------------------------------------


def test_a_million_nodes():
    x = leaf(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1.0
    assert len(ag.Graph(y)) == 1_000_001
    del y  # freed without recursion


def test_reading_entries_one_by_one_makes_one_gradient_array():
    """20,000 reads: the gradient adds up in one buffer, not in 20,000 arrays (which would be 3 GB)."""
    x = leaf(np.arange(20_000.0))
    total = 0.0
    for i in range(20_000):
        total = total + x[i] * 2.0
    made = []
    scatter = ag.OPS["scatter"]
    run, scatter.run = scatter.run, lambda *a, **k: made.append(1)
    try:
        total.backward()
    finally:
        scatter.run = run
    assert not made
    np.testing.assert_array_equal(x.grad, np.full(20_000, 2.0))


def test_a_dropped_loss_frees_its_graph_at_once():
    gc.collect()
    gc.disable()
    try:
        value, x = np.ones(3), leaf(1.0)
        before = sys.getrefcount(value)
        y = ag.tanh(x * value).sum()
        assert sys.getrefcount(value) > before
        del y
        assert sys.getrefcount(value) == before
    finally:
        gc.enable()


# -- leaves, stale values, leaks -----------------------------------------------------------------------------------


def changes():
    def by_optimizer(w):
        ag.nn.SGD([w], lr=0.1).step()

    def by_data(w):
        w.data = w.data * 2

    def by_augmented_data(w):
        w.data -= 1.0

    def by_assignment(w):
        with ag.no_grad():
            w[...] = 5.0

    return [by_optimizer, by_data, by_augmented_data, by_assignment]


@pytest.mark.parametrize("change", changes())
@pytest.mark.parametrize("value", [2.0, np.array([1.0, 2.0])])
@pytest.mark.parametrize("f", [lambda w: w * w, lambda w: ag.exp(w) * w, lambda w: w.reshape(-1)[0:1] ** 3])
def test_a_changed_leaf_is_an_error_and_never_a_wrong_number(change, value, f):
    w = leaf(value, "w")
    w.grad = np.ones(w.shape)
    y = f(w).sum()
    change(w)
    w.zero_grad()
    with pytest.raises(ag.StaleValueError, match=r"the leaf w of shape .* has changed"):
        y.backward()
    assert w.grad is None
    f(w).sum().backward()  # recorded anew, it works


def test_other_leaves_may_change():
    a, b = leaf(2.0), leaf(3.0)
    y = a * a
    b.data = 4.0
    y.backward()
    assert a.grad == 4.0


def test_detached_values_and_views_do_not_follow_the_leaf():
    w, v = leaf(np.ones(4)), leaf(np.ones(4))
    with ag.no_grad():
        constants = [w.detach(), w[:], w.reshape(2, 2).reshape(4), w.T, ag.real(w)]
    losses = [(c * v).sum() for c in constants]
    w.data = np.full(4, 7.0)
    for loss in losses:
        v.zero_grad()
        loss.backward()
        np.testing.assert_array_equal(v.grad, np.ones(4))


def test_leaves_are_assigned_under_no_grad_only():
    w = leaf(np.zeros(3))
    memory = w.data
    with pytest.raises(TypeError, match="leaf"):
        w[0] = 1.0
    with ag.no_grad():
        w[0] = 1.0
        with pytest.raises(TypeError, match="locked copy"):
            w[1:][0] = 2.0
    assert w.data is memory
    np.testing.assert_array_equal(memory, [1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"data: a value of shape \(2,\) for a leaf of shape \(3,\)"):
        w.data = np.ones(2)


@pytest.mark.parametrize(
    ("leak", "advice"),
    [
        (np.asarray, "t.detach"),
        (np.array, "t.detach"),
        (float, "t.item"),
        (int, "t.item"),
        (complex, "t.item"),
        (lambda t: [10, 20][t], "t.item"),
        (lambda t: np.zeros(3).__setitem__(slice(0, 1), t), "ag.zeros"),
        (lambda t: np.add(np.ones(1), 1.0, out=np.ones(1)).__iadd__(t), "a = a"),
        (lambda t: np.i0(t), "no gradient"),
    ],
)
def test_leaks_raise_with_advice(leak, advice):
    with pytest.raises(TypeError, match=advice):
        leak(leaf(1.0) * 2.0)


def test_writing_into_a_numpy_buffer_raises_with_advice():
    buffer = np.zeros(3)
    with pytest.raises(ValueError, match="setting an array element") as caught:
        buffer[0] = leaf(1.0) * 2.0
    assert isinstance(caught.value.__cause__, ag.LeakError)
    assert "ag.zeros" in str(caught.value.__cause__)


def test_constants_convert_freely():
    t = ag.tensor([1.5])
    assert (float(t), int(t), np.asarray(t).tolist()) == (1.5, 1, [1.5])
    assert f"{ag.tensor(1.25):.1f}" == "1.2"


@pytest.mark.parametrize("data", [3, [1, 2], np.arange(3), True])
def test_integers_are_recorded_but_not_differentiated(data):
    with pytest.raises(TypeError, match=r"convert it to float"):
        ag.tensor(data, requires_grad=True)
    with pytest.raises(TypeError, match=r"convert it to float"):
        ag.grad(lambda x: x * 1.0)(data)


def test_functions_without_a_gradient_fail_at_the_forward_call():
    x = leaf(np.arange(3.0))
    for call in (
        lambda: np.geomspace(x, 2.0),
        lambda: np.i0(x),
        lambda: np.multiply.at(x, 0, 2.0),
        lambda: np.trim_zeros(x),
    ):
        with pytest.raises(TypeError, match=r"^(geomspace|i0|multiply.at|trim_zeros): no gradient is known"):
            call()
    with pytest.raises(TypeError, match="the closest supported function is invert"):
        np.intersect1d(x, x)
    with pytest.raises(TypeError, match=r"^quantile: recorded Tensors are taken as quantile\(a.*beyond that"):
        np.quantile(x, 0.5, method="inverted_cdf", weights=np.ones(3))
    assert np.i0(ag.tensor([0.0, 0.0])).tolist() == [1.0, 1.0]  # a constant: NumPy's own


# -- the graph as the lecture has it -------------------------------------------------------------------------------


def test_graph_recomputes_deleted_intermediates_after_a_change():
    w, x = leaf(np.array([1.0, 2.0]), "w"), leaf(np.array([3.0, 4.0]), "x")
    h = w * x
    loss = (ag.tanh(h) + h).sum()
    del h
    graph = ag.Graph(loss)
    with ag.no_grad():
        w[...] = [0.5, -0.25]
    for box in graph:
        box.fprop()
    w.zero_grad(), x.zero_grad()
    for box in reversed(graph):
        box.bprop()
    value, (gw, gx) = ag.value_and_grad(lambda w, x: (ag.tanh(w * x) + w * x).sum(), (0, 1))(w.data, x.data)
    assert graph[-1].value == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(w.grad, gw, rtol=1e-15)
    np.testing.assert_allclose(x.grad, gx, rtol=1e-15)
    assert [box.name for box in graph] == ["w", "x", "multiply", "tanh", "add", "sum"]
    assert graph[2].inputs == (graph[0], graph[1])


def test_graph_bprop_reaches_only_what_leads_to_a_leaf():
    w = leaf(np.array([1.0, -2.0]))
    graph = ag.Graph(ag.where(w > 0, w, 0.0).sum())
    graph.run()
    mask = next(box for box in graph if box.name == "greater")
    assert mask.grad is None
    assert w.grad is None, "run() leaves the leaves alone"


def test_graph_refuses_a_stale_bprop():
    w = leaf(2.0, "w")
    graph = ag.Graph(w * w)
    graph.run()
    w.data = 3.0
    with pytest.raises(ag.StaleValueError):
        graph[-1].bprop()


def test_an_op_with_an_effect_is_not_redrawn():
    def draw(x, rng, *, p):
        return x * (rng.random(np.shape(x)) < p)

    noise = ag.Op(draw, x=lambda g, x, y: g * (y != 0), rng=None, effect="draws random numbers")
    x = leaf(np.ones(50))
    loss = noise(x, np.random.default_rng(0), p=0.5).sum()
    loss.backward()
    graph = ag.Graph(loss)
    assert graph[-1].value == loss.item(), "recomputing what was not saved draws nothing"
    first = graph[1].value
    assert np.any(graph[1].fprop() != first), "fprop() draws anew"


# -- recording is local --------------------------------------------------------------------------------------------


def test_no_grad_is_local_to_a_thread():
    seen = []
    x = leaf(2.0)
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * x).requires_grad))
        thread.start()
        thread.join()
        assert not (x * x).requires_grad
        with ag.enable_grad():
            assert (x * x).requires_grad
    assert seen == [True]

    @ag.no_grad()
    def f():
        return x * x

    assert not f().requires_grad


def test_nodes_hold_no_tensor_and_only_what_formulas_name():
    x = leaf(np.ones(3))
    y = ag.tanh(x * 2.0)
    for node in topological_order(y.node):
        assert isinstance(node, Node)
        for held in (*node.inputs, *node.saved):
            assert not isinstance(held, ag.Tensor)
    assert len(y.node.saved) == 1
    assert y.node.saved[0] is y.data
    assert (x + 1.0).node.saved == ()
    assert (x * 2.0).node.saved[0] is None, "x is not needed where only x wants a gradient"


def test_copying_and_pickling():
    w = leaf(np.arange(3.0), "w")
    for other in (copy.copy(w), copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert other.requires_grad
        assert other.name == "w"
        assert not np.shares_memory(other.data, w.data)
    with pytest.raises(TypeError, match="history"):
        pickle.dumps(w * 2.0)


def test_help_shows_signature_and_formula():
    import inspect
    import pydoc

    text = pydoc.plain(pydoc.render_doc(ag.tanh))
    assert "tanh(x)" in text
    assert "dx = g * (1 - y * y)" in text
    assert str(inspect.signature(ag.sum)).startswith("(x, axis=None, dtype=None, out=None, keepdims=False, ")
    for op in ag.OPS.values():
        assert "?" not in op.__doc__.split("Gradient:")[1], op.name
        assert op.source.startswith("def call(")
        assert "out=" not in op.meaning, op.meaning  # words, no signature
        assert "===" not in op.meaning, op.meaning
    assert ag.tanh.meaning == "Compute hyperbolic tangent element-wise."
    assert ag.OPS["affine"].meaning.startswith("The pre-activation of a layer")


def test_attributes_of_a_tensor():
    x = leaf(np.arange(6.0).reshape(2, 3))
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((2, 3), 2, 6, np.dtype(float), 2)
    assert (x.T.shape, x.mT.shape, x.is_leaf, (x * 1.0).is_leaf) == ((3, 2), (3, 2), True, False)
    assert [row.tolist() for row in x] == x.tolist()
    assert 3.0 in x
    assert 7.0 not in x
    assert isinstance(x.node, Leaf)
    assert x.reshape(3, 2).reshape((6,)).tolist() == list(range(6))
    assert {x: 1}[x] == 1
    with pytest.raises(ValueError, match="not one number"):
        x.item()
