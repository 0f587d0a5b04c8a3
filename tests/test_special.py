"""The rows of scipy.special: values are SciPy's, derivatives those of 30-digit arithmetic, to the far tails."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import ArgumentError, NotDifferentiableError
from autograd_lite.op import Op

scipy_special = pytest.importorskip("scipy.special")
mpmath = pytest.importorskip("mpmath")

from autograd_lite.ops import special  # noqa: E402 (only where there is SciPy)

OPS = {name: op for name, op in vars(special).items() if isinstance(op, Op) and op.__module__ == special.__name__}
SECOND_NAMES = {"digamma", "jn"}

# For each row one interval for each input: a tuple for a float, a list of integers for an order.
# fmt: off
DOMAINS = {
    "erf": [(-2, 2)], "erfc": [(-2, 2)], "erfcx": [(-2, 14)], "erfinv": [(-.9, .9)], "erfcinv": [(.1, 1.9)],
    "ndtr": [(-2, 2)], "log_ndtr": [(-9, 3)], "ndtri": [(.1, .9)], "ndtri_exp": [(-9, -.2)],
    "expit": [(-3, 3)], "log_expit": [(-3, 3)], "logit": [(.1, .9)],
    "gamma": [(.3, 4)], "rgamma": [(-2.8, 4)], "gammaln": [(.3, 4)], "loggamma": [(.3, 4)], "psi": [(.3, 4)], "polygamma": [[0, 1, 2], (.5, 4)],
    "multigammaln": [(2.2, 5)], "beta": [(.5, 3), (.5, 3)], "betaln": [(.5, 3), (.5, 3)],
    "gammainc": [[1, 2, 3], (.3, 4)], "gammaincc": [[1, 2, 3], (.3, 4)],
    "betainc": [[1, 2, 3], [1, 2], (.2, .8)], "betaincc": [[1, 2, 3], [1, 2], (.2, .8)], "hyp1f1": [[1, 2], [2, 3], (-3, 3)], "stdtr": [[1, 2.5, 4], (-3, 3)],
    "j0": [(-4, 4)], "j1": [(-4, 4)], "y0": [(.5, 5)], "y1": [(.5, 5)], "i0": [(-3, 3)], "i1": [(-3, 3)], "i0e": [(.3, 3)], "i1e": [(.3, 3)],
    "k0": [(.5, 4)], "k1": [(.5, 4)], "k0e": [(.5, 4)], "k1e": [(.5, 4)],
    "jv": [[0, 1, 3], (.5, 4)], "yv": [[0, 1, 3], (.5, 4)], "yn": [[0, 1, 3], (.5, 4)], "iv": [[0, 1, 3], (.5, 4)], "ive": [[0, 1, 3], (.5, 4)],
    "kv": [[0, 1, 3], (.5, 4)], "kn": [[0, 1, 3], (.5, 4)], "kve": [[0, 1, 3], (.5, 4)],
    "xlogy": [(-2, 2), (.3, 2)], "xlog1py": [(-2, 2), (-.7, 2)], "entr": [(.2, 3)], "rel_entr": [(.2, 3), (.2, 3)], "kl_div": [(.2, 3), (.2, 3)],
    "exprel": [(-3, 3)], "boxcox": [(.3, 3), (-1, 1)], "boxcox1p": [(-.7, 3), (-1, 1)],
}
STATICS = {"multigammaln": {"d": 3}}

M = mpmath
NCDF = lambda x: M.erfc(-x / M.sqrt(2)) / 2
# One-argument rows at 30 digits, and where: into the far tails as far as both value and derivative are doubles.
PRECISE = {
    "erf": (M.erf, [0, .3, -5, 26]), "erfc": (M.erfc, [0, .3, -5, 26]),
    "erfcx": (lambda x: M.exp(x * x) * M.erfc(x), [-20, -1, 0, .5, 3, 9.9, 10.1, 50, 1e4, 1e10]),
    "erfinv": (M.erfinv, [0, .5, -.999]), "erfcinv": (lambda x: M.erfinv(1 - x), [.5, 1, 1e-9, 1e-25]),
    "ndtr": (NCDF, [0, 1.5, -37, 30]), "log_ndtr": (lambda x: M.log(NCDF(x)), [0, 1, 5, 30, -1, -5, -40, -1e4, -1e8]),
    "ndtri": (lambda x: M.sqrt(2) * M.erfinv(2 * x - 1), [.5, .1, 1e-9]),
    "expit": (lambda x: 1 / (1 + M.exp(-x)), [0, 3, 40, 700, -700]), "log_expit": (lambda x: -M.log1p(M.exp(-x)), [0, 3, 40, 700, -700]),
    "logit": (lambda x: M.log(x / (1 - x)), [.5, .9, 1e-12]),
    "gamma": (M.gamma, [.5, 4, 30, -2.5, 1e-5]), "rgamma": (M.rgamma, [.5, 4, 30, -2.5, 0, -1, -4, 1e-5, -3.999999]),
    "gammaln": (lambda x: M.log(abs(M.gamma(x))), [.5, 40, -2.5, 1e-5, 1e5]), "loggamma": (M.loggamma, [.5, 40, 1e-5, 1e5]),
    "psi": (M.digamma, [.5, 40, -2.5, 1e-5, 1e5]),
    "j0": (M.j0, [0, 1, -3, 50]), "j1": (M.j1, [0, 1, -3, 50]),
    "y0": (lambda x: M.bessely(0, x), [1e-3, 1, 50]), "y1": (lambda x: M.bessely(1, x), [1e-3, 1, 50]),
    "i0": (lambda x: M.besseli(0, x), [0, 1, -3, 300]), "i1": (lambda x: M.besseli(1, x), [0, 1, -3, 300]),
    "i0e": (lambda x: M.besseli(0, x) * M.exp(-abs(x)), [1e-3, 1, -3, 300, 1e6]),
    "i1e": (lambda x: M.besseli(1, x) * M.exp(-abs(x)), [1e-3, 1, -3, 300, 1e6]),
    "k0": (lambda x: M.besselk(0, x), [1e-3, 1, 300]), "k1": (lambda x: M.besselk(1, x), [1e-3, 1, 300]),
    "k0e": (lambda x: M.besselk(0, x) * M.exp(x), [1e-3, 1, 30]), "k1e": (lambda x: M.besselk(1, x) * M.exp(x), [1e-3, 1, 30]),
    "entr": (lambda x: -x * M.log(x), [1e-12, .5, 3, 1e10]),
    "exprel": (lambda x: M.expm1(x) / x if x else M.mpf(1), [-700, -3, -1e-9, 1e-3, 3, 600]),
    "ndtri_exp": None, "multigammaln": None,  # mpmath has no inverse of log_ndtr; several terms of psi
}
# fmt: on


def draw(name, shapes, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [
        rng.choice(d, s) if isinstance(d, list) else np.asarray(rng.uniform(*d, s)).astype(dtype)[()]
        for d, s in zip(DOMAINS[name], shapes, strict=False)
    ]


def live(op, inputs):
    return [k for k, i in enumerate(op.inputs) if op.formulas[i] is not special.unknown]


def of_live(op, inputs, statics):
    def f(*moving):
        full = list(inputs)
        for k, x in zip(live(op, inputs), moving, strict=True):
            full[k] = x
        return op(*full, **statics)

    return f


def same_bits(name, inputs, dtype):
    op, statics = OPS[name], STATICS.get(name, {})
    wanted = getattr(scipy_special, name)(*inputs, **statics)
    tensors = [ag.tensor(x, requires_grad=k in live(op, inputs)) for k, x in enumerate(inputs)]
    for got in (op(*inputs, **statics), op(*tensors, **statics).data):
        assert got.shape == np.shape(wanted)
        np.testing.assert_array_equal(got, np.asarray(wanted).astype(dtype))


def test_every_row_is_tested():
    assert set(DOMAINS) == set(OPS) - SECOND_NAMES
    assert set(PRECISE) == {n for n in DOMAINS if len(OPS[n].inputs) == 1}
    assert all(OPS[name].name == name for name in DOMAINS), "pickle finds a row by its name"
    assert OPS["digamma"] is OPS["psi"]
    assert OPS["jn"] is OPS["jv"]


@pytest.mark.parametrize("name", DOMAINS)
def test_value_is_scipys(name):
    for shapes in [((3,), (3,), (3,)), ((), (), ()), ((2, 1), (3,), (3,)), ((0, 3), (3,), ())]:
        same_bits(name, draw(name, shapes), np.float64)


@pytest.mark.parametrize("name", DOMAINS)
def test_float32_stays_float32(name):
    op, statics = OPS[name], STATICS.get(name, {})
    # An order in float32: with an int64 array SciPy, like NumPy, computes in float64.
    inputs = [np.asarray(x, np.float32) for x in draw(name, [(4,)] * 3)]
    if name in ("yn", "kn", "polygamma"):
        inputs[0] = 1  # yn and kn take only whole orders
    dtype = np.float64 if name in ("yn", "kn") else np.float32  # with an integer order SciPy's yn and kn are float64
    same_bits(name, inputs, dtype)
    tensors = [ag.tensor(x, requires_grad=True) if k in live(op, inputs) else x for k, x in enumerate(inputs)]
    y = op(*tensors, **statics)
    assert y.dtype == dtype
    sent = []
    y.node.bprop(np.ones(y.shape, y.dtype), lambda i, g: sent.append(g.dtype), None)
    assert set(sent) == {np.dtype(dtype)}
    y.backward(np.ones(y.shape, y.dtype))
    exact = [
        ag.tensor(x.astype(float), requires_grad=True) if k in live(op, inputs) else x for k, x in enumerate(inputs)
    ]
    ag.sum(op(*exact, **statics)).backward()
    for k in live(op, inputs):
        assert tensors[k].grad.dtype == np.float32
        np.testing.assert_allclose(tensors[k].grad, exact[k].grad, rtol=5e-5, atol=1e-5)


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_central_differences(name, seed):
    op, statics = OPS[name], STATICS.get(name, {})
    for shapes in [((3,), (3,), (3,)), ((), (), ()), ((2, 1), (3,), (3,))]:
        inputs = draw(name, shapes, seed=seed)
        ag.check_grads(
            of_live(op, inputs, statics), *[inputs[k] for k in live(op, inputs)], order=3 if seed == 0 else 2
        )


@pytest.mark.parametrize("name", [n for n, case in PRECISE.items() if case])
def test_first_derivative_to_the_last_digits(name):
    f, points = PRECISE[name]
    for x in points:
        # 1 - 1e-300 needs 300 digits, and mpmath.diff some more.
        with M.workdps(700 if name in ("erf", "ndtr", "log_ndtr", "expit", "log_expit") and abs(x) < 1e3 else 60):
            wanted = float(M.re(M.diff(f, M.mpf(x), relative=bool(x))))
        np.testing.assert_allclose(ag.grad(OPS[name])(float(x)), wanted, rtol=2e-14, err_msg=f"{name}'({x})")


@pytest.mark.parametrize(("name", "x"), [("log_ndtr", -300.0), ("log_ndtr", -1e6), ("erfcx", 1e3), ("ndtri_exp", -1e8)])
def test_second_derivatives_far_out(name, x):
    """log_ndtr'' = -h (x + h) for h = log_ndtr', and x + h would lose all its digits."""
    f = {"log_ndtr": lambda x: M.log(NCDF(x)), "erfcx": PRECISE["erfcx"][0], "ndtri_exp": None}[name]
    got = ag.grad(ag.grad(OPS[name]))(x)
    if f is None:  # the inverse: x'' = -f''(x) / f'(x)^3
        y = float(scipy_special.ndtri_exp(x))
        first, second = ag.grad(special.log_ndtr)(y), ag.grad(ag.grad(special.log_ndtr))(y)
        np.testing.assert_allclose(got, -second / first**3, rtol=1e-13)
    else:
        with M.workdps(100):
            np.testing.assert_allclose(got, float(M.diff(f, M.mpf(x), 2, relative=True)), rtol=1e-12)


