"""Explanations: the paths add up to the gradient, are counted exactly, and come largest first."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.draw.paths import Web
from autograd_lite.local import local_derivatives

ALL = 10**6

# What a random program does to its values next: from two of them, one new one.
STEPS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: ag.tanh(a) - b,
    lambda a, b: a * a,
    lambda a, b: np.where(a > 0, a, 0.1 * b),
    lambda a, b: ag.relu(a) + np.sin(b),
    lambda a, b: a * np.sum(b),
    lambda a, b: np.array([[0.5, 1.0], [-1.5, 0.2]]) @ a + b[::-1],
    lambda a, b: np.stack([a[0], b[1]]),
    lambda a, b: ag.softmax(a) * b,
    lambda a, b: np.concatenate([a, b])[1:3],
]


@st.composite
def programs(draw):
    """A random program of two entries: a function of x with a scalar value."""
    steps = draw(
        st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6)
    )

    def run(x):
        values = [x]
        for step, a, b in steps:
            values.append(step(values[a % len(values)], values[b % len(values)]))
        return ag.sum(values[-1] * np.array([1.0, -2.0]))

    return run


@given(program=programs(), seed=st.integers(0, 1000), entry=st.integers(0, 1), shown=st.integers(0, 5))
def test_the_paths_add_up_to_the_gradient(program, seed, entry, shown):
    x = ag.tensor(np.random.default_rng(seed).uniform(-1, 1, 2), requires_grad=True)
    loss = program(x)
    (gradient,) = ag.vjp(program, x.data)[1](1.0)
    few = ag.explain(x, loss, entry=entry, paths=shown)
    assert few.gradient == pytest.approx(gradient[entry], rel=1e-9, abs=1e-12)
    assert math.fsum(p.product for p in few.paths) + few.rest == pytest.approx(gradient[entry], rel=1e-9, abs=1e-12)
    assert len(few.paths) == min(shown, few.count)
    if few.count < 2000:
        every = ag.explain(x, loss, entry=entry, paths=ALL)
        assert len(every.paths) == every.count == few.count
        assert math.fsum(p.product for p in every.paths) == pytest.approx(gradient[entry], rel=1e-9, abs=1e-12)
        sizes = [abs(p.product) for p in every.paths]
        assert sizes == sorted(sizes, reverse=True) or np.allclose(sizes, sorted(sizes, reverse=True), rtol=1e-9)
        assert np.allclose([abs(p.product) for p in few.paths], sizes[:shown], rtol=1e-9)


@given(seed=st.integers(0, 10_000))
def test_the_web_against_a_list_of_all_paths(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 8))
    pairs = [(a, b) for b in range(size) for a in range(b) for _ in range(rng.integers(0, 3))]
    weights = [float(w) for w in rng.choice([-2.0, -0.5, 0.0, 1.0, 3.0], len(pairs))]
    web = Web([a for a, _ in pairs], [b for _, b in pairs], weights, 0, size - 1, size)
    found = [[]] if size == 1 else []
    stack = [(0, [])]
    while stack:
        vertex, path = stack.pop()
        if vertex == size - 1:
            found.append(path)
        stack += [(b, [*path, e]) for e, (a, b) in enumerate(pairs) if a == vertex]
    products = sorted((abs(math.prod(weights[e] for e in p)) for p in found), reverse=True)
    assert web.count() == len(found)
    assert web.total() == pytest.approx(math.fsum(math.prod(weights[e] for e in p) for p in found))
    listed = web.largest(ALL)
    assert sorted(listed) == sorted(found)
    assert [abs(math.prod(weights[e] for e in p)) for p in listed] == pytest.approx(products)
    assert web.largest(3) == listed[:3]


def test_a_product_rule_by_hand():
    w = ag.tensor(0.5, requires_grad=True, name="w")
    explanation = ag.explain(w, ag.tanh(w) * w)
    t = np.tanh(0.5)
    assert [[step.derivative for step in path.steps] for path in explanation.paths] == [
        [pytest.approx(t)],
        [pytest.approx(1 - t * t), pytest.approx(0.5)],
    ]
    assert [explanation.route(path) for path in explanation.paths] == ["w → multiply", "w → tanh → multiply"]
    assert explanation.paths[1].steps[0].formula == "g * (1 - y * y)"
    assert explanation.rest == 0


def test_a_value_used_twice_by_one_op_gives_two_paths():
    x = ag.tensor(3.0, requires_grad=True, name="x")
    explanation = ag.explain(x, x * x)
    assert explanation.count == 2
    assert [explanation.route(path) for path in explanation.paths] == ["x → multiply by a", "x → multiply by b"]


def test_the_count_is_exact_however_large():
    y = x = ag.tensor(1.0, requires_grad=True)
    for _ in range(1000):
        y = y * y
    explanation = ag.explain(x, y, paths=3)
    assert explanation.count == 2**1000
    assert len(explanation.paths) == 3
    assert explanation.gradient == float(2**1000)
    assert "about 1.072e301 paths" in repr(explanation)


def test_products_that_no_float_holds_are_still_ranked():
    x = ag.tensor(1.0, requires_grad=True)
    small, large = x, x
    for _ in range(400):
        small, large = small * 1e-3, large * 1e-2
    explanation = ag.explain(x, small + large)
    assert [path.product for path in explanation.paths] == [0.0, 0.0]
    assert [path.steps[0].derivative for path in explanation.paths] == [1e-2, 1e-3]


def test_long_chains():
    y = x = ag.tensor(0.3, requires_grad=True)
    for _ in range(10_000):
        y = np.sin(y) + x * 1e-5
    explanation = ag.explain(x, y, paths=4)
    y.backward()
    assert explanation.count == 10_001
    assert explanation.gradient == pytest.approx(x.grad)
    assert "more …" in explanation.route(explanation.paths[-1]) or len(explanation.paths[-1].steps) < 9
    assert len(repr(explanation)) < 3000


def test_every_entry_of_a_jacobian():
    def f(x):
        return np.tanh(np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 1.0]]) @ x) * x[0]

    x0 = np.array([0.1, -0.2, 0.3])
    jacobian = ag.jacobian(f)(x0)
    x = ag.tensor(x0, requires_grad=True, name="x")
    y = f(x)
    for i, j in itertools.product(range(2), range(3)):
        explanation = ag.explain(x, y, entry=j, loss_entry=(i,))
        assert explanation.gradient == pytest.approx(jacobian[i, j])
    assert repr(ag.explain(x, y, entry=-1, loss_entry=0)).startswith("d loss[0] / d x[2] = 0")


def test_a_network_and_a_value_inside_it():
    rng = np.random.default_rng(0)
    model = ag.nn.MLP([4, 5, 3])
    hidden = model.layers[0](rng.normal(size=(6, 4)))
    loss = ag.nn.cross_entropy(model.layers[1](np.tanh(hidden)), np.arange(6) % 3)
    loss.backward()
    weight = model.layers[0].weight
    explanation = ag.explain(weight, loss, entry=(1, 2), paths=ALL)
    assert explanation.count == 6 * 3  # of each example, by each class
    assert math.fsum(p.product for p in explanation.paths) == pytest.approx(weight.grad[1, 2])
    inside = ag.explain(hidden, loss, entry=(5, 1), paths=ALL)
    assert inside.count == 3
    assert explanation.paths[0].steps[0].name.startswith("affine[")


def test_broadcasting_reaches_every_copy():
    b = ag.tensor(2.0, requires_grad=True, name="b")
    explanation = ag.explain(b, ag.sum(b * np.arange(4.0)), paths=ALL)
    assert sorted(path.product for path in explanation.paths) == [0.0, 1.0, 2.0, 3.0]


def test_ops_with_several_outputs():
    a = ag.tensor(np.array([[2.0, 1.0], [0.5, 3.0]]), requires_grad=True)
    u, s, _ = np.linalg.svd(a)
    loss = s[0] * u[0, 1]
    loss.backward()
    assert ag.explain(a, loss, entry=(0, 1)).gradient == pytest.approx(a.grad[0, 1])


def test_values_are_those_of_the_leaves_now():
    w = ag.tensor(2.0, requires_grad=True)
    loss = np.exp(w * 1.0) + ag.sum(np.ones((3, 3)) @ (w * np.ones(3)))
    w.data = 0.0
    assert ag.explain(w, loss).gradient == pytest.approx(10.0)


def test_where_nothing_passes():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    other = ag.tensor(1.0, requires_grad=True)
    assert "loss does not depend on x[0]" in repr(ag.explain(x, other * 2.0, entry=0))
    blocked = ag.explain(x, ag.sum(np.zeros((2, 2)) @ x), entry=0)
    assert (blocked.gradient, blocked.count, blocked.paths) == (0.0, 0, [])
    assert "no path, the derivative of matmul is 0" in repr(blocked)
    dead = ag.explain(x, ag.relu(x[0] * -1.0), entry=0)
    assert (dead.count, dead.paths[0].product) == (1, 0.0)
    assert ag.explain(other, other).paths[0].product == 1.0


def test_latex():
    w = ag.tensor(0.5, requires_grad=True, name="w")
    explanation = ag.explain(w, ag.tanh(w) * w)
    assert explanation.latex == (
        r"\begin{aligned}\frac{\partial \mathrm{loss}}{\partial w} &= \frac{\partial \mathrm{loss}}{\partial w}"
        r" + \frac{\partial \mathrm{loss}}{\partial v_{1}}\,\frac{\partial v_{1}}{\partial w}"
        r" \\ &= (0.4621) + (0.5)(0.7864) \\ &= 0.8553\end{aligned}"
    )
    assert explanation._repr_latex_() == f"$\\displaystyle {explanation.latex}$"
    many = ag.explain(w, sum(w * float(k) for k in range(6, 0, -1)), paths=4).latex
    assert many.endswith(
        r"\\ &= (1)(1)(1)(1)(1)(1)(6) + (1)(1)(1)(1)(1)(5) + (1)(1)(1)(1)(4)"
        r" \\ &\quad + (1)(1)(1)(3) + (3) \\ &= 21\end{aligned}"
    )
    hostile = ag.tensor(1e-9, requires_grad=True, name="a_b$ {%\\")
    text = ag.explain(hostile, np.sin(hostile) * 1e-9).latex
    assert r"\mathrm{a\_b\$ \{\%\backslash }" in text
    assert r"1 \cdot 10^{-9}" in text


def test_what_cannot_be_explained():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"loss was not recorded"):
        ag.explain(x, ag.ones(()))
    with pytest.raises(TypeError, match=r"x was not recorded"):
        ag.explain(np.ones(2), ag.sum(x))
    with pytest.raises(TypeError, match=r"x has shape \(2,\); choose an entry of it by entry="):
        ag.explain(x, ag.sum(x))
    with pytest.raises(TypeError, match=r"by loss_entry="):
        ag.explain(x, x * 1.0, entry=0)
    for entry in (2, (0, 0), (-3,)):
        with pytest.raises(IndexError, match="is no entry of x"):
            ag.explain(x, ag.sum(x), entry=entry)
    with pytest.raises(TypeError, match="complex"):
        ag.explain(x, ag.sum((x * 1j).imag), entry=0)
    wide = ag.tensor(np.ones(8000), requires_grad=True)
    with pytest.raises(TypeError, match=r"cumsum relates 8,000 entries to 8,000; explain fewer"):
        ag.explain(wide, ag.sum(np.cumsum(np.cumsum(wide))), entry=0)


@pytest.mark.parametrize(
    ("f", "size"),
    [
        (lambda x: np.tanh(x) * np.arange(3.0), 3),
        (lambda x: np.cumsum(x), 3),
        (lambda x: ag.sum(x), 3),
        (lambda x: np.outer(x, np.ones(4)), 3),
        (lambda x: np.array([[1.0, 2.0, 3.0]]) @ x, 3),
        (lambda x: x[:, np.newaxis] + np.zeros((3, 2)), 3),
        (lambda x: np.concatenate([np.ones(2), x, x]), 3),
    ],
)
def test_local_derivatives_are_the_entries_of_the_jacobian(f, size):
    x = ag.tensor(np.array([0.3, -0.7, 1.1])[:size], requires_grad=True)
    y = f(x)
    chain = np.eye(size)
    for box in ag.Graph(y):
        if box.op is not None:
            node, total = box.refilled(), 0.0
            for slot, i in enumerate(node.inputs):
                if getattr(i, "requires_grad", False):
                    n = int(np.prod(i.shape))
                    d = local_derivatives(node, slot, np.arange(n))
                    matrix = np.zeros((int(np.prod(box.shape)), n))
                    matrix[d.outputs, d.inputs] = d.values
                    total = total + matrix
            chain = total @ chain
    assert np.allclose(chain.reshape(*y.shape, size), ag.jacobian(f)(x.data))


def test_the_picture_of_an_explanation():
    x = ag.tensor(0.5, requires_grad=True, name="x")
    text = str(ag.draw(ag.explain(x, np.sin(x) * x), format="text"))
    assert "by x: 0.8776" in text
    assert "by a: 0.5; by b: 0.4794" in text or "by b: 0.4794; by a: 0.5" in text
