"""HIPS autograd, with plain NumPy for the update, in place."""

import autograd.numpy as np
from autograd import grad, make_vjp, value_and_grad
from autograd.scipy.special import expit, logsumexp

from benchmarks.problems import (
    LEARNING_RATE,
    MOMENTUM,
    NEAR_ONE,
    SCALARS,
    classification,
    elementwise_input,
    multiply_program,
    normal_arrays,
    repeated_index,
    run_python,
    scalar_program,
    slice_bounds,
    slice_program,
)


def import_library():
    return run_python("import autograd, autograd.numpy")


def scalar_chain():
    gradient = grad(scalar_program, argnum=tuple(range(len(SCALARS))))
    return lambda: gradient(*SCALARS)


def elementwise(n):
    x = elementwise_input(n)

    @value_and_grad
    def value_and_gradient(x):
        return np.sum(np.tanh(1.5 * x + 0.3) * expit(x) + np.exp(-(x**2)))

    return lambda: value_and_gradient(x)


def index(n):
    (x,), where = normal_arrays(1, n), repeated_index(n)
    return gradient_step(lambda x: np.sum(x[where]), x)


def slices(shape, n):
    bounds = slice_bounds(shape[0], n)
    return gradient_step(lambda x: slice_program(x, bounds), *normal_arrays(1, *shape))


def concatenate(count, n):
    return gradient_step(lambda *arrays: np.sum(np.concatenate(arrays) ** 2), *normal_arrays(count, n))


def einsum(spec, shape):
    return gradient_step(lambda a, b: np.sum(np.einsum(spec, a, b) ** 2), *normal_arrays(2, *shape))


def matmul(n):
    return gradient_step(lambda a, b: np.sum(np.matmul(a, b) ** 2), *normal_arrays(2, n, n))


def gradient_step(function, *arrays):
    """A step that computes the function of the arrays and its gradients."""
    value_and_gradients = value_and_grad(function, argnum=tuple(range(len(arrays))))

    def step():
        value, gradients = value_and_gradients(*arrays)
        return value, *gradients

    return step


def mlp(sizes, activation, batch):
    X, labels, layers = classification(sizes, batch)
    one_hot = np.eye(sizes[-1], dtype=np.float32)[labels]  # cheaper to differentiate than fancy indexing
    velocity = [(np.zeros_like(W), np.zeros_like(b)) for W, b in layers]

    @value_and_grad
    def loss_and_gradient(layers):
        h = X
        for W, b in layers[:-1]:
            h = np.dot(h, W) + b
            h = np.tanh(h) if activation == "tanh" else np.maximum(h, 0)
        W, b = layers[-1]
        logits = np.dot(h, W) + b
        return (np.sum(logsumexp(logits, axis=1)) - np.sum(one_hot * logits)) / batch

    def step():
        loss, gradient = loss_and_gradient(layers)
        for layer in zip(layers, velocity, gradient, strict=True):
            for p, v, g in zip(*layer, strict=True):
                v *= MOMENTUM
                v += g
                p -= LEARNING_RATE * v
        return loss

    return step


def multiply_chain(n):
    gradient = grad(multiply_program)
    return lambda: gradient(NEAR_ONE, n)


def multiply_graph(n):
    record = make_vjp(multiply_program)
    return lambda: record(NEAR_ONE, n)