def at(f, *xs):
    """The gradient of f at floats."""
    return ag.grad(f, tuple(range(len(xs))))(*map(float, xs))


@pytest.mark.parametrize(
    ("name", "xs", "wanted"),
    [
        ("xlogy", (0, 2), (np.log(2), 0)),
        ("xlogy", (0, 0), (-np.inf, 0)),
        ("xlog1py", (0, -1), (-np.inf, 0)),
        ("xlog1py", (0, 1), (np.log(2), 0)),
        ("entr", (0,), (np.inf,)),
        ("entr", (-1,), (0,)),
        ("rel_entr", (0, 0), (0, 0)),
        ("rel_entr", (0, 2), (-np.inf, 0)),
        ("rel_entr", (-1, 2), (0, 0)),
        ("rel_entr", (1, 0), (0, 0)),
        ("kl_div", (0, 2), (-np.inf, 1)),
        ("kl_div", (3, 3), (0, 0)),
        ("kl_div", (1, -1), (0, 0)),
        ("i0e", (0,), (0,)),
        ("i1e", (0,), (0.5,)),
        ("log_ndtr", (np.inf,), (0,)),
        ("boxcox", (2, 0), (0.5, np.log(2) ** 2 / 2)),
        ("boxcox1p", (1, 0), (0.5, np.log(2) ** 2 / 2)),
        ("exprel", (0,), (0.5,)),
        ("rgamma", (200,), (0,)),
    ],
)
def test_edges(name, xs, wanted):
    np.testing.assert_allclose(at(OPS[name], *xs), wanted, rtol=1e-15)


