"""Derivatives that a function's author gives, recomputation, and hooks."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

x = np.array([0.4, -0.7, 1.1])
W = np.array([[0.5, -0.2, 0.1], [0.3, 0.8, -0.6]])


def with_vjp():
    @ag.custom_vjp
    def f(x, y):
        return np.sin(x) * y

    f.defvjp(lambda x, y: (np.sin(x) * y, (x, y)), lambda r, g: (g * np.cos(r[0]) * r[1], g * np.sin(r[0])))
    return f


def with_jvp():
    @ag.custom_jvp
    def f(x, y):
        return np.sin(x) * y

    def rule(primals, tangents):
        (x, y), (dx, dy) = primals, tangents
        return np.sin(x) * y, np.cos(x) * y * dx + np.sin(x) * dy

    f.defjvp(rule)
    return f


def checkpointed():
    return ag.checkpoint(lambda x, y: np.sin(x) * y)


@pytest.mark.parametrize("make", [with_vjp, with_jvp, checkpointed])
def test_given_derivatives_work_in_every_transform(make):
    f, plain = make(), lambda x, y: np.sin(x) * y
    np.testing.assert_array_equal(f(x, 2.0), plain(x, 2.0))
    ag.check_grads(f, x, x[::-1].copy(), order=3)
    args, directions = (x, x + 1), (x - 2, x * 3)
    for ours, theirs in (
        (ag.jvp(f, args, directions), ag.jvp(plain, args, directions)),
        (ag.jacrev(f, (0, 1))(*args), ag.jacrev(plain, (0, 1))(*args)),
        (ag.jacfwd(f, (0, 1))(*args), ag.jacfwd(plain, (0, 1))(*args)),
        (ag.vmap(f)(*args), plain(*args)),
        (ag.vmap(ag.grad(f, (0, 1)))(*args), ag.vmap(ag.grad(plain, (0, 1)))(*args)),
    ):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    H = ag.hessian(lambda x: f(x, x * x).sum())(x)
    np.testing.assert_allclose(H, ag.hessian(lambda x: plain(x, x * x).sum())(x), rtol=1e-12)


def test_the_given_rule_is_used_and_not_the_functions_own():
    @ag.custom_vjp
    def straight_through(x):
        return np.round(x)

    straight_through.defvjp(lambda x: (np.round(x), None), lambda _, g: (g,))
    assert ag.grad(lambda x: straight_through(3 * x))(0.4) == 3.0

    @ag.custom_jvp
    def doubled(x):
        return x

    doubled.defjvp(lambda primals, tangents: (primals[0], 2 * tangents[0]))
    assert ag.grad(doubled)(1.0) == 2.0
    assert ag.jvp(doubled, (1.0,), (1.0,))[1] == 2.0


def test_containers_and_arguments_that_are_not_differentiated():
    @ag.custom_vjp
    def affine(p, x, power):
        return {"y": (p["W"] @ x + p["b"]) ** power}

    affine = ag.custom_vjp(affine.__wrapped__, nondiff_argnums=(2,))
    plain = affine.__wrapped__

    def fwd(p, x, power):
        z = p["W"] @ x + p["b"]
        return {"y": z**power}, (p["W"], x, z)

    def bwd(power, r, g):
        W, x, z = r
        d = g["y"] * power * z ** (power - 1)
        return {"W": d[:, None] * x, "b": d}, W.T @ d

    affine.defvjp(fwd, bwd)
    p = {"W": W, "b": np.array([0.2, 1.0])}
    for f in (affine, plain):
        assert f(p, x, 3)["y"].shape == (2,)
    a, b = (ag.grad(lambda p, x: f(p, x, 3)["y"].sum(), (0, 1))(p, x) for f in (affine, plain))  # noqa: B023
    np.testing.assert_allclose(a[0]["W"], b[0]["W"])
    np.testing.assert_allclose(a[1], b[1])
    ag.check_grads(lambda p, x: affine(p, x, 3), p, x)


def test_implicit_function():
    """y(a) with y^3 + y = a, by Newton's method; dy/da = 1 / (3 y^2 + 1) without going through its steps."""

    @ag.custom_vjp
    def root(a):
        y = 0.0 * a
        for _ in range(30):
            y = y - (y**3 + y - a) / (3 * y**2 + 1)
        return y

    def forward(a):
        y = root(a)
        return y, y

    root.defvjp(forward, lambda y, g: (g / (3 * y**2 + 1),))
    assert ag.grad(root)(10.0) == pytest.approx(1 / 13)
    assert ag.grad(ag.grad(root))(10.0) == pytest.approx(-12 / 13**3)


