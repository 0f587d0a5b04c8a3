"""grad, vjp, jvp, linearize, hvp, jacobians, hessian and vmap: against the lecture notes, each other, and loops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_lite as ag

rng = np.random.default_rng(2024)
W, V = rng.normal(size=(3, 4)), rng.normal(size=(3, 3))
x, b = rng.normal(size=4), rng.normal(size=3)
X, LABELS = rng.normal(size=(5, 4)), rng.integers(0, 3, 5)


class Layer(NamedTuple):
    W: Any
    b: Any


def same(a, b, rtol=1e-10, atol=1e-12):
    """Equal containers of nearly equal arrays, shapes and all; none of them is a Tensor."""
    if isinstance(a, (tuple, list, dict)):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for k in a if isinstance(a, dict) else range(len(a)):
            same(a[k], b[k], rtol, atol)
    else:
        assert not isinstance(a, ag.Tensor)
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def differences(f, x, h=1e-5):
    """The Jacobian of f by central differences."""
    columns = []
    for k in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[k] = h
        columns.append((np.asarray(f(x + e)) - np.asarray(f(x - e))) / (2 * h))
    return np.stack(columns, axis=-1).reshape((*columns[0].shape, *x.shape))


def affine(W, x):
    return W @ x


def loss(W, x, label):
    return -np.log(ag.softmax(W @ x))[label]


# -- the lecture notes' identities ---------------------------------------------------------------------------------

JACOBIANS = pytest.mark.parametrize("jacobian", [ag.jacrev, ag.jacfwd, ag.jacobian])


@JACOBIANS
def test_the_jacobian_of_softmax(jacobian):
    y = ag.softmax(b)
    for layout in ("numerator", "denominator"):  # symmetric: the same in both
        same(jacobian(ag.softmax, layout=layout)(b), np.diag(y) - np.outer(y, y))


@JACOBIANS
def test_the_jacobian_of_an_affine_map(jacobian):
    same(jacobian(affine, 1)(W, x), W)
    same(jacobian(affine, 1, layout="denominator")(W, x), W.T)


@JACOBIANS
def test_the_third_order_tensor_of_a_matrix_collapses_to_an_outer_product(jacobian):
    T = jacobian(affine)(W, x)
    same(T, np.einsum("ij,k->ijk", np.eye(3), x))  # dz_i / dW_jk = [i = j] x_k
    turned = jacobian(affine, layout="denominator")(W, x)
    same(turned, np.einsum("ij,k->jki", np.eye(3), x))
    g = rng.normal(size=3)
    for gradient in (np.tensordot(g, T, 1), turned @ g, ag.vjp(affine, W, x)[1](g)[0]):
        same(gradient, np.outer(g, x))


def test_gradients_of_a_layer():
    g = ag.softmax(W @ x) - np.eye(3)[1]
    same(ag.grad(loss, (0, 1))(W, x, 1), (np.outer(g, x), W.T @ g))


def test_the_gradient_of_a_batch_is_one_matrix_product():
    def batch_loss(W):
        return -np.log(ag.softmax(X @ W.T, axis=1))[np.arange(5), LABELS].sum()

    G = ag.softmax(X @ W.T, axis=1) - np.eye(3)[LABELS]
    same(ag.grad(batch_loss)(W), G.T @ X)
    each = ag.vmap(ag.grad(loss), (None, 0, 0))(W, X, LABELS)
    same(each, np.einsum("ni,nj->nij", G, X))
    same(each.sum(axis=0), G.T @ X)


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_the_chain_rule_in_both_layouts(layout):
    inner, outer = (lambda x: np.tanh(W @ x)), (lambda h: ag.softmax(V @ h))
    A, B = ag.jacobian(inner, layout=layout)(x), ag.jacobian(outer, layout=layout)(inner(x))
    whole = ag.jacobian(lambda x: outer(inner(x)), layout=layout)(x)
    same(whole, B @ A if layout == "numerator" else A @ B)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x @ x, x, 2 * x),
        (lambda x: x @ (V @ x), b, (V + V.T) @ b),
        (lambda A: np.trace(A @ W.T), W, W),
        (lambda A: np.linalg.slogdet(A)[1], V, np.linalg.inv(V).T),
        (lambda A: np.linalg.inv(A).sum(), V, -np.outer(np.linalg.inv(V).sum(0), np.linalg.inv(V).sum(1))),
        (lambda A: b @ A @ x, W, np.outer(b, x)),
    ],
)
def test_matrix_calculus(f, x, expected):
    same(ag.grad(f)(x), expected)
    same(ag.jacfwd(f)(x), expected)


def test_the_linear_regression_has_the_normal_equations():
    y = X @ x + 0.1
    squares = lambda w: 0.5 * np.sum((X @ w - y) ** 2)
    same(ag.grad(squares)(b @ W), X.T @ (X @ (b @ W) - y))
    same(ag.hessian(squares)(b @ W), X.T @ X)


# -- forward, reverse, and differences ------------------------------------------------------------------------------

COMPOSITIONS = {
    "softmax of affine": (lambda x: ag.softmax(np.tanh(W @ x)), (x,)),
    "two layers": (lambda p, x: np.tanh(p["W"] @ x + p["b"]), ({"W": W, "b": b}, x)),
    "named tuple, list out": (lambda p, x: [p.W @ x, (p.b * p.b).sum()], (Layer(W, b), x)),
    "dict out": (lambda x: {"sum": np.sum(x), "outer": np.outer(x, np.sin(x))}, (x,)),
    "indices and shapes": (lambda x: np.concatenate([x[::-1], x[[0, 0, 2]] ** 2]).reshape(7, 1) * x[1], (x,)),
    "order statistics": (lambda x: np.sort(x) * np.max(x) + np.cumsum(x), (x,)),
    "linear algebra": (lambda A, v: np.linalg.solve(A @ A.T + np.eye(3), v), (V, b)),
    "scalars": (lambda a, b: (a * np.exp(b), a / b), (1.3, -0.7)),
    "an argument that is not used": (lambda a, c: np.sin(a), (b, x)),
    "a constant output": (lambda a: (np.ones(2), 3.0, a), (b,)),
    "an array that is filled": (lambda x: _filled(x), (x,)),
    "normalized rows": (lambda A: (A - A.mean(1, keepdims=True)) / A.std(1, keepdims=True), (W,)),
}


def _filled(x):
    out = ag.zeros((3, 4))
    out[0] = x
    for k in (1, 2):
        out[k] = out[k - 1] * x[k] + np.sin(out[k - 1])
    return out


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_both_modes_agree_in_both_layouts(name):
    f, args = COMPOSITIONS[name]
    argnums = tuple(range(len(args)))
    for layout in ("numerator", "denominator"):
        same(ag.jacfwd(f, argnums, layout=layout)(*args), ag.jacrev(f, argnums, layout=layout)(*args))
        same(ag.jacfwd(f, 0, layout=layout)(*args), ag.jacobian(f, 0, layout=layout)(*args))


@pytest.mark.parametrize("name", ["softmax of affine", "indices and shapes", "order statistics", "an array that is filled", "normalized rows"])  # fmt: skip
def test_jacobians_are_central_differences(name):
    f, (x,) = COMPOSITIONS[name]
    plain = lambda x: ag.vjp(f, x)[0]
    same(ag.jacrev(f)(x), differences(plain, x), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_cotangents_and_tangents_pair(name):
    """v'(J u) = (v'J) u, and linearize and vjp give what jvp gives."""
    f, args = COMPOSITIONS[name]
    other = np.random.default_rng(5)
    draw = lambda tree: _map(lambda a: other.normal(size=np.shape(a)), tree)
    u = draw(args)
    y, dy = ag.jvp(f, args, u)
    y2, f_jvp = ag.linearize(f, *args)
    y3, pullback = ag.vjp(f, *args)
    same(y2, y)
    same(y3, y)
    same(f_jvp(*u), dy)
    v = draw(y)
    np.testing.assert_allclose(_dot(v, dy), _dot(pullback(v), u), rtol=1e-10, atol=1e-12)


def _map(f, tree):
    if isinstance(tree, dict):
        return {k: _map(f, t) for k, t in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [_map(f, t) for t in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return f(tree)


def _flat(tree):
    found: list[Any] = []
    _map(lambda a: found.append(np.ravel(a)), tree)
    return np.concatenate(found)


def _dot(a, b):
    return _flat(a) @ _flat(b)


SCALARS = {
    "loss": lambda x: loss(W, x, 2),
    "norm of tanh": lambda x: np.linalg.norm(np.tanh(W @ x)) ** 3,
    "logsumexp": lambda x: np.log(np.sum(np.exp(x))) * x[0],
    "filled": lambda x: (_filled(x) ** 2).sum(),
    "sorted": lambda x: (np.sort(x) ** 3).sum() * x.max(),
    "determinant": lambda x: np.linalg.det(np.outer(x, np.sin(x)) + np.eye(4)),
}


@pytest.mark.parametrize("name", SCALARS)
def test_hessians(name):
    f = SCALARS[name]
    H = ag.hessian(f)(x)
    same(H, H.T)
    same(H, differences(ag.grad(f), x), rtol=1e-5, atol=1e-7)
    for other in (ag.jacrev(ag.grad(f)), ag.jacrev(ag.jacfwd(f)), ag.jacfwd(ag.jacfwd(f)), ag.jacrev(ag.jacrev(f))):
        same(other(x), H, rtol=1e-9, atol=1e-10)
    for v in (*np.eye(4), rng.normal(size=4)):
        same(ag.hvp(f)(x, v), H @ v)
        same(ag.grad(lambda t: ag.grad(f)(t) @ v)(x), H @ v)  # noqa: B023


@pytest.mark.parametrize("name", SCALARS)
def test_third_order(name):
    f = SCALARS[name]
    T = ag.jacfwd(ag.hessian(f))(x)
    assert T.shape == (4, 4, 4)
    for axes in ((0, 2, 1), (1, 0, 2), (2, 1, 0)):
        same(T, T.transpose(axes), rtol=1e-8, atol=1e-9)
    same(T, differences(ag.hessian(f), x), rtol=1e-4, atol=1e-6)
    same(ag.jacrev(ag.hessian(f))(x), T, rtol=1e-8, atol=1e-9)
    u, v = rng.normal(size=(2, 4))
    same(ag.jvp(lambda x: ag.hvp(f)(x, u), (x,), (v,))[1], T @ v @ u, rtol=1e-8, atol=1e-9)


def test_the_hessian_of_several_arguments_has_blocks():
    f = lambda p, s: s * np.sum(np.tanh(p["W"] @ x + p["b"]) ** 2)
    p, s = {"W": W, "b": b}, 0.7
    H = ag.hessian(f, (0, 1))(p, s)
    pieces = [p["W"], p["b"], s]
    flat = np.concatenate([np.ravel(piece) for piece in pieces])
    g = lambda t: ag.grad(lambda t: f({"W": t[:12].reshape(3, 4), "b": t[12:15]}, t[15]))(t)
    expected = differences(g, flat)
    rows = [H[0]["W"], H[0]["b"], H[1]]
    ends = [0, 12, 15, 16]
    for i, row in enumerate(rows):
        for j, block in enumerate([row[0]["W"], row[0]["b"], row[1]]):
            assert np.shape(block) == np.shape(pieces[i]) + np.shape(pieces[j])
            there = expected[ends[i] : ends[i + 1], ends[j] : ends[j + 1]]
            np.testing.assert_allclose(np.reshape(block, there.shape), there, rtol=1e-6, atol=1e-8)


def test_the_results_of_jacobians_belong_to_the_caller():
    f = lambda a, c: (a, a, np.broadcast_to(a[0], (2,)), 2.0)
    for jacobian in (ag.jacfwd, ag.jacrev):
        for row in jacobian(f, (0, 1))(b, x):
            for block in row:
                block[...] = 7.0
        again = jacobian(f, (0, 1))(b, x)
        same(again[0], (np.eye(3), np.zeros((3, 4))))
        arrays = [block for row in again for block in row]
        assert not any(np.shares_memory(p, q) for k, p in enumerate(arrays) for q in arrays[:k])


def test_derivatives_by_numbers_are_numbers():
    for value in (ag.hessian(lambda a: a**3)(2.0), ag.jacfwd(lambda a: a**2 * 3.0)(2.0), ag.jacrev(lambda a: a**2 * 3.0)(2.0)):  # fmt: skip
        assert isinstance(value, np.float64)
        assert value == 12.0
    H = ag.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0})
    assert H == {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}}
    assert ag.hessian(lambda a: 1.0 * a)(2.0) == 0.0


def test_complex_gradients():
    z = rng.normal(size=3) + 1j * rng.normal(size=3)
    same(ag.grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * np.conj(z))
    f = lambda z: np.sum(np.real(z) ** 3 * np.imag(z))
    du = differences(lambda a: f(a + 1j * z.imag), z.real)
    dv = differences(lambda c: f(z.real + 1j * c), z.imag)
    same(ag.grad(f)(z), du - 1j * dv, rtol=1e-7)
    same(ag.jvp(np.exp, (z,), (z,))[1], np.exp(z) * z)
    same(ag.jacrev(np.exp)(z), np.diag(np.exp(z)))
    same(ag.jacfwd(np.exp)(z), np.diag(np.exp(z)))


# -- nesting ---------------------------------------------------------------------------------------------------------


def test_perturbation_confusion():
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(1.0) == 1
    forward = lambda f, x: ag.jvp(f, (x,), (1.0,))[1]
    assert forward(lambda x: x * forward(lambda y: x + y, 1.0), 1.0) == 1
    assert forward(lambda x: x * ag.grad(lambda y: x + y)(1.0), 1.0) == 1
    assert ag.grad(lambda x: x * forward(lambda y: x + y, 1.0))(1.0) == 1
    assert ag.grad(lambda x: x * forward(lambda y: x * y, 2.0))(3.0) == 6
    assert forward(lambda x: ag.grad(lambda y: x * y * y)(x), 3.0) == 12  # d/dx 2 x x
    assert ag.hessian(lambda x: x * forward(lambda y: x * y, 1.0))(1.0) == 2
    f = ag.vmap(lambda x: x * ag.vmap(ag.grad(lambda y: x + y * y))(np.ones(2)).sum())
    same(f(np.arange(3.0)), 4 * np.arange(3.0))


def test_the_gradient_of_a_gradient_penalty():
    def penalized(W):
        return loss(W, x, 0) + 0.5 * np.sum(ag.grad(loss, 1)(W, x, 0) ** 2)

    same(ag.grad(penalized)(W), differences(penalized, W), rtol=1e-6, atol=1e-8)
    ag.check_grads(penalized, W)


def root(a):
    r = a
    for _ in range(9):
        r = (r + a / r) / 2
    return r


def test_through_newtons_iteration():
    a = 5.0
    assert root(a) == pytest.approx(5**0.5)
    for derivative in (ag.grad(root), ag.jacfwd(root), lambda a: ag.jvp(root, (a,), (1.0,))[1]):
        assert derivative(a) == pytest.approx(0.5 * a**-0.5)
    assert ag.hessian(root)(a) == pytest.approx(-0.25 * a**-1.5)
    assert ag.grad(ag.grad(ag.grad(root)))(a) == pytest.approx(0.375 * a**-2.5)
    same(ag.vmap(ag.grad(root))(np.array([1.0, 4.0, 9.0])), np.array([1 / 2, 1 / 4, 1 / 6]))


def test_newtons_iteration_whose_steps_are_derivatives():
    """The minimum of c x - log x is at 1/c: its derivative by c, through steps that take gradients and Hessians."""

    def minimum(c):
        f = lambda x: c * x - np.log(x)
        x = 0.4
        for _ in range(7):
            x = x - ag.grad(f)(x) / ag.hessian(f)(x)
        return x

    assert minimum(2.0) == pytest.approx(0.5)
    assert ag.grad(minimum)(2.0) == pytest.approx(-0.25)
    assert ag.jvp(minimum, (2.0,), (1.0,))[1] == pytest.approx(-0.25)


def test_forward_and_reverse_inside_of_each_other():
    f = SCALARS["norm of tanh"]
    u, v = rng.normal(size=(2, 4))
    H = ag.hessian(f)(x)
    forward_over_reverse = ag.jvp(lambda x: ag.vjp(f, x)[1](1.0)[0], (x,), (u,))[1]
    reverse_over_forward = ag.vjp(lambda x: ag.jvp(f, (x,), (u,))[1], x)[1](1.0)[0]
    forward_over_forward = ag.jvp(lambda x: ag.jvp(f, (x,), (u,))[1], (x,), (v,))[1]
    linear_over_linear = ag.linearize(lambda x: ag.linearize(f, x)[1](u), x)[1](v)
    same(forward_over_reverse, H @ u)
    same(reverse_over_forward, H @ u)
    same(forward_over_forward, v @ H @ u)
    same(linear_over_linear, v @ H @ u)


def test_pullback_and_pushforward_are_linear_functions_that_can_be_differentiated():
    y, pullback = ag.vjp(affine, W, x)
    v = rng.normal(size=3)
    same(ag.jacrev(lambda v: pullback(v)[1])(v), W.T)
    same(ag.jacfwd(lambda v: pullback(v)[1])(v), W.T)
    same(ag.vmap(pullback)(np.eye(3))[1], W)
    y, f_jvp = ag.linearize(lambda x: np.tanh(W @ x), x)
    J = (1 - y**2)[:, None] * W
    same(ag.jacrev(f_jvp)(x), J)
    same(ag.vmap(f_jvp)(np.eye(4)), J.T)


def test_pullback_and_pushforward_keep_no_history_that_nobody_wants():
    y, pullback = ag.vjp(np.tanh, x)
    _, f_jvp = ag.linearize(np.tanh, x)
    d = np.diag(1 - y**2)
    for linear in (lambda v: pullback(v)[0], f_jvp):
        for value in (ag.jacrev(linear)(x), ag.jacfwd(linear)(x), ag.vmap(linear)(np.eye(4))):
            same(value, d)
        same(ag.hessian(lambda v, f=linear: np.sum(f(v) ** 2))(x), 2 * d * d)
        same(ag.jvp(linear, (x,), (x,))[1], d @ x)
    # f closes over what an outer derivative is taken by: that history stays
    for inner in (
        lambda a: ag.vjp(lambda t: np.sin(a * t), x)[1],
        lambda a: ag.linearize(lambda t: np.sin(a * t), x)[1],
    ):
        total = lambda a, inner=inner: ag.grad(lambda v: np.sum(np.stack(inner(a)(v)) ** 2))(x).sum()
        same(ag.grad(total)(0.7), differences(total, np.array(0.7)), rtol=1e-6)
        same(ag.vmap(total)(np.array([0.7, 1.1])), np.array([total(0.7), total(1.1)]))
    k = ag.vmap(lambda k: ag.jacrev(ag.linearize(lambda t: t * k, x)[1])(x))(LABELS)
    same(k, LABELS[:, None, None] * np.eye(4))


def test_a_pullback_of_what_does_not_depend_on_the_arguments():
    y, pullback = ag.vjp(lambda a: (2.0, np.ones(2), a), b)
    assert y[0] == 2.0
    same(pullback((1.0, y[1], b)), (b,))


def test_constants_from_outside():
    plain, leaf = rng.normal(size=4), ag.tensor(rng.normal(size=4), requires_grad=True)
    f = lambda x: np.sum(np.sin(x * plain) * leaf)
    g = ag.grad(f)(x)
    assert isinstance(g, ag.Tensor)  # it depends on a leaf
    np.testing.assert_allclose(g.data, np.cos(x * plain) * plain * leaf.data)
    g.sum().backward()
    np.testing.assert_allclose(leaf.grad, np.cos(x * plain) * plain)
    for value in (ag.hessian(f)(x), ag.jvp(f, (x,), (x,))[1], ag.vmap(lambda t: t * leaf)(X), ag.jacfwd(f)(x), ag.jacrev(lambda x: x * leaf)(x)):  # fmt: skip
        assert isinstance(value, ag.Tensor)
        assert value.requires_grad
    leaf.zero_grad()
    (ag.hessian(f)(x) ** 2).sum().backward()
    second = -np.sin(x * plain) * plain**2
    np.testing.assert_allclose(leaf.grad, 2 * second**2 * leaf.data)
    leaf.zero_grad()
    ag.vmap(lambda t: np.sum(t * leaf))(X).sum().backward()
    np.testing.assert_allclose(leaf.grad, X.sum(axis=0))
    with ag.no_grad():
        assert not isinstance(ag.hessian(f)(x), ag.Tensor)


# -- vmap ------------------------------------------------------------------------------------------------------------


def loop(f, *batches):
    return np.stack([f(*(batch[k] for batch in batches)) for k in range(len(batches[0]))])


def test_vmap_is_the_loop():
    same(ag.vmap(lambda x: np.tanh(W @ x))(X), loop(lambda x: np.tanh(W @ x), X))
    same(ag.vmap(loss, (None, 0, 0))(W, X, LABELS), loop(lambda x, k: loss(W, x, k), X, LABELS))
    same(ag.vmap(ag.softmax)(X), ag.softmax(X, axis=1))
    same(ag.vmap(SCALARS["sorted"])(X), loop(SCALARS["sorted"], X))
    same(ag.vmap(SCALARS["determinant"])(X), loop(SCALARS["determinant"], X))
    same(ag.vmap(SCALARS["filled"])(X), loop(lambda x: (ag.vjp(_filled, x)[0] ** 2).sum(), X))


@pytest.mark.parametrize("name", SCALARS)
def test_vmap_of_derivatives(name):
    f = SCALARS[name]
    same(ag.vmap(ag.grad(f))(X), loop(ag.grad(f), X))
    same(ag.vmap(ag.hessian(f))(X), loop(ag.hessian(f), X), rtol=1e-8, atol=1e-9)
    same(ag.vmap(ag.jacfwd(f))(X), loop(ag.grad(f), X))
    U = rng.normal(size=X.shape)
    along = lambda x, u: ag.jvp(f, (x,), (u,))[1]
    same(ag.vmap(along)(X, U), loop(along, X, U))
    same(ag.vmap(ag.hvp(f))(X, U), loop(ag.hvp(f), X, U))


@pytest.mark.parametrize("name", SCALARS)
def test_derivatives_of_vmap(name):
    f = SCALARS[name]
    weights = rng.normal(size=5)
    total = lambda X: weights @ ag.vmap(f)(X)
    same(ag.grad(total)(X), weights[:, None] * loop(ag.grad(f), X))
    J = ag.jacrev(ag.vmap(f))(X)
    same(J, np.einsum("nm,mk->nmk", np.eye(5), loop(ag.grad(f), X)))
    same(ag.jacfwd(ag.vmap(f))(X), J)
    U = rng.normal(size=X.shape)
    same(ag.jvp(ag.vmap(f), (X,), (U,))[1], np.einsum("nmk,mk->n", J, U))
    same(ag.hvp(total)(X, U), weights[:, None] * loop(ag.hvp(f), X, U))


def test_the_gradient_of_a_mean_of_per_example_gradient_norms():
    def penalty(W):
        G = ag.vmap(ag.grad(loss), (None, 0, 0))(W, X, LABELS)
        return np.mean(np.sum(G**2, axis=(1, 2)))

    same(ag.grad(penalty)(W), differences(penalty, W), rtol=1e-6, atol=1e-8)


def test_vmap_of_vmap():
    Y = rng.normal(size=(6, 4))
    kernel = lambda a, b: np.exp(-0.5 * np.sum((a - b) ** 2))
    gram = lambda X, Y: ag.vmap(lambda a: ag.vmap(lambda b: kernel(a, b))(Y))(X)
    expected = np.array([[kernel(a, b) for b in Y] for a in X])
    same(gram(X, Y), expected)
    same(ag.vmap(ag.vmap(kernel, (None, 0)), (0, None))(X, Y), expected)
    same(ag.vmap(ag.vmap(kernel, (0, None)), (None, 0))(X, Y), expected.T)
    same(ag.vmap(ag.vmap(kernel, (None, 0)), (0, None), out_axes=1)(X, Y), expected.T)
    each = ag.vmap(ag.vmap(ag.grad(kernel), (None, 0)), (0, None))(X, Y)
    same(each, expected[..., None] * (Y - X[:, None]))
    same(ag.grad(lambda X: gram(X, Y).sum())(X), each.sum(axis=1))


@pytest.mark.parametrize("axis", range(-3, 3))
@pytest.mark.parametrize("out", range(-3, 3))
def test_axes_from_either_end(axis, out):
    A = rng.normal(size=(2, 3, 4))
    f = lambda a: np.tanh(a).T * a.sum()
    expected = np.stack([f(a) for a in np.moveaxis(A, axis, 0)], axis=out)
    same(ag.vmap(f, axis, out)(A), expected)
    total = ag.grad(lambda A: (ag.vmap(f, axis, out)(A) * expected).sum())(A)
    same(total, differences(lambda A: (ag.vmap(f, axis, out)(A) * expected).sum(), A), rtol=1e-6, atol=1e-7)


def test_axes_in_nested_containers():
    p = {"W": rng.normal(size=(3, 4, 5)), "layers": [rng.normal(size=(5, 3)), (b, 2.0)]}
    f = lambda p, x: {"a": np.tanh(p["W"] @ x), "b": [p["layers"][0] * p["layers"][1][0], p["layers"][1][1] * x]}
    axes = ({"W": 2, "layers": [0, (None, None)]}, 0)
    got = ag.vmap(f, axes, {"a": 1, "b": [0, -1]})(p, X)
    each = [f({"W": p["W"][..., k], "layers": [p["layers"][0][k], (b, 2.0)]}, X[k]) for k in range(5)]
    same(got["a"], np.stack([e["a"] for e in each], axis=1))
    same(got["b"][0], np.stack([e["b"][0] for e in each]))
    same(got["b"][1], np.stack([e["b"][1] for e in each], axis=-1))
    short = ag.vmap(lambda p, x: p["u"] @ x + p["v"] @ x, (0, None))({"u": X, "v": 2 * X}, x)
    same(short, 3 * X @ x)
    named = ag.vmap(lambda layer, x: layer.W @ x + layer.b, (None, 0))(Layer(W, b), X)
    same(named, X @ W.T + b)


def test_an_empty_batch():
    none = np.zeros((0, 4))
    assert ag.vmap(lambda x: np.tanh(W @ x))(none).shape == (0, 3)
    assert ag.vmap(SCALARS["determinant"])(none).shape == (0,)
    assert ag.vmap(ag.grad(SCALARS["loss"]))(none).shape == (0, 4)
    assert ag.vmap(ag.hessian(SCALARS["loss"]))(none).shape == (0, 4, 4)
    assert ag.vmap(loss, (None, 0, 0))(W, none, np.zeros(0, int)).shape == (0,)
    same(ag.grad(lambda W: ag.vmap(lambda x: (W @ x).sum())(none).sum())(W), np.zeros((3, 4)))
    assert ag.jacrev(lambda x: x[:0])(x).shape == (0, 4)
    assert ag.jacfwd(lambda x: x[:0])(x).shape == (0, 4)
    assert ag.jacfwd(lambda x: x.sum())(np.zeros(0)).shape == (0,)
    assert ag.jacrev(lambda x: x.sum())(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("size", [1, 3, 4])
def test_a_batch_as_large_as_another_dimension(size):
    """The axis of examples is never taken for one of the function's own."""
    B = rng.normal(size=(size, size, size))
    v, w = rng.normal(size=(2, size))
    for f in (
        lambda A: A @ v,
        lambda A: v @ A,
        lambda A: A + v,
        lambda A: v[:, None] * A.T,
        lambda A: A.sum(axis=0) * A.max(axis=-1),
        lambda A: np.outer(A[0], v) @ A,
        lambda A: A[:, 0] + w,
        lambda A: np.concatenate([A, v[None]]),
        lambda A: np.stack([A[0], v], axis=1),
        lambda A: np.einsum("ij,j->i", A, v) + np.einsum("ij,i->j", A, w),
        lambda A: np.where(A > 0, A, v),
        lambda A: np.broadcast_to(A[0], (size, size)) * A,
        lambda A: ag.softmax(A, axis=0) @ A,
        lambda A: np.cumsum(A, axis=-1) + np.sort(A, axis=0),
    ):
        same(ag.vmap(f)(B), loop(f, B))
        total = lambda A, f=f: np.sum(np.sin(f(A)))
        same(ag.vmap(ag.grad(total))(B), loop(ag.grad(total), B))
        same(ag.jacfwd(f)(B[0]), ag.jacrev(f)(B[0]))


