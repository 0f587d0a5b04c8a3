"""HIPS autograd, with plain NumPy for the update, in place."""

import autograd.numpy as np
from autograd import grad, hessian, jacobian, make_vjp, value_and_grad
from autograd.scipy.special import expit, logsumexp

from benchmarks.problems import (
    LEARNING_RATE,
    MOMENTUM,
    NEAR_ONE,
    SCALARS,
    classification,
    dense_layer,
    elementwise_input,
    example_loss,
    multiply_program,
    normal_arrays,
    one_hot,
    regression,
    regression_loss,
    repeated_index,
    rosenbrock,
    rosenbrock_point,
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


def mlp_hessian(sizes, batch):
    X, targets, theta = regression(sizes, batch)
    second = hessian(lambda theta: regression_loss(theta, sizes, X, targets, np.tanh))
    return lambda: second(theta)


def rosenbrock_hessian(n):
    x, second = rosenbrock_point(n), hessian(rosenbrock)
    return lambda: second(x)


def rosenbrock_gradient(n):
    x, gradient = rosenbrock_point(n), grad(rosenbrock)
    return lambda: gradient(x)


def dense_jacobian(n):
    W, x = dense_layer(n)
    derivative = jacobian(lambda x: np.tanh(np.dot(W, x)))
    return lambda: derivative(x)


def per_example(sizes, batch):
    """One example after the other: there is nothing for many at once."""
    X, labels, layers = classification(sizes, batch)
    targets = one_hot(labels, sizes[-1])
    gradient = grad(lambda *args: example_loss(*args, np.tanh, logsumexp))

    def step():
        each = [gradient(layers, x, target) for x, target in zip(X, targets, strict=True)]
        return [tuple(np.stack(parts) for parts in zip(*layer, strict=True)) for layer in zip(*each, strict=True)]

    return step
