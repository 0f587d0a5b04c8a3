"""Too few weights fit neither the data nor the truth; too many fit the noise, unless training stops early.

Regression on forty noisy points of a sine with networks of growing width, trained long. The training error falls with
the width; the validation error is high for the smallest, lowest in between, and rises again. Along a single training
of a large network it falls and rises as well, and early stopping keeps the weights of its lowest point. That it helps
is seen on test data, by which nothing was chosen.
"""

import numpy as np
from lecture import BLUE, GREEN, ORANGE, SKY, YELLOW, axes, show

from autograd_lite import nn


def points(rng, n):
    x = rng.uniform(-1, 1, (n, 1))
    return x, np.sin(4 * x) + rng.normal(0, 0.35, (n, 1))


def half_mse(output, target):
    return 0.5 * np.mean((output - target) ** 2)


def trained(width, train, validation, epochs, early_stopping=None):
    model = nn.MLP([1, width, width, 1], activation="tanh", rng=0)
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    history = nn.fit(model, half_mse, train, optimizer, epochs=epochs, batch_size=None, validation=validation,
                     early_stopping=early_stopping, progress=False)  # fmt: skip
    return model, history


def lecture(quick):
    rng = np.random.default_rng(3)
    train, validation, test = points(rng, 40), points(rng, 400), points(rng, 4000)
    epochs, widths = (400, [1, 4, 32]) if quick else (2500, [1, 2, 4, 8, 16, 32, 64])
    figure, (left, middle, right) = axes(1, 3, (4.2, 3.8))
    runs = {width: trained(width, train, validation, epochs) for width in widths}
    last = {name: [h[name][-1] for _, h in runs.values()] for name in ("loss", "validation_loss")}
    left.loglog(widths, last["loss"], "o-", color=BLUE, label="training")
    left.loglog(widths, last["validation_loss"], "o-", color=ORANGE, label="validation")
    left.set(xlabel="units per hidden layer", ylabel="half the mean squared error", title=f"after {epochs} epochs")
    left.legend()
    large, history = runs[widths[-1]]
    stopped, short = trained(widths[-1], train, validation, epochs, nn.EarlyStopping(patience=300))
    middle.loglog(range(1, epochs + 1), history["loss"], color=BLUE)
    middle.loglog(range(1, epochs + 1), history["validation_loss"], color=ORANGE)
    middle.axvline(short.best_epoch + 1, color=GREEN, label="kept by early stopping")
    middle.set(xlabel="epoch", title=f"{widths[-1]} units per hidden layer")
    middle.legend()
    grid = np.linspace(-1, 1, 200)[:, None]
    right.plot(*train, ".", color="k")
    for model, color, name in ((runs[widths[0]][0], SKY, "too small"), (large, YELLOW, "large, trained to the end"),
                               (stopped, GREEN, "large, stopped early")):  # fmt: skip
        right.plot(grid, nn.predict(model, grid), color=color, label=name)
    right.set(title="what they learned", ylim=(-2.2, 2.2))
    right.legend()
    best = int(np.argmin(last["validation_loss"]))
    return figure, {
        "smallest: training error": last["loss"][0],
        "smallest: validation error": last["validation_loss"][0],
        "best width": widths[best],
        "best width: validation error": last["validation_loss"][best],
        "largest: training error": last["loss"][-1],
        "largest: validation error": last["validation_loss"][-1],
        "largest, stopped early: validation error": short["validation_loss"][short.best_epoch],
        "largest: test error": nn.evaluate(large, half_mse, test)["loss"],
        "largest, stopped early: test error": nn.evaluate(stopped, half_mse, test)["loss"],
        "noise: test error of the truth itself": float(half_mse(np.sin(4 * test[0]), test[1])),
    }


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
