"""Learn to read handwritten digits: an MLP on scikit-learn's 1,797 images of 8 x 8 pixels.

Of each split the training set moves theta; the validation set chooses the epoch, the learning rate and the weight
decay; the test set is looked at once, by what was chosen. Width, batch size and momentum are fixed.

python examples/digits.py            one run: prints the test accuracy, writes build/digits.svg, .html and .png
python examples/digits.py --seeds 20 as many splits and initializations: median and worst accuracy
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import autograd_lite as ag
from autograd_lite import nn

SIZES, EPOCHS, BATCH, MOMENTUM = [64, 256, 10], 60, 64, 0.9
RATES, DECAYS = [0.03, 0.1, 0.3], [1e-4, 1e-3]  # to choose from
TITLE = f"Handwritten digits: MLP {'-'.join(map(str, SIZES))}"


class Split(NamedTuple):
    """Images, one a row with pixels in [0, 1], and their labels."""

    X: np.ndarray
    y: np.ndarray


def load(seed: int) -> list[Split]:
    """Train, validation and test: 60, 20 and 20 percent, each with the classes in the same proportions."""
    X, y = load_digits(return_X_y=True)
    return [Split(*part) for part in nn.split((X / 16).astype(np.float32), y, (0.6, 0.2, 0.2), rng=seed)]


class Trained(NamedTuple):
    """A model as it was in the epoch with the lowest validation loss, how it came there, and by which settings."""

    model: nn.MLP
    history: nn.History
    rate: float
    decay: float

    @property
    def validation_loss(self) -> float:
        return min(self.history["validation_loss"])


def train(train_set: Split, val_set: Split, seed: int, rate: float, decay: float, *, epochs: int = EPOCHS) -> Trained:
    """Train by SGD with momentum, learning rate `rate` at first, and weight decay.

    Raises ValueError for data that is not finite.
    """
    nn.require_finite(train_set.X, "training set", axes=("image", "pixel"))
    nn.require_finite(val_set.X, "validation set", axes=("image", "pixel"))
    rng = np.random.default_rng(seed)
    model = nn.MLP(SIZES, activation="relu", init="he_normal", rng=rng, dtype=np.float32)
    updates_per_epoch = len(train_set.y) / BATCH
    schedule = nn.schedules.Inverse(rate, 0.05 / updates_per_epoch)  # half of the rate after 20 epochs
    history = nn.fit(
        model,
        nn.cross_entropy,
        train_set,
        nn.SGD(model.parameters(), lr=schedule, momentum=MOMENTUM),
        epochs=epochs,
        batch_size=BATCH,
        validation=val_set,
        regularizer=nn.Frobenius(decay),
        metrics="error_rate",
        early_stopping=nn.EarlyStopping(patience=epochs),  # to the last epoch, and back to the best
        rng=rng,
        progress=False,
    )
    return Trained(model, history, rate, decay)


def choose(train_set: Split, val_set: Split, seed: int, *, epochs: int = EPOCHS, progress: bool = True) -> Trained:
    """Train with each of the settings, and take the model with the lowest validation loss."""
    settings = tqdm([*itertools.product(RATES, DECAYS)], desc="settings", disable=not progress)
    runs = [train(train_set, val_set, seed, rate, decay, epochs=epochs) for rate, decay in settings]
    return min(runs, key=lambda run: run.validation_loss)


def run(seed: int, *, progress: bool = True) -> tuple[float, Trained, Split]:
    """Choose and train on the split of `seed`: the test accuracy, what was chosen, and the training set."""
    train_set, val_set, test_set = load(seed)
    chosen = choose(train_set, val_set, seed, progress=progress)
    accuracy = nn.evaluate(chosen.model, nn.cross_entropy, test_set, "accuracy")["accuracy"]
    return accuracy, chosen, train_set


def draw(model: nn.MLP, images: Split, out: Path) -> tuple[Path, Path]:
    """One pass over eight of the images, of eight digits: a picture of its flow graph, and a page to step through."""
    some = [int(np.flatnonzero(images.y == digit)[0]) for digit in range(8)]
    loss = nn.cross_entropy(model(images.X[some]), images.y[some])
    flow = ag.draw(loss, legend=True).write(out / "digits.svg")
    return flow, ag.step_through(loss, out / "digits.html", title=f"{TITLE}, one pass over 8 images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=0, metavar="N", help="run seeds 0..N-1 and print the spread")
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    if options.seeds:
        found = [run(seed, progress=False)[0] for seed in tqdm(range(options.seeds), desc="seed")]
        print(f"test accuracy over {options.seeds} seeds: median {np.median(found):.3f}, worst {min(found):.3f}")
        return
    accuracy, (model, history, rate, decay), train_set = run(options.seed)
    print(f"test accuracy {accuracy:.3f}")
    print(f"by the learning rate {rate:g} and the weight decay {decay:g}, as the validation set chose")
    options.out.mkdir(parents=True, exist_ok=True)
    flow, steps = draw(model, train_set, options.out)
    history.plot(options.out / "digits.png", title=TITLE)
    print(f"flow graph in {flow}, learning curves in {options.out / 'digits.png'}")
    print(f"open {steps} in a browser to step through fprop and bprop")


if __name__ == "__main__":
    main()