def test_checkpoint_keeps_only_its_arguments_and_reaches_what_it_closes_over():
    w = ag.tensor(W, requires_grad=True)

    def block(x):
        for _ in range(20):
            x = np.tanh(w @ x).sum() * x
        return x

    t = ag.tensor(x, requires_grad=True)
    y = ag.checkpoint(block)(t)
    assert len(ag.Graph(y)) <= 5, "the values inside are not kept"
    y.sum().backward()
    through, inner = w.grad.copy(), t.grad.copy()
    w.zero_grad()
    t.zero_grad()
    block(t).sum().backward()
    np.testing.assert_allclose(through, w.grad, rtol=1e-12)
    np.testing.assert_allclose(inner, t.grad, rtol=1e-12)
    assert ag.checkpoint(block)(x).shape == (3,)
    with ag.no_grad():
        assert ag.checkpoint(block)(t).node is None


def test_checkpoint_again_by_a_graph():
    w = ag.tensor(2.0, requires_grad=True)
    loss = ag.checkpoint(lambda w: np.exp(w) * w)(w)
    graph = ag.Graph(loss)
    w.data = 0.5
    for box in graph:
        value = box.fprop()
    for box in reversed(graph):
        box.bprop()
    assert value == pytest.approx(np.exp(0.5) * 0.5)
    assert w.grad == pytest.approx(np.exp(0.5) * 1.5)


def test_errors_of_rules():
    f = ag.custom_vjp(lambda x: x)
    with pytest.raises(TypeError, match="no rule yet"):
        f(1.0)
    f.defvjp(lambda x: (x, None), lambda _, g: g)
    with pytest.raises(TypeError, match="tuple of 1"):
        ag.grad(lambda x: f(x))(1.0)


def test_stop_gradient():
    assert ag.grad(lambda x: x * ag.stop_gradient(x))(3.0) == 3.0
    y = ag.stop_gradient({"a": x, "b": (ag.tensor(2.0), 1.0)})
    assert y["b"][0].item() == 2.0
    w = ag.tensor(x, requires_grad=True)
    kept = ag.stop_gradient(w)
    with ag.no_grad():
        w[0] = 9.0
    assert kept.tolist() == x.tolist(), "a later change of the leaf does not reach it"
    np.testing.assert_array_equal(ag.vmap(lambda x: x * ag.stop_gradient(x))(x), x * x)


def test_hooks_see_the_whole_gradient_and_may_change_it():
    t, seen = ag.tensor(x, requires_grad=True), []
    y = t * 2.0
    handle = y.register_hook(lambda g: seen.append(g.copy()))
    double = y.register_hook(lambda g: 2 * g)
    (y * y + 3 * y).sum().backward()
    np.testing.assert_allclose(seen[0], 2 * (2 * x) + 3)
    np.testing.assert_allclose(t.grad, 2 * 2 * (4 * x + 3))
    handle.remove()
    double.remove()
    t.zero_grad()
    (y * y).sum().backward()
    assert len(seen) == 1
    np.testing.assert_allclose(t.grad, 8 * x)


def test_hooks_on_leaves_and_gradients_of_values_between():
    t = ag.tensor(x, requires_grad=True)
    t.register_hook(lambda g: np.clip(g, -1, 1))
    y = np.exp(t)
    y.retain_grad()
    assert y.grad is None
    loss = (y * y).sum()
    loss.backward()
    np.testing.assert_allclose(y.grad, 2 * np.exp(x))
    np.testing.assert_allclose(t.grad, np.clip(2 * np.exp(2 * x), -1, 1))
    loss.backward()
    np.testing.assert_allclose(y.grad, 4 * np.exp(x), err_msg="adds, as a leaf's does")
    for transform in (lambda f: ag.grad(f)(x), lambda f: ag.jvp(f, (x,), (x,))[1], lambda f: ag.vmap(f)(x)):

        def f(t):
            y = t * t
            y.register_hook(lambda g: None)
            return y.sum()

        transform(f)
    for wrong in (ag.tensor(1.0), np.argmax(t)):
        with pytest.raises(TypeError, match="no gradient"):
            wrong.register_hook(print)