def test_a_masked_entry_of_an_entropy_has_no_gradient():
    p = ag.tensor([0.0, 0.5, 0.5], requires_grad=True)
    ag.sum(ag.where(p > 0, special.xlogy(p, p), 0)).backward()
    np.testing.assert_allclose(p.grad, [0, 1 - np.log(2), 1 - np.log(2)])


def test_derivatives_by_zero_factors_reach_second_order():
    cross = ag.grad(lambda b: ag.grad(special.xlogy)(0.0, b))
    assert cross(2.0) == 0.5
    assert ag.grad(ag.grad(special.rgamma))(-1.0) == pytest.approx(2 * (1 - np.euler_gamma), rel=1e-14)


@pytest.mark.parametrize(
    "name", [n for n, op in OPS.items() if n in DOMAINS and special.unknown in op.formulas.values()]
)
def test_no_derivative_is_never_a_silent_zero(name):
    op, inputs = OPS[name], [np.float64(x) for x in draw(name, [(), (), ()])]
    for k, i in enumerate(op.inputs):
        if op.formulas[i] is special.unknown:
            moved = [ag.tensor(x, requires_grad=True) if j == k else x for j, x in enumerate(inputs)]
            with pytest.raises(NotDifferentiableError, match=f"{op.name}: no derivative by {i}"):
                op(*moved)
            with ag.no_grad():
                assert op(*moved).data == op(*inputs)
            with pytest.raises(NotDifferentiableError):  # the generated call that the check stands before
                op.call(*moved).backward()


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp(axis, keepdims):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-3, 3, (2, 3, 2)), rng.uniform(0.1, 2, (3, 1))
    for options in ({}, {"b": b}, {"b": 2.0}):
        got = special.logsumexp(a, axis, keepdims=keepdims, **options)
        wanted = scipy_special.logsumexp(a, axis, keepdims=keepdims, **options)
        np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=1e-14)
        assert np.shape(got) == np.shape(wanted)
    ag.check_grads(lambda a, b: special.logsumexp(a, axis, b, keepdims), a, b)
    assert special.logsumexp(ag.tensor(a.astype("f")), axis, b.astype("f")).dtype == np.float32


