"""scikit-learn's MLPClassifier: one `partial_fit` on the whole batch is one step.

With two classes it has one logistic output where the others have two scores: a little less work.
"""

import os

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.problems import (
    DIGITS_RATE,
    ENOUGH,
    LEARNING_RATE,
    MOMENTUM,
    blas_threads,
    classification,
    digits,
    random_images,
    run_python,
    shuffles,
)

sklearn.set_config(assume_finite=True, skip_parameter_validation=True)


def import_library():
    return run_python("import sklearn.neural_network")


def network(sizes, activation, batch, rate, layers, X, y):
    """A classifier that begins with the same weights as the others."""
    model = MLPClassifier(
        sizes[1:-1],
        activation=activation,
        solver="sgd",
        alpha=0,
        batch_size=batch,
        learning_rate_init=rate,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        shuffle=False,  # the order of the examples is all libraries'
    )
    model.partial_fit(X[:batch], y[:batch], classes=np.arange(sizes[-1]))
    if sizes[-1] > 2:
        for (W, b), coefs, intercepts in zip(layers, model.coefs_, model.intercepts_, strict=True):
            coefs[:], intercepts[:] = W, b
        for v in model._optimizer.velocities:
            v[:] = 0
    return model


def mlp(sizes, activation, batch):
    X, labels, layers = classification(sizes, batch)
    model = network(sizes, activation, batch, LEARNING_RATE, layers, X, labels)

    def step():
        model.partial_fit(X, labels)
        return model.loss_ if sizes[-1] > 2 else None

    return step


def digits_epochs(count, sizes, batch):
    blas_threads(1)
    X, y, *_ = digits()
    return epochs(count, X, y, sizes, batch, DIGITS_RATE)


def digits_learned(sizes, batch):
    blas_threads(1)
    X, y, validation_X, validation_y = digits()
    layers = classification(sizes, batch).layers

    def step():
        model, orders = network(sizes, "relu", batch, DIGITS_RATE, layers, X, y), shuffles(len(y))
        for count in range(1, 101):
            order = next(orders)
            if model.partial_fit(X[order], y[order]).score(validation_X, validation_y) >= ENOUGH:
                return count
        raise RuntimeError("not learned in 100 epochs")

    return step


digits_loop = digits_learned  # nothing is compiled in a step of it anyway


def image_epochs(count, n, sizes, batch):
    blas_threads(os.cpu_count())
    X, y = random_images(n, sizes)
    return epochs(count, X, y, sizes, batch, LEARNING_RATE)


def epochs(count, X, y, sizes, batch, rate):
    model = network(sizes, "relu", batch, rate, classification(sizes, batch).layers, X, y)
    orders = shuffles(len(y))

    def step():
        for _ in range(count):
            order = next(orders)
            model.partial_fit(X[order], y[order])

    return step
