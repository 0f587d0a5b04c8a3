"""Learning rates on quadratics: three regimes, and what the condition number costs with and without momentum.

Top, gradient descent on E = (w1^2 + 10 w2^2) / 2: monotone below 1/E'' of the steepest axis, oscillating up to twice
that, then divergent. Bottom, the convergence rate R at the best settings, measured and foretold: momentum turns kappa
into its square root. (Measured it is a little slower, as k R^k: both factors of a step are equal there.)
"""

import numpy as np
from lecture import BLUE, ORANGE, YELLOW, show
from matplotlib.figure import Figure

import autograd_lite as ag
from autograd_lite import analysis, nn


def descend(curvatures, start, updates, **settings):
    """The path of gradient descent on E = sum of curvature w^2 / 2, shape (updates + 1, 2)."""
    w = ag.tensor(start, requires_grad=True)
    optimizer, path = nn.SGD([w], **settings), [w.numpy().copy()]
    for _ in range(updates):
        optimizer.zero_grad()
        (0.5 * (curvatures * w * w).sum()).backward()
        optimizer.step()
        path.append(w.numpy().copy())
    return np.array(path)


def lecture(quick):
    figure, figures = Figure(figsize=(13, 7.5), layout="constrained"), {}
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.4))
    lam = np.array([1.0, 10.0])
    a, b = np.meshgrid(np.linspace(-6, 6, 61), np.linspace(-3, 3, 61))
    for ax, product in zip(top.subplots(1, 3, sharey=True), (0.5, 1.8, 2.05), strict=True):
        path = descend(lam, [-5.0, 1.2], 22, lr=product / 10)
        regime = analysis.classify(path).axes[1]
        ax.contour(a, b, 0.5 * (a**2 + 10 * b**2), 12, cmap="viridis", linewidths=0.8)
        ax.plot(*path.T, "o-", color=ORANGE, markersize=3)
        title = f"η = {product:g} / λmax: {regime} along $w_2$"
        ax.set(title=title, xlabel="$w_1$", xlim=(-6, 6), ylim=(-3, 3), aspect="equal")
        ax.set_ylabel("$w_2$" if product == 0.5 else "")
        figures[f"regime at {product:g}"] = regime

    ax = bottom.subplots()
    kappas = np.logspace(0.3, 2 if quick else 3, 5 if quick else 12)
    for name, root, color in (("without momentum", "κ", BLUE), ("with momentum", "√κ", YELLOW)):
        measured, foretold = [], []
        for kappa in kappas:
            lr, mu, R = analysis.best_settings([1.0, kappa], momentum=name == "with momentum")
            path = descend(np.array([1.0, kappa]), [1.0, 1.0], 8 + int(20 / -np.log(R)), lr=lr, momentum=mu)
            measured.append(analysis.convergence_rate(path=path, optimum=np.zeros(2)).R)
            foretold.append(R)
        ax.loglog(kappas, -1 / np.log(foretold), color=color, label=f"R = ({root} - 1) / ({root} + 1)")
        ax.loglog(kappas, -1 / np.log(measured), "o", color=color, label=f"measured, {name}")
        figures[f"R at kappa {kappas[-1]:.0f}, {name}"] = measured[-1]
        figures[f"off by at most, {name}"] = max(abs(a - b) for a, b in zip(measured, foretold, strict=True))
    ax.set(title="what the condition number costs", xlabel="κ", ylabel="updates per factor e, -1 / log R")
    ax.legend()
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
