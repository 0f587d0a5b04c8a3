"""Rates must sum to infinity to arrive from anywhere, and their squares must not, to come to rest.

Stochastic gradient descent on E = |w|, whose gradient has size 1 everywhere, and noise. Each update moves w by no more
than the rate, up to the noise: with eta0/(k+1)^2 the rates sum to eta0 pi^2/6, and from further away it stops on the
way. With eta0/(k+1) they sum to infinity while their squares do not, the conditions of Robbins and Monro (1951): it
arrives from anywhere, if slowly, and the noise dies out. A constant rate arrives fast and goes on jumping about.
"""

import numpy as np
from lecture import BLUE, GREEN, ORANGE, PURPLE, YELLOW, axes, show

import autograd_lite as ag
from autograd_lite.nn import schedules

ETA0 = 2.0
RATES = {
    "constant": (schedules.Constant(0.2), BLUE),
    "1/(k+1)": (schedules.Linear(ETA0), GREEN),
    "1/(k+1)^0.7": (schedules.Power(ETA0, 0.7), PURPLE),
    "1/(k+1)^2": (schedules.Quadratic(ETA0), ORANGE),
    "exp(-0.3 k)": (schedules.Exponential(ETA0, 0.3), YELLOW),
}


def descend(rate, start, updates, rng):
    """The path of many runs at once, from `start`: w has one entry for each."""
    w = ag.tensor(np.full(50, start), requires_grad=True)
    optimizer = ag.nn.SGD([w], lr=rate)
    path = [w.data.copy()]
    for _ in range(updates):
        optimizer.zero_grad()
        loss = np.sum(np.abs(w) + rng.normal(0.0, 0.5, 50) * w)  # its gradient is that of |w|, and noise
        loss.backward()
        optimizer.step()
        path.append(w.data.copy())
    return np.array(path)


def lecture(quick):
    updates = 300 if quick else 3000
    figure, plots = axes(1, 2, sharey=True)
    numbers = {}
    for start, ax in zip((1.0, 8.0), plots, strict=True):
        for name, (rate, color) in RATES.items():
            distances = np.abs(descend(rate, start, updates, np.random.default_rng(0)))
            numbers[f"from {start:.0f}, {name}: last distance"] = float(np.mean(distances[-1]))
            steps = np.unique(np.geomspace(1, updates + 1, 60).astype(int))  # as many as the eye can tell apart
            low, middle, high = np.quantile(distances[steps - 1], [0.25, 0.5, 0.75], axis=1)
            ax.loglog(steps, middle, color=color, label=name + (" *" if rate.satisfies_robbins_monro else ""))
            ax.fill_between(steps, low, high, color=color, alpha=0.2)
        ax.set(title=f"from {start:.0f}", xlabel="update", ylim=(1e-4, 12))
    numbers["1/(k+1)^2: all rates together"] = ETA0 * np.pi**2 / 6
    plots[0].set_ylabel("distance: median and middle half of 50 runs")
    figure.legend(*plots[0].get_legend_handles_labels(), title="* meets Robbins and Monro's conditions",
                  loc="outside lower center", ncols=5)  # fmt: skip
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
