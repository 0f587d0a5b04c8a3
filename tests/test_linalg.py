"""np.linalg: values equal NumPy's bit for bit, gradients equal central differences, where they have to be careful too."""

from __future__ import annotations

import numpy as np
import pytest
from linalg_table import EVERY, INF, LIVE, SQUARE, arguments, definite, general, hermitian, la, random

import autograd_lite as ag
from autograd_lite.node import Leaf
from autograd_lite.ops import decompositions
from autograd_lite.ops.decompositions import adjoint
from autograd_lite.tree import leaves

FIELDS = pytest.mark.parametrize("field", [float, complex])
COLUMNS = ("name", "statics", "draw", "shapes", "invariant")


def values(outputs):
    return [y.data if isinstance(y, ag.Tensor) else y for y in leaves(outputs)]


def assert_same(outputs, wanted):
    assert type(outputs) is type(wanted) or not isinstance(wanted, tuple)
    ours, theirs = values(outputs), list(leaves(wanted))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b, strict=isinstance(b, np.ndarray) and b.ndim > 0)


@FIELDS
@pytest.mark.parametrize(COLUMNS, EVERY)
def test_value_is_numpys(name, statics, draw, shapes, invariant, field):
    xs = arguments(draw, shapes, field)
    wanted = getattr(np.linalg, name)(*xs, **statics)
    assert_same(getattr(la, name)(*xs, **statics), wanted)
    assert_same(getattr(la, name)(*[ag.tensor(x, requires_grad=True) for x in xs], **statics), wanted)
    with ag.no_grad():
        assert_same(getattr(la, name)(*[ag.tensor(x) for x in xs], **statics), wanted)


@FIELDS
@pytest.mark.parametrize(COLUMNS, LIVE)
def test_gradients_equal_central_differences(name, statics, draw, shapes, invariant, field):
    def f(*xs):
        xs = [(x + adjoint(x)) / 2 for x in xs] if draw in (definite, hermitian) else xs
        y = getattr(la, name)(*xs, **statics)
        y = tuple(y) if isinstance(y, tuple) else y
        return invariant(*y) if invariant else y

    ag.check_grads(f, *arguments(draw, shapes, field))


@FIELDS
@pytest.mark.parametrize(COLUMNS, LIVE)
def test_single_precision_stays(name, statics, draw, shapes, invariant, field):
    narrow = np.dtype(np.complex64 if field is complex else np.float32)
    xs = [ag.tensor(x, requires_grad=True, dtype=narrow) for x in arguments(draw, shapes, field)]
    for y in leaves(getattr(la, name)(*xs, **statics)):
        if y.requires_grad and not y.is_leaf:
            assert y.dtype in (np.float32, np.complex64)
            assert formula_dtypes(y.node, np.ones(y.shape, y.dtype)[()]) <= {np.dtype("f"), np.dtype("F")}


def formula_dtypes(node, g):
    """Of what the formulas of the op return, before the engine casts it."""
    sent = []
    node.bprop(g, lambda i, d: sent.append((i, d)))
    if node.op.name == "output":  # one of several: on to the op itself
        return formula_dtypes(*sent[0])
    return {d.dtype for _, d in sent}


