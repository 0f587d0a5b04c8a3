"""Why the negative gradient: it is orthogonal to the level sets, and no other direction goes down faster.

Left, arrows down the gradient of E, on level sets that matplotlib found without derivatives. Middle, the change of E
after a short step in every direction: -|g| |dr| cos of the angle to the negative gradient. Right, the change dE is
g . dr only for small steps: what is left over goes with |dr|^2, and beyond |dr| of about 1 it is all there is.
"""

import numpy as np
from lecture import ORANGE, show
from matplotlib.figure import Figure

import autograd_lite as ag


def E(w):
    return (w[0] ** 2 - 1) ** 2 + 1.5 * w[1] ** 2 + 0.8 * w[0] * w[1]


def level_set_direction(ax, point):
    """The direction of the level set through `point`, from the contour line that matplotlib draws there."""
    a, b = np.meshgrid(*(np.linspace(c - 0.05, c + 0.05, 41) for c in point))
    line = ax.contour(a, b, E([a, b]), levels=[E(point)], alpha=0).allsegs[0][0]
    k = np.argmin(np.linalg.norm(line[1:-1] - point, axis=1))
    return (line[k + 2] - line[k]) / np.linalg.norm(line[k + 2] - line[k])


def lecture(quick):
    left, middle, right = (figure := Figure(figsize=(15, 4.8), layout="constrained")).subplots(1, 3)
    gradient, side = ag.grad(E), np.linspace(-1.6, 1.6, 121)
    left.contour(side, side, E(np.meshgrid(side, side)), np.linspace(-0.2, 4, 22), cmap="viridis", linewidths=1)
    places = np.linspace(-1.35, 1.35, 4 if quick else 7)
    points = np.stack(np.meshgrid(places, places[1:-1]), -1).reshape(-1, 2) + 0.05  # not on the saddle at 0
    arrows = np.array([-gradient(p) / np.linalg.norm(gradient(p)) for p in points])
    left.quiver(*points.T, *arrows.T, color=ORANGE, angles="xy", scale=14, width=0.006)
    cosines = [abs(arrow @ level_set_direction(left, p)) for p, arrow in zip(points, arrows, strict=True)]
    left.set(title="arrows down the gradient cross level sets at 90°", xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
    left.set(xlabel="$r_1$", ylabel="$r_2$", aspect="equal")

    here, angles = np.array([0.4, 0.9]), np.linspace(-180, 180, 73)
    g = gradient(here)
    turn = np.radians(angles) + np.arctan2(*-g[::-1])
    changes = ag.vmap(lambda d: E(here + 0.01 * d) - E(here))(np.stack([np.cos(turn), np.sin(turn)], 1))
    middle.plot(angles, changes / 0.01, label="dE / |dr| after a step of 0.01")
    middle.plot(angles, -np.linalg.norm(g) * np.cos(np.radians(angles)), "--", label="-|g| cos(angle)")
    middle.axvline(0, color="black", linestyle=":", label="the negative gradient")
    middle.set(title="no direction goes down faster", xlabel="angle to the negative gradient, degrees")

    lengths = np.logspace(-4, 0.5, 10 if quick else 40)
    d = -g / np.linalg.norm(g)
    dE = np.array([E(here + t * d) - E(here) for t in lengths])
    left_over = np.abs(dE - lengths * (g @ d))
    right.loglog(lengths, np.abs(lengths * (g @ d)), label="|g . dr|")
    right.loglog(lengths, left_over, "o-", markersize=3, label="|dE - g . dr|")
    right.loglog(lengths, lengths**2 * abs(d @ ag.hessian(E)(here) @ d) / 2, "--", color="gray", label="1/2 |dr' H dr|")
    right.set(title="dE is close to g . dr for small steps only", xlabel="|dr|", ylabel="change of E")
    middle.legend()
    right.legend()
    figures = {
        "largest |cos| between arrow and level set": float(max(cosines)),
        "angle of the steepest descent, degrees": float(angles[np.argmin(changes)]),
        "share of dE missed, smallest step": left_over[0] / abs(dE[0]),
        "share of dE missed, largest step": left_over[-1] / abs(dE[-1]),
    }
    return figure, figures


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