def test_weights_of_logsumexp():
    a, b = np.array([1.0, 1000.0, -np.inf]), np.array([1.0, 0.0, 1.0])
    assert special.logsumexp(a, b=b) == scipy_special.logsumexp(a, b=b) == 1.0
    assert special.logsumexp(a[:1], b=[0.0]) == -np.inf
    assert special.logsumexp([1.0, 2.0], b=[1, -0.1]) == pytest.approx(scipy_special.logsumexp([1.0, 2.0], b=[1, -0.1]))
    assert np.isnan(special.logsumexp([1.0, 2.0], b=[-1, 0.1]))
    # By a weight of zero the derivative is exp(a - y), as by any other.
    np.testing.assert_allclose(
        ag.grad(lambda b: special.logsumexp(np.array([1.0, 2.0]), b=b))(np.array([1.0, 0.0])), [1, np.e]
    )
    with pytest.raises(ArgumentError, match="return_sign"):
        special.logsumexp(a, return_sign=True)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_softmax(name, axis):
    f, x = getattr(special, name), np.random.default_rng(0).uniform(-3, 3, (2, 3))
    np.testing.assert_allclose(f(x, axis), getattr(scipy_special, name)(x, axis), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(f(x.tolist()), getattr(scipy_special, name)(x), rtol=1e-14, atol=1e-14)
    ag.check_grads(lambda x: f(x, axis), x)


def test_derivatives_of_polygamma_and_multigammaln():
    with M.workdps(60):
        np.testing.assert_allclose(
            ag.grad(special.polygamma, 1)(2, 3.5), float(M.diff(lambda x: M.psi(2, x), 3.5)), rtol=1e-14
        )
        wanted = sum(float(M.digamma(5.5 - M.mpf(k) / 2)) for k in range(4))
    np.testing.assert_allclose(ag.grad(lambda a: special.multigammaln(a, 4))(5.5), wanted, rtol=1e-14)
