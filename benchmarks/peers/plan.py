"""This project, compiled: steps written as functions, recorded once and replayed. A variant for each backend."""

import os

import numpy as np

import autograd_lite as ag
from benchmarks.peers import autograd_lite
from benchmarks.problems import (
    DIGITS_RATE,
    ENOUGH,
    LEARNING_RATE,
    MOMENTUM,
    NEAR_ONE,
    SCALARS,
    blas_threads,
    classification,
    digits,
    elementwise_input,
    multiply_program,
    regression,
    regression_loss,
    rosenbrock,
    rosenbrock_point,
    scalar_program,
    shuffles,
)


def variant(backend):
    if not hasattr(ag, "compile"):
        raise ImportError("this autograd_lite has no ag.compile")
    return Programs(lambda f, **options: ag.compile(f, backend=backend, **options), backend)


class Programs:
    """The programs, given what compiles a function."""

    def __init__(self, compile, backend=None):
        self.compile, self.backend = compile, backend

    def scalar_chain(self):
        gradient = self.compile(ag.grad(scalar_program, argnums=tuple(range(len(SCALARS)))))
        return lambda: gradient(*SCALARS)

    def elementwise(self, n):
        blas_threads(os.cpu_count())
        x = elementwise_input(n)
        gradient = np.zeros_like(x)

        def into(memory, x):  # the last gradient's memory is donated to the next
            return ag.value_and_grad(elementwise_function)(x)

        compiled = self.compile(into, donate=(0,))

        def step():
            nonlocal gradient
            value, gradient = compiled(gradient, x)
            return value, gradient

        return step

    def mlp(self, sizes, activation, batch):
        blas_threads(1 if max(sizes) < 100 else os.cpu_count())
        X, labels, layers = classification(sizes, batch)
        _, update = self.network(activation, LEARNING_RATE)
        parameters, velocities = state_of(layers)

        def step():
            nonlocal parameters, velocities
            parameters, velocities, loss = update(parameters, velocities, X, labels)
            return loss

        return step

    def network(self, activation, rate):
        """The network's outputs, and a step: the state after it, and the loss; both compiled."""
        act = ag.tanh if activation == "tanh" else ag.relu

        def outputs(parameters, X):
            h = X
            *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
            for W, b in hidden:
                h = act(h @ W + b)
            W, b = last
            return h @ W + b

        def loss_of(parameters, X, labels):
            return ag.nn.cross_entropy(outputs(parameters, X), labels)

        def update(parameters, velocities, X, labels):
            loss, gradients = ag.value_and_grad(loss_of)(parameters, X, labels)
            velocities = [MOMENTUM * v + g for v, g in zip(velocities, gradients, strict=True)]
            return [p - rate * v for p, v in zip(parameters, velocities, strict=True)], velocities, loss

        return self.compile(outputs), self.compile(update, donate=(0, 1))

    def multiply_chain(self, n):
        gradient = self.compile(ag.grad(lambda x: multiply_program(x, n)))
        return lambda: gradient(NEAR_ONE)

    def mlp_hessian(self, sizes, batch):
        X, targets, theta = regression(sizes, batch)
        hessian = self.compile(ag.hessian(lambda theta: regression_loss(theta, sizes, X, targets, ag.tanh)))
        return lambda: hessian(theta)

    def rosenbrock_hessian(self, n):
        x, hessian = rosenbrock_point(n), self.compile(ag.hessian(rosenbrock))
        return lambda: hessian(x)

    def digits_epochs(self, *args):
        return autograd_lite.digits_epochs(*args, {"compile": self.backend})

    def digits_learned(self, *args):
        return autograd_lite.digits_learned(*args, {"compile": self.backend})

    def digits_loop(self, sizes, batch):
        """`digits_learned` as a loop of one's own, whose update is recorded once for all the models that it trains."""
        blas_threads(1)
        X, y, validation_X, validation_y = digits()
        layers = classification(sizes, batch).layers
        outputs, update = self.network("relu", DIGITS_RATE)
        cross_entropy = self.compile(ag.nn.cross_entropy)

        def step():
            (parameters, velocities), orders = state_of(layers), shuffles(len(y))
            for count in range(1, 101):
                order = next(orders)
                rows, labels, total = X[order], y[order], 0.0
                for k in range(0, len(y), batch):
                    some = rows[k : k + batch], labels[k : k + batch]
                    parameters, velocities, loss = update(parameters, velocities, *some)
                    total += float(loss) * min(batch, len(y) - k)
                scores = outputs(parameters, validation_X)
                float(cross_entropy(scores, validation_y))
                if (scores.argmax(1) == validation_y).mean() >= ENOUGH:
                    return count
            raise RuntimeError("not learned in 100 epochs")

        return step

    def image_epochs(self, *args):
        return autograd_lite.image_epochs(*args, {"compile": self.backend})


def elementwise_function(x):
    return ag.sum(ag.tanh(1.5 * x + 0.3) * ag.sigmoid(x) + ag.exp(-(x**2)))


def state_of(layers):
    """Parameters and velocities of a network, as flat lists."""
    parameters = [array.copy() for layer in layers for array in layer]
    return parameters, [np.zeros_like(p) for p in parameters]
