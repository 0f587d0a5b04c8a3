"""One point is added: the perceptron swings and still separates, backpropagation barely moves and misses it.

Two clouds of points that a line can separate, and one more point of the first class close to the second cloud, still
separable. The perceptron's rule stops at any line that separates, so where it ends depends on each point: high
variance. Backpropagation on a sigmoid unit minimises a sum of squared errors in which one point counts for no more than
one; as long as the weights stay bounded (here by weight decay) the line that fits the clouds is the better one, and the
point stays on the wrong side (Brady, Raghavan and Slawny, 1989), which is what one wants of an outlier.
"""

import numpy as np
from lecture import BLUE, ORANGE, SKY, YELLOW, axes, show

import autograd_lite as ag

ADDED = np.array([1.5, 1.8])


def clouds(rng, n=100):
    """Points of both classes with a constant feature 1, and their classes 0 and 1."""
    X = rng.uniform([-1.0, -1.0], [1.0, 1.0], (2 * n, 2)) + np.repeat([[-2.0, 0.0], [2.0, 0.0]], n, axis=0)
    return np.column_stack([X, np.ones(2 * n)]), np.repeat([0.0, 1.0], n)


def perceptron(X, y, rng):
    """Rosenblatt's rule at a random point that is wrong, until none is."""
    w = np.zeros(3)
    while len(wrong := np.flatnonzero((X @ w > 0) != y)):
        k = rng.choice(wrong)
        w += (2 * y[k] - 1) * X[k]
    return w


def backpropagation(X, y, steps):
    """Gradient descent on the squared error of a sigmoid unit, with a little weight decay."""
    gradient = ag.grad(lambda w: 0.5 * np.mean((ag.sigmoid(X @ w) - y) ** 2) + 0.002 * np.sum(w[:2] ** 2))
    w = np.zeros(3)
    for _ in range(steps):
        w = w - 5.0 * gradient(w)
    return w


def turned(before, after):
    """The angle between two lines, in degrees."""
    a, b = before[:2] / np.linalg.norm(before[:2]), after[:2] / np.linalg.norm(after[:2])
    return np.degrees(np.arccos(np.clip(a @ b, -1, 1)))


def lecture(quick):
    figure, plots = axes(1, 2)
    angles, wrong = {"perceptron": [], "backpropagation": []}, {"perceptron": 0, "backpropagation": 0}
    draws = 15 if quick else 50
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        X, y = clouds(rng)
        more, labels = np.vstack([X, [*ADDED, 1.0]]), np.append(y, 0.0)
        learners = [lambda X, y, rng=rng: perceptron(X, y, rng), lambda X, y: backpropagation(X, y, 500)]
        for (name, ax), learn in zip(zip(angles, plots, strict=True), learners, strict=True):
            before, after = learn(X, y), learn(more, labels)
            angles[name].append(turned(before, after))
            wrong[name] += int(np.any((more @ after > 0) != labels))
            for w, color in ((before, SKY), (after, YELLOW)):
                ax.axline((-w[2] / w[0], 0), (-(w[2] + w[1]) / w[0], 1), color=color, alpha=0.4, linewidth=1)
            if draw == 0:
                ax.scatter(*X[:, :2].T, c=np.where(y, ORANGE, BLUE), s=12, zorder=3)
                ax.scatter(*ADDED, c=BLUE, marker="*", s=180, edgecolors="k", zorder=4)
                ax.set(title=f"{name}, {draws} draws", xlim=(-4, 4), ylim=(-3.5, 3.5), aspect="equal")
    plots[0].plot([], [], color=SKY, label="before the star is added")
    plots[0].plot([], [], color=YELLOW, label="after")
    plots[0].legend(loc="lower left")
    numbers = {f"{name}: turned by, degrees (median)": float(np.median(a)) for name, a in angles.items()}
    return figure, numbers | {f"{name}: share that does not separate": n / draws for name, n in wrong.items()}


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
