"""scipy.special with gradients.

SciPy's ufuncs (`scipy.special.gammaln(t)`) take Tensors by themselves. Its functions that are written in Python
do not; of those, what has a gradient stands here, and every other name is SciPy's own.
"""

from __future__ import annotations

from typing import Any

import scipy.special

from ..ops.special import log_softmax, logsumexp, multigammaln, polygamma, softmax

__all__ = ["log_softmax", "logsumexp", "multigammaln", "polygamma", "softmax"]


def __getattr__(name: str) -> Any:
    return getattr(scipy.special, name)


def __dir__() -> list[str]:
    return dir(scipy.special)
