"""What the tests of compiled functions share: the same bits, compiled or not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import autograd_lite as ag
from autograd_lite.tree import leaves


def compiled_for(f, **options):
    """Bit by bit is what NumPy's backend promises."""
    return ag.compile(f, backend="numpy", **options)


def bits(x):
    x = x.data if isinstance(x, ag.Tensor) else x
    return np.asarray(x).dtype, np.shape(x), np.asarray(x).tobytes()


def same(got, wanted):
    got, wanted = list(leaves(got)), list(leaves(wanted))
    assert len(got) == len(wanted)
    for g, w in zip(got, wanted, strict=True):
        assert bits(g) == bits(w), f"{g!r} is not {w!r}"


def agrees(f, *calls, **options):
    """Compiled, `f` gives at each of these calls what it gives itself, to the bit; returns the compiled function."""
    compiled = compiled_for(f, **options)
    for args in calls:
        with np.errstate(all="ignore"):
            same(compiled(*args), f(*args))
    return compiled


def normal(*shape, seed=0, dtype=float):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def leaf(*shape, **options):
    """A parameter."""
    return ag.tensor(normal(*shape), requires_grad=True, **options)


def training_step(model, optimizer):
    """One update of the model from a batch, as it is written without `nn.fit`; returns the loss."""

    def step(X, labels):
        optimizer.zero_grad()
        loss = ag.nn.cross_entropy(model(X), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def at_once(work, count):
    """`work(0)`, `work(1)`, ... in threads of their own, which begin together; an error in one is raised here."""
    together = threading.Barrier(count)

    def begin(k):
        together.wait()
        work(k)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(begin, range(count)))
