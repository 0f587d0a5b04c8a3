"""PyTorch under torch.compile: a step with its gradients and updates as one graph, called through a C++ wrapper.

That is its fastest setting. In a small MLP, eager steps take 167 us, a compiled loss with the usual `backward()` and
optimizer 230, one graph 112, and with the wrapper 83. Compiling needs a C++ compiler, and happens in the first step.
"""

import torch
from torch.nn import functional as F

from benchmarks.peers.torch import THREADS, elementwise_function
from benchmarks.problems import (
    DIGITS_RATE,
    ENOUGH,
    LEARNING_RATE,
    MOMENTUM,
    SCALARS,
    classification,
    digits,
    elementwise_input,
    random_images,
    regression,
    regression_loss,
    rosenbrock,
    rosenbrock_point,
    scalar_program,
    shuffles,
)


def compiled(function, wrapper=True):
    # dynamic=False: of the last, smaller batch of an epoch there is a program of its own
    return torch.compile(function, fullgraph=True, dynamic=False, options={"cpp_wrapper": wrapper})


def scalar_chain():
    torch.set_num_threads(1)
    leaves = [torch.tensor(value, dtype=torch.float64) for value in SCALARS]
    gradient = compiled(torch.func.grad(scalar_program, argnums=tuple(range(len(leaves)))), wrapper=False)
    return lambda: gradient(*leaves)


def elementwise(n):
    torch.set_num_threads(THREADS)
    x = torch.from_numpy(elementwise_input(n))
    gradient = compiled(torch.func.grad_and_value(elementwise_function))
    return lambda: gradient(x)[::-1]


def state_of(layers):
    """Parameters and velocities of a network, as flat lists."""
    parameters = [torch.from_numpy(array.copy()) for W, b in layers for array in (W.T, b)]
    return parameters, [torch.zeros_like(p) for p in parameters]


def network(activation, rate):
    """The network's outputs, and a step that updates the state in place and returns the loss; both compiled."""
    act = torch.tanh if activation == "tanh" else torch.relu

    def outputs(parameters, X):
        h = X
        *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
        for W, b in hidden:
            h = act(F.linear(h, W, b))
        return F.linear(h, *last)

    def loss_of(parameters, X, labels):
        return F.cross_entropy(outputs(parameters, X), labels)

    def update(parameters, velocities, X, labels):
        gradients, loss = torch.func.grad_and_value(loss_of)(parameters, X, labels)
        for p, v, g in zip(parameters, velocities, gradients, strict=True):
            v.mul_(MOMENTUM).add_(g)
            p.sub_(v, alpha=rate)
        return loss

    return compiled(outputs), compiled(update)


def mlp(sizes, activation, batch):
    torch.set_num_threads(1 if max(sizes) < 100 else THREADS)
    data = classification(sizes, batch)
    X, labels = torch.from_numpy(data.X), torch.from_numpy(data.labels)
    state, (_, update) = state_of(data.layers), network(activation, LEARNING_RATE)
    return lambda: update(*state, X, labels)


def epoch(update, state, X, y, order, batch):
    order = torch.from_numpy(order)
    total = 0.0  # of the losses, as every training loop reports it
    for rows, labels in zip(X[order].split(batch), y[order].split(batch), strict=True):
        total += update(*state, rows, labels).item() * len(labels)
    return total / len(y)


def digits_epochs(count, sizes, batch):
    torch.set_num_threads(1)
    X, y, *_ = map(torch.from_numpy, digits())
    return epochs(count, X, y, sizes, batch, DIGITS_RATE)


def image_epochs(count, n, sizes, batch):
    torch.set_num_threads(THREADS)
    X, y = map(torch.from_numpy, random_images(n, sizes))
    return epochs(count, X, y, sizes, batch, LEARNING_RATE)


def epochs(count, X, y, sizes, batch, rate):
    _, update = network("relu", rate)
    state, orders = state_of(classification(sizes, batch).layers), shuffles(len(y))

    def step():
        for _ in range(count):
            epoch(update, state, X, y, next(orders), batch)

    return step


def digits_learned(sizes, batch):
    torch.set_num_threads(1)
    X, y, validation_X, validation_y = map(torch.from_numpy, digits())
    layers = classification(sizes, batch).layers
    outputs, update = network("relu", DIGITS_RATE)

    def step():
        state, orders = state_of(layers), shuffles(len(y))
        for count in range(1, 101):
            epoch(update, state, X, y, next(orders), batch)
            scores = outputs(state[0], validation_X)
            F.cross_entropy(scores, validation_y).item()
            if (scores.argmax(1) == validation_y).float().mean().item() >= ENOUGH:
                return count
        raise RuntimeError("not learned in 100 epochs")

    return step


digits_loop = digits_learned  # nothing is compiled in a step of it anyway


def mlp_hessian(sizes, batch):
    torch.set_num_threads(1)
    X, targets, theta = map(torch.from_numpy, regression(sizes, batch))
    hessian = compiled(torch.func.hessian(lambda theta: regression_loss(theta, sizes, X, targets, torch.tanh)))
    return lambda: hessian(theta)


def rosenbrock_hessian(n):
    torch.set_num_threads(1)
    x, hessian = torch.from_numpy(rosenbrock_point(n)), compiled(torch.func.hessian(rosenbrock))
    return lambda: hessian(x)
