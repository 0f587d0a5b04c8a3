"""ag.compile: leaves, gradients and arrays from outside, which a compiled function reads anew and may change."""

from __future__ import annotations

import numpy as np
import pytest
from compiling import bits, compiled_for, leaf, normal, same

import autograd_lite as ag

# -- what is read and changed outside ------------------------------------------------------------------------------


def in_step(make, *calls):
    """What `make()` gives, a function and the leaves that it changes, does the same compiled: to values and gradients,
    call by call."""
    (f, plain), (g, compiled) = make(), make()
    g = compiled_for(g)
    for k, args in enumerate(calls):
        try:
            wanted = f(*args)
        except ag.AutogradError as error:
            with pytest.raises(type(error)):
                g(*args)
            return
        same(g(*args), wanted)
        for ours, theirs in zip(compiled, plain, strict=True):
            assert bits(ours.data) == bits(theirs.data), f"after call {k}"
            assert (ours.grad is None) == (theirs.grad is None)
            if theirs.grad is not None:
                assert bits(ours.grad) == bits(theirs.grad), f"after call {k}"
                assert not np.ndim(ours.grad) or ours.grad.flags.writeable


X = [(normal(3, seed=s),) for s in range(4)]


def test_assigning_into_a_leaf():
    def make():
        w = leaf(3)

        def f(x):
            with ag.no_grad():
                w[...] = w * 2 + x
                w[1] = x[0]
            return w * x

        return f, [w]

    in_step(make, *X)


def test_setting_data():
    def make():
        w = leaf(3)

        def f(x):
            w.data = w * 2 + x
            return w * 1.0, w

        return f, [w]

    in_step(make, *X)


def test_setting_data_of_a_number():
    def make():
        w = ag.tensor(2.0, requires_grad=True)

        def f(x):
            y = w * x
            w.data = 0.5 * w + x[0]
            return y, w * x

        return f, [w]

    in_step(make, *X)


def test_gradient_descent_by_hand():
    def make():
        w, b = leaf(3), ag.tensor(0.5, requires_grad=True)

        def f(x):
            loss = np.sum((w * x + b) ** 2)
            loss.backward()
            with ag.no_grad():
                for p in (w, b):
                    p[...] = p - 0.1 * p.grad
                    p.grad = None
            return loss

        return f, [w, b]

    in_step(make, *X)


def test_gradients_set_by_hand():
    def make():
        w = leaf(3)

        def f(x):
            np.sum(w * w * x).backward()
            w.grad = w.grad * 0.5
            return w.grad

        return f, [w]

    in_step(make, *X)


def test_gradients_that_were_left_outside():
    def make():
        w = leaf(3)

        def f(x):
            return w.grad * x

        return f, [w]

    (f, [w]) = make()
    compiled = compiled_for(f)
    for (x,) in X:
        w.zero_grad()
        np.sum(np.exp(w) * x).backward()
        same(compiled(x), f(x))
        (w * x).sum().backward()
        same(compiled(x), f(x))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("forget", ["inside", "outside", "never", "afterwards"])
def test_gradients_accumulate(shape, forget):
    def make():
        w = leaf(*shape)

        def f(x):
            if forget == "inside":
                w.zero_grad()
            np.sum(np.tanh(w) * x).backward()
            if forget == "afterwards":
                w.zero_grad()

        return f, [w]

    (f, [plain]), (g, [other]) = make(), make()
    g = compiled_for(g)
    for k, (x,) in enumerate(X * 2):
        if forget == "outside" and k % 3 == 0:
            plain.zero_grad()
            other.zero_grad()
        f(x if shape else x[0])
        g(x if shape else x[0])
        assert (plain.grad is None) == (other.grad is None)
        if plain.grad is not None:
            assert bits(plain.grad) == bits(other.grad)
            assert type(plain.grad) is type(other.grad)


def test_gradients_of_numbers_by_floats():
    def make():
        w = ag.tensor(1.0, requires_grad=True)
        return lambda x: (w * x).backward(), [w]

    in_step(make, (2.0,), (3.0,), (4.0,))


def test_a_backward_pass_through_what_has_changed_is_refused_as_without_compiling():
    def make():
        w = leaf(3)

        def f(x):
            loss = np.sum(w * w * x)
            with ag.no_grad():
                w[0] = 1.0
            loss.backward()

        return f, [w]

    in_step(make, *X)


def test_leaves_that_change_outside_are_read_anew():
    w = leaf(3)
    compiled = compiled_for(lambda x: w * x)
    x = normal(3)
    for change in range(4):
        if change == 1:
            w.data = normal(3, seed=5)
        elif change == 2:
            with ag.no_grad():
                w[0] = 7.0
        elif change == 3:
            ag.nn.Theta([leaf(2), w]).data[:] = 3.0
        same(compiled(x), w * x)


def test_captured_arrays_that_change_are_read_anew():
    a, b, index = normal(4, 3), normal(3), np.array([0, 2])
    compiled = compiled_for(f := lambda x: (x * a[1:] + b, x[0] @ a.T, x[index]))
    for seed in range(3):
        a[...], b[0], index[0] = normal(4, 3, seed=seed), seed, seed
        same(compiled(normal(3, 3)), f(normal(3, 3)))


def test_hooks_on_leaves_are_refused():
    """They would be called once, not at each backward pass."""
    w = leaf(3)
    handle = w.register_hook(lambda g: 10 * g)
    compiled = compiled_for(lambda x: np.sum(w * x).backward())
    with pytest.raises(ag.LeakError, match="hook"):
        compiled(normal(3))
    handle.remove()
    compiled(normal(3))
    same(w.grad, normal(3))


def test_hooks_inside():
    def make():
        w = leaf(3)

        def f(x):
            y = w * x
            y.register_hook(lambda g: 10 * g)
            y.retain_grad()
            np.sum(y * x).backward()
            return y.grad

        return f, [w]

    in_step(make, *X)


def test_what_is_differentiated_outside_and_reached_inside():
    f = lambda w: compiled_for(lambda x: np.sum(np.tanh(x * w)))(normal(3))
    g = lambda w: np.sum(np.tanh(normal(3) * w))
    same(ag.grad(f)(0.5), ag.grad(g)(0.5))
    same(ag.hessian(f)(0.5), ag.hessian(g)(0.5))
    w = leaf(3)
    h = w * w
    (compiled_for(lambda x: np.sum(x * h))(normal(3))).backward()
    same(w.grad, 2 * w * normal(3))
