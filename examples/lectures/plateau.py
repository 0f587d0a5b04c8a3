"""Momentum through a plateau: where the gradient is almost zero, speed carries on.

E has a slope, then a long plateau, then another slope into its minimum. Plain gradient descent nearly stops on the
plateau, since its steps are as short as the gradient. With momentum it arrives with the speed of the first slope, and
small gradients of one sign add up, in the end to 1 / (1 - mu) times a single one.
"""

import numpy as np
from lecture import BLUE, ORANGE, show
from matplotlib.figure import Figure

import autograd_lite as ag
from autograd_lite import analysis, nn

START, RATE = -3.8, 1.0


def E(w):
    slopes = ag.sigmoid(-4 * (w + 3)) + ag.sigmoid(-4 * (w - 3))
    return slopes + 0.02 * ag.softplus(8 * (w - 5)) + 0.0005 * (w - 4) ** 2


def descend(momentum, updates):
    """The path of nn.SGD from START, shape (updates + 1,)."""
    w = ag.tensor(START, requires_grad=True)
    optimizer, path = nn.SGD([w], lr=RATE, momentum=momentum), [START]
    for _ in range(updates):
        optimizer.zero_grad()
        E(w).backward()
        optimizer.step()
        path.append(w.item())
    return np.array(path)


def arrival(path):
    """The first update that reaches the last slope, or infinity."""
    there = np.flatnonzero(path > 2.5)
    return float(there[0]) if len(there) else float("inf")


def lecture(quick):
    momenta = (0.0, 0.9) if quick else (0.0, 0.5, 0.8, 0.9)
    paths = {mu: descend(mu, 1000) for mu in momenta}
    figure, grid = Figure(figsize=(15, 4.6), layout="constrained"), np.linspace(-5, 10, 400)
    left, middle, right = figure.subplots(1, 3)
    left.plot(grid, E(grid), color="gray")
    for mu in momenta:
        middle.plot(paths[mu][:600], label=f"μ = {mu:g}: over it after {arrival(paths[mu]):g} updates")
        right.semilogy(np.abs(np.diff(paths[mu]))[:200], label=f"μ = {mu:g}")
    for mu, higher, color in ((0.0, 0.0, BLUE), (0.9, 0.12, ORANGE)):
        w = paths[mu][:31]
        left.plot(w, E(w) + higher, "o", color=color, markersize=4, label=f"μ = {mu:g}, the first 30 updates")
    left.set(title="a plateau (orange is drawn a little higher)", xlabel="w", ylabel="E")
    middle.set(title="the way over it", xlabel="updates", ylabel="w")
    right.set(title="the length of each step", xlabel="updates", ylabel="|step|")
    for ax in (left, middle, right):
        ax.legend()
    figures = {
        "gradient on the plateau": float(analysis.point(E, 0.0).gradient[0]),
        "updates over it, without momentum": arrival(paths[0.0]),
        "updates over it, momentum 0.9": arrival(paths[0.9]),
        "end, momentum 0.9": float(paths[0.9][-1]),
    }
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
