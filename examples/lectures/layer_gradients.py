"""The gradients of a network, layer by layer, as the lectures derive them, are those of finite differences.

At the output, -e(y)/f(x)_y by the probabilities and -(e(y) - f(x)) by the pre-activation; at a hidden layer, W' times
the gradient above, and times h'(a) for its own pre-activation; by the parameters, g h' for a weight matrix and g for
its biases. The engine finds the same ones, and central differences agree with all three: their error first falls with
the square of the step, and then rises as rounding does.
"""

import numpy as np
from lecture import BLUE, GREEN, ORANGE, axes, show

import autograd_lite as ag

rng = np.random.default_rng(0)
x, y = rng.standard_normal(4), 1
W1, b1, W2, b2 = (rng.standard_normal(shape) for shape in [(5, 4), (5,), (3, 5), (3,)])
e = np.eye(3)[y]


def probabilities(a2):
    return np.exp(a2) / np.sum(np.exp(a2))


# The loss as a function of each quantity on the way from x to it.
from_f = {"f": lambda f: -np.log(f[y])}
from_a2 = {"a2": lambda a2: from_f["f"](probabilities(a2))}
from_h1 = {"h1": lambda h1: from_a2["a2"](b2 + W2 @ h1)}
from_a1 = {"a1": lambda a1: from_h1["h1"](np.tanh(a1))}
parameters = {
    "W2": lambda W: from_a2["a2"](b2 + W @ h1), "b2": lambda b: from_a2["a2"](b + W2 @ h1),
    "W1": lambda W: from_a1["a1"](b1 + W @ x), "b1": lambda b: from_a1["a1"](b + W1 @ x),
}  # fmt: skip
LOSSES = from_f | from_a2 | from_h1 | from_a1 | parameters

# fprop
h1 = np.tanh(a1 := b1 + W1 @ x)
f = probabilities(a2 := b2 + W2 @ h1)
VALUES = {"f": f, "a2": a2, "h1": h1, "a1": a1, "W2": W2, "b2": b2, "W1": W1, "b1": b1}

# bprop, by the lecture's formulas
g_f = -e / f[y]
g_a2 = -(e - f)
g_h1 = W2.T @ g_a2
g_a1 = g_h1 * (1 - h1**2)
BY_HAND = {
    "f": g_f, "a2": g_a2, "h1": g_h1, "a1": g_a1,
    "W2": np.outer(g_a2, h1), "b2": g_a2, "W1": np.outer(g_a1, x), "b1": g_a1,
}  # fmt: skip


def difference(loss, value, step):
    """Central differences, entry by entry."""
    moves = step * np.eye(value.size).reshape(-1, *value.shape)
    return np.array([(loss(value + d) - loss(value - d)) / (2 * step) for d in moves]).reshape(value.shape)


def lecture(quick):
    steps = np.logspace(-12, -1, 12 if quick else 45)
    figure, ax = axes(size=(7, 4.5))
    numbers = {}
    groups = {"output": ("f", "a2"), "hidden": ("h1", "a1"), "parameters": parameters}
    for (group, names), color, style in zip(groups.items(), (BLUE, ORANGE, GREEN), ("-", "-", "--"), strict=True):
        engine = {name: ag.grad(LOSSES[name])(VALUES[name]) for name in names}
        numbers[f"{group}: engine and lecture differ by"] = max(np.abs(engine[n] - BY_HAND[n]).max() for n in names)
        errors = [[np.abs(difference(LOSSES[n], VALUES[n], s) - engine[n]).max() for s in steps] for n in names]
        numbers[f"{group}: differences are off by, at best"] = np.min(errors, axis=1).max()
        ax.loglog(steps, np.max(errors, axis=0), style, color=color, label=f"{group}: {', '.join(names)}")
    ax.loglog(steps, steps**2, "k:", label="step²")
    ax.set(xlabel="step of the central difference", ylabel="largest error", ylim=(1e-13, 1))
    ax.set_title("Gradients against finite differences")
    ax.legend()
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
