"""A Gaussian process for the progress of diabetes, its hyper-parameters found by gradient.

442 patients: how far the disease has gone in a year, from body mass index, blood pressure and serum triglycerides.
The kernel has one length scale per measurement; amplitude, noise and length scales maximize the marginal likelihood.
Written for HIPS autograd: with `autograd_lite` replaced by `autograd` in the import lines it runs there too.

python examples/gaussian_process.py           the figures, and build/gaussian_process.png
python examples/gaussian_process.py --quick   fewer patients and steps
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes

import autograd_lite.numpy as np
import autograd_lite.numpy.random as npr
from autograd_lite import value_and_grad
from autograd_lite.scipy.linalg import solve_triangular

MEASURED = {"bmi": "body mass index", "bp": "blood pressure", "s5": "log triglycerides"}
BAND = 1.96  # standard deviations to each side that hold 95 percent of a normal distribution


def load(patients, seed):
    """Measurements and progress of `patients` to learn from, then of all others; both standardized by the first."""
    data = load_diabetes()
    X, y = data.data[:, [data.feature_names.index(name) for name in MEASURED]], data.target
    order = npr.default_rng(seed).permutation(len(y))
    X, y, seen = X[order], y[order], slice(patients)
    X = (X - X[seen].mean(axis=0)) / X[seen].std(axis=0)
    y = (y - y[seen].mean()) / y[seen].std()
    return X[:patients], y[:patients], X[patients:], y[patients:]


def unpack(theta):
    """Amplitude, noise and length scales: logarithms in `theta`, so that each vector of numbers is a legal choice."""
    positive = np.exp(theta)
    return positive[0], positive[1], positive[2:]


def kernel(A, B, amplitude, lengths):
    """Covariance of the smooth function's values at the rows of A with those at the rows of B."""
    apart = (A[:, np.newaxis] - B[np.newaxis]) / lengths
    return amplitude**2 * np.exp(-0.5 * np.sum(apart**2, axis=-1))


def factor(theta, X):
    """Lower Cholesky factor of the observations' covariance at the rows of X."""
    amplitude, noise, lengths = unpack(theta)
    return np.linalg.cholesky(kernel(X, X, amplitude, lengths) + noise**2 * np.eye(len(X)))


def log_marginal_likelihood(theta, X, y):
    """log p(y | X, theta): the function's values themselves are integrated out."""
    L = factor(theta, X)
    white = solve_triangular(L, y, lower=True)
    return -0.5 * np.dot(white, white) - np.sum(np.log(np.diag(L))) - 0.5 * len(y) * np.log(2 * np.pi)


def predict(theta, X, y, new):
    """Mean and standard deviation of one observation at each row of `new`, given those at X."""
    amplitude, noise, lengths = unpack(theta)
    L = factor(theta, X)
    across = solve_triangular(L, kernel(X, new, amplitude, lengths), lower=True)
    mean = np.dot(across.T, solve_triangular(L, y, lower=True))
    return mean, np.sqrt(amplitude**2 + noise**2 - np.sum(across**2, axis=0))


def score(mean, deviation, y):
    """Root mean square error, and the share of y inside the band of 95 percent."""
    return float(np.sqrt(np.mean((y - mean) ** 2))), float(np.mean(np.abs(y - mean) < BAND * deviation))


def picture(path, theta, X, y):
    """Mean and band along each measurement, the others at their average."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    axes = figure.subplots(1, len(MEASURED), sharey=True)
    for i, (ax, name) in enumerate(zip(axes, MEASURED.values(), strict=True)):
        line = np.linspace(X[:, i].min(), X[:, i].max(), 100)
        mean, deviation = predict(theta, X, y, line[:, np.newaxis] * np.eye(X.shape[1])[i])
        ax.plot(X[:, i], y, ".", color="0.6", markersize=3)
        ax.plot(line, mean, color="C0")
        ax.fill_between(line, mean - BAND * deviation, mean + BAND * deviation, color="C0", alpha=0.2)
        ax.set(xlabel=f"{name} (standardized)")
    axes[0].set(ylabel="progress (standardized)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main(argv=None):
    """Fit, predict the patients that were held out, and print. Returns the figures by name."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder of the picture")
    parser.add_argument("--seed", type=int, default=0, help="which patients are held out")
    parser.add_argument("--quick", action="store_true", help="fewer patients and steps")
    options = parser.parse_args(argv)

    X, y, X_new, y_new = load(100 if options.quick else 300, options.seed)
    start = np.zeros(2 + X.shape[1])
    objective = value_and_grad(lambda theta: -log_marginal_likelihood(theta, X, y))
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 15 if options.quick else 100})
    amplitude, noise, lengths = unpack(found.x)
    error, coverage = score(*predict(found.x, X, y, X_new), y_new)
    prior_error, prior_coverage = score(0.0, 1.0, y_new)
    figures = {
        "log marginal likelihood before": float(log_marginal_likelihood(start, X, y)),
        "log marginal likelihood after": -float(found.fun),
        "amplitude": float(amplitude),
        "noise": float(noise),
        **{f"length scale of {name}": float(value) for name, value in zip(MEASURED, lengths, strict=True)},
        "held-out error": error,
        "held-out error of the mean": prior_error,
        "coverage of 95 %": coverage,
        "coverage of 95 % of the mean": prior_coverage,
    }
    for name, value in figures.items():
        print(f"{name:32} {value:10.4f}")
    picture(options.out / "gaussian_process.png", found.x, X, y)
    return figures


if __name__ == "__main__":
    main()