def test_scalars_and_integers():
    t = rng.normal(size=5)
    same(ag.vmap(np.sin)(t), np.sin(t))
    same(ag.vmap(lambda a, c: a * c + 1, (0, None))(t, 3.0), 3 * t + 1)
    same(ag.vmap(lambda a: 2.0)(t), np.full(5, 2.0))
    same(ag.vmap(lambda x, k: x[k])(X, LABELS), X[np.arange(5), LABELS])
    same(ag.vmap(lambda k: ag.take(x, k))(LABELS), x[LABELS])
    same(ag.vmap(lambda k: ag.tensor(W)[k] @ x)(LABELS), W[LABELS] @ x)
    with pytest.raises(ag.LeakError):  # NumPy's own indexing wants the number
        ag.vmap(lambda k: x[k])(LABELS)
    counted = ag.vmap(lambda k: 2 * k + 1)(LABELS)
    assert counted.dtype.kind == "i"
    same(counted, 2 * LABELS + 1)
    same(ag.vmap(lambda t: np.where(t > 0, t, np.exp(t)))(t), np.where(t > 0, t, np.exp(t)))
    same(ag.vmap(lambda t: t > 0)(t), t > 0)
    G = ag.vmap(ag.grad(loss), (None, 0, 0))(W, X, LABELS)
    same(G, np.stack([ag.grad(loss)(W, X[k], LABELS[k]) for k in range(5)]))
    batch = ag.vmap(lambda W, x, k: ag.nn.cross_entropy((W @ x)[None], k[None]), (None, 0, 0))(W, X, LABELS)
    same(batch, ag.vmap(loss, (None, 0, 0))(W, X, LABELS))


