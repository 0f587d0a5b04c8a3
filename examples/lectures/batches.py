"""Per example, by mini-batches or by all examples at once: what an epoch is worth, and what it costs.

With one example per update an epoch makes 1,437 updates, noisy ones, and Python pays for each; with all examples it
makes a single exact one, and the processor is used best. Mini-batches have most of both: against the time on the clock
they win. Each learns the digits at the best of its learning rates, chosen by the last training loss.
"""

import time

import numpy as np
from lecture import BLUE, GREEN, ORANGE, axes, show
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import autograd_lite as ag

RATES = {"one example": (1, [0.003, 0.01, 0.03], ORANGE), "32 examples": (32, [0.03, 0.1, 0.3], BLUE)}
RATES["all examples"] = (None, [0.3, 1.0], GREEN)


def curve(data, batch, rate, seconds, epochs):
    """Time, epochs and training loss along one training, until the time or the epochs are over."""
    X, _, y, _ = data
    rng = np.random.default_rng(0)
    model = ag.nn.MLP([64, 32, 10], activation="tanh", rng=rng, dtype=np.float32)
    optimizer = ag.nn.SGD(model.parameters(), lr=rate)
    size, spent, points, done, loss = batch or len(y), 0.0, [], 0, None
    while not points or (spent < seconds and points[-1][1] < epochs):
        start = time.perf_counter()
        order, chunk = rng.permutation(len(y)), max(1, min(400 // size, len(y) // size))
        for k in range(0, len(y) - size + 1, size):
            some = order[k : k + size]
            loss = ag.nn.cross_entropy(model(X[some]), y[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += size
            if (k // size) % chunk == chunk - 1:
                spent += time.perf_counter() - start
                with ag.no_grad():
                    points.append((spent, done / len(y), ag.nn.cross_entropy(model(X), y).item()))
                start = time.perf_counter()
    return model, points


def lecture(quick):
    X, y = load_digits(return_X_y=True)
    data = train_test_split((X / 8 - 1).astype(np.float32), y, test_size=0.2, stratify=y, random_state=0)
    figure, (left, right) = axes(1, 2, sharey=True)
    numbers = {}
    for name, (batch, rates, color) in RATES.items():
        seconds, epochs = (1e9, 1 if batch == 1 else 10) if quick else (3.0, 1e9)
        runs = [curve(data, batch, rate, seconds, epochs) for rate in (rates[1:2] if quick else rates)]
        model, points = min(runs, key=lambda run: run[1][-1][2])
        after = next(loss for _, epoch, loss in points if epoch >= 0.99)
        numbers[f"{name}: loss after the first epoch"] = after
        numbers[f"{name}: test error at the end"] = float(np.mean(model(data[1]).data.argmax(axis=1) != data[3]))
        spent, epoch, losses = zip(*points, strict=True)
        left.loglog(spent, losses, color=color, label=name)
        right.loglog(epoch, losses, color=color)
    left.set(xlabel="seconds", ylabel="training loss (nats)", title="Against time")
    right.set(xlabel="epochs", title="Against epochs")
    left.legend()
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
