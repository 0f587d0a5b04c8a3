"""This project, compiled: steps written as functions, recorded once and replayed. A variant for each backend."""

import os

import numpy as np

import autograd_lite as ag
from benchmarks.peers import autograd_lite
from benchmarks.problems import (
    LEARNING_RATE,
    MOMENTUM,
    NEAR_ONE,
    SCALARS,
    blas_threads,
    classification,
    elementwise_input,
    multiply_program,
    regression,
    regression_loss,
    rosenbrock,
    rosenbrock_point,
    scalar_program,
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
        act = ag.tanh if activation == "tanh" else ag.relu

        def loss_of(layers, X, labels):
            h = X
            for W, b in layers[:-1]:
                h = act(h @ W + b)
            W, b = layers[-1]
            return ag.nn.cross_entropy(h @ W + b, labels)

        def update(layers, velocity, X, labels):
            loss, gradient = ag.value_and_grad(loss_of)(layers, X, labels)
            velocity = each(lambda v, g: MOMENTUM * v + g, velocity, gradient)
            return each(lambda p, v: p - LEARNING_RATE * v, layers, velocity), velocity, loss

        compiled = self.compile(update, donate=(0, 1))
        velocity = each(np.zeros_like, layers)

        def step():
            nonlocal layers, velocity
            layers, velocity, loss = compiled(layers, velocity, X, labels)
            return loss

        return step

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

    def digits_epoch(self, *args):
        return autograd_lite.digits_epoch(*args, {"compile": self.backend})

    def digits_learned(self, *args):
        return autograd_lite.digits_learned(*args, {"compile": self.backend})

    def image_epoch(self, *args):
        return autograd_lite.image_epoch(*args, {"compile": self.backend})


def elementwise_function(x):
    return ag.sum(ag.tanh(1.5 * x + 0.3) * ag.sigmoid(x) + ag.exp(-(x**2)))


def each(function, *layers):
    """`function` of each weight and each bias."""
    return [tuple(function(*parts) for parts in zip(*pairs, strict=True)) for pairs in zip(*layers, strict=True)]
