"""A drum played so that its ripples meet in a given shape: control of a wave equation, by gradient through time.

Mallets near the rim of a round membrane press and pull it, none harder than a limit. Then they lift, the waves travel
on, and after the last step the membrane should look like the target. The loss is a function of all presses through a
few hundred array operations one after another; its gradient drives L-BFGS.
Written for HIPS autograd: with `autograd_lite` replaced by `autograd` in the import lines it runs there too.

python examples/simulation.py           the figures, and build/simulation.png
python examples/simulation.py --quick   a smaller drum
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure
from scipy.optimize import minimize

import autograd_lite.numpy as np
import autograd_lite.numpy.random as npr
from autograd_lite import value_and_grad

STEP = 0.5  # time step times wave speed over grid spacing, squared: beyond 0.5 the explicit scheme is unstable
DAMPING = 0.002  # share of the velocity that is lost in a step
LIMIT = 0.1  # of a mallet's press, in a step
EFFORT = 1e-3  # weight of the mean square of the presses, as a share of the limit


class Drum:
    """A square grid of `size` with a round membrane, `mallets` along a circle inside it, and a time to play."""

    def __init__(self, size, mallets, beats, steps_per_beat, quiet):
        rows, columns = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
        self.inside = rows**2 + columns**2 < 0.95**2
        angles = np.linspace(0, 2 * np.pi, mallets, endpoint=False)[:, np.newaxis, np.newaxis]
        spots = (rows - 0.75 * np.sin(angles)) ** 2 + (columns - 0.75 * np.cos(angles)) ** 2
        self.mallets = np.exp(-spots / 0.02)  # (mallets, size, size): how each presses the membrane
        self.spread = np.kron(np.eye(beats), np.ones((steps_per_beat, 1)))  # (steps, beats): a press lasts one beat
        self.shape, self.quiet = (beats, mallets), quiet
        ring = np.exp(-((np.sqrt(rows**2 + columns**2) - 0.4) ** 2) / 0.02)
        self.target = np.where(self.inside, ring * columns / 0.4, 0)  # a ring: up on one side, down on the other

    def play(self, score):
        """The membrane after each step, for a score with one number for each beat and mallet."""
        presses = LIMIT * np.tanh(np.einsum("tb,bm->tm", self.spread, np.reshape(score, self.shape)))
        presses = np.pad(presses, ((0, self.quiet), (0, 0)), "constant")
        frames = [np.zeros_like(self.target)] * 2
        for press in presses:
            u, before = frames[-1], frames[-2]
            around = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
            force = STEP * (around - 4 * u) + np.einsum("m,mij->ij", press, self.mallets)
            frames.append(np.where(self.inside, u + (1 - DAMPING) * (u - before) + force, 0))  # the rim is clamped
        return np.array(frames)

    def miss(self, score):
        """Mean square of what the last two frames lack, as a share of the target's."""
        return np.mean((self.play(score)[-2:] - self.target) ** 2) / np.mean(self.target**2)

    def loss(self, score):
        return self.miss(score) + EFFORT * np.mean(np.tanh(score) ** 2)


def picture(path, frames, target):
    """Six moments and the target."""
    moments = np.linspace(0, len(frames) - 1, 7).astype(int)[1:]
    figure = Figure(figsize=(14, 2.4), layout="constrained")
    axes = figure.subplots(1, 7)
    titles = [*(f"step {moment - 1}" for moment in moments), "target"]
    for ax, image, title in zip(axes, [*frames[moments], target], titles, strict=True):
        ax.imshow(image, cmap="RdBu", vmin=-1, vmax=1)
        ax.set(title=title, xticks=[], yticks=[])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main(argv=None):
    """Find the presses, and print how near the membrane comes to the target. Returns the figures by name."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder of the picture")
    parser.add_argument("--seed", type=int, default=0, help="of the presses that the search starts from")
    parser.add_argument("--quick", action="store_true", help="a smaller drum")
    options = parser.parse_args(argv)

    drum = Drum(24, 12, 16, 3, 4) if options.quick else Drum(40, 16, 24, 3, 10)
    start = 0.01 * npr.default_rng(options.seed).standard_normal(drum.shape).ravel()
    steps = {"maxiter": 30 if options.quick else 60}
    found = minimize(value_and_grad(drum.loss), start, jac=True, method="L-BFGS-B", options=steps)
    frames = drum.play(found.x)
    figures = {
        "loss before": float(drum.loss(start)),
        "loss after": float(found.fun),
        "share of the target missed": float(drum.miss(found.x)),
        "largest press / limit": float(np.max(np.abs(np.tanh(found.x)))),
        "highest ripple": float(np.max(np.abs(frames))),
    }
    for name, value in figures.items():
        print(f"{name:32} {value:10.6f}")
    picture(options.out / "simulation.png", frames, drum.target)
    return figures


if __name__ == "__main__":
    main()
