"""Random search finds better hyper-parameters than a grid of as many trials; a grid gains each time it is refined.

Of two hyper-parameters one often matters much more: a grid of 9 trials has 3 values of each, 9 random ones have 9 of
the one that matters (Bergstra and Bengio, 2012). Here a network learns to tell digits by a short training;
learning rate and weight decay are searched on logarithmic scales by scikit-learn's own GridSearchCV and
RandomizedSearchCV; then a finer grid is laid around the best of the coarse one, and again around the best of that:
three times as many trials for what random search finds at once.
"""

import warnings

import numpy as np
from lecture import BLUE, GREEN, ORANGE, PURPLE, axes, show
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from autograd_lite import nn

RATE, DECAY = "learning_rate_init", "alpha"
LOW, HIGH = {RATE: 1e-3, DECAY: 1e-5}, {RATE: 10.0, DECAY: 1.0}


def coarse(n):
    return {name: np.geomspace(LOW[name], HIGH[name], n) for name in (RATE, DECAY)}


def refined(best, grid):
    """As many values around the best of a grid, half as far apart (on their logarithmic scale)."""
    step = {name: (values[1] / values[0]) ** 0.5 for name, values in grid.items()}
    return {name: np.geomspace(best[name] / step[name], best[name] * step[name], len(grid[name])) for name in grid}


def lecture(quick):
    X, y = load_digits(return_X_y=True)
    X, y = (X / 16)[: 600 if quick else None], y[: 600 if quick else None]
    model = nn.MLPClassifier([24], solver="sgd", momentum=0.0, max_iter=5, random_state=0, tol=0)
    n, repeats, options = 3, (1 if quick else 5), {"cv": 3, "error_score": 0.1}
    figure, ax = axes(size=(7, 5))
    numbers = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the trainings are short on purpose
        grid = GridSearchCV(model, coarse(n), **options).fit(X, y)
        drawn = {RATE: loguniform(LOW[RATE], HIGH[RATE]), DECAY: loguniform(LOW[DECAY], HIGH[DECAY])}
        random = [
            RandomizedSearchCV(model, drawn, n_iter=n * n, random_state=seed, **options).fit(X, y)
            for seed in range(repeats)
        ]
        finer = GridSearchCV(model, refined(grid.best_params_, grid.param_grid), **options).fit(X, y)
        finest = GridSearchCV(model, refined(finer.best_params_, finer.param_grid), **options).fit(X, y)
    numbers["grid, 9 trials: accuracy"] = grid.best_score_
    numbers["random, 9 trials: accuracy (median of repeats)"] = float(np.median([r.best_score_ for r in random]))
    numbers["grid, refined, 9 more: accuracy"] = finer.best_score_
    numbers["grid, refined again, 9 more: accuracy"] = finest.best_score_
    numbers["refined again: learning rate"] = finest.best_params_[RATE]
    for search, color, marker, name in ((grid, BLUE, "s", "grid"), (random[0], ORANGE, "o", "random"),
                                        (finer, GREEN, "D", "refined grid"),
                                        (finest, PURPLE, "^", "refined again")):  # fmt: skip
        results = search.cv_results_
        size = 20 + 250 * results["mean_test_score"] ** 4
        ax.scatter(
            results[f"param_{RATE}"], results[f"param_{DECAY}"], size, c=color, marker=marker, alpha=0.7, label=name
        )
    ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="weight decay", title="Larger: more accurate")
    ax.legend(markerscale=0.6)
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
