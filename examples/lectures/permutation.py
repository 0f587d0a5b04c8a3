"""Permuting the hidden units leaves the function unchanged.

Exchanging two hidden units exchanges two rows of W1 and b1 and two columns of W2. So every minimum has H! copies
(with tanh 2^H H!, since signs can be turned too). On the straight line between a trained network and its copy the
loss is higher: the same function at both ends, and another in between. The surface is not convex.
"""

import math

import numpy as np
from lecture import BLUE, ORANGE, axes, show
from sklearn.datasets import load_iris

import autograd_lite as ag

HIDDEN = 6


def loss(theta, X, y):
    W1, b1, W2, b2 = theta
    return ag.nn.cross_entropy(np.tanh(X @ W1.T + b1) @ W2.T + b2, y)


def permuted(theta, order):
    W1, b1, W2, b2 = theta
    return W1[order], b1[order], W2[:, order], b2


def signs_turned(theta, signs):
    W1, b1, W2, b2 = theta
    return W1 * signs[:, None], b1 * signs, W2 * signs, b2


def trained(X, y, updates):
    """The weights of a network after some gradient descent."""
    rng = np.random.default_rng(0)
    theta = tuple(0.7 * rng.standard_normal(shape) for shape in [(HIDDEN, 4), (HIDDEN,), (3, HIDDEN), (3,)])
    for _ in range(updates):
        theta = tuple(p - 0.3 * g for p, g in zip(theta, ag.grad(loss)(theta, X, y), strict=True))
    return theta


def lecture(quick):
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    theta = trained(X, y, 100 if quick else 1000)
    rng = np.random.default_rng(1)
    here, shares = loss(theta, X, y), np.linspace(0, 1, 41)
    others = {"permuted": permuted(theta, rng.permutation(HIDDEN))}
    others["signs turned"] = signs_turned(theta, rng.choice([-1.0, 1.0], HIDDEN))
    numbers = {"loss": float(here), "copies of this minimum": 2**HIDDEN * math.factorial(HIDDEN)}
    figure, ax = axes(size=(7, 4.5))
    for (name, other), color in zip(others.items(), [BLUE, ORANGE], strict=True):
        norms = [math.hypot(*(np.linalg.norm(g) for g in ag.grad(loss)(t, X, y))) for t in (theta, other)]
        numbers[f"{name}: loss differs by"] = float(abs(loss(other, X, y) - here))
        numbers[f"{name}: gradient's norm differs by"] = abs(norms[0] - norms[1])
        line = [loss(tuple((1 - s) * a + s * b for a, b in zip(theta, other, strict=True)), X, y) for s in shares]
        numbers[f"{name}: highest loss between"] = float(max(line))
        ax.plot(shares, line, color=color, label=name)
    ax.set(xlabel="share of the way to the copy", ylabel="loss (nats)", title="Between a network and its copy")
    ax.legend()
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
