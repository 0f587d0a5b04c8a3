"""Schedules from far away: a learning rate that decays too fast sums up to a finite way, and cannot arrive.

On E = w^2 / 2 an update multiplies the distance to the minimum by 1 - eta_k. With eta_0 / (k + 1)^2 the product of all
these factors is sin(pi sqrt eta_0) / (pi sqrt eta_0), not 0: a third of the way is left, however long it goes on. With
eta_0 / (k + 1), whose sum is infinite, it arrives, if slowly; the exponential decay stops as well. A rate that stays
fixed for the first updates, and decays then, comes near first.
"""

import numpy as np
from lecture import show
from matplotlib.figure import Figure

import autograd_lite as ag
from autograd_lite.nn import SGD
from autograd_lite.nn.schedules import Constant, Exponential, Fixed, Linear, Quadratic

START = 100.0
SCHEDULES = {
    "constant": Constant(0.5),
    "linear": Linear(0.5),
    "quadratic": Quadratic(0.5),
    "exponential": Exponential(0.5, 0.1),
    "fixed for 15 updates, then quadratic": Fixed(Quadratic(0.5), updates=15, rate=0.5),
}


def descend(schedule, updates):
    """The distance to the minimum after each update, shape (updates + 1,), and the rates, shape (updates,)."""
    w, rates = ag.tensor(START, requires_grad=True), []
    optimizer, distances = SGD([w], lr=schedule), [START]
    for _ in range(updates):
        optimizer.zero_grad()
        (0.5 * w * w).backward()
        rates.append(optimizer.rate)
        optimizer.step()
        distances.append(abs(w.item()))
    return np.array(distances), np.array(rates)


def lecture(quick):
    figure, figures = Figure(figsize=(11, 5), layout="constrained"), {}
    left, right = figure.subplots(1, 2)
    for name, schedule in SCHEDULES.items():
        distances, rates = descend(schedule, 200 if quick else 3000)
        k = np.arange(1, len(rates) + 1)
        meets = "meets" if schedule.satisfies_robbins_monro else "not"
        left.loglog(k, rates, label=f"{name} ({meets} Robbins-Monro): sum {rates.sum():.3g}")
        right.loglog(k, distances[1:])
        figures[f"distance left, {name}"] = float(distances[-1])
    left.set(title="the rate, and the sum of the rates", xlabel="updates", ylabel="learning rate η", ylim=(1e-10, 1))
    right.set(title=f"the distance to the minimum, from {START:g}", xlabel="updates", ylim=(1e-4, 200))
    figure.legend(loc="outside lower center", ncols=2)
    root = np.pi * np.sqrt(0.5)
    figures["distance left, quadratic, in the limit"] = float(START * np.sin(root) / root)
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
