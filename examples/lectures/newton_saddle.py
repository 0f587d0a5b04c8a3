"""Newton's method where the Hessian is not positive definite: it goes to whatever is flat, uphill too.

Left, two valleys with a saddle between them. Started where a curvature is negative, Newton's steps -H^-1 g climb to the
saddle; with the sizes of the eigenvalues, -|H|^-1 g, they go down. Right, why, in one dimension: the step leads to
where the parabola at the start is flat, and where E'' < 0 that is its top.
"""

import numpy as np
from lecture import BLUE, ORANGE, YELLOW, show
from matplotlib.figure import Figure

import autograd_lite as ag
from autograd_lite import analysis


def valleys(w):
    return 0.25 * w[0] ** 4 - 0.5 * w[0] ** 2 + 0.75 * w[1] ** 2


def newton(w, modified):
    """The path of w - H^-1 g, or if `modified` of w - |H|^-1 g, with the absolute values of the eigenvalues."""
    path = [np.asarray(w)]
    for _ in range(8):
        eigenvalues, Q = np.linalg.eigh(ag.hessian(valleys)(path[-1]))
        scales = np.abs(eigenvalues) if modified else eigenvalues
        path.append(path[-1] - Q @ (Q.T @ ag.grad(valleys)(path[-1]) / scales))
    return np.array(path)


def lecture(quick):
    figure, figures = Figure(figsize=(12, 5), layout="constrained"), {}
    left, right = figure.subplots(1, 2)
    surface = analysis.plane(valleys, np.zeros(2), np.eye(2), span=(-1.7, 1.7), points=81)
    surface.plot(left, levels=25, linewidths=0.7)
    left.axvspan(-(3**-0.5), 3**-0.5, color=YELLOW, alpha=0.15, label="H is not positive definite")
    for name, modified, style in (("$H^{-1} g$", False, "o-"), ("$|H|^{-1} g$", True, "s-")):
        path = newton([0.35, 0.9], modified)
        kind = figures["with |H|" if modified else "with H"] = analysis.point(valleys, path[-1]).kind
        left.plot(*path.T, style, color=BLUE if modified else ORANGE, label=f"steps of -{name}: to a {kind}")
    left.set(title="a saddle attracts Newton's method", xlabel="$w_1$", ylabel="$w_2$")

    E = lambda w: valleys([w, 0.0])
    start, grid, near = 0.35, np.linspace(-0.4, 1.6, 200), np.linspace(-0.4, 1.0, 100)
    slope, curvature = ag.grad(E)(start), ag.hessian(E)(start)
    top, parabola = start - slope / curvature, E(start) + slope * (near - start) + curvature * (near - start) ** 2 / 2
    right.plot(grid, E(grid), label="E")
    right.plot(near, parabola, "--", color=ORANGE, label="its parabola at the start")
    right.plot(start, E(start), "o", color="black", label="start")
    right.plot([top, top], [E(top), parabola.max()], "v-", color=ORANGE, label="Newton's step: to the parabola's top")
    right.set(title="E'' < 0: the step goes uphill", xlabel="$w_1$", ylabel="E", ylim=(-0.35, 0.12))
    left.legend(loc="lower right", framealpha=0.95)
    right.legend(loc="lower left")
    figures["change of E in one dimension"] = float(E(top) - E(start))
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
