"""MyGrad, without its guard against writing into arrays of a graph (its documented way to be fast)."""

import mygrad as mg
import numpy as np
from mygrad.nnet import relu, softmax_crossentropy
from mygrad.nnet.activations import sigmoid

from benchmarks.problems import (
    LEARNING_RATE,
    MOMENTUM,
    NEAR_ONE,
    SCALARS,
    classification,
    elementwise_input,
    multiply_program,
    run_python,
    scalar_program,
)

mg.turn_memory_guarding_off()

# A tensor's gradient is cleared when the tensor takes part in a new graph, so that no step has to.


def import_library():
    return run_python("import mygrad")


def scalar_chain():
    leaves = [mg.tensor(value) for value in SCALARS]

    def step():
        scalar_program(*leaves).backward()
        return tuple(leaf.grad for leaf in leaves)

    return step


def elementwise(n):
    x = mg.tensor(elementwise_input(n))

    def step():
        y = mg.sum(mg.tanh(1.5 * x + 0.3) * sigmoid(x) + mg.exp(-(x**2)))
        y.backward()
        return y.item(), x.grad

    return step


def mlp(sizes, activation, batch):
    X, labels, layers = classification(sizes, batch)
    layers = [(mg.tensor(W), mg.tensor(b)) for W, b in layers]
    parameters = [p for layer in layers for p in layer]
    velocity = [np.zeros_like(p.data) for p in parameters]
    act = mg.tanh if activation == "tanh" else relu

    def step():
        h = X
        for W, b in layers[:-1]:
            h = act(mg.matmul(h, W) + b)
        W, b = layers[-1]
        loss = softmax_crossentropy(mg.matmul(h, W) + b, labels)
        loss.backward()
        for p, v in zip(parameters, velocity, strict=True):
            v *= MOMENTUM
            v += p.grad
            p.data -= LEARNING_RATE * v
        return loss.item()

    return step


def multiply_chain(n):
    x = mg.tensor(NEAR_ONE)

    def step():
        multiply_program(x, n).backward()
        return x.grad

    return step


def multiply_graph(n):
    x = mg.tensor(NEAR_ONE)
    return lambda: multiply_program(x, n)
