"""PyTorch on the CPU, eager, with its default number of threads where it gains from them."""

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.problems import (
    DIGITS_RATE,
    ENOUGH,
    LEARNING_RATE,
    MOMENTUM,
    NEAR_ONE,
    SCALARS,
    classification,
    dense_layer,
    digits,
    elementwise_input,
    example_loss,
    multiply_program,
    normal_arrays,
    one_hot,
    random_images,
    regression,
    regression_loss,
    repeated_index,
    rosenbrock,
    rosenbrock_point,
    run_python,
    scalar_program,
    shuffles,
    slice_bounds,
    slice_program,
)

THREADS = torch.get_num_threads()


def import_library():
    return run_python("import torch")


def scalar_chain():
    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in SCALARS]

    def step():
        for leaf in leaves:
            leaf.grad = None
        scalar_program(*leaves).backward()
        return tuple(leaf.grad for leaf in leaves)

    return step


def elementwise_function(x):
    return torch.sum(torch.tanh(1.5 * x + 0.3) * torch.sigmoid(x) + torch.exp(-(x**2)))


def elementwise(n):
    torch.set_num_threads(THREADS)
    x = torch.from_numpy(elementwise_input(n)).requires_grad_()

    def step():
        x.grad = None
        y = elementwise_function(x)
        y.backward()
        return y.detach(), x.grad

    return step


def index(n):
    (x,), where = normal_arrays(1, n), torch.from_numpy(repeated_index(n))
    return gradient_step(lambda x: x[where].sum(), x)


def slices(shape, n):
    bounds = slice_bounds(shape[0], n)
    return gradient_step(lambda x: slice_program(x, bounds), *normal_arrays(1, *shape))


def concatenate(count, n):
    return gradient_step(lambda *arrays: (torch.cat(arrays) ** 2).sum(), *normal_arrays(count, n))


def einsum(spec, shape):
    return gradient_step(lambda a, b: (torch.einsum(spec, a, b) ** 2).sum(), *normal_arrays(2, *shape))


def matmul(n):
    return gradient_step(lambda a, b: ((a @ b) ** 2).sum(), *normal_arrays(2, n, n))


def gradient_step(function, *arrays):
    """A step that computes the function of the arrays and its gradients."""
    torch.set_num_threads(THREADS)
    leaves = [torch.from_numpy(array).requires_grad_() for array in arrays]

    def step():
        for leaf in leaves:
            leaf.grad = None
        y = function(*leaves)
        y.backward()
        return y.detach(), *(leaf.grad for leaf in leaves)

    return step


def network(sizes, activation, layers, rate):
    modules = []
    for W, b in layers:
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, nn.Tanh() if activation == "tanh" else nn.ReLU()]
    model = nn.Sequential(*modules[:-1])
    # fused is the fastest of SGD's three implementations on the small models, and level on the large ones
    return model, torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM, fused=True)


def update(model, optimizer, X, labels):
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(X), labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


def mlp(sizes, activation, batch):
    torch.set_num_threads(1 if max(sizes) < 100 else THREADS)  # one is 5 to 15 % faster on the small models
    data = classification(sizes, batch)
    X, labels = torch.from_numpy(data.X), torch.from_numpy(data.labels)
    model, optimizer = network(sizes, activation, data.layers, LEARNING_RATE)
    return lambda: update(model, optimizer, X, labels)


def trainer(sizes, batch, rate):
    """A network with the weights that all begin with, and a function that trains it for an epoch on (X, y)."""
    model, optimizer = network(sizes, "relu", classification(sizes, batch).layers, rate)
    orders = None

    def epoch(X, y):
        nonlocal orders
        orders = orders or shuffles(len(y))
        order = torch.from_numpy(next(orders))
        total = 0.0  # of the losses, as every training loop reports it
        for rows, labels in zip(X[order].split(batch), y[order].split(batch), strict=True):
            total += update(model, optimizer, rows, labels).item() * len(labels)
        return total / len(y)

    return model, epoch


def digits_epochs(count, sizes, batch):
    torch.set_num_threads(1)
    X, y, *_ = map(torch.from_numpy, digits())
    _, epoch = trainer(sizes, batch, DIGITS_RATE)

    def step():
        for _ in range(count):
            epoch(X, y)

    return step


def digits_learned(sizes, batch):
    torch.set_num_threads(1)
    X, y, validation_X, validation_y = map(torch.from_numpy, digits())

    def step():
        model, epoch = trainer(sizes, batch, DIGITS_RATE)
        for count in range(1, 101):
            epoch(X, y)
            with torch.no_grad():
                output = model(validation_X)
                F.cross_entropy(output, validation_y).item()
                if (output.argmax(1) == validation_y).float().mean().item() >= ENOUGH:
                    return count
        raise RuntimeError("not learned in 100 epochs")

    return step


digits_loop = digits_learned  # nothing is compiled in a step of it anyway


def image_epochs(count, n, sizes, batch):
    torch.set_num_threads(THREADS)
    X, y = map(torch.from_numpy, random_images(n, sizes))
    _, epoch = trainer(sizes, batch, LEARNING_RATE)

    def step():
        for _ in range(count):
            epoch(X, y)

    return step


def multiply_chain(n):
    x = torch.tensor(NEAR_ONE, dtype=torch.float64, requires_grad=True)

    def step():
        x.grad = None
        multiply_program(x, n).backward()
        return x.grad

    return step


def multiply_graph(n):
    x = torch.tensor(NEAR_ONE, dtype=torch.float64, requires_grad=True)
    return lambda: multiply_program(x, n)


def mlp_hessian(sizes, batch):
    X, targets, theta = map(torch.from_numpy, regression(sizes, batch))
    return transform_step(
        torch.func.hessian(lambda theta: regression_loss(theta, sizes, X, targets, torch.tanh)), theta
    )


def rosenbrock_hessian(n):
    return transform_step(torch.func.hessian(rosenbrock), torch.from_numpy(rosenbrock_point(n)))


def rosenbrock_gradient(n):
    # the usual way, which takes less time than torch.func.grad
    torch.set_num_threads(1)
    x = torch.from_numpy(rosenbrock_point(n)).requires_grad_()
    return lambda: torch.autograd.grad(rosenbrock(x), x)[0]


def dense_jacobian(n):
    W, x = map(torch.from_numpy, dense_layer(n))
    return transform_step(torch.func.jacrev(lambda x: torch.tanh(W @ x)), x)


def per_example(sizes, batch):
    X, labels, layers = classification(sizes, batch)
    X, targets = torch.from_numpy(X), torch.from_numpy(one_hot(labels, sizes[-1]))
    layers = [tuple(map(torch.from_numpy, layer)) for layer in layers]

    def loss(layers, x, target):
        return example_loss(layers, x, target, torch.tanh, lambda scores: torch.logsumexp(scores, -1))

    return transform_step(torch.func.vmap(torch.func.grad(loss), (None, 0, 0)), layers, X, targets)


def transform_step(function, *args):
    torch.set_num_threads(1)  # two are slower at all of these
    return lambda: function(*args)
