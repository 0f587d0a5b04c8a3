"""This project, with every call recorded anew."""

import inspect
import os

import numpy as np

import autograd_lite as ag
from benchmarks.problems import (
    DIGITS_RATE,
    ENOUGH,
    LEARNING_RATE,
    MOMENTUM,
    NEAR_ONE,
    SCALARS,
    blas_threads,
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
    slice_bounds,
    slice_program,
)

EAGER = {"compile": False} if "compile" in inspect.signature(ag.nn.fit).parameters else {}  # for nn.fit


def import_library():
    return run_python("import autograd_lite")


def scalar_chain():
    leaves = [ag.tensor(value, requires_grad=True) for value in SCALARS]

    def step():
        for leaf in leaves:
            leaf.zero_grad()
        scalar_program(*leaves).backward()
        return tuple(leaf.grad for leaf in leaves)

    return step


def elementwise(n):
    x = ag.tensor(elementwise_input(n), requires_grad=True)

    def step():
        x.zero_grad()
        y = ag.sum(ag.tanh(1.5 * x + 0.3) * ag.sigmoid(x) + ag.exp(-(x**2)))
        y.backward()
        return y.item(), x.grad

    return step


def index(n):
    (x,), where = normal_arrays(1, n), repeated_index(n)
    return gradient_step(lambda x: x[where].sum(), x)


def slices(shape, n):
    bounds = slice_bounds(shape[0], n)
    return gradient_step(lambda x: slice_program(x, bounds), *normal_arrays(1, *shape))


def concatenate(count, n):
    return gradient_step(lambda *arrays: (np.concatenate(arrays) ** 2).sum(), *normal_arrays(count, n))


def einsum(spec, shape):
    return gradient_step(lambda a, b: (np.einsum(spec, a, b) ** 2).sum(), *normal_arrays(2, *shape))


def matmul(n):
    return gradient_step(lambda a, b: ((a @ b) ** 2).sum(), *normal_arrays(2, n, n))


def gradient_step(function, *arrays):
    """A step that computes the function of the arrays and its gradients."""
    leaves = [ag.tensor(array, requires_grad=True) for array in arrays]

    def step():
        for leaf in leaves:
            leaf.zero_grad()
        y = function(*leaves)
        y.backward()
        return y.item(), *(leaf.grad for leaf in leaves)

    return step


def mlp(sizes, activation, batch):
    X, labels, layers = classification(sizes, batch)
    model = ag.nn.MLP(list(sizes), activation=activation, dtype="float32", rng=np.random.default_rng(0))
    set_parameters(model, layers)
    optimizer = ag.nn.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

    def step():
        optimizer.zero_grad()
        loss = ag.nn.cross_entropy(model(X), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def trainer(sizes, batch, rate, how=EAGER):
    """A network with the weights that all begin with, and a function that trains it, by `nn.fit(..., **how)`."""
    model = ag.nn.MLP(list(sizes), activation="relu", dtype="float32")
    set_parameters(model, classification(sizes, batch).layers)
    optimizer = ag.nn.SGD(model.parameters(), lr=rate, momentum=MOMENTUM)
    rng = np.random.default_rng(0)

    def epochs(data, count=1, **options):
        return ag.nn.fit(
            model,
            ag.nn.cross_entropy,
            data,
            optimizer,
            epochs=count,
            batch_size=batch,
            rng=rng,
            progress=False,
            **how,
            **options,
        )

    return model, epochs


def digits_epochs(count, sizes, batch, how=EAGER):
    blas_threads(1)
    data, (_, epochs) = digits(), trainer(sizes, batch, DIGITS_RATE, how)
    return lambda: epochs(data[:2], count)


def digits_learned(sizes, batch, how=EAGER):
    blas_threads(1)
    data = digits()

    def step():
        def enough(run):
            if run.history["validation_accuracy"][-1] >= ENOUGH:
                run.stop("enough")

        _, epochs = trainer(sizes, batch, DIGITS_RATE, how)
        return len(epochs(data[:2], 100, validation=data[2:], metrics="accuracy", callbacks=[enough]))

    return step


def image_epochs(count, n, sizes, batch, how=EAGER):
    blas_threads(os.cpu_count())
    data, (_, epochs) = random_images(n, sizes), trainer(sizes, batch, LEARNING_RATE, how)
    return lambda: epochs(data, count)


def optimizer_step(layers, size):
    """One update of `layers` matrices and as many biases, `size` parameters in all; the gradients are there."""
    width = size // layers - 100
    shapes = [shape for _ in range(layers) for shape in ((100, width // 100), (100,))]
    parameters = [ag.tensor(np.ones(shape, np.float32), requires_grad=True) for shape in shapes]
    optimizer = ag.nn.SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM)
    for parameter in parameters:
        parameter.sum().backward()
    return optimizer.step


def set_parameters(model, layers):
    """Give the model the weights that the other libraries start from."""
    parameters = list(model.parameters())
    values = [p for layer in layers for p in layer]
    transposed = parameters[-2].shape != values[-2].shape
    for parameter, value in zip(parameters, values, strict=True):
        parameter.data = np.ascontiguousarray(value.T) if transposed else value


def multiply_chain(n):
    x = ag.tensor(NEAR_ONE, requires_grad=True)

    def step():
        x.zero_grad()
        multiply_program(x, n).backward()
        return x.grad

    return step


def multiply_graph(n):
    x = ag.tensor(NEAR_ONE, requires_grad=True)
    return lambda: multiply_program(x, n)


def tensor_times_tensor():
    a = ag.tensor(np.arange(10.0), requires_grad=True)
    b = ag.tensor(np.ones(10), requires_grad=True)
    return lambda: a * b


def ndarray_times_tensor():
    a = np.arange(10.0)
    b = ag.tensor(np.ones(10), requires_grad=True)
    return lambda: a * b


def mlp_hessian(sizes, batch):
    X, targets, theta = regression(sizes, batch)
    hessian = ag.hessian(lambda theta: regression_loss(theta, sizes, X, targets, ag.tanh))
    return lambda: hessian(theta)


def rosenbrock_hessian(n):
    x, hessian = rosenbrock_point(n), ag.hessian(rosenbrock)
    return lambda: hessian(x)


def rosenbrock_gradient(n):
    x, gradient = rosenbrock_point(n), ag.grad(rosenbrock)
    return lambda: gradient(x)


def dense_jacobian(n):
    W, x = dense_layer(n)
    jacobian = ag.jacrev(lambda x: ag.tanh(W @ x))
    return lambda: jacobian(x)


def per_example(sizes, batch):
    X, labels, layers = classification(sizes, batch)
    targets = one_hot(labels, sizes[-1])
    gradients = ag.vmap(ag.grad(lambda *args: example_loss(*args, ag.tanh, ag.logsumexp)), (None, 0, 0))
    return lambda: gradients(layers, X, targets)


def elementwise_function(x):
    return ag.tanh(1.5 * x + 0.3) * ag.sigmoid(x) + ag.exp(-(x**2))


def elementwise_value(n):
    x = elementwise_input(n)
    return lambda: elementwise_function(x)


def elementwise_jvp(n):
    x, t = elementwise_input(n), np.ones(n, np.float32)
    return lambda: ag.jvp(elementwise_function, (x,), (t,))


def layer_value(n):
    x, W = normal_arrays(2, n, n)
    return lambda: ag.tanh(x @ W)


def layer_jvp(n):
    x, W = normal_arrays(2, n, n)
    t = np.ones_like(x)
    return lambda: ag.jvp(lambda x: ag.tanh(x @ W), (x,), (t,))
