"""For classification the KL divergence converges in fewer steps than the squared error, the more so from a bad start.

The gradient at the pre-activation a is f - e(y) for the KL divergence, and (f - e(y)) through the softmax's own
derivatives diag(f) - f f' for the squared error: these vanish where the output is sure, right or wrong. So an output
that is sure and wrong learns nothing by squared error. The steps are those until 95 % of the digits are right, each
loss at the best of its learning rates; "bad start" multiplies the first weights of the output layer by 20.
"""

import numpy as np
from lecture import BLUE, ORANGE, axes, show
from sklearn.datasets import load_digits

import autograd_lite as ag


def kl_divergence(logits, y):
    """Of the one-hot labels from the outputs: their entropy is 0, so it is the cross-entropy."""
    return ag.nn.cross_entropy(logits, y)


def squared_error(logits, y):
    return 0.5 * np.mean(np.sum((ag.softmax(logits) - np.eye(10)[y]) ** 2, axis=1))


LOSSES = {"KL divergence": (kl_divergence, BLUE), "squared error": (squared_error, ORANGE)}


def errors(loss, rate, X, y, scale, most):
    """The share of wrong answers before each step of gradient descent with momentum, until 5 %."""
    model = ag.nn.MLP([64, 32, 10], activation="tanh", rng=0)
    model.layers[-1].weight.data = model.layers[-1].weight.data * scale
    optimizer = ag.nn.SGD(model.parameters(), lr=rate, momentum=0.9)
    wrong = []
    while len(wrong) < most and (not wrong or wrong[-1] > 0.05):
        logits = model(X)
        wrong.append(float(np.mean(logits.data.argmax(axis=1) != y)))
        optimizer.zero_grad()
        loss(logits, y).backward()
        optimizer.step()
    return wrong


def lecture(quick):
    X, y = load_digits(return_X_y=True)
    X, y = (X / 8 - 1)[:: 4 if quick else 1], y[:: 4 if quick else 1]
    most, rates = (100, [0.02, 0.1, 0.5]) if quick else (600, [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
    figure, plots = axes(1, 2, sharey=True)
    numbers = {}
    for (start, scale), ax in zip({"Glorot's start": 1.0, "bad start": 20.0}.items(), plots, strict=True):
        for name, (loss, color) in LOSSES.items():
            curves = [errors(loss, rate, X, y, scale, most) for rate in rates]
            best = min(range(len(rates)), key=lambda k, c=curves: (len(c[k]), c[k][-1]))
            numbers[f"{start}, {name}: steps"] = len(curves[best])
            numbers[f"{start}, {name}: best rate"] = rates[best]
            numbers[f"{start}, {name}: last share wrong"] = curves[best][-1]
            for k, curve in enumerate(curves):
                ax.plot(curve, color=color, alpha=1 if k == best else 0.25, label=name if k == best else None)
        ax.axhline(0.05, color="k", linestyle=":")
        ax.set(title=start, xlabel="step", xscale="log", ylim=(0, 1))
    plots[0].set_ylabel("share of digits wrong")
    plots[0].legend()
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
