"""A large step escapes a local minimum: gradient descent cannot stay where its rate exceeds 2 / E''.

Top, E has a narrow minimum on the way to a wide and deeper one. Started left of both, a small learning rate stops in
the narrow one. A rate above 2/E'' of the narrow minimum and below 2/E'' of the wide one overshoots it, oscillates with
growing steps until it is thrown out, and settles in the wide minimum. Bottom, the loss after each update, and where
gradient descent ends for many rates: above 2/E'' it bounces between the walls, or leaves.
"""

import numpy as np
from lecture import BLUE, ORANGE, YELLOW, show
from matplotlib.figure import Figure

import autograd_lite as ag
from autograd_lite import analysis

START, NARROW, WIDE = -3.0, -1.5, 1.5  # where it begins, and about where the minima are


def E(w):
    return 0.1 * (w - WIDE) ** 2 - 0.6 * np.exp(-((w - NARROW) ** 2) / 0.12)


def descend(rate, updates):
    """The path of gradient descent from START, shape (updates + 1,)."""
    gradient, path = ag.grad(E), [START]
    for _ in range(updates):
        path.append(path[-1] - rate * gradient(path[-1]))
    return np.array(path)


def lecture(quick):
    narrow = descend(0.05, 400)[-1]
    limit = analysis.step_sizes(E, narrow).limit
    small, large = descend(0.1, 60), descend(0.4, 60)
    figure = Figure(figsize=(13, 8.5), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.2, 1))
    grid = np.linspace(-3.2, 4.2, 600)
    for ax, path, color in zip(top.subplots(1, 2, sharey=True), (small, large), (BLUE, ORANGE), strict=True):
        ax.plot(grid, E(grid), color="gray")
        ax.plot(path, E(path), "o-", color=color, markersize=4, linewidth=0.7)
        ax.plot(path[-1], E(path[-1]), "*", color="black", markersize=14, label=f"ends at w = {path[-1]:.2f}")
        ax.set(xlabel="w")
    top.axes[0].set(title="η = 0.1: stays in the narrow minimum", ylabel="E")
    top.axes[1].set(title="η = 0.4: is thrown out of it")
    left, right = bottom.subplots(1, 2)
    left.plot(E(small), ".-", color=BLUE, label="η = 0.1")
    left.plot(E(large), ".-", color=ORANGE, label="η = 0.4")
    left.set(title="the loss rises on the way out", xlabel="updates", ylabel="E")
    rates = np.linspace(0.02, 1.2, 20 if quick else 120)
    ends = np.array([descend(rate, 300)[-1] for rate in rates])
    right.plot(rates, ends, ".", color="black", label="where 300 updates end")
    right.axvline(limit, color=YELLOW, label=f"2/E'' of the narrow minimum, {limit:.3f}")
    right.set(title="above 2/E'' the narrow minimum does not hold", xlabel="learning rate η", ylabel="w")
    for ax in (*top.axes, left, right):
        ax.legend()
    figures = {
        "limit of the narrow minimum": limit,
        "end of the small rate": small[-1],
        "end of the large rate": large[-1],
        "share that stays, below the limit": float(np.mean(np.abs(ends[rates < limit] - narrow) < 0.1)),
        "share that stays, above it": float(np.mean(np.abs(ends[rates > limit] - narrow) < 0.01)),
    }
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
