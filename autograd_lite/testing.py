"""Floor 6: checks and random inputs for rows of one's own, the same that the package's rows are tested with.

    def test_swish():
        ag.testing.check_op(swish, np.linspace(-2, 2, 5))

    @hypothesis.given(x=ag.testing.arrays((3,), domain="positive"))
    def test_my_log(x):
        ag.testing.check_op(my_log, x, reference=np.log)

The checks need NumPy alone, the strategies need hypothesis.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ArgumentError, GradientError
from .op import Op
from .row_checks import CHECKS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["DOMAINS", "arrays", "broadcastable_shapes", "check_op"]

# -- random inputs -------------------------------------------------------------------------------------------------

# Domains: how to draw an input of a shape. All keep a distance from kinks and poles.
DOMAINS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Any]] = {
    "real": lambda rng, s: rng.uniform(-2, 2, s),
    "nonzero": lambda rng, s: rng.uniform(0.3, 2, s) * rng.choice([-1, 1], s),
    "positive": lambda rng, s: rng.uniform(0.3, 2, s),
    "unit": lambda rng, s: rng.uniform(-0.8, 0.8, s),
    "above 1": lambda rng, s: rng.uniform(1.3, 3, s),
    "angle": lambda rng, s: rng.uniform(-1.2, 1.2, s),
    "distinct": lambda rng, s: rng.permutation(np.linspace(-2, 2, max(1, math.prod(s)))[: math.prod(s)]).reshape(s),
    "off grid": lambda rng, s: rng.integers(-3, 3, s) + rng.uniform(0.2, 0.8, s),
    "bool": lambda rng, s: rng.random(s) < 0.5,
    "int": lambda rng, s: rng.integers(0, 7, s),
    "label": lambda rng, s: rng.integers(0, 3, s),
}


def sample(rng: np.random.Generator, domain: str, shape: tuple[int, ...], dtype: Any = None) -> Any:
    """A random array of `shape` in `domain`; of a complex dtype, with imaginary parts from 0.2 to 0.6.

    >>> sample(np.random.default_rng(0), "positive", (2,), np.float32).round(2)
    array([1.38, 0.76], dtype=float32)
    """
    if domain not in DOMAINS:
        raise ArgumentError(f"a domain {domain!r}; there are {', '.join(map(repr, DOMAINS))}")
    x = np.asarray(DOMAINS[domain](rng, shape))
    if dtype is None:
        return x[()]
    if np.dtype(dtype).kind == "c" and x.dtype.kind == "f":
        x = x + 1j * rng.uniform(0.2, 0.6, shape)
    return x.astype(dtype)[()]


def arrays(shape: Any = (), dtype: Any = None, domain: str = "real") -> SearchStrategy[Any]:
    """A hypothesis strategy for arrays in a domain that keeps a distance from kinks and poles.

    Parameters
    ----------
    shape: a tuple, or a strategy of tuples.
    dtype: by default float64, or what the domain has: bool, or int64 for "int" and "label".
    domain: "real", "nonzero", "positive", "unit" (-0.8 to 0.8), "above 1", "angle" (-1.2 to 1.2), "distinct",
        "off grid" (no integer near), "bool", "int" or "label" (0, 1, 2).

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5, database=None)
    ... @given(x=arrays((2, 3), domain="above 1"))
    ... def test(x):
    ...     assert x.shape == (2, 3) and x.dtype == np.float64 and (x > 1).all()
    >>> test()
    """
    st = _hypothesis("hypothesis.strategies")
    sample(np.random.default_rng(0), domain, (), dtype)  # a wrong name is an error here, not in each example
    shapes = st.just(tuple(shape)) if isinstance(shape, (tuple, list)) else shape
    seeds = st.integers(0, 2**32 - 1)

    def drawn(shape: tuple[int, ...], seed: int) -> Any:
        return sample(np.random.default_rng(seed), domain, shape, dtype)

    strategy: SearchStrategy[Any] = st.builds(drawn, shapes, seeds)
    return strategy


def broadcastable_shapes(count: int = 2, max_dims: int = 3, max_side: int = 3) -> SearchStrategy[Any]:
    """A hypothesis strategy for tuples of `count` shapes that broadcast with each other.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5, database=None)
    ... @given(shapes=broadcastable_shapes())
    ... def test(shapes):
    ...     assert len(np.broadcast_shapes(*shapes)) <= 3
    >>> test()
    """
    extra = _hypothesis("hypothesis.extra.numpy")
    found = extra.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, max_side=max_side)
    strategy: SearchStrategy[Any] = found.map(lambda shapes: shapes.input_shapes)
    return strategy


def _hypothesis(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError("autograd_lite.testing draws inputs with hypothesis: pip install hypothesis") from error


# -- the whole of a row ----------------------------------------------------------------------------------------------


def check_op(
    op: Op,
    *inputs: Any,
    reference: Callable[..., Any] | None = None,
    order: int = 2,
    skip: Sequence[str] = (),
    **statics: Any,
) -> None:
    """Check one row of the derivative table at `inputs`, in every way that the package's own rows are checked.

    - "value": `reference`'s, if given, and the same for recorded inputs;
    - "gradients": check_grads to `order`, complex ones if the inputs are;
    - "modes": forward and reverse mode agree, and once more for the derivative;
    - "recording": shapes, dtypes and memory of the value and of the gradients;
    - "each alone": the gradient by one input, whether or not the others want one;
    - "float32": what is float32 stays so, in what is saved and in each formula;
    - "strides": reversed and Fortran-ordered inputs;
    - "vmap": equal to a loop over examples;
    - "linear", "elementwise": these facts, where the row states them.

    Parameters
    ----------
    inputs: numbers or arrays, away from kinks; float64 or complex128 where they want a gradient.
    reference: a function of the same inputs and statics that gives the right value.
    skip: names of checks to leave out, such as "float32" for an op that returns float64 on purpose.

    Raises
    ------
    GradientError (an AssertionError), naming the op and the check that failed.

    >>> import autograd_lite as ag
    >>> cube = ag.Op(lambda x: x**3, name="cube", elementwise=True, x=lambda g, x: 3 * g * x * x)
    >>> ag.testing.check_op(cube, np.array([0.5, -2.0]), reference=lambda x: x * x * x)
    >>> leak = ag.Op(np.sin, name="leak", x=lambda g, x: g * ag.cos(x) * np.ones(1))
    >>> ag.testing.check_op(leak, np.array([0.5, -2.0]))
    Traceback (most recent call last):
        ...
    autograd_lite.errors.GradientError: leak, float32: the formulas give gradients of dtype ['float64']
    """
    xs = [np.asarray(x)[()] for x in inputs]
    for name in skip:
        if name not in CHECKS:
            raise ArgumentError(f"check_op: skip {name!r}; the checks are {', '.join(map(repr, CHECKS))}")
    rng = np.random.default_rng(0)
    options: dict[str, dict[str, Any]] = {"value": {"reference": reference}, "gradients": {"order": order}}
    for name, check in CHECKS.items():
        if name in skip or (op.flat and name not in ("value", "elementwise")):
            continue
        try:
            check(op, xs, statics, rng, **options.get(name, {}))
        except Exception as error:
            if name == "value" and not isinstance(error, AssertionError):
                raise
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            raise GradientError(f"{op.name}, {name}: {kind}{str(error).strip()}") from error
