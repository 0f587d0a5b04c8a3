"""Hand-written NumPy: in place, into preallocated buffers. What Python and NumPy can do at best."""

from itertools import pairwise

import numpy as np

from benchmarks.problems import LEARNING_RATE, MOMENTUM, classification, elementwise_input, run_python


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
