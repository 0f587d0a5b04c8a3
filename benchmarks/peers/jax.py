"""JAX under jit, with donated state. Compiling happens in the first step, whose time is reported apart."""

import os
import sys

import jax
import jax.numpy as jnp
from jax import enable_x64 as float64

from benchmarks.problems import (
    DIGITS_RATE,
    ENOUGH,
    LEARNING_RATE,
    MOMENTUM,
    SCALARS,
    classification,
    dense_layer,
    digits,
    elementwise_input,
    example_loss,
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

# Each step is waited for at once, so handing it to another thread only costs: 58 us against 28 in one MLP.
jax.config.update("jax_cpu_enable_async_dispatch", False)


def variant(threads):
    """The programs where XLA has one thread. Some are faster so: 27 us against 40 in Rosenbrock's Hessian."""
    assert threads == "one thread"
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    jax.devices()  # makes the threads, as many as it sees processors; XLA has no setting for that
    os.sched_setaffinity(0, everywhere)
    return sys.modules[__name__]


def import_library():
    return run_python("import jax, jax.numpy")


def scalar_chain():
    leaves = [jnp.asarray(value) for value in SCALARS]
    gradient = jax.jit(jax.grad(scalar_program, argnums=tuple(range(len(leaves)))))
    return lambda: jax.block_until_ready(gradient(*leaves))


def elementwise(n):
    x = jnp.asarray(elementwise_input(n))
    gradient = jnp.zeros_like(x)

    def function(x):
        return jnp.sum(jnp.tanh(1.5 * x + 0.3) * jax.nn.sigmoid(x) + jnp.exp(-(x**2)))

    def into(memory, x):  # the last gradient's memory is donated to the next
        return jax.value_and_grad(function)(x)

    compiled = jax.jit(into, donate_argnums=0, keep_unused=True)

    def step():
        nonlocal gradient
        value, gradient = jax.block_until_ready(compiled(gradient, x))
        return value, gradient

    return step


def index(n):
    # the index is an argument: the gradient does not depend on x, and of constants it would be computed in compiling
    return gradient_step(lambda x, where: x[where].sum(), *normal_arrays(1, n), constants=[repeated_index(n)])


def slices(shape, n):
    bounds = slice_bounds(shape[0], n)
    return gradient_step(lambda x: slice_program(x, bounds), *normal_arrays(1, *shape))


def concatenate(count, n):
    return gradient_step(lambda *arrays: (jnp.concatenate(arrays) ** 2).sum(), *normal_arrays(count, n))


def einsum(spec, shape):
    return gradient_step(lambda a, b: (jnp.einsum(spec, a, b) ** 2).sum(), *normal_arrays(2, *shape))


def matmul(n):
    return gradient_step(lambda a, b: ((a @ b) ** 2).sum(), *normal_arrays(2, n, n))


def gradient_step(function, *arrays, constants=()):
    """A step that computes the function of the arrays and constants, and its gradients by the arrays."""
    arguments = [jnp.asarray(array) for array in (*arrays, *constants)]
    compiled = jax.jit(jax.value_and_grad(function, argnums=tuple(range(len(arrays)))))

    def step():
        value, gradients = jax.block_until_ready(compiled(*arguments))
        return value, *gradients

    return step


def network(activation, rate):
    """The network's outputs, and a step: the loss, and the state after it."""
    act = jnp.tanh if activation == "tanh" else jax.nn.relu

    def outputs(layers, X):
        h = X
        for W, b in layers[:-1]:
            h = act(h @ W + b)
        W, b = layers[-1]
        return h @ W + b

    def loss_of(layers, X, labels):
        return cross_entropy(outputs(layers, X), labels)

    def update(state, X, labels):
        layers, velocity = state
        loss, gradient = jax.value_and_grad(loss_of)(layers, X, labels)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradient)
        layers = jax.tree.map(lambda p, v: p - rate * v, layers, velocity)
        return loss, (layers, velocity)

    return outputs, update


