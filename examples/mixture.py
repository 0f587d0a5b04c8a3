"""A mixture of Gaussians that finds the species of irises, fitted by Newton steps with exact curvature.

150 flowers, four lengths each; the species is not shown to the fit. Each component has a full covariance, written as
L @ L.T with the logarithms of L's diagonal as parameters, so that any vector of numbers is a legal mixture. The trust
region method asks for the Hessian times a vector, which is the gradient of the gradient along that vector.
Written for HIPS autograd: with `autograd_lite` replaced by `autograd` in the import lines it runs there too.

python examples/mixture.py           the figures, and build/mixture.png
python examples/mixture.py --quick   fewer steps
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure
from scipy.optimize import minimize
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score

import autograd_lite.numpy as np
import autograd_lite.scipy.stats.multivariate_normal as mvn
from autograd_lite import grad, value_and_grad
from autograd_lite.scipy.special import logsumexp

FLOOR = 1e-3  # added to each variance: a component that shrinks to one flower would make the likelihood infinite


def unpack(theta, K, D):
    """Log weights (K,), means (K, D) and covariances (K, D, D). What `raw` has above its diagonals is not used."""
    logits, means, raw = theta[:K], theta[K : K + K * D], theta[K + K * D :]
    raw = np.reshape(raw, (K, D, D))
    L = np.tril(raw, -1) + np.exp(raw) * np.eye(D)
    covariances = np.einsum("kij,klj->kil", L, L) + FLOOR * np.eye(D)
    return logits - logsumexp(logits), np.reshape(means, (K, D)), covariances


def log_joint(theta, X, K):
    """log p(flower, component), a row for each flower and a column for each component."""
    log_weights, means, covariances = unpack(theta, K, X.shape[1])
    columns = [log_weights[k] + mvn.logpdf(X, means[k], covariances[k]) for k in range(K)]
    return np.array(columns).T


def log_likelihood(theta, X, K):
    """Mean over the flowers of log p(flower)."""
    return np.mean(logsumexp(log_joint(theta, X, K), axis=1))


def initial(X, groups):
    """The parameters of groups of flowers taken one by one: their shares, means and covariances."""
    means, raw = [], []
    for k in range(groups.max() + 1):
        L = np.linalg.cholesky(np.cov(X[groups == k].T))
        means.append(X[groups == k].mean(axis=0))
        raw.append(np.tril(L, -1) + np.diag(np.log(np.diag(L))))
    return np.concatenate([np.log(np.bincount(groups) / len(X)), np.ravel(means), np.ravel(raw)])


def fit(X, K, start, steps):
    """The parameters where the likelihood is largest, as far as `steps` Newton steps lead."""

    def loss(theta):
        return -log_likelihood(theta, X, K)

    def curvature(theta, direction):
        return grad(lambda t: np.dot(grad(loss)(t), direction))(theta)

    options = {"maxiter": steps, "gtol": 1e-7}
    return minimize(value_and_grad(loss), start, jac=True, hessp=curvature, method="trust-ncg", options=options).x


def picture(path, X, means, covariances, found, names):
    """Petals of the flowers, coloured by component, and the ellipse of one and two standard deviations of each."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    ax = figure.subplots()
    turn = np.linspace(0, 2 * np.pi, 100)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    for k in range(len(means)):
        ax.plot(*X[found == k, 2:].T, ".", color=f"C{k}")
        L = np.linalg.cholesky(covariances[k][2:, 2:])  # the last two of the four lengths
        for radius in (1, 2):
            ax.plot(*(means[k][2:, np.newaxis] + radius * np.dot(L, circle)), color=f"C{k}", linewidth=1)
    ax.set(xlabel=f"{names[2]}, standardized", ylabel=f"{names[3]}, standardized")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main(argv=None):
    """Fit, compare the components with the species, and print. Returns the figures by name."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder of the picture")
    parser.add_argument("--seed", type=int, default=0, help="of k-means, whose groups the fit starts from")
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    options = parser.parse_args(argv)

    iris = load_iris()
    X, K = (iris.data - iris.data.mean(axis=0)) / iris.data.std(axis=0), len(iris.target_names)
    groups = KMeans(K, n_init=10, random_state=options.seed).fit_predict(X)
    start = initial(X, groups)
    theta = fit(X, K, start, 10 if options.quick else 100)
    log_weights, means, covariances = unpack(theta, K, X.shape[1])
    found = np.argmax(log_joint(theta, X, K), axis=1)
    figures = {
        "log-likelihood per flower before": float(log_likelihood(start, X, K)),
        "log-likelihood per flower after": float(log_likelihood(theta, X, K)),
        **{f"weight of component {k}": float(weight) for k, weight in enumerate(np.exp(log_weights))},
        "adjusted Rand index of k-means": float(adjusted_rand_score(iris.target, groups)),
        "adjusted Rand index": float(adjusted_rand_score(iris.target, found)),
    }
    for name, value in figures.items():
        print(f"{name:32} {value:10.4f}")
    picture(options.out / "mixture.png", X, means, covariances, found, iris.feature_names)
    return figures


if __name__ == "__main__":
    main()
