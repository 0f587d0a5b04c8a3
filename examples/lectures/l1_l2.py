"""L1 makes weights exactly zero by its proximal step; by its subgradient they hover around zero; L2 makes them small.

A linear classifier tells digits apart; the penalties are chosen so that all reach about the same accuracy on validation
data. After every update L1's proximal step moves each weight towards zero by rate times lambda, and stops it there; L2
shrinks it by a factor, which never arrives. Descending the subgradient lambda sign(w) instead steps over zero and back
for ever.
"""

import numpy as np
from lecture import BLUE, GREEN, ORANGE, axes, show
from sklearn.datasets import load_digits

from autograd_lite import nn


class SubgradientL1(nn.regularizers.L1):
    """L1 as one more term of the loss, without its proximal step."""

    proximal_step = None

    def smooth(self, model):
        return self(model)


PENALTIES = {
    "L1, proximal": (nn.L1(4e-3), BLUE),
    "L1, subgradient": (SubgradientL1(4e-3), GREEN),
    "L2": (nn.L2(5e-3), ORANGE),
}


def lecture(quick):
    X, y = load_digits(return_X_y=True)
    train, validation = nn.split(X / 16, y, [0.7, 0.3], rng=0)
    figure, plots = axes(2, 3, (4, 2.2), height_ratios=[3, 1])
    numbers = {}
    for (name, (penalty, color)), above, below in zip(PENALTIES.items(), *plots, strict=True):
        model = nn.Linear(64, 10, rng=0)
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        history = nn.fit(
            model, nn.cross_entropy, train, optimizer, epochs=15 if quick else 100, batch_size=100,
            validation=validation, metrics="accuracy", regularizer=penalty, rng=0, progress=False,
        )  # fmt: skip
        W = model.weight.data
        numbers[f"{name}: share of weights exactly 0"] = float(np.mean(W == 0))
        numbers[f"{name}: share smaller than 0.01"] = float(np.mean(np.abs(W) < 0.01))
        numbers[f"{name}: validation accuracy"] = history["validation_accuracy"][-1]
        above.hist(W.ravel(), bins=np.linspace(-1.5, 1.5, 121), color=color, log=True)
        above.set(title=f"{name}: {np.mean(W == 0):.0%} exactly 0", xlabel="weight", ylim=(0.5, 700))
        above.set_ylabel("weights in a bin" if above is plots[0, 0] else "")
        below.imshow(np.hstack([W[k].reshape(8, 8) for k in range(5)]), cmap="RdBu", vmin=-1, vmax=1)
        below.set(title="weights of the digits 0 to 4", xticks=[], yticks=[])
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