@FIELDS
@pytest.mark.parametrize(COLUMNS, LIVE)
def test_strides_do_not_matter(name, statics, draw, shapes, invariant, field):
    if name in ("eig", "eigh", "svd", "qr"):  # whose phases LAPACK may choose by the layout
        return

    def run(xs):
        xs = [leaf_on(x) for x in xs]
        outputs = [y for y in leaves(getattr(la, name)(*xs, **statics)) if y.requires_grad]
        sum((y.real * (1 + 0.1 * k)).sum() for k, y in enumerate(outputs)).backward()
        return [y.data for y in outputs] + [x.grad for x in xs]

    xs = arguments(draw, shapes, field)
    for a, b in zip(run(xs), run([np.asfortranarray(x) for x in xs]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    turned = [np.ascontiguousarray(x[..., ::-1])[..., ::-1] if np.ndim(x) else x for x in xs]
    for a, b in zip(run(xs), run(turned), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def leaf_on(x):
    """A leaf on this very array: ag.tensor would copy it into C order."""
    t = ag.tensor(x, requires_grad=True)
    t.node = Leaf(x)
    t._data = x
    return t


# -- products of several matrices -----------------------------------------------------------------------------------

CHAINS = [
    [(2, 3), (3, 4)],
    [(3,), (3, 4)],
    [(2, 3), (3,)],
    [(3,), (3,)],
    [(2, 3), (3, 4), (4, 2)],
    [(3,), (3, 4), (4, 2), (2, 5), (5,)],
]


@FIELDS
@pytest.mark.parametrize("shapes", CHAINS)
def test_multi_dot(shapes, field):
    xs = arguments(general, shapes, field)
    assert_same(la.multi_dot(xs), np.linalg.multi_dot(xs))
    assert_same(la.multi_dot([ag.tensor(x, requires_grad=True) for x in xs]), np.linalg.multi_dot(xs))
    ag.check_grads(lambda *xs: la.multi_dot(xs), *xs)


# -- where values coincide, or vanish -------------------------------------------------------------------------------


@FIELDS
def test_eigenvalues_that_coincide(field):
    """A sum over all of them is the trace, whatever the vectors; and a sum of squares that of |A|^2."""
    q = np.linalg.qr(random(4, 4, field=field))[0]
    a = (q * np.array([1.0, 2.0, 2.0, 2.0])) @ adjoint(q)
    for f in (la.eigvalsh, lambda x: la.eigh(x)[0], la.eigvals, lambda x: la.eig(x)[0]):
        for x in (a, np.eye(4) + 0 * a):
            np.testing.assert_allclose(ag.grad(lambda x: f(x).sum().real)(x), np.eye(4), atol=1e-12)  # noqa: B023
    np.testing.assert_allclose(ag.grad(lambda x: (la.eigvalsh(x) ** 2).sum())(a), 2 * a.conj(), atol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda x: (la.svdvals(x) ** 2).sum())(a), 2 * a.conj(), atol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda x: (la.svd(x)[1] ** 2).sum())(a), 2 * a.conj(), atol=1e-12)


def test_vectors_of_equal_values_do_not_turn():
    x = ag.tensor(np.eye(3), requires_grad=True)
    w, v = la.eigh(x)
    (w.sum() + (v * random(3, 3)).sum()).backward()
    np.testing.assert_array_equal(x.grad, np.eye(3))
    u, s, vh = la.svd(y := ag.tensor(np.zeros((3, 2)), requires_grad=True))
    (s.sum() + (u * random(3, 3)).sum() + (vh * random(2, 2)).sum()).backward()
    np.testing.assert_array_equal(y.grad, np.zeros((3, 2)))


@FIELDS
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_determinant_of_a_singular_matrix(rank, field):
    a = random(4, rank, field=field) @ random(rank, 4, seed=1, field=field) if rank else np.zeros((4, 4), field)
    ag.check_grads(la.det, a)
    minors = [
        [np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) * (-1) ** (i + j) for j in range(4)] for i in range(4)
    ]
    x = ag.tensor(a, requires_grad=True)
    la.det(x).backward()
    np.testing.assert_allclose(x.grad, minors, atol=1e-12)


@FIELDS
@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_a_matrix_norm_is_flat_at_zero(order, field):
    zero = np.zeros((3, 2), field)
    np.testing.assert_array_equal(ag.grad(lambda x: la.norm(x, order))(zero), zero)


@FIELDS
@pytest.mark.parametrize("order", [None, 2, 1, 0, INF, -INF, 3, 1.5, 0.5])
def test_a_vector_norm_is_flat_at_zero(order, field):
    zero = np.zeros(3, field)
    slope = ag.grad(lambda x: la.norm(x, order))
    np.testing.assert_array_equal(slope(zero), zero)
    np.testing.assert_array_equal(ag.grad(lambda x: slope(x).sum().real)(zero), zero)
    mixed = ag.grad(lambda x: la.norm(x, order, axis=1).sum())(np.array([[0, 0], [0, 1.0]], field))
    assert np.isfinite(mixed).all()
    assert mixed[1, 1] == (order not in (0, -INF))


def test_norms_share_among_ties():
    np.testing.assert_array_equal(ag.grad(lambda x: la.norm(x, INF))(np.array([2.0, -2.0, 1.0])), [0.5, -0.5, 0])
    np.testing.assert_array_equal(ag.grad(lambda x: la.norm(x, 1))(np.eye(2)), np.eye(2) / 2)
    np.testing.assert_allclose(ag.grad(lambda x: la.norm(x, 2))(np.eye(2)), np.eye(2) / 2)


def test_cond_of_a_singular_matrix_is_infinite():
    zero = np.zeros((2, 2))
    for p in (None, 1):
        assert la.cond(zero, p) == np.linalg.cond(zero, p) == INF
        assert la.cond(ag.tensor(zero, requires_grad=True), p).data == INF


def test_solutions_of_low_rank():
    """The pseudo-inverse and least squares along directions that keep the rank."""

    def low(u, v):
        return u @ v

    u, v, b = random(4, 2), random(2, 3, seed=1), random(4, seed=2)
    ag.check_grads(lambda u, v: la.pinv(low(u, v), rtol=1e-10), u, v)
    ag.check_grads(lambda u, v, b: la.lstsq(low(u, v), b, rcond=1e-10)[0], u, v, b)


