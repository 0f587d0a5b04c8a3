"""scikit-learn's MLPClassifier: one `partial_fit` on the whole batch is one step.

With two classes it has one logistic output where the others have two scores: a little less work.
"""

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.problems import LEARNING_RATE, MOMENTUM, classification, run_python

sklearn.set_config(assume_finite=True, skip_parameter_validation=True)


def import_library():
    return run_python("import sklearn.neural_network")


def mlp(sizes, activation, batch):
    X, labels, layers = classification(sizes, batch)
    model = MLPClassifier(
        sizes[1:-1],
        activation=activation,
        solver="sgd",
        alpha=0,
        batch_size=batch,
        learning_rate_init=LEARNING_RATE,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        shuffle=False,
    )
    model.partial_fit(X, labels, classes=np.arange(sizes[-1]))
    comparable = sizes[-1] > 2
    if comparable:  # start again from the same weights as the others
        for (W, b), coefs, intercepts in zip(layers, model.coefs_, model.intercepts_, strict=True):
            coefs[:], intercepts[:] = W, b
        for v in model._optimizer.velocities:
            v[:] = 0

    def step():
        model.partial_fit(X, labels)
        return model.loss_ if comparable else None

    return step
