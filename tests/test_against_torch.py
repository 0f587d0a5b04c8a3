"""Optimizers, losses, activations, layers, schedules and a whole training are PyTorch's, to a few units in the last place.
Skipped where there is no PyTorch: `make agree` runs it in the benchmark environment."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import nn
from autograd_lite.nn import schedules

torch = pytest.importorskip("torch")
F = torch.nn.functional

RNG = np.random.default_rng(0)
A = np.concatenate([RNG.normal(0, 3, (6, 5)), [[-1000.0, 1000.0, 0.5, -30.0, 30.0]]])
LABELS = np.array([0, 4, 2, 2, 1, 3, 2])
SOFT = RNG.dirichlet(np.ones(5), 7)
Y = RNG.standard_normal(A.shape)


def both(ours, theirs, *inputs):
    """Value and gradient by the first input, of a function of a Tensor here and of one there."""
    x = ag.tensor(inputs[0], requires_grad=True)
    y = ours(x, *inputs[1:])
    y.sum().backward()
    tx = torch.tensor(inputs[0], requires_grad=True)
    ty = theirs(tx, *map(torch.tensor, inputs[1:]))
    ty.sum().backward()
    np.testing.assert_allclose(y.data, ty.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(x.grad, tx.grad.numpy(), rtol=1e-11, atol=1e-14)


# -- optimizers ------------------------------------------------------------------------------------------------------

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.3, "lr_decay": 0.1, "weight_decay": 0.01, "initial_accumulator_value": 0.2}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.03, "alpha": 0.8, "momentum": 0.7, "weight_decay": 0.01}),
    ("RMSprop", {"lr": 0.03, "alpha": 0.8, "centered": True}),
    ("RMSprop", {"lr": 0.03, "momentum": 0.7, "centered": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.03, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.03, "amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.03, "weight_decay": 0.1, "amsgrad": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.4, 1.3), "step_sizes": (0.01, 0.5)}),
]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_updates(name, options):
    rng = np.random.default_rng(1)
    start = rng.standard_normal(7)
    w, tw = ag.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    ours, theirs = getattr(nn, name)([w], **options), getattr(torch.optim, name)([tw], **options)
    for _ in range(40):
        g = rng.standard_normal(7) * rng.choice([0.0, 1e-3, 1.0, 1e3], 7)
        w.grad, tw.grad = g, torch.tensor(g)
        ours.step()
        theirs.step()
        np.testing.assert_allclose(w.data, tw.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("p", [1.0, 2.0, np.inf])
def test_clipping(p):
    w, tw = ag.tensor(np.ones(5), requires_grad=True), torch.ones(5, dtype=torch.double, requires_grad=True)
    w.grad, tw.grad = A[0], torch.tensor(A[0])
    norm, theirs = nn.clip_grad_norm_([w], 0.7, p), torch.nn.utils.clip_grad_norm_([tw], 0.7, p)
    assert norm == pytest.approx(float(theirs), rel=1e-12)
    np.testing.assert_allclose(w.grad, tw.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "make"),
    [
        (schedules.Step(0.5, updates=3, gamma=0.2), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.2)),
        (schedules.Exponential(0.5, beta=0.1), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, np.exp(-0.1))),
        (schedules.Cosine(0.5, 20, minimum=0.1), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20, 0.1)),
        (schedules.Inverse(0.5, 0.3), lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1 / (1 + 0.3 * k))),
    ],
)
def test_schedules(schedule, make):
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.5)
    theirs = make(optimizer)
    for k in range(20):
        assert schedule(k) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        theirs.step()


# -- losses, activations, layers -------------------------------------------------------------------------------------

LOSSES = {  # squared_error and hinge_loss have no counterpart there
    "mse_loss": (F.mse_loss, (A, Y)),
    "l1_loss": (F.l1_loss, (A, Y)),
    "huber_loss": (F.huber_loss, (A, Y)),
    "cross_entropy": (F.cross_entropy, (A, LABELS)),
    "nll_loss": (F.nll_loss, (A, LABELS)),
    "binary_cross_entropy_with_logits": (F.binary_cross_entropy_with_logits, (A, SOFT)),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, reduction):
    theirs, inputs = LOSSES[name]
    both(
        lambda x, t: nn.LOSSES[name](x, t, reduction=reduction),
        lambda x, t: theirs(x, t, reduction=reduction),
        *inputs,
    )


def test_soft_labels_and_divergences():
    both(nn.cross_entropy, F.cross_entropy, A, SOFT)
    both(nn.kl_div, lambda a, p: F.kl_div(F.log_softmax(a, -1), p, reduction="batchmean"), A, SOFT)
    both(lambda f, y: nn.huber_loss(f, y, delta=0.3), lambda f, y: F.huber_loss(f, y, delta=0.3), A, Y)


ACTIVATIONS = {
    "linear": lambda a: a,
    "gelu_tanh": lambda a: F.gelu(a, approximate="tanh"),
    "softmax": lambda a: torch.softmax(a, -1),
    "log_softmax": lambda a: torch.log_softmax(a, -1),
    "threshold": None,  # it is flat, and theirs of this name is another
}


@pytest.mark.parametrize("name", [name for name in nn.ACTIVATIONS if ACTIVATIONS.get(name, 0) is not None])
def test_activations(name):
    theirs = ACTIVATIONS.get(name) or getattr(torch, name, None) or getattr(F, name)
    moderate = A[:6]  # beyond 20 theirs takes softplus for linear
    both(lambda a: nn.ACTIVATIONS[name](a) * Y[:6], lambda a: theirs(a) * torch.tensor(Y[:6]), moderate)


def test_normalization():
    X = RNG.normal(2, 3, (4, 8, 5))
    ours, theirs = nn.BatchNorm(5), torch.nn.BatchNorm1d(5, dtype=torch.double)
    for batch in X:
        np.testing.assert_allclose(
            ours(batch).data, theirs(torch.tensor(batch)).detach().numpy(), rtol=1e-9, atol=1e-12
        )
    np.testing.assert_allclose(ours.running_mean, theirs.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.running_var, theirs.running_var.numpy(), rtol=1e-12)
    X = X[0]
    np.testing.assert_allclose(ours.eval()(X).data, theirs.eval()(torch.tensor(X)).detach().numpy(), rtol=1e-9)
    expected = torch.nn.LayerNorm(5, dtype=torch.double)(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(nn.LayerNorm(5)(X).data, expected, rtol=1e-9, atol=1e-12)


def test_a_whole_training_is_the_same():
    """From the same weights, over the same batches: dropout apart, whose numbers are drawn elsewhere."""
    X, y = RNG.standard_normal((96, 6)), RNG.integers(0, 4, 96)
    model = nn.Sequential(nn.Linear(6, 12, rng=0), nn.BatchNorm(12), "silu", nn.Linear(12, 4, rng=1))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(6, 12), torch.nn.BatchNorm1d(12), torch.nn.SiLU(), torch.nn.Linear(12, 4)
    ).double()
    state = {name.removeprefix("parts."): torch.tensor(value) for name, value in model.state_dict().items()}
    theirs.load_state_dict(state, strict=False)  # it counts batches as well
    optimizer = nn.AdamW(model.parameters(), lr=0.01)
    history = nn.fit(model, "cross_entropy", (X, y), optimizer, epochs=5, batch_size=16, rng=3, progress=False)
    rng, adamw, losses = np.random.default_rng(3), torch.optim.AdamW(theirs.parameters(), lr=0.01), []
    for _ in range(5):
        total = 0.0
        for rows in np.split(rng.permutation(96), 6):
            adamw.zero_grad()
            loss = F.cross_entropy(theirs(torch.tensor(X[rows])), torch.tensor(y[rows]))
            loss.backward()
            adamw.step()
            total += loss.item() / 6
        losses.append(total)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-8)
    for (name, ours), parameter in zip(model.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, parameter.detach().numpy(), rtol=1e-6, atol=1e-8, err_msg=name)
