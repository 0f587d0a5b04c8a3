"""ag.compile in use: methods, copies, memory, nesting, threads, errors and donations."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import sys
import weakref

import numpy as np
import pytest
from compiling import agrees, at_once, compiled_for, leaf, normal, same

import autograd_lite as ag
from autograd_lite.ops.neural import dropout_mask

# -- methods, copies, memory ---------------------------------------------------------------------------------------


class Scaled:
    def __init__(self, k):
        self.k = k
        self.calls = 0

    @ag.compile
    def scale(self, x, by=1.0):
        self.calls += 1
        return x * self.k * by


class Slotted:
    __slots__ = ("k",)

    @ag.compile
    def scale(self, x):
        return x * self.k


@ag.compile
def cube(x):
    return x**3


def test_methods():
    two, three = Scaled(2.0), Scaled(3.0)
    for seed in range(3):
        x = normal(3, seed=seed)
        same(two.scale(x), x * 2.0)
        same(three.scale(x, by=0.5), x * 3.0 * 0.5)
    assert two.calls == three.calls == 1
    assert isinstance(Scaled.scale, type(cube))
    assert "float64[3]" in str(two.scale.plan)
    slotted = Slotted()
    slotted.k = 4.0
    same(slotted.scale(normal(3)), normal(3) * 4.0)


def test_methods_of_a_model_that_is_copied():
    class Model(ag.nn.Module):
        def __init__(self):
            self.w = ag.tensor(2.0, requires_grad=True)

        @ag.compile
        def double(self, x):
            return 2 * self.w * x

    model = Model()
    model.double(1.0)
    other = copy.deepcopy(model)
    other.w.data = 5.0
    same((model.double(1.0), other.double(1.0)), (np.float64(4.0), np.float64(10.0)))
    assert [name for name, _ in other.named_parameters()] == ["w"]


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_copies(how):
    x = normal(3)
    one = compiled_for(np.tanh, donate=0)
    one(x.copy())
    other = how(one)
    same(other(x.copy()), np.tanh(x))
    assert other is not one
    same(how(cube)(x), x**3)
    scaled = Scaled(2.0)
    scaled.scale(x)
    same(how(scaled).scale(x), 2 * x)
    same(how(scaled.scale)(x), 2 * x)


def test_a_pickled_function_of_a_module_is_that_function():
    assert pickle.loads(pickle.dumps(cube)) is cube


def test_a_compiled_function_that_is_dropped_frees_its_recordings_at_once():
    """Without waiting for the garbage collector: there are no reference cycles that hold buffers."""
    captured, seen = np.ones(100_000), []

    def make():
        compiled = compiled_for(
            lambda x, a: (np.tanh(x) * captured * x + 1, np.sum(x * x), x[:9].reshape(3, 3) @ np.eye(3))
        )
        for n in (10, 20):
            compiled(normal(100_000), 1.0)
            with contextlib.suppress(ValueError):
                compiled(normal(n), 1.0)
        for plans in compiled._plans.values():
            for plan in plans:
                seen.extend([weakref.ref(plan), *map(weakref.ref, plan.free)])
                seen.extend(weakref.ref(built._function) for built in plan.free if hasattr(built, "_function"))
        seen.append(weakref.ref(compiled))

    gc.collect()
    gc.disable()
    try:
        held = sys.getrefcount(captured)
        make()
        assert len(seen) > 3
        assert [ref() for ref in seen] == [None] * len(seen)
        assert sys.getrefcount(captured) == held
    finally:
        gc.enable()


def test_objects_with_compiled_methods_are_freed():
    scaled = Scaled(2.0)
    scaled.scale(normal(3))
    ref = weakref.ref(scaled)
    del scaled
    gc.collect()
    assert ref() is None


def test_recordings_are_bounded():
    compiled = compiled_for(lambda x: x * 2)
    for n in range(100):
        compiled(np.ones(n))
    assert len(compiled._plans) <= 32
    same(compiled(np.ones(0)), np.zeros(0))


def test_recordings_are_bounded_in_all():
    """Those of one signature that found other options, together with those of other signatures."""
    w = ag.tensor(np.ones(3), requires_grad=True)
    optimizer = ag.nn.SGD([w], lr=0.1, momentum=0.5)

    def step(x):
        np.sum(w * x).backward()
        optimizer.step()

    compiled = compiled_for(step)
    for k in range(20):
        for shape in ((), (3,), (2, 3)):
            optimizer.param_groups[0]["momentum"] = 0.01 * k
            optimizer.zero_grad()
            compiled(np.ones(shape))
    kept = [plan for plans in compiled._plans.values() for plan in plans]
    assert len(kept) == 32
    assert set(compiled._entrances) <= set(map(id, kept))
    assert compiled.plan in kept


# -- nesting -------------------------------------------------------------------------------------------------------


def scalar(x):
    return np.sum(np.tanh(x) ** 2 * np.arange(1.0, 4.0))


def vector(x):
    return np.tanh(x) * x[::-1]


NESTED = {
    "grad of compiled": (lambda c: ag.grad(c(scalar)), (normal(3),)),
    "compiled grad": (lambda c: c(ag.grad(scalar)), (normal(3),)),
    "compiled grad of compiled": (lambda c: c(ag.grad(c(scalar))), (normal(3),)),
    "hessian of compiled": (lambda c: ag.hessian(c(scalar)), (normal(3),)),
    "compiled hessian": (lambda c: c(ag.hessian(scalar)), (normal(3),)),
    "compiled jacobian": (lambda c: c(ag.jacobian(vector)), (normal(3),)),
    "jacobian of compiled": (lambda c: ag.jacobian(c(vector)), (normal(3),)),
    "compiled hvp": (lambda c: c(ag.hvp(scalar)), (normal(3), normal(3, seed=1))),
    "compiled jvp": (lambda c: c(lambda x, t: ag.jvp(vector, (x,), (t,))), (normal(3), normal(3, seed=1))),
    "jvp of compiled": (lambda c: lambda x, t: ag.jvp(c(vector), (x,), (t,)), (normal(3), normal(3, seed=1))),
    "compiled linearize": (lambda c: c(lambda x, t: ag.linearize(vector, x)[1](t)), (normal(3), normal(3, seed=1))),
    "compiled vjp": (lambda c: c(lambda x, v: ag.vjp(vector, x)[1](v)), (normal(3), normal(3, seed=1))),
    "vmap of compiled": (lambda c: ag.vmap(c(vector)), (normal(4, 3),)),
    "compiled vmap": (lambda c: c(ag.vmap(vector)), (normal(4, 3),)),
    "compiled vmap of grad": (lambda c: c(ag.vmap(ag.grad(scalar))), (normal(4, 3),)),
    "grad of vmap of compiled": (lambda c: ag.grad(lambda x: np.sum(ag.vmap(c(vector))(x))), (normal(4, 3),)),
    "compiled compiled": (lambda c: c(c(vector)), (normal(3),)),
    "compiled in compiled": (lambda c: c(lambda x: c(vector)(x) + c(scalar)(x)), (normal(3),)),
    "compiled checkpoint": (lambda c: c(ag.grad(ag.checkpoint(scalar))), (normal(3),)),
    "three deep": (lambda c: c(ag.grad(lambda x: np.sum(ag.grad(lambda y: np.sum(ag.grad(scalar)(y) * y))(x)))), (normal(3),)),
    "stop_gradient": (lambda c: c(ag.grad(lambda x: np.sum(ag.stop_gradient(x) * x))), (normal(3),)),
    "detach": (lambda c: c(ag.grad(lambda x: np.sum(x.detach() * x))), (normal(3),)),
    "no_grad": (lambda c: c(ag.grad(lambda x: np.sum(unrecorded(x) * x))), (normal(3),)),
    "recursion": (lambda c: c(lambda x: recursive(x, 3)), (normal(3),)),
}  # fmt: skip


def unrecorded(x):
    with ag.no_grad():
        return np.exp(x)


def recursive(x, n):
    return x if n == 0 else compiled_for(lambda x: recursive(np.tanh(x) + n, n - 1))(x)


@pytest.mark.parametrize("name", NESTED)
def test_nesting(name):
    make, arguments = NESTED[name]
    ours, theirs = make(compiled_for), make(lambda f: f)
    for factor in (1.0, 2.0, -0.5):
        others = [x * factor for x in arguments]
        same(ours(*others), theirs(*others))


def test_rules_of_ones_own():
    @ag.custom_vjp
    def tripled(x):
        return x * x

    tripled.defvjp(lambda x: (x * x, x), lambda x, g: (3 * x * g,))
    agrees(ag.grad(lambda x: np.sum(tripled(x) * x)), (normal(3),), (normal(3, seed=1),))


def test_a_call_within_no_grad_is_the_same_call():
    w = leaf(3)
    compiled = compiled_for(lambda x: (np.sum(w * x).backward(), w.grad)[1])
    with ag.no_grad():
        same(compiled(normal(3)), normal(3))


# -- threads, errors, donations --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [20, 2000])
def test_many_threads(size):
    W = normal(50, 50)
    f = lambda x: (np.tanh(x @ W) @ W + np.sum(x, 0), np.max(x), x)
    compiled = compiled_for(f)

    def work(seed):
        kept = []
        for k in range(30):
            x = normal(size - seed % 2, 50, seed=100 * seed + k)
            kept.append((compiled(x), f(x)))
        for got, wanted in kept:
            same(got, wanted)

    at_once(work, 6)
    assert sum(len(plan.free) for plans in compiled._plans.values() for plan in plans) <= 7


def test_an_error_leaves_nothing_half_done():
    w = leaf(2, 2)

    def f(x):
        w.zero_grad()
        np.sum(np.linalg.inv(x) @ w).backward()
        return np.linalg.inv(x)

    compiled = compiled_for(f)
    same(compiled(np.eye(2)), np.eye(2))
    gradient = w.grad.copy()
    for _ in range(3):
        with pytest.raises(np.linalg.LinAlgError):
            compiled(np.zeros((2, 2)))
        same(w.grad, gradient)
    same(compiled(2 * np.eye(2)), np.eye(2) / 2)
    assert len(compiled.plan.free) == 1


def test_an_error_while_recording():
    w, rng, calls = leaf(3), np.random.default_rng(0), []
    w.grad = np.ones(3)

    def f(x):
        calls.append(1)
        np.sum(w * dropout_mask(x, rng, p=0.5)).backward()
        if len(calls) == 1:
            raise RuntimeError("not today")
        return x * 2

    compiled, state = compiled_for(f), rng.bit_generator.state
    with pytest.raises(RuntimeError, match="not today"):
        compiled(normal(3))
    assert rng.bit_generator.state == state
    same(w.grad, np.ones(3))
    assert ag.node.is_tracing() == ()
    same(compiled(normal(3)), normal(3) * 2)
    assert len(calls) == 2


def test_recording_leaves_nothing_behind_but_one_call():
    """The first call does what a call does, once."""
    layer, norm, w = ag.nn.Dropout(0.5, rng=0), ag.nn.BatchNorm(3), leaf(3)
    other, norms, v = ag.nn.Dropout(0.5, rng=0), ag.nn.BatchNorm(3), leaf(3)

    def step(layer, norm, w):
        def f(x):
            np.sum(norm(layer(x)) * w * x).backward()
            with ag.no_grad():
                w[...] = w * 0.5
            return x

        return f

    compiled_for(step(layer, norm, w))(normal(5, 3))
    step(other, norms, v)(normal(5, 3))
    same(
        [w, w.grad, norm.running_mean, norm.running_var, layer.rng.random(3)],
        [v, v.grad, norms.running_mean, norms.running_var, other.rng.random(3)],
    )


def test_donated_memory_is_used_again_and_nothing_else():
    f = lambda a, b, c: (a * 0.9 + b, c @ b, b - a)
    compiled = compiled_for(f, donate=(0, 1))
    a, b, c = normal(3), normal(3, seed=1), normal(3, 3, seed=2)
    x, y = a, b
    for k in range(5):
        got, wanted = compiled(a, b, c), f(x, y, c)
        same(got, wanted)
        assert not np.shares_memory(got[1], c)
        a, b, x, y = got[0], got[2], wanted[0], wanted[2]
        if k:
            assert a is memory  # noqa: F821
        memory = a  # noqa: F841
    same(c, normal(3, 3, seed=2))


@pytest.mark.parametrize("donate", [3, -4, (0, 5)])
def test_donations_of_what_is_not_there(donate):
    with pytest.raises(ag.ArgumentError, match="donate"):
        compiled_for(lambda a, b, c: a, donate=donate)(*[normal(3)] * 3)


def test_a_constant_tensor_whose_data_are_set():
    t = ag.tensor(normal(3))
    compiled = compiled_for(lambda x: x * t)
    for k in range(3):
        same(compiled(normal(3)), normal(3) * t)
        t.data = normal(3, seed=k + 5)
        same(compiled(normal(3)), normal(3) * t)
