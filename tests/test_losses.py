"""Losses: values against closed forms and SciPy, gradients, the lectures' formulas, extreme logits, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn

RNG = np.random.default_rng(0)
OUT, TARGET = RNG.standard_normal((5, 3)) * 2, RNG.standard_normal((5, 3))
LABELS, BITS = np.array([0, 2, 1, 1, 0]), RNG.integers(0, 2, (5, 3))
SOFT = RNG.dirichlet(np.ones(3), 5)
P = scipy.special.softmax(OUT, -1)
D = OUT - TARGET

# loss, its output, its target, and the losses that reduction="none" must give
CASES = {
    "squared_error": [(OUT, TARGET, (D**2).sum(1) / 2), (OUT[:, 0], TARGET[:, 0], D[:, 0] ** 2 / 2)],
    "mse_loss": [(OUT, TARGET, D**2)],
    "l1_loss": [(OUT, TARGET, np.abs(D))],
    "huber_loss": [(OUT, TARGET, np.where(np.abs(D) <= 1, D**2 / 2, np.abs(D) - 0.5))],
    "cross_entropy": [
        (OUT, LABELS, -np.log(P[range(5), LABELS])),
        (OUT, np.eye(3, dtype=int)[LABELS], -np.log(P[range(5), LABELS])),
        (OUT, SOFT, -(SOFT * np.log(P)).sum(1)),
    ],
    "nll_loss": [(np.log(P), LABELS, -np.log(P[range(5), LABELS]))],
    "binary_cross_entropy_with_logits": [
        (OUT, BITS, -np.log(scipy.special.expit(np.where(BITS, OUT, -OUT)))),
        (OUT, SOFT, -SOFT * scipy.special.log_expit(OUT) - (1 - SOFT) * scipy.special.log_expit(-OUT)),
    ],
    "kl_div": [
        (OUT, SOFT, scipy.stats.entropy(SOFT, P, axis=1)),
        (np.log(P), SOFT, scipy.stats.entropy(SOFT, P, axis=1)),
    ],
    "hinge_loss": [
        (OUT, 2 * BITS - 1, np.maximum(0, 1 - (2 * BITS - 1) * OUT)),
        (
            OUT,
            LABELS,
            [
                max(0, 1 + max(o for c, o in enumerate(row) if c != y) - row[y])
                for row, y in zip(OUT, LABELS, strict=True)
            ],
        ),
    ],
}
ROWS = [(name, *case) for name, cases in CASES.items() for case in cases]


def test_every_loss_has_a_case():
    assert set(CASES) == set(nn.LOSSES)


@pytest.mark.parametrize(("name", "output", "target", "wanted"), ROWS)
def test_values_reductions_and_gradients(name, output, target, wanted):
    loss = nn.LOSSES[name]
    np.testing.assert_allclose(loss(output, target, reduction="none"), wanted, rtol=1e-12, atol=1e-14)
    assert loss(output, target) == pytest.approx(np.mean(wanted), rel=1e-12)
    assert loss(output, target, reduction="sum") == pytest.approx(np.sum(wanted), rel=1e-12)
    for reduction in ("mean", "none"):
        ag.check_grads(lambda o, r=reduction: loss(o, target, reduction=r), output, order=2)


@pytest.mark.parametrize(("name", "output", "target", "wanted"), ROWS)
def test_float32_stays_float32(name, output, target, wanted):
    a = ag.tensor(output.astype(np.float32), requires_grad=True)
    loss = nn.LOSSES[name](a, target)
    loss.backward()
    assert loss.dtype == a.grad.dtype == np.float32


EXTREME = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0], [1000.0, 1000.0, 1000.0]])
FAR = {
    "cross_entropy": [[0, 1, 2], [1, 0, 0], np.eye(3), np.full((3, 3), 1 / 3)],
    "binary_cross_entropy_with_logits": [np.zeros((3, 3)), np.ones((3, 3)), np.full((3, 3), 0.5)],
    "kl_div": [np.eye(3), np.eye(3)[::-1], np.full((3, 3), 1 / 3)],
    "hinge_loss": [[0, 1, 2], [1, 0, 0], np.ones((3, 3), int), -np.ones((3, 3), int)],
    "squared_error": [-EXTREME],
    "mse_loss": [-EXTREME],
    "l1_loss": [-EXTREME],
    "huber_loss": [-EXTREME],
}


@pytest.mark.parametrize(("name", "k"), [(name, k) for name, targets in FAR.items() for k in range(len(targets))])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_finite_at_logits_of_a_thousand(name, k, dtype):
    a = ag.tensor(EXTREME, requires_grad=True, dtype=dtype)
    loss = nn.LOSSES[name](a, np.array(FAR[name][k]))
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(a.grad).all()


def test_nll_of_log_softmax_is_finite_at_a_thousand():
    a = ag.tensor(EXTREME, requires_grad=True)
    loss = nn.nll_loss(ag.log_softmax(a), np.array([1, 0, 2]))
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(a.grad).all()


def test_the_lectures_gradients_at_the_output_and_at_the_pre_activation():
    """l = -log f(x)_y: by f(x) it is -e(y) / f(x)_y, and by the pre-activation -(e(y) - f(x))."""
    a, y = ag.tensor(OUT[0], requires_grad=True, name="a"), 2
    f = ag.softmax(a)
    graph = ag.Graph(nn.nll_loss(ag.log(f), np.array(y))).run()
    e = np.eye(3)[y]
    boxes = {box.name: box for box in graph}
    np.testing.assert_allclose(boxes["softmax"].grad, -e / f.data[y], rtol=1e-13)
    np.testing.assert_allclose(boxes["a"].grad, -(e - f.data), rtol=1e-13, atol=1e-15)
    fused = ag.Graph(nn.cross_entropy(a, np.array(y))).run()
    np.testing.assert_allclose(fused[0].grad, boxes["a"].grad, rtol=1e-13, atol=1e-15)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 30), classes=st.integers(2, 6))
def test_cross_entropy_over_log_2_bounds_the_zero_one_loss(seed, scale, classes):
    rng = np.random.default_rng(seed)
    logits, labels = scale * rng.standard_normal((20, classes)), rng.integers(0, classes, 20)
    wrong = logits.argmax(-1) != labels
    assert np.all(nn.cross_entropy(logits, labels, reduction="none") / np.log(2) >= wrong)


@given(seed=st.integers(0, 2**32 - 1))
def test_kl_is_cross_entropy_less_entropy_and_not_negative(seed):
    rng = np.random.default_rng(seed)
    p, logits = rng.dirichlet(np.ones(4), 3), rng.standard_normal((3, 4))
    kl = nn.kl_div(logits, p, reduction="none")
    np.testing.assert_allclose(
        kl, nn.cross_entropy(logits, p, reduction="none") - scipy.stats.entropy(p, axis=1), atol=1e-12
    )
    assert np.all(kl >= -1e-15)
    np.testing.assert_allclose(nn.kl_div(np.log(p), p), 0, atol=1e-15)
    np.testing.assert_allclose(ag.grad(nn.kl_div)(logits, p), ag.grad(nn.cross_entropy)(logits, p), atol=1e-12)


def test_huber_at_its_delta_and_its_limits():
    d = np.array([-3.0, -0.5, 0.0, 0.5, 3.0])
    np.testing.assert_allclose(nn.huber_loss(d, np.zeros(5), delta=10.0, reduction="none"), d**2 / 2)
    slope = ag.grad(lambda d: nn.huber_loss(d, np.zeros(5), delta=0.5, reduction="sum"))(d)
    np.testing.assert_allclose(slope, np.clip(d, -0.5, 0.5))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.mse_loss(np.ones((4, 1)), np.ones(4)), ValueError, r"mse_loss: an output \(4, 1\) .* not \(4,\)"),
        (lambda: nn.binary_cross_entropy_with_logits(np.ones((4, 1)), np.ones(4)), ValueError, r"write y\[:, None\]"),
        (lambda: nn.l1_loss(np.ones((4, 2)), np.ones((2, 4))), ValueError, "reshape one of them"),
        (lambda: nn.binary_cross_entropy_with_logits(np.ones(2), np.array([0, 2])), TypeError, r"must be in \[0, 1\]"),
        (lambda: nn.cross_entropy(np.ones((2, 3)), np.ones((2, 3))), TypeError, "must be probabilities"),
        (lambda: nn.cross_entropy(np.ones((2, 3)), np.array([0, 3]), reduction="sum"), IndexError, "label 3"),
        (
            lambda: nn.cross_entropy(np.ones((2, 3)), np.array([0, 1]), reduction="men"),
            TypeError,
            "did you mean 'mean'",
        ),
        (lambda: nn.nll_loss(np.ones((2, 3)), np.array([0, -1])), IndexError, "nll_loss: label -1 is outside the 3"),
        (lambda: nn.nll_loss(np.ones((2, 3)), np.array([[0], [1]])), ValueError, "labels of shape"),
        (lambda: nn.kl_div(np.ones((2, 3)), -np.ones((2, 3))), TypeError, "kl_div: .* probabilities"),
        (lambda: nn.hinge_loss(np.ones(2), np.array([0, 1])), TypeError, "2 \\* y - 1"),
        (lambda: nn.hinge_loss(np.ones((2, 3)), np.array([0, 3])), IndexError, "hinge_loss: label 3"),
        (lambda: nn.hinge_loss(np.ones((2, 1)), np.array([0, 0])), ValueError, "at least two columns"),
        (lambda: nn.huber_loss(np.ones(2), np.ones(2), delta=0), TypeError, "must be positive"),
        (lambda: nn.losses.loss_named("cross_entropie"), TypeError, "did you mean 'cross_entropy'"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
