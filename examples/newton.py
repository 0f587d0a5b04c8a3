"""Newton's method on a network of 433 parameters, with its exact Hessian.

The network predicts from eight measurements how a patient's diabetes proceeds. A step d solves (H + mu I) d = -g.
Where the loss goes down as the quadratic model g'd + d'Hd/2 foretells, mu shrinks, and the steps become Newton's own:
the last few about square the gradient's norm. Where it does not, or H + mu I is not positive definite, mu grows, and
the steps turn into short ones down the gradient.

python examples/newton.py           the loss and the gradient's norm after each step, and those of gradient descent
python examples/newton.py --quick   fewer patients
"""

import argparse
import time
from itertools import pairwise

import numpy as np
from sklearn.datasets import load_diabetes

import autograd_lite as ag

SIZES, DECAY = [8, 16, 16, 1], 0.05  # weight decay: without it some directions would have no curvature


def loss(theta, X, y):
    """Half the mean squared error of the network whose weights and biases stand in theta, and weight decay."""
    h, k = X, 0
    for layer, (m, n) in enumerate(pairwise(SIZES), 1):
        W, b = theta[k : k + n * m].reshape(n, m), theta[k + n * m : k + n * m + n]
        a, k = h @ W.T + b, k + n * m + n
        h = np.tanh(a) if layer < len(SIZES) - 1 else a
    return 0.5 * np.mean((h[:, 0] - y) ** 2) + 0.5 * DECAY * np.sum(theta**2)


def newton(theta, X, y, steps, tolerance=1e-9):
    """Damped Newton steps until the gradient is 0, as far as `tolerance`; the loss and the gradient's norm at each."""
    mu, path = 1.0, []
    while True:
        value, g = ag.value_and_grad(loss)(theta, X, y)
        path.append((float(value), float(np.linalg.norm(g))))
        if path[-1][1] < tolerance or len(path) > steps:
            return path
        H = ag.hessian(loss)(theta, X, y)
        while True:
            damped = H + mu * np.eye(len(g))
            try:
                np.linalg.cholesky(damped)
            except np.linalg.LinAlgError:  # not positive definite: the step might lead upwards
                mu *= 3
                continue
            d = np.linalg.solve(damped, -g)
            foretold, came = -(g @ d + 0.5 * d @ H @ d), value - loss(theta + d, X, y)
            if came > 0.1 * foretold - 1e-13:  # what a sum of 150 squares is rounded by
                break
            mu *= 3
        theta, mu = theta + d, mu / 5 if came > 0.7 * foretold - 1e-13 else mu


def gradient_descent(theta, X, y, steps, rate=0.2):
    """The same number pairs, along steps down the gradient."""
    path = []
    for _ in range(steps + 1):
        value, g = ag.value_and_grad(loss)(theta, X, y)
        path.append((float(value), float(np.linalg.norm(g))))
        theta = theta - rate * g
    return path


def main(argv=None):
    """Run both, and print. Returns the figures by name."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights")
    parser.add_argument("--quick", action="store_true", help="fewer patients")
    options = parser.parse_args(argv)

    patients = 60 if options.quick else 150
    data = load_diabetes()
    X, y = data.data[:patients, 2:], data.target[:patients]  # the first two columns are age and sex
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    start = ag.nn.MLP(SIZES, rng=options.seed).theta.data
    print(f"{start.size} parameters, {patients} patients\n\n{'step':28} {'loss':>12} {'gradient':>10} {'seconds':>9}")
    figures = {}
    for name, method, steps in [("Newton", newton, 60), ("gradient descent", gradient_descent, 400)]:
        before = time.perf_counter()
        path = method(start, X, y, steps)
        seconds = (time.perf_counter() - before) / len(path)
        for k in range(0, len(path), 1 if method is newton else steps // 8):
            print(f"{name:24} {k:3} {path[k][0]:12.8f} {path[k][1]:10.1e} {seconds * k:9.2f}")
        figures |= {f"{name}: steps": len(path) - 1, f"{name}: loss": path[-1][0], f"{name}: gradient": path[-1][1]}
    return figures


if __name__ == "__main__":
    main()
