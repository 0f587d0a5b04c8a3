"""First, second and third derivatives equal JAX's to a few units in the last place. Skipped where there is no JAX:
`make agree` runs it in the benchmark environment."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4))
P = np.abs(X) + 0.3
V = RNG.standard_normal(4)
Z = X + 1j * RNG.standard_normal(X.shape)
MASK = X > 0
ROWS = np.array([0, 2, 2])

# Each function is given a namespace, NumPy's for us (Tensors dispatch from it) and jax.numpy for JAX.
REAL = {
    "products": (lambda m, x: m.sum(m.tanh(x) @ m.transpose(x) * m.exp(-x[:, :3])), X),
    "indexing": (lambda m, x: m.sum(x[ROWS, 1:] ** 3) + m.sum(m.where(MASK, x * 2, 0)), X),
    "moments": (lambda m, x: m.sum(m.var(x, axis=0, ddof=1) * m.std(x, axis=0)), X),
    "products along axes": (lambda m, x: m.sum(m.prod(x, axis=1)) + m.sum(m.cumsum(x, axis=1) ** 2), X),
    "extremes": (lambda m, x: m.sum(m.max(x, axis=1) * m.min(x)) + m.sum(m.maximum(x, 0.1) * m.clip(x, -0.5, 0.5)), X),
    "powers": (lambda m, x: m.sum(x**2.5) + m.sum(2.0**x) + m.sum(x**-1) + m.sum(m.power(x, x)), P),
    "trigonometry": (lambda m, x: m.sum(m.arctan2(x, 1 + x * x) * m.hypot(x, 2.0) + m.arcsinh(x)), X),
    "logarithms": (lambda m, x: m.sum(m.logaddexp(x, -x) + m.log1p(x * x) * m.log(2 + m.cos(x))), X),
    "joining": (lambda m, x: m.sum(m.concatenate([x, x * x], axis=1) ** 2) + m.sum(m.stack([x, m.sin(x)], axis=-1)[..., 1] * x), X),
    "choices": (lambda m, x: m.sum(m.where(x > 0, m.sqrt(m.abs(x)), x * x)), X),
    "layer norm": (lambda m, x: m.sum((x - m.mean(x, 1, keepdims=True)) / m.sqrt(m.var(x, 1, keepdims=True) + 1e-3) * V), X),
}  # fmt: skip
COMPLEX = {
    "square of abs": lambda m, z: m.sum(m.abs(z) ** 2),
    "abs": lambda m, z: m.sum(m.abs(z) * m.real(z)),
    "exp": lambda m, z: m.sum(m.real(m.exp(z) * z)),
    "product": lambda m, z: m.sum(m.imag(m.sin(z) @ z.T)),
    "conj": lambda m, z: m.real(m.sum(m.conj(z) * z * z)),
    "var": lambda m, z: m.sum(m.var(z, axis=0)),
}


def along(grad, total, f, u, order):
    """The gradient of f, differentiated `order - 1` times more along u."""
    g = grad(f)
    for _ in range(order - 1):
        g = grad(lambda x, g=g: total(g(x) * u))
    return g


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", REAL)
def test_real(name, order):
    f, x = REAL[name]
    u = np.random.default_rng(1).standard_normal(x.shape)
    ours = along(ag.grad, ag.sum, lambda x: f(np, x), u, order)(x)
    theirs = along(jax.grad, jnp.sum, lambda x: f(jnp, x), u, order)(x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex(name, order):
    f = COMPLEX[name]

    def ours(z):
        return ag.real(ag.sum(ag.grad(lambda z: f(np, z))(z) * V)) if order == 2 else f(np, z)

    def theirs(z):
        return jnp.real(jnp.sum(jax.grad(lambda z: f(jnp, z))(z) * V)) if order == 2 else f(jnp, z)

    np.testing.assert_allclose(ag.grad(ours)(Z), jax.grad(theirs)(Z), rtol=1e-12, atol=1e-12)
