"""What test_linalg.py runs through: each function of np.linalg, its arguments, and what of its outputs has a derivative."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.ops import decompositions, linear_algebra, norms
from autograd_lite.ops.decompositions import adjoint

OURS = {**vars(decompositions), **vars(linear_algebra), **vars(norms)}
LINALG = """cholesky det slogdet inv solve lstsq eig eigvals eigh eigvalsh svd svdvals qr pinv matrix_power matrix_norm
vector_norm norm multi_dot tensorinv tensorsolve matrix_rank cond"""
INF = np.inf


class la:
    """Our np.linalg."""


for _name in LINALG.split():
    setattr(la, _name, staticmethod(OURS[_name]))


def random(*shape, seed=0, field=float):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if field is complex else x


# How to draw one argument from its shape.
def general(shape, **how):
    return random(*shape, **how)


def definite(shape, **how):
    x = random(*shape, **how)
    return x @ adjoint(x) + np.eye(shape[-1])


def hermitian(shape, **how):
    x = random(*shape, **how)
    return x + adjoint(x)


SQUARE, TALL, WIDE = (3, 3), (4, 3), (3, 4)
ALL = [SQUARE, TALL, WIDE]

# -- what is compared: each function, its statics, how its arguments are drawn, and their shapes.
# The last column, where there is one, is what of the outputs does not depend on the phases of vectors.


def of_pairs(w, v):
    """Of eigenvalues and eigenvectors of a Hermitian matrix."""
    return w, abs(v) ** 2, (v * ag.exp(w[..., None, :] / 10)) @ adjoint(v)


def of_eig(w, v):
    return w, abs(v) ** 2, (v * ag.exp(w[..., None, :] / 10)) @ la.inv(v)


def of_factors(u, s, vh):
    """Of a singular value decomposition; the columns that complete a basis, through the projector on them."""
    k = s.shape[-1]
    u1, v1 = u[..., :k], vh[..., :k, :]
    found = [s, abs(u1) ** 2, abs(v1) ** 2, (u1 * ag.sin(s)[..., None, :]) @ v1]
    return [*found, *complement(u, k), *complement(adjoint(vh), k)]


def complement(q, k):
    return [q[..., k:] @ adjoint(q[..., k:])] if q.shape[-1] > k else []


def of_qr(q, r):
    k = min(q.shape[-2], r.shape[-1])
    return [q[..., :k], r, *complement(q, k)]


def gradual(*outputs):
    """The outputs that have a gradient."""
    return [y for y in outputs if y.dtype.kind in "fc" and y.size]


# fmt: off
CASES = [
    ("inv", {}, general, [(SQUARE,)], None), ("det", {}, general, [(SQUARE,), ((1, 1),), ((4, 4),)], None), ("slogdet", {}, general, [(SQUARE,)], None),
    ("solve", {}, general, [(SQUARE, (3, 2))], None),
    ("cholesky", {}, definite, [(SQUARE,)], None), ("cholesky", dict(upper=True), definite, [(SQUARE,)], None),
    ("pinv", {}, general, [(s,) for s in ALL], None), ("pinv", dict(rtol=None), general, [(TALL,)], None), ("pinv", dict(hermitian=True), hermitian, [(SQUARE,)], None),
    *[(f, dict(UPLO=u), hermitian, [(SQUARE,)], invariant) for f, invariant in [("eigh", of_pairs), ("eigvalsh", None)] for u in "LU"],
    ("eig", {}, general, [(SQUARE,)], of_eig), ("eigvals", {}, general, [(SQUARE,)], None),
    *[("svd", dict(full_matrices=full), general, [(s,) for s in ALL], of_factors) for full in (True, False)],
    ("svd", dict(hermitian=True), hermitian, [(SQUARE,)], of_factors), ("svd", dict(compute_uv=False, hermitian=True), hermitian, [(SQUARE,)], None),
    ("svd", dict(compute_uv=False), general, [(s,) for s in ALL], None), ("svdvals", {}, general, [(s,) for s in ALL], None),
    *[("qr", dict(mode=m), general, [(s,) for s in ALL], of_qr) for m in ("reduced", "complete")], ("qr", dict(mode="r"), general, [(s,) for s in ALL], None),
    *[("matrix_power", dict(n=n), general, [(SQUARE,)], None) for n in (-3, -1, 1, 2, 3, 6)],
    *[("cond", dict(p=p), general, [(SQUARE,)], None) for p in (None, 2, -2, 1, -1, INF, -INF, "fro", "nuc")], ("cond", {}, general, [(TALL,), (WIDE,)], None),
    *[("norm", dict(ord=o, axis=a, keepdims=k), general, [(TALL,)], None) for o in (None, "fro", "nuc", 1, -1, 2, -2, INF, -INF) for a in [(-2, -1), (-1, -2)] for k in (False, True)],
    *[("norm", dict(ord=o, axis=a, keepdims=k), general, [(TALL,)], None) for o in (None, 2, 1, INF, -INF, 3, 1.5, -2, 0.5) for a in (0, -1) for k in (False, True)],
    ("norm", {}, general, [(TALL,)], None), ("norm", dict(keepdims=True), general, [(TALL,)], None),
    *[("matrix_norm", dict(ord=o, keepdims=k), general, [(WIDE,)], None) for o in ("fro", "nuc", 1, 2) for k in (False, True)],
    *[("vector_norm", dict(ord=o, axis=a, keepdims=k), general, [(TALL,)], None) for o in (2, 1, INF, 3) for a in (None, 0, (-1, 0)) for k in (False, True)],
]
# These take no stacks, or not stacks alone.
SINGLE = [
    ("solve", {}, general, [(SQUARE, (3,)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), (SQUARE, (2, 3, 2))], None),
    ("lstsq", dict(rcond=None), general, [(s, b) for s in ALL for b in [(s[0],), (s[0], 2)]], gradual), ("lstsq", dict(rcond=-1), general, [(TALL, (4,))], gradual),
    ("norm", {}, general, [((3,),), ((2, 3, 2),), ((),)], None), ("norm", dict(ord="fro"), general, [(TALL,)], None), ("norm", dict(ord=1), general, [(TALL,), ((3,),)], None),
    ("tensorinv", dict(ind=1), general, [((6, 2, 3),)], None), ("tensorinv", {}, general, [((2, 3, 6),)], None),
    ("tensorsolve", {}, general, [((2, 3, 6), (2, 3))], None), ("tensorsolve", dict(axes=(0,)), general, [((6, 2, 3), (2, 3))], None),
]
FLAT = [("matrix_rank", {}, general, [(TALL,), ((2, 3, 3),), ((3,),)], None), ("norm", dict(ord=0, axis=0), general, [(TALL,)], None), ("matrix_power", dict(n=0), general, [(SQUARE,), ((2, 3, 3),)], None)]
# fmt: on


def spread_out(table, stacks):
    for name, statics, draw, shapes, invariant in table:
        for case in shapes:
            for stack in stacks:
                batched = tuple(stack + s for s in case)
                yield pytest.param(name, statics, draw, batched, invariant, id=f"{name}-{statics}-{batched}")


LIVE = [*spread_out(CASES, [(), (2,)]), *spread_out(SINGLE, [()])]
EVERY = [*LIVE, *spread_out(FLAT, [()])]


def arguments(draw, shapes, field):
    return [draw(shape, seed=k, field=field) for k, shape in enumerate(shapes)]
