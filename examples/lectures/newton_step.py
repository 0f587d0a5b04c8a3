"""Newton's method arrives at the minimum of a quadratic in one step, whatever its condition number.

Left, level sets that are long and turned: gradient descent at its best fixed rate zigzags, Newton's step -H^-1 g lands
on the minimum, since the quadratic model that it minimises is the function itself. Right, the distance after each step,
on quadratics of growing condition number: Newton's method does not care.
"""

import numpy as np
from lecture import BLUE, ORANGE, show
from matplotlib.figure import Figure

import autograd_lite as ag
from autograd_lite import analysis

START, STEPS = np.array([1.8, 0.4]), 30


def quadratic(kappa):
    """A function with curvatures 1 along w1 = w2 and kappa across."""
    return lambda w: 0.25 * ((w[0] + w[1]) ** 2 + kappa * (w[0] - w[1]) ** 2)


def gradient_descent(f):
    rate, path = analysis.step_sizes(f, START).best, [START]
    for _ in range(STEPS):
        path.append(path[-1] - rate * ag.grad(f)(path[-1]))
    return np.array(path)


def newton(f):
    return np.array([START, START - np.linalg.solve(ag.hessian(f)(START), ag.grad(f)(START))])


def lecture(quick):
    figure, figures = Figure(figsize=(12, 5), layout="constrained"), {}
    left, right = figure.subplots(1, 2)
    f = quadratic(30)
    surface = analysis.plane(f, np.zeros(2), np.eye(2), span=(-2, 2), points=121)
    surface.plot(left, levels=[0.02, 0.1, 0.3, 1, 3, 8, 20], linewidths=0.8)
    left.plot(*gradient_descent(f).T, ".-", color=BLUE, label=f"gradient descent, {STEPS} steps")
    left.plot(*newton(f).T, "o-", color=ORANGE, label="Newton, 1 step")
    left.set(title="condition number 30", xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
    for kappa in (3, 30) if quick else (3, 10, 30, 100, 1000):
        f = quadratic(kappa)
        slow, fast = (np.linalg.norm(path, axis=1) for path in (gradient_descent(f), newton(f)))
        right.semilogy(slow, ".-", label=f"gradient descent, κ = {kappa}")
        right.semilogy(np.maximum(fast, 1e-16), "o--", color=ORANGE, label=None)
        figures |= {f"gradient descent, kappa {kappa}": float(slow[-1]), f"Newton, kappa {kappa}": float(fast[-1])}
    right.plot([], "o--", color=ORANGE, label="Newton, each of them")
    right.set(title="the distance to the minimum", xlabel="steps")
    for ax in (left, right):
        ax.legend(loc="lower right")
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
