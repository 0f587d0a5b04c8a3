"""The expected error is squared bias, variance and noise; as weight decay grows, variance falls and bias rises.

Networks that learn a sine from 25 noisy points, each training set drawn afresh. Little decay: each follows its own
noise, the mean of all is right. Much decay: all agree, on a curve that is too flat. The sum has its minimum in between,
where a validation set would find it. The parts add up exactly.
"""

import numpy as np
from lecture import BLUE, ORANGE, PURPLE, axes, show
from scipy.optimize import minimize

import autograd_lite as ag
from autograd_lite import analysis

HIDDEN, NOISE = 8, 0.3
GRID = np.linspace(-1, 1, 60)


def truth(x):
    return np.sin(np.pi * x)


def sample(rng):
    x = rng.uniform(-1, 1, 25)
    return x, truth(x) + rng.normal(0, NOISE, 25)


def network(theta, x):
    w1, b1, w2, b2 = theta[:HIDDEN], theta[HIDDEN : 2 * HIDDEN], theta[2 * HIDDEN : 3 * HIDDEN], theta[-1]
    return np.tanh(x[:, None] * w1 + b1) @ w2 + b2


def learner(decay, steps):
    """A learning method: least squares with weight decay, from the same first weights each time."""
    start = np.random.default_rng(1).standard_normal(3 * HIDDEN + 1)

    def learn(x, y):
        def loss(theta):
            return 0.5 * np.mean((network(theta, x) - y) ** 2) + 0.5 * decay * np.mean(theta**2)

        found = minimize(ag.value_and_grad(loss), start, jac=True, method="L-BFGS-B", options={"maxiter": steps})
        return lambda inputs: network(found.x, inputs)

    return learn


def lecture(quick):
    decays = [1e-5, 3e-2, 3.0] if quick else np.logspace(-5, 1, 9)
    runs, steps = (10, 40) if quick else (40, 150)
    targets = truth(GRID) + np.array([[-NOISE], [NOISE]])  # noise of that size, exactly
    found = [analysis.bias_variance(learner(d, steps), sample, GRID, targets, runs=runs, rng=0) for d in decays]
    figure, plots = axes(1, 4, (3.6, 3.6))
    for name, color in (("bias2", BLUE), ("variance", ORANGE), ("noise", PURPLE), ("error", "k")):
        plots[0].loglog(decays, [getattr(f, name) for f in found], color=color, label=name.replace("2", "²"))
    plots[0].set(xlabel="weight decay", title="Parts of the expected error", ylim=(3e-4, 2))
    plots[0].legend(loc="lower right")
    best = int(np.argmin([f.error for f in found]))
    for ax, k, name in zip(plots[1:], (0, best, -1), ("little decay", "the best", "much decay"), strict=True):
        ax.plot(GRID, found[k].predictions.T, color=ORANGE, alpha=0.15)
        ax.plot(GRID, found[k].predictions.mean(axis=0), color=BLUE, linewidth=2, label="their mean")
        ax.plot(GRID, truth(GRID), "k:", label="the truth")
        ax.set(title=f"{name}, {decays[k]:g}", xlabel="x", ylim=(-2, 2))
    plots[1].legend()
    numbers = {"parts and error differ by": max(abs(f.bias2 + f.variance + f.noise - f.error) for f in found)}
    for k, name in ((0, "little decay"), (best, "best decay"), (-1, "much decay")):
        numbers |= {f"{name}: {part}": getattr(found[k], part) for part in ("bias2", "variance", "error")}
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
