"""Hand-written NumPy; whole programs in place, into preallocated buffers: what Python and NumPy can do at best."""

from itertools import pairwise

import numpy as np

from benchmarks.problems import (
    LEARNING_RATE,
    MOMENTUM,
    classification,
    elementwise_input,
    normal_arrays,
    repeated_index,
    run_python,
    slice_bounds,
)


def import_library():
    return run_python("import numpy")


def elementwise(n):
    x = elementwise_input(n)
    t, s, e, grad = (np.empty_like(x) for _ in range(4))

    def step():
        np.multiply(x, np.float32(1.5), out=t)
        np.add(t, np.float32(0.3), out=t)
        np.tanh(t, out=t)
        np.negative(x, out=s)
        np.exp(s, out=s)
        np.add(s, np.float32(1), out=s)
        np.reciprocal(s, out=s)
        np.multiply(x, x, out=e)
        np.negative(e, out=e)
        np.exp(e, out=e)
        value = np.dot(t, s) + e.sum()

        # 1.5 (1 - t^2) s + t s (1 - s) - 2 x e
        np.multiply(e, x, out=e)
        np.multiply(e, np.float32(2), out=e)
        np.multiply(t, t, out=grad)
        np.subtract(np.float32(1), grad, out=grad)
        np.multiply(grad, np.float32(1.5), out=grad)
        np.multiply(t, s, out=t)
        np.subtract(grad, t, out=grad)
        np.multiply(grad, s, out=grad)
        np.add(grad, t, out=grad)
        np.subtract(grad, e, out=grad)
        return value, grad

    return step


# The cases of one op are as one would write them by hand, with new arrays for new values. The products of the gradients
# are matmul's; the value is computed as the program has it, since it is the gradient that is measured.


def index(n):
    (x,), where = normal_arrays(1, n), repeated_index(n)

    def step():
        taken = x[where]
        grad = np.zeros_like(x)
        np.add.at(grad, where, np.ones_like(taken))  # np.add.at of the number 1 takes twenty times as long
        return taken.sum(), grad

    return step


def slices(shape, n):
    (x,), bounds = normal_arrays(1, *shape), slice_bounds(shape[0], n)

    def step():
        value, grad = 0.0, np.zeros_like(x)
        for start, stop in bounds:
            part = x[start:stop]
            value = value + (part**2).sum()
            grad[start:stop] += 2 * part
        return value, grad

    return step


def concatenate(count, n):
    arrays = normal_arrays(count, n)

    def step():
        joined = np.concatenate(arrays)
        value = (joined**2).sum()
        return value, *np.split(2 * joined, count)

    return step


def einsum(spec, shape):
    left, right, out = (operand for side in spec.split("->") for operand in side.split(","))
    assert (left[-2:], right[-2:], out[-2:]) == ("ij", "jk", "ik"), "only matrix products are written by hand"
    return products(lambda a, b: np.einsum(spec, a, b), *normal_arrays(2, *shape))


def matmul(n):
    return products(np.matmul, *normal_arrays(2, n, n))


def products(product, a, b):
    def step():
        c = product(a, b)
        value = (c**2).sum()
        g = 2 * c
        return value, g @ b.mT, a.mT @ g

    return step


def mlp(sizes, activation, batch):
    X, labels, layers = classification(sizes, batch)
    theta = np.concatenate([p.ravel() for layer in layers for p in layer])
    gradient, velocity, change = (np.zeros_like(theta) for _ in range(3))
    W, b = views(theta, sizes)
    dW, db = views(gradient, sizes)
    h = [X] + [np.empty((batch, n), np.float32) for n in sizes[1:]]
    dh = [np.empty_like(a) for a in h]
    rows, last = np.arange(batch), len(W) - 1

    def step():
        for i in range(len(W)):
            np.matmul(h[i], W[i], out=h[i + 1])
            np.add(h[i + 1], b[i], out=h[i + 1])
            if i < last and activation == "tanh":
                np.tanh(h[i + 1], out=h[i + 1])
            elif i < last:
                np.maximum(h[i + 1], 0, out=h[i + 1])

        p = h[-1]
        np.subtract(p, np.maximum.reduce(p, axis=1, keepdims=True), out=p)
        score = p[rows, labels]
        np.exp(p, out=p)
        total = np.add.reduce(p, axis=1, keepdims=True)
        loss = np.add.reduce(np.log(total[:, 0]) - score) / batch
        np.divide(p, total, out=p)
        p[rows, labels] -= 1
        np.divide(p, batch, out=p)

        g = p
        for i in range(last, -1, -1):
            np.matmul(h[i].T, g, out=dW[i])
            np.add.reduce(g, axis=0, out=db[i])
            if i > 0:
                g = np.matmul(g, W[i].T, out=dh[i])
                if activation == "tanh":
                    np.multiply(h[i], h[i], out=h[i])
                    np.subtract(1, h[i], out=h[i])
                    np.multiply(g, h[i], out=g)
                else:
                    np.multiply(g, h[i] > 0, out=g)

        np.multiply(velocity, MOMENTUM, out=velocity)
        np.add(velocity, gradient, out=velocity)
        np.multiply(velocity, LEARNING_RATE, out=change)
        np.subtract(theta, change, out=theta)
        return loss

    return step


def views(vector, sizes):
    """The weight matrices and biases that lie one after another in `vector`."""
    W, b, start = [], [], 0
    for m, n in pairwise(sizes):
        W.append(vector[start : start + m * n].reshape(m, n))
        b.append(vector[start + m * n : start + m * n + n])
        start += m * n + n
    return W, b