def test_float32_stays_float32():
    narrow = X.astype(np.float32)
    f = lambda x: np.sum(np.tanh(x) ** 2)
    for value in (ag.vmap(f)(narrow), ag.vmap(ag.grad(f))(narrow), ag.hessian(f)(narrow[0]), ag.jacrev(np.tanh)(narrow[0]), ag.hvp(f)(narrow[0], narrow[1])):  # fmt: skip
        assert value.dtype == np.float32


# -- what is refused --------------------------------------------------------------------------------------------------


def test_vmap_refuses():
    with pytest.raises(ag.ShapeError, match="5 and 4 examples"):
        ag.vmap(lambda a, c: a.sum() + c)(X, x)
    with pytest.raises(ag.ArgumentError, match="None for all"):
        ag.vmap(lambda a: a, None)(X)
    with pytest.raises(ag.ArgumentError, match="2 entries for 1"):
        ag.vmap(lambda a: a, (0, 0))(X)
    with pytest.raises(ag.ShapeError, match=r"axis 2 of an argument of shape \(5, 4\)"):
        ag.vmap(lambda a: a, 2)(X)
    with pytest.raises(ag.ArgumentError, match="out_axes None"):
        ag.vmap(lambda a: a, 0, None)(X)
    with pytest.raises(ag.LeakError, match=r"np\.where"):
        ag.vmap(lambda t: t if t > 0 else -t)(x)
    with pytest.raises(ag.LeakError, match=r"np\.where"):
        ag.vmap(ag.grad(lambda t: t * t if t > 0 else -t))(x)
    for leak in (float, int, lambda t: t.item(), lambda t: range(t.astype(int))):
        with pytest.raises((ag.LeakError, TypeError)):
            ag.vmap(leak)(x)


