"""Zero weights are a saddle point, and constant weights make all hidden units identical; drawn ones break the tie.

With W = 0 and tanh every weight gradient is zero and only the output bias moves: the loss settles at the entropy of
the classes. With one constant every hidden unit gets the same gradient, so they stay copies of each other, and the
network is as good as one with a single hidden unit. Glorot's draw makes them different from the start.
"""

import numpy as np
from lecture import BLUE, GREEN, ORANGE, axes, show
from sklearn.datasets import load_digits

import autograd_lite as ag

STARTS = {"zero": (0.0, ORANGE), "constant 0.01": (0.01, GREEN), "Glorot": (None, BLUE)}


def train(model, X, y, updates):
    """Gradient descent on all examples; the loss before each update."""
    optimizer = ag.nn.SGD(model.parameters(), lr=0.3)
    losses = []
    for _ in range(updates):
        loss = ag.nn.cross_entropy(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def lecture(quick):
    X, y = load_digits(return_X_y=True)
    X = X / 8 - 1
    shares = np.bincount(y) / len(y)
    numbers = {"entropy of the classes": float(-np.sum(shares * np.log(shares)))}
    figure, (left, right) = axes(1, 2)
    for k, (name, (constant, color)) in enumerate(STARTS.items()):
        model = ag.nn.MLP([64, 8, 10], activation="tanh", rng=0)
        if constant is not None:
            for layer in model.layers:
                layer.weight.data = np.full(layer.weight.shape, constant)
        losses = train(model, X, y, 50 if quick else 400)
        hidden = model.layers[0].weight.data
        numbers[f"{name}: last loss"] = losses[-1]
        numbers[f"{name}: distinct hidden units"] = len(np.unique(hidden.round(9), axis=0))
        numbers[f"{name}: largest weight gradient"] = max(np.abs(p.weight.grad).max() for p in model.layers)
        left.plot(losses, color=color, label=name)
        width = 0.25
        right.bar(np.arange(8) + (k - 1) * width, hidden[:, 28], width, color=color, label=name)
    left.axhline(numbers["entropy of the classes"], color="k", linestyle=":", label="entropy of the classes")
    left.set(xlabel="update", ylabel="loss (nats)", title="Handwritten digits, by first weights", ylim=(0, 2.6))
    left.legend(loc="lower right", bbox_to_anchor=(1, 0.12))
    right.legend()
    right.set(xlabel="hidden unit", ylabel="its weight for one pixel", title="Hidden units after training")
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
