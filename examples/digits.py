"""Learn to read handwritten digits: an MLP on scikit-learn's 1,797 images of 8 x 8 pixels.

python examples/digits.py            one run: prints the test accuracy, writes build/digits.svg, .html and .png
python examples/digits.py --seeds 20 as many splits and initializations: median and worst accuracy
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import autograd_lite as ag
from autograd_lite import nn

SIZES, EPOCHS, BATCH, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = [64, 256, 10], 100, 64, 0.3, 0.9, 1e-3
TITLE = f"Handwritten digits: MLP {'-'.join(map(str, SIZES))}"


class Split(NamedTuple):
    """Images, one a row with pixels in [0, 1], and their labels."""

    X: np.ndarray
    y: np.ndarray


def load(seed: int) -> list[Split]:
    """Train, validation and test: 60, 20 and 20 percent, each with the classes in the same proportions."""
    X, y = load_digits(return_X_y=True)
    return [Split(*part) for part in nn.split((X / 16).astype(np.float32), y, (0.6, 0.2, 0.2), rng=seed)]


def train(
    train_set: Split, val_set: Split, seed: int, *, epochs: int = EPOCHS, progress: bool = True
) -> tuple[nn.MLP, nn.History]:
    """An MLP trained by SGD with momentum, as it was in the epoch with the lowest validation loss.

    Raises ValueError for data that is not finite.
    """
    nn.require_finite(train_set.X, "training set", axes=("image", "pixel"))
    nn.require_finite(val_set.X, "validation set", axes=("image", "pixel"))
    rng = np.random.default_rng(seed)
    model = nn.MLP(SIZES, activation="relu", rng=rng, dtype=np.float32)
    decay = 0.05 * BATCH / len(train_set.y)  # per update: in each epoch 0.05
    rate = nn.schedules.Inverse(LEARNING_RATE, decay)
    optimizer = nn.SGD(model.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    history = nn.fit(
        model,
        nn.cross_entropy,
        train_set,
        optimizer,
        epochs=epochs,
        batch_size=BATCH,
        validation=val_set,
        metrics="error_rate",
        early_stopping=nn.EarlyStopping(patience=epochs),  # to the last epoch, and back to the best
        rng=rng,
        progress=progress,
    )
    return model, history


def run(seed: int, *, progress: bool = True) -> tuple[float, Any]:
    """Train on the split of `seed`; the test accuracy, and what `main` draws."""
    train_set, val_set, test_set = load(seed)
    model, history = train(train_set, val_set, seed, progress=progress)
    return nn.METRICS["accuracy"](nn.predict(model, test_set.X), test_set.y), (model, train_set, history)


def draw(model: nn.MLP, images: Split, out: Path) -> tuple[Path, Path]:
    """One pass over eight of the images: a picture of its flow graph, and a page that steps through it."""
    some = np.linspace(0, len(images.y) - 1, 8).astype(int)  # they are sorted by digit
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
    accuracy, (model, train_set, history) = run(options.seed)
    print(f"test accuracy {accuracy:.3f}")
    options.out.mkdir(parents=True, exist_ok=True)
    flow, steps = draw(model, train_set, options.out)
    history.plot(options.out / "digits.png", title=TITLE)
    print(f"flow graph in {flow}, learning curves in {options.out / 'digits.png'}")
    print(f"open {steps} in a browser to step through fprop and bprop")


if __name__ == "__main__":
    main()