def test_wrong_tangents_and_cotangents():
    y, pullback = ag.vjp(affine, W, x)
    _, f_jvp = ag.linearize(affine, W, x)
    with pytest.raises(ag.ShapeError, match=r"\(4,\) for a value of shape \(3,\)"):
        pullback(x)
    with pytest.raises(ag.ArgumentError, match="form"):
        pullback((y, y))
    with pytest.raises(ag.ShapeError):
        ag.jvp(affine, (W, x), (W, b))
    with pytest.raises(ag.ArgumentError):
        ag.jvp(affine, (W, x), (W,))
    with pytest.raises(ag.ArgumentError):
        ag.jvp(np.sin, x, x)
    with pytest.raises(ag.ShapeError):
        f_jvp(W.T, x)
    with pytest.raises(ag.ShapeError):
        ag.hvp(SCALARS["loss"])(x, b)
    with pytest.raises(ag.ShapeError):
        ag.jvp(np.sin, (1.0,), (np.ones(1),))


def test_wrong_arguments():
    with pytest.raises(ag.NotDifferentiableError):
        ag.jacrev(lambda k: k * 1.0)(LABELS)
    with pytest.raises(ag.ArgumentError, match="layout"):
        ag.jacrev(np.sin, layout="row")
    with pytest.raises(ag.ArgumentError, match="argnums 3"):
        ag.hessian(loss, 3)(W, x, 0)
    with pytest.raises(ag.ArgumentError, match="has_aux"):
        ag.vjp(np.sin, x, has_aux=True)
