"""The programs and the data that all libraries share, so that all of them do the same work."""

import os
import subprocess
import sys
from itertools import pairwise
from typing import NamedTuple

import numpy as np

LEARNING_RATE = 0.01
MOMENTUM = 0.9

SCALARS = (0.3, 0.5, 0.1, 0.2, 0.9)  # x, a, b, c, d: keeps `scalar_program` bounded
NEAR_ONE = 1 + 1e-6  # to the power of 1,000,000 that is e


def scalar_program(x, a, b, c, d):
    """1,000 additions and multiplications of scalars."""
    for _ in range(250):
        x = x * a + b
        x = (x + c) * d
    return x


def multiply_program(x, n):
    """n multiplications, each with the last one's result: the deepest graph there is."""
    y = x
    for _ in range(n):
        y = y * x
    return y


def slice_bounds(rows, n):
    """n slices along `rows` rows, each of which overlaps the next by half of its length."""
    step = rows // n
    return [(i * step, min((i + 2) * step, rows)) for i in range(n)]


def slice_program(x, bounds):
    """The squares in some slices of x, summed: most elements take part twice."""
    total = 0.0
    for start, stop in bounds:
        total = total + (x[start:stop] ** 2).sum()
    return total


def normal_arrays(count, *shape):
    """`count` different arrays of float32."""
    return list(np.random.default_rng(0).standard_normal((count, *shape), dtype=np.float32))


def repeated_index(n):
    """n integers below n: about a third of the elements are not among them, others several times."""
    return np.random.default_rng(1).integers(0, n, n)


def elementwise_input(n):
    return np.random.default_rng(0).standard_normal(n, dtype=np.float32)


class Classification(NamedTuple):
    X: np.ndarray  # (batch, sizes[0]) float32
    labels: np.ndarray  # (batch,) int64
    layers: list[tuple[np.ndarray, np.ndarray]]  # W of shape (inputs, outputs) and b, float32


def classification(sizes, batch):
    """One batch of random data, and the initial weights of an MLP."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((batch, sizes[0]), dtype=np.float32)
    labels = np.arange(batch) % sizes[-1]
    layers = [
        (rng.standard_normal((m, n), dtype=np.float32) / np.float32(m) ** 0.5, np.zeros(n, np.float32))
        for m, n in pairwise(sizes)
    ]
    return Classification(X, labels, layers)


DIGITS_RATE = 0.1
ENOUGH = 0.97  # of the validation images right


class Digits(NamedTuple):
    X: np.ndarray  # (1437, 64) float32
    y: np.ndarray
    validation_X: np.ndarray  # (360, 64): every fifth image
    validation_y: np.ndarray


def digits():
    """scikit-learn's images of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X, held_out = (X / 16).astype(np.float32), np.arange(len(y)) % 5 == 0
    return Digits(X[~held_out], y[~held_out], X[held_out], y[held_out])


def shuffles(n):
    """The orders in which each epoch goes through n examples: the same in every library, and those of `nn.fit`."""
    rng = np.random.default_rng(0)
    while True:
        yield rng.permutation(n)


def blas_threads(n):
    """Let NumPy's BLAS use `n` threads: one is faster on small products, and much faster where cores are shared."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(n)


def random_images(n, sizes):
    """`n` random rows in the shape of MNIST's, and labels."""
    rng = np.random.default_rng(0)
    return rng.random((n, sizes[0]), dtype=np.float32), rng.integers(0, sizes[-1], n)


def rosenbrock(x):
    """Rosenbrock's function: a sum in which neighbours meet, so that its Hessian is tridiagonal."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_point(n):
    return np.random.default_rng(0).uniform(-1, 1, n)


def regression(sizes, batch):
    """Inputs, targets and all parameters as one vector, for a network with one output; float64."""
    rng = np.random.default_rng(0)
    parameters = sum(m * n + n for m, n in pairwise(sizes))
    return rng.standard_normal((batch, sizes[0])), rng.standard_normal(batch), rng.standard_normal(parameters) / 3


def regression_loss(theta, sizes, X, targets, tanh):
    """The mean square error of a tanh network whose parameters are cut out of the vector theta."""
    h, start = X, 0
    for k, (m, n) in enumerate(pairwise(sizes)):
        W, b = theta[start : start + m * n].reshape(m, n), theta[start + m * n : start + m * n + n]
        h = (h if k == 0 else tanh(h)) @ W + b
        start += m * n + n
    return ((h[:, 0] - targets) ** 2).mean()


def dense_layer(n):
    """A weight matrix and an input of float64."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, n)) / n**0.5, rng.standard_normal(n)


def example_loss(layers, x, target, tanh, logsumexp):
    """The cross-entropy of one example; `target` is 1 at its class and 0 elsewhere."""
    (W1, b1), (W2, b2) = layers
    scores = tanh(x @ W1 + b1) @ W2 + b2
    return logsumexp(scores) - (scores * target).sum()


def one_hot(labels, classes):
    return np.eye(classes, dtype=np.float32)[labels]


def run_python(statement):
    """A step that runs `statement` in a fresh interpreter, compiled modules cached as usual."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def step():
        subprocess.run([sys.executable, "-c", statement], env=environment, check=True)

    return step
