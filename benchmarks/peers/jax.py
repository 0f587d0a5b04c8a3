"""JAX under jit, with donated state. Compiling happens in the first step, whose time is reported apart."""

import jax
import jax.numpy as jnp
from jax import enable_x64 as float64

from benchmarks.problems import (
    LEARNING_RATE,
    MOMENTUM,
    SCALARS,
    classification,
    dense_layer,
    elementwise_input,
    example_loss,
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

# Each step is waited for at once, so handing it to another thread only costs: 58 us against 28 in one MLP.
jax.config.update("jax_cpu_enable_async_dispatch", False)


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


def mlp(sizes, activation, batch):
    data = classification(sizes, batch)
    X, labels = jnp.asarray(data.X), jnp.asarray(data.labels)
    act = jnp.tanh if activation == "tanh" else jax.nn.relu

    def loss_of(layers, X, labels):
        h = X
        for W, b in layers[:-1]:
            h = act(h @ W + b)
        W, b = layers[-1]
        scores = jax.nn.log_softmax(h @ W + b)
        return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))

    def update(state, X, labels):
        layers, velocity = state
        loss, gradient = jax.value_and_grad(loss_of)(layers, X, labels)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradient)
        layers = jax.tree.map(lambda p, v: p - LEARNING_RATE * v, layers, velocity)
        return loss, (layers, velocity)

    compiled = jax.jit(update, donate_argnums=0)
    layers = jax.tree.map(jnp.array, data.layers)
    state = layers, jax.tree.map(jnp.zeros_like, layers)

    def step():
        nonlocal state
        loss, state = jax.block_until_ready(compiled(state, X, labels))
        return loss

    return step


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
