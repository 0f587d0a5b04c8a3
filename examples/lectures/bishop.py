"""Bishop's two-layer tanh network, as scalar equations and as matrices: the same numbers.

y_k = sum_j w2_kj z_j with z_j = tanh(sum_i w1_ji x_i), and E = 1/2 sum_k (y_k - t_k)^2 (Pattern Recognition and
Machine Learning, section 5.3.2). By scalars: delta_k = y_k - t_k, delta_j = (1 - z_j^2) sum_k w2_kj delta_k, and each
weight's gradient is the delta it leads to times the value it comes from. By matrices the sums are products, and the
sum over k is a product with the transpose. The engine differentiates both programs, and all agree.
"""

import math
import timeit

import numpy as np
from lecture import BLUE, GREEN, ORANGE, axes, show

import autograd_lite as ag


def error_by_scalars(w1, w2, x, t, tanh=math.tanh):
    """E, z and y from nested lists of numbers or of scalar Tensors, one equation at a time."""
    z = [tanh(sum(w1[j][i] * x[i] for i in range(len(x)))) for j in range(len(w1))]
    y = [sum(w2[k][j] * z[j] for j in range(len(z))) for k in range(len(w2))]
    return sum((y[k] - t[k]) ** 2 for k in range(len(t))) / 2, z, y


def gradient_by_scalars(w1, w2, x, t):
    """Bishop's equations 5.65 to 5.67."""
    _, z, y = error_by_scalars(w1, w2, x, t)
    delta_k = [y[k] - t[k] for k in range(len(t))]
    delta_j = [(1 - z[j] ** 2) * sum(w2[k][j] * delta_k[k] for k in range(len(t))) for j in range(len(z))]
    return [[d * value for value in x] for d in delta_j], [[d * value for value in z] for d in delta_k]


def error_by_matrices(w1, w2, x, t):
    return 0.5 * np.sum((w2 @ np.tanh(w1 @ x) - t) ** 2)


def gradient_by_matrices(w1, w2, x, t):
    z = np.tanh(w1 @ x)
    delta_k = w2 @ z - t
    delta_j = (1 - z**2) * (w2.T @ delta_k)
    return np.outer(delta_j, x), np.outer(delta_k, z)


def engine_on_scalars(w1, w2, x, t):
    return ag.grad(lambda w: error_by_scalars(*w, x, t, ag.tanh)[0])((w1, w2))


def lecture(quick):
    rng = np.random.default_rng(0)
    numbers, times = {}, {"scalars, the engine": [], "scalars, by hand": [], "matrices, the engine": []}
    widths = [2, 4] if quick else [2, 4, 8, 16, 32]
    for n in widths:
        arrays = rng.standard_normal((n, n)), rng.standard_normal((n, n)), rng.standard_normal(n), np.ones(n)
        lists = [a.tolist() for a in arrays]
        programs = [
            (engine_on_scalars, lists),
            (gradient_by_scalars, lists),
            (ag.grad(error_by_matrices, (0, 1)), arrays),
        ]
        for (program, arguments), (name, spent) in zip(programs, times.items(), strict=True):
            found = program(*arguments)
            spent.append(min(timeit.repeat(lambda p=program, a=arguments: p(*a), number=1, repeat=5)))
            for ours, theirs in zip(found, gradient_by_matrices(*arrays), strict=True):
                off = np.abs(np.array(ours) - theirs).max()
                numbers[f"{name}: off by"] = max(numbers.get(f"{name}: off by", 0), off)
    figure, ax = axes(size=(7, 4.5))
    for (name, spent), color in zip(times.items(), [ORANGE, GREEN, BLUE], strict=True):
        ax.semilogy(widths, 1e6 * np.array(spent), "o-", color=color, label=name)
    ax.set(xlabel="units per layer", ylabel="microseconds for one gradient", title="The same gradient, three ways")
    ax.set_xscale("log", base=2)
    ax.legend()
    return figure, numbers


def main(argv=None):
    return show(lecture, __file__, argv)


if __name__ == "__main__":
    main()