def test_eigenvalues_found_in_another_order():
    a = random(4, 4)
    w = np.linalg.eigvals(a)
    order = np.array([2, 0, 3, 1])
    np.testing.assert_array_equal(w[order][decompositions.pairing(w, w[order])], w)


@pytest.mark.parametrize("n", [60, 120])
def test_eigenvalues_of_a_large_matrix(n):
    """Long enough for LAPACK's blocked algorithm, which may order them otherwise when asked for the vectors."""
    a = random(n, n)
    np.testing.assert_allclose(ag.grad(lambda x: (la.eigvals(x) ** 3).sum().real)(a), 3 * (a @ a).T, atol=1e-8 * n)


def test_eigenvalues_of_a_real_matrix_may_be_complex():
    turn = np.array([[0.0, -1], [1, 0]])
    ag.check_grads(la.eigvals, turn)
    assert ag.grad(lambda x: la.eigvals(x).imag[0])(turn).dtype == float


@FIELDS
def test_a_graph_runs_again(field):
    """The boxes of a Graph recompute an op with several outputs, and send its gradients back."""
    x = ag.tensor(random(4, 3, field=field), requires_grad=True)
    _, residuals, _, s = la.lstsq(x, random(4, 2, seed=1, field=field))
    u, _, vh = la.svd(x, False)
    y = (residuals * 2).sum() + (s**3).sum() + (abs(u @ vh) ** 2).sum()
    y.backward()
    wanted = x.grad
    x.zero_grad()
    graph = ag.Graph(y)
    for box in graph:
        box.fprop()
    np.testing.assert_array_equal(graph[-1].value, y.data)
    for box in reversed(graph):
        box.bprop()
    np.testing.assert_allclose(x.grad, wanted, rtol=1e-13)


# -- empty stacks and matrices --------------------------------------------------------------------------------------

