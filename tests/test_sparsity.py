"""Zeros that are known before anything is computed: Jacobians and Hessians with them equal those without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import jacobians, sparsity
from autograd_lite.node import topological_order
from autograd_lite.ops import reach
from autograd_lite.plan.program import Value
from autograd_lite.sparsity import Dependence, batches, coloured

N = 40
SEEDS = st.integers(0, 2**32 - 1)


def same(a, b):
    np.testing.assert_array_equal(a, b)


def dense(transform, *args):
    """What a transform gives where no zeros are looked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparsity.Dependence.__init__, "__defaults__", (10**9,))
        return transform(*args)


def depends(known, x, y):
    """Which entries of y depend on which of x, as booleans."""
    pattern = np.zeros((y.size, x.size), bool)
    pattern[known.pairs(x.node, y.node)] = True
    return pattern


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def network(theta):
    X = np.linspace(-1.0, 1.0, 15).reshape(5, 3)
    W, b, V = theta[:96].reshape(3, 32), theta[96:128], theta[128:160]
    return np.sum(np.tanh(X @ W + b) @ V) + 0.1 * np.sum(theta[160:] ** 3)


# -- what functions are made of: each takes a vector of any length of at least 4, and gives one -------------------------

STEPS = {
    "tanh": np.tanh,
    "square": lambda x: x * x,
    "shifted": lambda x: x[1:] * x[:-1],
    "reversed": lambda x: x[::-1] + 2 * x,
    "every other": lambda x: x[::2] * x[1::2][: len(x[::2])][0] if len(x) > 7 else x,
    "pairs": lambda x: (x[: len(x) // 2 * 2].reshape(-1, 2) ** 2).sum(1) if len(x) > 7 else x,
    "pairs, kept": lambda x: ((y := x[: len(x) // 2 * 2].reshape(-1, 2)) * y.max(1, keepdims=True)).T.reshape(-1),
    "spread": lambda x: (x[:, None] * x[None, :3]).sum(axis=1),
    "rolled": lambda x: np.roll(x, 1) - 2 * x * x + np.roll(x, -1),
    "joined": lambda x: np.concatenate([x[:3] ** 2, x[2:]]),
    "stacked": lambda x: np.stack([x, np.sin(x)]).T[:, 1] * x,
    "assigned": lambda x: assigned(x),
    "product of blocks": lambda x: (x[: len(x) // 4 * 4].reshape(-1, 2, 2) @ np.array([[1.0, 2.0], [0.5, -1.0]])).ravel(),
    "matrix": lambda x: np.sin(x) + np.cos(np.arange(len(x) * 2.0)).reshape(len(x), 2) @ x[:2],
    "cumulated": lambda x: np.concatenate([np.cumsum(x[:4]), x[4:]]),
    "chosen": lambda x: np.where(x > 0.3, x * x, x),
    "by an array": lambda x: x[np.arange(len(x))[::-1]] * 0.5 + x,
    "mean": lambda x: x * np.mean(x[:3]),
    "softmax": lambda x: np.concatenate([ag.softmax(x[:3]), x]),
    "triangle": lambda x: np.tril(x[:4].reshape(2, 2)).ravel() + x[:4] if len(x) < 9 else x**2,
    "diagonal": lambda x: np.concatenate([np.diagonal(x[:4].reshape(2, 2)), x]),
}  # fmt: skip


def assigned(x):
    y = x * 1.0 if isinstance(x, ag.Tensor) else x.copy()
    y[2:] = x[:-2] ** 2
    return y


@st.composite
def programs(draw):
    names = draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5))
    weights = np.random.default_rng(draw(SEEDS)).uniform(0.5, 1.5, 3 * N)

    def vector(x):
        for name in names:
            x = STEPS[name](x)
        return x

    def scalar(x):
        y = vector(x)
        return np.sum(weights[: y.shape[0]] * y**2 + y)

    vector.__name__ = scalar.__name__ = " | ".join(names)
    return vector, scalar


@given(programs(), SEEDS)
def test_jacobians_and_hessians_of_many_programs(functions, seed):
    vector, scalar = functions
    x = np.random.default_rng(seed).uniform(0.1, 1.0, N)
    J, H = ag.jacfwd(vector)(x), ag.hessian(scalar)(x)
    same(J, dense(ag.jacfwd(vector), x))
    same(H, dense(ag.hessian(scalar), x))
    np.testing.assert_allclose(J, ag.jacrev(vector)(x), rtol=1e-9, atol=1e-9)
    for array in (J, H):
        assert array.flags.writeable


@given(programs(), SEEDS)
def test_many_programs_by_passes_both_ways(functions, seed):
    _, scalar = functions
    x = np.random.default_rng(seed).uniform(0.1, 1.0, N)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparsity, "MANY", 1)
        got, compiled = ag.hessian(scalar)(x), ag.compile(ag.hessian(scalar), backend="numpy")(x)
    same(got, compiled)
    np.testing.assert_allclose(got, dense(ag.hessian(scalar), x), rtol=1e-11, atol=1e-12)


@given(programs(), SEEDS)
def test_what_an_entry_is_said_to_depend_on_holds_all_that_it_does(functions, seed):
    vector, _ = functions
    x = np.random.default_rng(seed).uniform(0.1, 1.0, N)
    leaf = ag.tensor(x, requires_grad=True)
    y = vector(leaf)
    pattern = depends(Dependence(topological_order(y.node), [leaf.node], [y.node]), leaf, y)
    for k in range(N):
        moved = x.copy()
        moved[k] += 1e-3
        changed = np.asarray(vector(moved)) != y.data
        assert not (changed & ~pattern[:, k]).any()


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("f", [rosenbrock, network])
def test_compiled_hessians_equal_those_that_are_not(f, backend):
    if backend == "llvm":
        pytest.importorskip("llvmlite")
    hessian = ag.hessian(f)
    compiled = ag.compile(hessian, backend=backend)
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=200)
        if backend == "numpy" and f is rosenbrock:
            same(compiled(x), hessian(x))
        else:
            np.testing.assert_allclose(compiled(x), hessian(x), rtol=1e-12, atol=1e-12)
    compiled(x)[...] = 7.0  # what is returned is the caller's own
    np.testing.assert_allclose(compiled(x), hessian(x), rtol=1e-12, atol=1e-12)


# -- how much is saved -------------------------------------------------------------------------------------------------


def passes(monkeypatch, transform, x):
    """How many tangents `transform` pushes, and the values that move in each batch of them."""
    found = []

    class Counting(jacobians.Batch):
        def run(self, inputs, size, recorded=None):
            found.append((size, len(self.nodes)))
            return super().run(inputs, size, recorded)

    monkeypatch.setattr(jacobians, "Batch", Counting)
    transform(x)
    return found


@pytest.mark.parametrize("n", [40, 100, 1000])
def test_a_tridiagonal_hessian_takes_three_passes(monkeypatch, n):
    found = passes(monkeypatch, ag.hessian(rosenbrock), np.linspace(-1, 1, n))
    assert sum(size for size, _ in found) == 3


def test_a_diagonal_takes_one_pass_and_a_grid_a_few(monkeypatch):
    def energy(u):
        u = u.reshape(12, 12)
        return np.sum((u[1:] - u[:-1]) ** 2) + np.sum((u[:, 1:] - u[:, :-1]) ** 4)

    x = np.linspace(0, 1, 144)
    assert sum(size for size, _ in passes(monkeypatch, ag.hessian(lambda x: np.sum(np.exp(x))), x)) == 1
    assert sum(size for size, _ in passes(monkeypatch, ag.hessian(energy), x)) <= 9


def test_rows_of_a_batch_that_do_not_meet(monkeypatch):
    """What a network makes of one example depends on that alone: as many passes as an example has numbers."""
    W = np.random.default_rng(0).normal(size=(3, 2))
    X = np.random.default_rng(1).normal(size=(20, 3))
    found = passes(monkeypatch, ag.jacfwd(lambda X: np.tanh(X @ W)), X)
    assert sum(size for size, _ in found) == 3
    same(ag.jacfwd(lambda X: np.tanh(X @ W))(X), dense(ag.jacfwd(lambda X: np.tanh(X @ W)), X))


def test_layers_that_stand_still_cost_nothing(monkeypatch):
    """All entries of a vector's Hessian meet; and yet, by those of a later layer, the earlier ones stand still."""
    monkeypatch.setattr(jacobians, "CACHE", 2**12)
    f = lambda theta: network(theta) ** 2
    theta = np.random.default_rng(0).normal(size=180)
    found = passes(monkeypatch, ag.hessian(f), theta)
    assert sum(size for size, _ in found) == 180
    assert max(size for size, _ in found) <= 48
    moving = [nodes for _, nodes in found]
    assert min(moving) < 0.85 * max(moving)
    same(ag.hessian(f)(theta), dense(ag.hessian(f), theta))


def test_as_many_recordings_as_pay():
    """A step of a simulation that reads one number of its own: each number moves other values, and yet all of them."""
    theta = ag.tensor(np.linspace(0.1, 1, 200), requires_grad=True)
    y = ag.tensor(0.5)
    for k in range(200):
        y = np.sin(y) * theta[k] + theta[k]
    known = Dependence(topological_order(y.node), [theta.node], [y.node])
    parts = batches(known, theta.node, 20)
    assert [stop for _, stop, _ in parts] == [start for start, _, _ in parts[1:]] + [200]
    recorded = {nodes for _, _, nodes in parts}
    assert sum(len(nodes or known.reached) for nodes in recorded) <= 11 * len(known.reached)


# -- values that are not finite ----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("compiled", [False, True])
def test_a_zero_stays_one_beside_what_is_infinite(compiled):
    """Where an entry does not depend on an input its derivative is 0, and not 0 times what stands there."""
    derivative = ag.jacfwd(np.sqrt)
    derivative = ag.compile(derivative, backend="numpy") if compiled else derivative
    x = np.ones(N)
    x[3] = 0.0
    J = derivative(x)
    wanted = np.diag(np.full(N, 0.5))
    wanted[3, 3] = np.inf
    same(J, wanted)
    hessian = ag.hessian(lambda x: np.sum(np.log(x)))
    hessian = ag.compile(hessian, backend="numpy") if compiled else hessian
    wanted = -np.eye(N)
    wanted[3, 3] = -np.inf
    same(hessian(x), wanted)


# -- several outputs, containers, orders, and other transforms around it -----------------------------------------------


def test_outputs_and_arguments_in_containers():
    def f(p):
        return {"a": np.sin(p["x"]), "none": np.zeros(2), "b": (p["x"][1:] * p["y"], p["y"]), "s": p["x"].sum()}

    p = {"x": np.linspace(0, 1, N), "y": np.linspace(1, 2, N - 1)}
    got, wanted = ag.jacfwd(f)(p), dense(ag.jacfwd(f), p)
    for a, b in zip(ag.tree.leaves(got), ag.tree.leaves(wanted), strict=True):
        same(a, b)
    assert got["none"]["x"].shape == (2, N)


def test_twice_the_same_output():
    def f(x):
        y = np.sin(x)
        return y, y

    a, b = ag.jacfwd(f)(np.ones(N))
    same(a, b)
    assert not np.shares_memory(a, b)


def test_third_derivatives_and_examples():
    x = np.linspace(0.1, 1, N)
    T = ag.jacfwd(ag.hessian(rosenbrock))(x)
    assert T.shape == (N, N, N)
    np.testing.assert_allclose(T, dense(ag.jacfwd(ag.hessian(rosenbrock)), x), rtol=1e-12)
    X = np.stack([x, x**2])
    np.testing.assert_allclose(ag.vmap(ag.hessian(rosenbrock))(X), np.stack([ag.hessian(rosenbrock)(v) for v in X]))
    v = ag.grad(lambda x: np.sum(ag.hessian(rosenbrock)(x) ** 2))(x)
    np.testing.assert_allclose(v, dense(ag.grad(lambda x: np.sum(ag.hessian(rosenbrock)(x) ** 2)), x), rtol=1e-12)


def test_complex_and_single_precision():
    z = np.linspace(0.1, 1, N) + 0.5j
    same(ag.jacfwd(lambda z: np.exp(z)[1:] * z[:-1])(z), dense(ag.jacfwd(lambda z: np.exp(z)[1:] * z[:-1]), z))
    x = np.linspace(0.1, 1, N, dtype=np.float32)
    assert ag.hessian(rosenbrock)(x).dtype == np.float32
    same(ag.hessian(rosenbrock)(x), dense(ag.hessian(rosenbrock), x))


# -- colours -----------------------------------------------------------------------------------------------------------


@given(SEEDS, st.integers(1, 30), st.integers(1, 80), st.floats(0, 0.3))
def test_columns_of_one_colour_do_not_meet(seed, rows, columns, share):
    pattern = np.random.default_rng(seed).random((rows, columns)) < share
    colours = coloured(*np.nonzero(pattern), pattern.shape, columns)
    assert colours.shape == (columns,)
    for colour in range(colours.max() + 1):
        assert (pattern[:, colours == colour].sum(1) <= 1).all()
    fullest = int(pattern.sum(1).max())
    assert colours.max() + 1 >= fullest
    if fullest > 1:
        assert coloured(*np.nonzero(pattern), pattern.shape, fullest - 1) is None


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_band_has_as_many_colours_as_its_rows_have_entries(width):
    pattern = sum(np.eye(50, k=k) for k in range(width)) > 0
    assert coloured(*np.nonzero(pattern), pattern.shape, 25).max() + 1 == width


def test_the_rule_of_a_product_is_as_sharp_as_a_product():
    """Of numbers above zero, so that nothing cancels."""
    rng = np.random.default_rng(0)
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
                 ((3,), (5, 3, 4)), ((5, 1, 3), (1, 3, 2)), ((4, 1, 2, 3), (5, 3, 2))]:  # fmt: skip
        inputs = [ag.tensor(rng.uniform(1, 2, shape), requires_grad=True) for shape in (a, b)]
        y = inputs[0] @ inputs[1]
        known = Dependence(topological_order(y.node), [t.node for t in inputs], [y.node], fewest=0)
        J = dense(ag.jacfwd(np.matmul, (0, 1)), *[t.data for t in inputs])
        for t, block in zip(inputs, J, strict=True):
            same(depends(known, t, y), np.reshape(block, (y.size, t.size)) != 0)


def test_every_rule_is_used():
    """So that the test of all rows tries each."""
    rules = {
        rule
        for name, rule in vars(reach).items()
        if callable(rule) and getattr(rule, "__module__", "") == reach.__name__
    }
    used = {op.reach for op in ag.OPS.values() if op.reach is not None}
    assert rules - used == {reach.together}
    assert all(op.batch is not None for op in ag.OPS.values() if op.reach is reach.moved)


def test_index_arrays_are_constants_of_a_program():
    """Where the columns go is decided when the function is recorded."""
    compiled = ag.compile(ag.hessian(rosenbrock), backend="numpy")
    compiled(np.linspace(0, 1, N))
    places = [s for s in compiled.plan.best.sources if isinstance(s, Value) and not s.is_argument]
    assert places
    assert all(
        s.source.memory is not None and not s.source.memory.flags.writeable for s in places if s.dtype.kind == "i"
    )


# -- gradients that are put together from parts ------------------------------------------------------------------------


def parts_of(x):
    """Reads each entry once, by slices and by numbers; then some of them again."""
    apart = np.sum(x[3:10] ** 3) + x[0] * x[1] + x[2] ** 2 * x[-1] + np.sum(x[10:-1:2] * x[11:-1:2][:4].sum())
    return apart * np.prod(x[1:3])


@pytest.mark.parametrize("transform", [ag.grad, ag.hessian, lambda f: ag.jacrev(ag.grad(f))])
def test_slices_of_a_vector_that_are_apart(transform):
    x = np.linspace(0.5, 1.5, 20)
    got = transform(parts_of)(x)
    np.testing.assert_allclose(ag.compile(transform(parts_of), backend="numpy")(x), got, rtol=1e-14)
    np.testing.assert_allclose(got, transform(lambda x: parts_of(x * 1.0))(x), rtol=1e-13)
    numbers = transform(lambda x: parts_of(np.stack([x[k] for k in range(20)])))(x)
    np.testing.assert_allclose(got, numbers, rtol=1e-13)


def test_a_vector_cut_into_layers_has_one_step_for_its_gradient():
    f = lambda t: np.sum(np.tanh(np.ones((5, 3)) @ t[:12].reshape(3, 4) + t[12:16]) @ t[16:])
    x = np.linspace(-1, 1, 20)
    compiled = ag.compile(ag.grad(f), backend="numpy")
    same(compiled(x), ag.grad(f)(x))
    names = [value.op.name for value in compiled.plan.program.values]
    assert names.count("assemble") == 1
    assert "scatter" not in [value.op.name for value in compiled.plan.best.values]


def test_parts_that_overlap_are_added():
    x = np.linspace(0.5, 1.5, 6)
    f = lambda x: np.sum(x[:4] ** 2) + np.sum(x[2:] ** 3)
    wanted = np.concatenate([2 * x[:4], [0, 0]]) + np.concatenate([[0, 0], 3 * x[2:] ** 2])
    np.testing.assert_allclose(ag.compile(ag.grad(f))(x), wanted, rtol=1e-14)


def test_the_sign_of_zero_is_that_of_a_sum():
    compiled = ag.compile(ag.grad(lambda x: np.sum(x[:2] * -0.0) + np.sum(x[2:])), backend="numpy")
    same(
        np.signbit(compiled(np.ones(4))),
        np.signbit(ag.grad(lambda x: np.sum(x[:2] * -0.0) + np.sum(x[2:]))(np.ones(4))),
    )


@given(st.lists(st.integers(1, 12), min_size=2, max_size=5), SEEDS)
def test_sums_of_rows_that_were_copied_first_have_the_same_bits(shape, seed):
    x = np.random.default_rng(seed).normal(size=(16, *shape)) * 10.0 ** (seed % 7)
    x[x < -2] = -0.0
    for axis in range(x.ndim):
        compiled = ag.compile(lambda x, axis=axis: np.sum(x, axis), backend="numpy")
        assert compiled(x).tobytes() == np.sum(x, axis).tobytes()


@pytest.mark.parametrize("f", [rosenbrock, network, parts_of])
@pytest.mark.parametrize("n", [20, 200])
def test_native_code_has_constants_in_the_order_that_it_wants(monkeypatch, f, n):
    """Slices of the unit vectors are views; a native program would have to copy such at each call."""
    pytest.importorskip("llvmlite")
    from autograd_lite.plan.llvm.built import Built

    if f is network and n < 200:
        return
    x, refused = np.random.default_rng(0).normal(size=n), []
    otherwise = Built._otherwise
    monkeypatch.setattr(Built, "_otherwise", lambda self, *sources: (refused.append(1), otherwise(self, *sources))[1])
    compiled = ag.compile(ag.hessian(f), backend="llvm")
    for k in range(3):
        np.testing.assert_allclose(compiled(x + k), ag.hessian(f)(x + k), rtol=1e-11, atol=1e-11)
    assert not refused


# -- outputs that everything meets in ----------------------------------------------------------------------------------


def shared(x):
    """Every term has a part of its own, and the first number."""
    return np.sum(np.sin(x[1:] * x[0]) ** 2 + x[1:] ** 3)


def shared_leaf(p):
    return np.sum(np.tanh(p["own"] * p["all"][0] + p["all"][1]) ** 2) + np.sum(p["all"] ** 2)


def test_what_all_terms_share_has_passes_of_its_own(monkeypatch):
    x = np.linspace(0.5, 1.5, 200)
    assert sum(size for size, _ in passes(monkeypatch, ag.hessian(shared), x)) == 3
    p = {"own": x, "all": np.array([0.5, 0.2])}
    found = passes(monkeypatch, ag.hessian(shared_leaf), p)
    assert sum(size for size, _ in found) == 1 + 2 + 2  # by "own": a tangent, and two rows back; by "all": two tangents


@pytest.mark.parametrize("compiled", [False, True])
def test_what_all_terms_share(compiled):
    x = np.linspace(0.5, 1.5, 200)
    p = {"own": x, "all": np.array([0.5, 0.2])}
    for f, at in ((shared, x), (shared_leaf, p)):
        hessian = ag.compile(ag.hessian(f), backend="numpy") if compiled else ag.hessian(f)
        for got, eager, wanted in zip(
            *map(ag.tree.leaves, (hessian(at), ag.hessian(f)(at), dense(ag.hessian(f), at))), strict=True
        ):
            same(got, eager)
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


def test_third_derivatives_and_examples_of_what_all_terms_share(monkeypatch):
    monkeypatch.setattr(sparsity, "MANY", 8)
    x = np.linspace(0.5, 1.5, N)
    T = ag.jacfwd(ag.hessian(shared))(x)
    np.testing.assert_allclose(T, dense(ag.jacfwd(ag.hessian(shared)), x), rtol=1e-11, atol=1e-12)
    X = np.stack([x, x**2])
    np.testing.assert_allclose(ag.vmap(ag.hessian(shared))(X), np.stack([ag.hessian(shared)(v) for v in X]), rtol=1e-12)
    v = ag.grad(lambda x: np.sum(ag.hessian(shared)(x) ** 2))(x)
    np.testing.assert_allclose(v, dense(ag.grad(lambda x: np.sum(ag.hessian(shared)(x) ** 2)), x), rtol=1e-11)


@ag.custom_jvp
def norm(x):
    return np.sqrt(np.sum(x * x))


norm.defjvp(lambda primals, tangents: (norm(primals[0]), np.sum(primals[0] * tangents[0]) / norm(primals[0])))


def test_a_derivative_of_ones_own_among_those_that_are_found_alone():
    f = lambda x: np.concatenate([np.sin(x), np.reshape(norm(x) * x[0], (1,))])
    x = np.linspace(0.5, 1.5, 200)
    J = ag.jacfwd(f)(x)
    np.testing.assert_allclose(J, dense(ag.jacfwd(f), x), rtol=1e-12)
    np.testing.assert_allclose(ag.compile(ag.jacfwd(f), backend="numpy")(x), J, rtol=1e-14)
