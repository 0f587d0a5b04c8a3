"""Densities and distribution functions of scipy.stats, differentiable by x and by every parameter.

Each module has SciPy's functions of one distribution with SciPy's arguments, as compositions of rows; parameters
are not checked, and an invalid one gives NaN or -inf. Outside its support a density is 0, its log -inf, with
zero gradient. Any other name, such as `norm.rvs`, is that of SciPy's own distribution.
"""

from __future__ import annotations

from typing import Any

from . import (
    bernoulli,
    beta,
    binom,
    cauchy,
    chi2,
    dirichlet,
    expon,
    gamma,
    geom,
    laplace,
    logistic,
    lognorm,
    multivariate_normal,
    nbinom,
    norm,
    poisson,
    t,
    uniform,
)

__all__ = ["bernoulli", "beta", "binom", "cauchy", "chi2", "dirichlet", "expon", "gamma", "geom", "laplace", "logistic",
           "lognorm", "multivariate_normal", "nbinom", "norm", "poisson", "t", "uniform"]  # fmt: skip


def __getattr__(name: str) -> Any:
    import scipy.stats  # takes half a second, and is seldom needed

    return getattr(scipy.stats, name)