EMPTY = [
    *[(name, shape) for name in ("inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "eig", "eigvals", "pinv", "svd", "qr", "matrix_norm") for shape in [(0, 3, 3), (0, 0), (2, 0, 0)]],
    *[(name, shape) for name in ("svd", "svdvals", "qr", "pinv") for shape in [(0, 4, 3), (0, 3), (3, 0)]],
    ("norm", (0,)), ("vector_norm", (0, 3)), ("matrix_rank", (0, 3, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape"), EMPTY)
def test_empty(name, shape):
    x = ag.tensor(np.zeros(shape), requires_grad=True)
    try:
        wanted = getattr(np.linalg, name)(np.zeros(shape))
    except np.linalg.LinAlgError:
        with pytest.raises(np.linalg.LinAlgError):
            getattr(la, name)(x)
        return
    outputs = getattr(la, name)(x)
    assert_same(outputs, wanted)
    total = sum(y.sum() for y in leaves(outputs))
    if total.requires_grad:
        total.backward()
        assert x.grad.shape == shape


# -- arguments and errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eig", "eigvals", "eigh", "eigvalsh"])
def test_matrices_must_be_square(name):
    for x in (np.ones((2, 3)), np.ones(3)):
        with pytest.raises(np.linalg.LinAlgError):
            getattr(la, name)(ag.tensor(x, requires_grad=True))


def test_singular_matrices_are_refused():
    x = ag.tensor(np.ones((2, 2)), requires_grad=True)
    for f in (la.inv, lambda x: la.solve(x, np.ones(2)), lambda x: la.matrix_power(x, -1), lambda x: la.cholesky(-x)):
        with pytest.raises(np.linalg.LinAlgError):
            f(x)
    sign, log = la.slogdet(x)
    assert (sign.data, log.data) == (0, -INF)
    with pytest.raises(np.linalg.LinAlgError):
        log.backward()


def test_arguments_that_do_not_fit():
    x = ag.tensor(random(4, 3), requires_grad=True)
    square = ag.tensor(random(3, 3), requires_grad=True)
    with pytest.raises(ValueError, match="UPLO"):
        la.eigh(square, "X")
    with pytest.raises(ag.errors.NotDifferentiableError, match="raw"):
        la.qr(x, "raw")
    for ours, theirs in zip(la.qr(x.data, "raw"), np.linalg.qr(x.data, "raw"), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(np.linalg.LinAlgError):
        la.matrix_power(x, 2)
    with pytest.raises(TypeError, match="integer"):
        la.matrix_power(square, 0.5)
    with pytest.raises(ValueError, match="ind"):
        la.tensorinv(square, 0)
    with pytest.raises(np.linalg.LinAlgError):
        la.tensorsolve(x, np.ones(4))
    with pytest.raises(ValueError, match="norm order"):
        la.norm(x, 5)
    with pytest.raises(ValueError, match="stacks"):
        la.multi_dot([np.ones((2, 3, 3)), np.ones((3, 3))])
    with pytest.raises(ValueError, match="rtol"):
        la.pinv(x, 1e-5, rtol=1e-5)
    with pytest.raises(np.linalg.LinAlgError):
        la.lstsq(x, np.ones(3))


@FIELDS
@pytest.mark.parametrize("name", ["cholesky", "eigvalsh", "eigh"])
def test_gradients_by_hermitian_matrices_are_hermitian(name, field):
    """Whichever triangle NumPy reads; log det by way of Cholesky has the textbook's gradient, the inverse."""
    a = definite(SQUARE, field=field)
    grads = []
    for uplo in "LU":
        options = dict(upper=uplo == "U") if name == "cholesky" else dict(UPLO=uplo)

        def f(x, options=options):
            first = next(leaves(getattr(la, name)(x, **options)))
            return abs(first**2).sum() + abs(first).max()

        grads.append(ag.grad(f)(a))
        np.testing.assert_allclose(grads[-1], adjoint(grads[-1]), atol=1e-12)
    np.testing.assert_allclose(*grads, atol=1e-12)
    by_cholesky = ag.grad(lambda x: 2 * ag.log(la.cholesky(x).real.diagonal()).sum())(a)
    np.testing.assert_allclose(by_cholesky, np.linalg.inv(a).T, atol=1e-12)


# -- against JAX ----------------------------------------------------------------------------------------------------

S = definite(SQUARE, seed=5)
AGAINST_JAX = {
    "inv": lambda m, x: (m.inv(x) ** 2).sum(), "det": lambda m, x: m.det(x), "slogdet": lambda m, x: m.slogdet(x)[1],
    "solve": lambda m, x: (m.solve(x, S) ** 3).sum(), "cholesky": lambda m, x: (m.cholesky(x @ x.T + S) ** 2)[1:, 0].sum(),
    "eigh": lambda m, x: (m.eigh(x @ x.T)[1] ** 2 * S).sum(), "eigvalsh": lambda m, x: (m.eigvalsh(x @ x.T) * S[0]).sum(),
    "svd": lambda m, x: (m.svd(x)[0] ** 2 * S).sum(), "svdvals": lambda m, x: (m.svd(x, compute_uv=False) * S[0]).sum(),
    "qr": lambda m, x: (m.qr(x)[0] * S).sum() + (m.qr(x)[1] ** 3).sum(), "pinv": lambda m, x: (m.pinv(x[:, :2]) ** 2).sum(),
    "lstsq": lambda m, x: (m.lstsq(x[:, :2], S[0])[0] ** 2).sum(), "matrix_power": lambda m, x: (m.matrix_power(x, 3) * S).sum(),
    "norm": lambda m, x: m.norm(x) + m.norm(x, "nuc") + m.norm(x, 2) + m.norm(x, 1) + m.norm(x[0], 3), "cond": lambda m, x: m.cond(x),
    "multi_dot": lambda m, x: (m.multi_dot([x, S, x.T]) * S).sum(),
}  # fmt: skip


@pytest.mark.parametrize("name", AGAINST_JAX)
def test_first_gradients_equal_jax(name):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = random(3, 3, seed=8)
    theirs = jax.grad(lambda x: AGAINST_JAX[name](jax.numpy.linalg, x))(x)
    np.testing.assert_allclose(ag.grad(lambda x: AGAINST_JAX[name](la, x))(x), theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["inv", "det", "solve", "eigh", "svd", "qr", "cholesky"])
def test_complex_gradients_equal_jax(name):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    f = {
        "inv": lambda m, x: abs(m.inv(x)).sum(), "det": lambda m, x: abs(m.det(x)), "solve": lambda m, x: abs(m.solve(x, S)).sum(),
        "eigh": lambda m, x: (abs(m.eigh(x @ x.conj().T)[1]) * S).sum(), "svd": lambda m, x: (abs(m.svd(x)[2]) * S).sum(),
        "qr": lambda m, x: abs(m.qr(x)[0] * S + m.qr(x)[1]).sum(), "cholesky": lambda m, x: abs(m.cholesky(x @ x.conj().T)[1:, 0]).sum(),
    }[name]  # fmt: skip
    x = random(3, 3, seed=8, field=complex)
    np.testing.assert_allclose(
        ag.grad(lambda x: f(la, x))(x), jax.grad(lambda x: f(jax.numpy.linalg, x))(x), rtol=1e-9, atol=1e-10
    )
