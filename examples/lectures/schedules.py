"""Schedules from far away: a learning rate that decays too fast sums up to a finite way, and cannot arrive.

On E = w^2 / 2 an update multiplies the distance to the minimum by 1 - eta_k. With eta_0 / (k + 1)^2 the product of all
these factors is sin(pi sqrt eta_0) / (pi sqrt eta_0), not 0: a third of the way is left, however long it goes on. With
eta_0 / (k + 1), whose sum is infinite, it arrives, if slowly; the exponential decay stops as well. A rate that stays
fixed for the first updates, and decays then, comes near first. Right, along the flat axis of a quadratic with condition
number kappa every rate is worth kappa times less: what decays leaves it where it was, and momentum, which makes each
gradient count 1 / (1 - mu) times, brings a constant rate ten times further along.
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


def descend(schedule, updates, kappa=1.0, momentum=0.0):
    """Down E = (w1^2 / kappa + w2^2) / 2 from (START, 0): the distance to the minimum after each update, shape
    (updates + 1,), and the rates, shape (updates,)."""
    w, rates = ag.tensor([START, 0.0], requires_grad=True), []
    optimizer, distances = SGD([w], lr=schedule, momentum=momentum), [START]
    for _ in range(updates):
        optimizer.zero_grad()
        (0.5 * w * w / np.array([kappa, 1.0])).sum().backward()
        rates.append(optimizer.rate)
        optimizer.step()
        distances.append(np.linalg.norm(w.data))
    return np.array(distances), np.array(rates)


def lecture(quick):
    figure, figures = Figure(figsize=(14, 4.6), layout="constrained"), {}
    left, middle, right = figure.subplots(1, 3)
    kappas = np.logspace(0, 3, 4 if quick else 10)
    for name, schedule in SCHEDULES.items():
        distances, rates = descend(schedule, 200 if quick else 3000)
        k = np.arange(1, len(rates) + 1)
        meets = "meets" if schedule.satisfies_robbins_monro else "not"
        left.loglog(k, rates, label=f"{name} ({meets} Robbins-Monro): sum {rates.sum():.3g}")
        middle.loglog(k, distances[1:])
        figures[f"distance left, {name}"] = float(distances[-1])
        for momentum, style, label in ((0.0, "-", ""), (0.9, "--", ", momentum 0.9")):
            ends = [descend(schedule, 100 if quick else 500, kappa, momentum)[0][-1] for kappa in kappas]
            right.loglog(kappas, ends, style, color=left.lines[-1].get_color())
            figures[f"distance left at kappa 1000, {name}{label}"] = float(ends[-1])
    left.set(title="the rate, and the sum of the rates", xlabel="updates", ylabel="learning rate η", ylim=(1e-10, 1))
    middle.set(title=f"the distance to the minimum, from {START:g}", xlabel="updates", ylim=(1e-4, 200))
    right.set(title="what is left after 500 updates, along the flat axis", xlabel="κ", ylim=(1e-4, 200))
    right.plot([], [], "k--", label="on the right: with momentum 0.9")
    figure.legend(loc="outside lower center", ncols=2)
    root = np.pi * np.sqrt(0.5)
    figures["distance left, quadratic, in the limit"] = float(START * np.sin(root) / root)
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