def cross_entropy(logits, labels):
    scores = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))


def state_of(layers):
    layers = jax.tree.map(jnp.array, layers)
    return layers, jax.tree.map(jnp.zeros_like, layers)


def mlp(sizes, activation, batch):
    data = classification(sizes, batch)
    X, labels = jnp.asarray(data.X), jnp.asarray(data.labels)
    _, update = network(activation, LEARNING_RATE)
    compiled, state = jax.jit(update, donate_argnums=0), state_of(data.layers)

    def step():
        nonlocal state
        loss, state = jax.block_until_ready(compiled(state, X, labels))
        return loss

    return step


def training(batch, rate):
    """The network's outputs, and an epoch as one compiled program, a loop over the batches."""
    outputs, update = network("relu", rate)

    def epoch(state, X, y, order):
        def one(state, rows):
            loss, state = update(state, X[rows], y[rows])
            return state, loss * len(rows)

        whole = len(order) // batch * batch
        state, losses = jax.lax.scan(one, state, order[:whole].reshape(-1, batch))
        total = losses.sum()
        if whole < len(order):
            state, last = one(state, order[whole:])
            total += last
        return state, total / len(order)

    return outputs, jax.jit(epoch, donate_argnums=0)


def digits_epochs(count, sizes, batch):
    X, y, *_ = map(jnp.asarray, digits())
    return epochs(count, X, y, sizes, batch, DIGITS_RATE)


def image_epochs(count, n, sizes, batch):
    X, y = map(jnp.asarray, random_images(n, sizes))
    return epochs(count, X, y, sizes, batch, LEARNING_RATE)


def epochs(count, X, y, sizes, batch, rate):
    _, epoch = training(batch, rate)
    state, orders = state_of(classification(sizes, batch).layers), shuffles(len(y))

    def step():
        nonlocal state
        for _ in range(count):
            state, loss = epoch(state, X, y, next(orders))
            loss.item()

    return step


def digits_learned(sizes, batch):
    X, y, validation_X, validation_y = map(jnp.asarray, digits())
    layers = classification(sizes, batch).layers
    outputs, epoch = training(batch, DIGITS_RATE)

    @jax.jit
    def measured(layers, X, y):
        scores = outputs(layers, X)
        return cross_entropy(scores, y), jnp.mean(scores.argmax(1) == y)

    def step():
        state, orders = state_of(layers), shuffles(len(y))
        for count in range(1, 101):
            state, loss = epoch(state, X, y, next(orders))
            loss.item()
            loss, accuracy = measured(state[0], validation_X, validation_y)
            if accuracy.item() >= ENOUGH:
                return count
        raise RuntimeError("not learned in 100 epochs")

    return step


digits_loop = digits_learned  # nothing is compiled in a step of it anyway


def mlp_hessian(sizes, batch):
    with float64():
        X, targets, theta = map(jnp.asarray, regression(sizes, batch))
    return compiled_step(jax.hessian(lambda theta: regression_loss(theta, sizes, X, targets, jnp.tanh)), theta)


def rosenbrock_hessian(n):
    return compiled_step(jax.hessian(rosenbrock), rosenbrock_point(n))


def rosenbrock_gradient(n):
    return compiled_step(jax.grad(rosenbrock), rosenbrock_point(n))


def dense_jacobian(n):
    W, x = dense_layer(n)
    return compiled_step(jax.jacrev(lambda x, W: jnp.tanh(W @ x)), x, W)


def per_example(sizes, batch):
    X, labels, layers = classification(sizes, batch)
    gradient = jax.grad(lambda *args: example_loss(*args, jnp.tanh, jax.nn.logsumexp))
    return compiled_step(jax.vmap(gradient, (None, 0, 0)), layers, X, one_hot(labels, sizes[-1]))


def compiled_step(function, *args):
    with float64():
        args = jax.tree.map(jnp.asarray, args)
    compiled = jax.jit(function)

    def step():
        with float64():
            return jax.block_until_ready(compiled(*args))

    return step
