"""Learn to read handwritten digits: an MLP on scikit-learn's 1,797 images of 8 x 8 pixels.

python examples/digits.py            one run: prints the test accuracy, writes build/digits.svg and .png
python examples/digits.py --seeds 20 as many splits and initializations: median and worst accuracy
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import autograd_lite as ag

SIZES, EPOCHS, BATCH, LEARNING_RATE, MOMENTUM = [64, 256, 10], 100, 32, 0.1, 0.9


class Split(NamedTuple):
    """Images, one a row with pixels in [0, 1], and their labels."""

    X: np.ndarray
    y: np.ndarray


def load(seed: int) -> tuple[Split, Split, Split]:
    """Train, validation and test: 60, 20 and 20 percent, each with the classes in the same proportions."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    X_train, X_rest, y_train, y_rest = train_test_split(X, y, train_size=0.6, stratify=y, random_state=seed)
    X_val, X_test, y_val, y_test = train_test_split(X_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=seed)
    return Split(X_train, y_train), Split(X_val, y_val), Split(X_test, y_test)


def error_rate(model: ag.nn.Module, data: Split) -> float:
    """The share of images whose most probable class is wrong."""
    with ag.no_grad():
        return float(np.mean(model(data.X).argmax(axis=1) != data.y))


def check(name: str, data: Split) -> None:
    """Refuse data that no training can repair."""
    bad = np.argwhere(~np.isfinite(data.X))
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f"{name}: image {row}, pixel {column} is {data.X[row, column]}; {len(bad)} values are not finite."
            " Clean the data first"
        )


def train(
    train_set: Split, val_set: Split, seed: int, *, epochs: int = EPOCHS, progress: bool = True
) -> tuple[ag.nn.MLP, list[float], list[float]]:
    """An MLP trained by SGD with momentum, as it was in the epoch with the lowest validation error.

    Returns the model, and per epoch its training loss (nats) and validation error. Raises ValueError for data
    that is not finite.
    """
    check("training set", train_set)
    check("validation set", val_set)
    rng = np.random.default_rng(seed)
    model = ag.nn.MLP(SIZES, activation="relu", rng=rng, dtype=np.float32)
    optimizer = ag.nn.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    losses: list[float] = []
    errors: list[float] = []
    best = model.theta.data.copy()
    bar = tqdm(range(epochs), desc="epoch", disable=not progress)
    for epoch in bar:
        optimizer.lr = LEARNING_RATE / (1 + 0.05 * epoch)
        total = 0.0
        order = rng.permutation(len(train_set.y))
        for batch in np.array_split(order, -(-len(order) // BATCH)):
            loss = ag.nn.cross_entropy(model(train_set.X[batch]), train_set.y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(order))
        errors.append(error_rate(model, val_set))
        if errors[-1] <= min(errors):
            best = model.theta.data.copy()
        bar.set_postfix_str(f"loss {losses[-1]:.4f}, validation error {errors[-1]:.3f}", refresh=False)
    theta = model.theta
    theta.data[:] = best
    theta.changed()
    return model, losses, errors


def draw_flow(model: ag.nn.MLP, data: Split, path: Path) -> Path:
    """The flow graph of one forward and backward pass over a few images."""
    return ag.draw(ag.nn.cross_entropy(model(data.X[:8]), data.y[:8])).write(path)


def plot_curves(losses: list[float], errors: list[float], path: Path) -> None:
    """Training loss and validation error against the epoch."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, left = plt.subplots(figsize=(7, 4), layout="constrained")
    epochs = np.arange(1, len(losses) + 1)
    left.semilogy(epochs, losses, color="#0072B2")
    left.set_xlabel("epoch")
    left.set_ylabel("training loss (nats)", color="#0072B2")
    right = left.twinx()
    right.plot(epochs, 100 * np.array(errors), color="#D55E00")
    right.set_ylabel("validation error (%)", color="#D55E00")
    right.set_ylim(bottom=0)
    left.set_title(f"Handwritten digits: MLP {'-'.join(map(str, SIZES))}")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def run(seed: int, *, progress: bool = True) -> tuple[float, Any]:
    """Train on the split of `seed`; the test accuracy, and what `main` draws."""
    train_set, val_set, test_set = load(seed)
    model, losses, errors = train(train_set, val_set, seed, progress=progress)
    return 1 - error_rate(model, test_set), (model, train_set, losses, errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=0, metavar="N", help="run seeds 0..N-1 and print the spread")
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    if options.seeds:
        accuracies = [run(seed, progress=False)[0] for seed in tqdm(range(options.seeds), desc="seed")]
        print(
            f"test accuracy over {options.seeds} seeds: median {np.median(accuracies):.3f}, worst {min(accuracies):.3f}"
        )
        return
    accuracy, (model, train_set, losses, errors) = run(options.seed)
    print(f"test accuracy {accuracy:.3f}")
    options.out.mkdir(parents=True, exist_ok=True)
    written = draw_flow(model, train_set, options.out / "digits.svg")
    plot_curves(losses, errors, options.out / "digits.png")
    print(f"flow graph in {written}, learning curves in {options.out / 'digits.png'}")


if __name__ == "__main__":
    main()
