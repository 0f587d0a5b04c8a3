"""All optimizers on the digits, side by side, each with the best of its rates.

The same network, batches and first weights for all. Most take a step per mini-batch. Rprop and the methods that use
curvature take one for all data, so that an epoch is a single step of theirs (of L-BFGS and the trust region a bounded
number of iterations). By epochs and by the clock the order is not the same: Newton's method builds the whole Hessian.
Momentum as the lectures write it, `nn.Momentum`, is not drawn: at 1 / (1 - mu) times the rate it goes the same way.
"""

import numpy as np
from lecture import axes, show
from matplotlib import colormaps
from sklearn.datasets import load_digits

from autograd_lite import nn

OPTIMIZERS = {  # by name: the class, its rates to try, the batch size and other options
    "SGD": (nn.SGD, [0.1, 0.3], 32, {}),
    "momentum": (nn.SGD, [0.03, 0.1], 32, {"momentum": 0.9}),
    "Nesterov": (nn.SGD, [0.03, 0.1], 32, {"momentum": 0.9, "nesterov": True}),
    "Adagrad": (nn.Adagrad, [0.03, 0.1], 32, {}),
    "RMSprop": (nn.RMSprop, [0.001, 0.003], 32, {}),
    "Adam": (nn.Adam, [0.003, 0.01], 32, {}),
    "AdamW": (nn.AdamW, [0.003, 0.01], 32, {}),
    "Rprop": (nn.Rprop, [0.01, 0.001], None, {}),
    "L-BFGS": (nn.LBFGS, [1.0], None, {}),
    "trust region": (nn.TrustRegion, [1.0], None, {"max_iter": 3}),
    "Newton-CG": (nn.NewtonCG, [1.0], None, {}),
    "Newton": (nn.Newton, [1.0], None, {"indefinite": "modify"}),
}
COLORS = [*colormaps["tab10"].colors, "black", "navy"]


def trained(cls, rate, size, options, train, validation, epochs, hidden):
    model = nn.MLP([64, hidden, 10], activation="tanh", rng=0)
    optimizer = cls(model.parameters(), **({"lr": rate} if size or cls is nn.Rprop else {}), **options)
    regularizer = nn.Frobenius(1e-4)  # so that there is a minimum to arrive at
    return nn.fit(model, nn.cross_entropy, train, optimizer, epochs=epochs, batch_size=size, validation=validation,
                  regularizer=regularizer, metrics="error_rate", rng=0, progress=False)  # fmt: skip


def lecture(quick):
    X, y = load_digits(return_X_y=True)
    train, validation, _ = nn.split(X / 8 - 1, y, [0.3, 0.2, 0.5] if quick else [0.7, 0.29, 0.01], rng=0)
    epochs, hidden = (6, 6) if quick else (30, 16)
    figure, (left, right) = axes(1, 2, (6, 4.5))
    numbers = {}
    for k, (name, (cls, rates, size, options)) in enumerate(OPTIMIZERS.items()):
        tried = rates[: 1 if quick else None]
        most = 12 if cls in (nn.Newton, nn.TrustRegion) else 30  # they have arrived by then
        runs = [trained(cls, r, size, options, train, validation, min(epochs, most), hidden) for r in tried]
        best = min(runs, key=lambda history: history["loss"][-1])
        numbers[f"{name}: last training loss"] = best["loss"][-1]
        numbers[f"{name}: lowest validation error"] = min(best["validation_error_rate"])
        style = {"color": COLORS[k], "linestyle": "-" if size else "--", "label": name}
        seen = np.arange(1, len(best) + 1)
        left.semilogy(seen, best["loss"], **style)
        right.semilogy(np.cumsum(best["seconds"]), best["loss"], **style)
    left.set(xlabel="epoch", ylabel="training loss (nats)", title="Against epochs")
    right.set(xlabel="seconds", title="Against time", xscale="log")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
