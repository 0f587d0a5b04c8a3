"""Data: checking it, splitting it, encoding labels, and dealing it out in mini-batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, IndexingError, ShapeError

GATHERED = 1 << 20  # bytes of rows that are collected at once: a copy that stays in the cache, and few calls


def require_finite(X: Any, name: str = "data", axes: tuple[str, str] = ("row", "column")) -> None:
    """Raise ShapeError (a ValueError) if a value of `X`, shape (n, ...), is NaN or infinite, and say where.

    >>> require_finite([[1.0, 2.0], [3.0, float("nan")]], "images", axes=("image", "pixel"))
    Traceback (most recent call last):
    autograd_lite.errors.ShapeError: images: image 1, pixel 1 is nan; 1 value is not finite. Clean the data first
    """
    X = np.asarray(X)
    if X.dtype.kind not in "fc" or np.isfinite(X.sum()) or np.isfinite(X).all():  # one pass without a copy, mostly
        return
    bad = np.argwhere(~np.isfinite(X))
    row, *column = bad[0].tolist()
    place = f"{axes[0]} {row}" + (f", {axes[1]} {column[0] if len(column) == 1 else tuple(column)}" if column else "")
    many = "1 value is" if len(bad) == 1 else f"{len(bad)} values are"
    raise ShapeError(f"{name}: {place} is {X[tuple(bad[0])]}; {many} not finite. Clean the data first")


def checked(data: Any, name: str, dtype: Any) -> tuple[np.ndarray[Any, Any], ...]:
    """`data`, that is (X, y) or (X, y, weights), as arrays with as many rows each; real numbers become `dtype`."""
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ArgumentError(f"{name}: a pair (X, y) is needed, or (X, y, weights)")
    arrays = []
    for what, values in zip(("X", "y", "weights"), data, strict=False):
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            raise ArgumentError(f"{name}: {what} is an array of {array.dtype}; numbers are needed")
        if not array.ndim or not len(array):
            raise ShapeError(f"{name}: {what} has no rows; an empty set can be neither learned from nor measured on")
        with np.errstate(over="ignore", invalid="ignore"):
            require_finite(array, f"{name}, {what}")
        arrays.append(array.astype(dtype, copy=False) if array.dtype.kind == "f" else array)
    rows = [len(array) for array in arrays]
    if len(set(rows)) > 1:
        third = f" and the weights {rows[2]}" if len(rows) > 2 else ""
        raise ShapeError(f"{name}: X has {rows[0]} rows and y {rows[1]}{third}; each example needs one target")
    if len(arrays) > 2 and (arrays[2].ndim != 1 or arrays[2].min() < 0 or not arrays[2].any()):
        raise ShapeError(
            f"{name}: weights of shape {arrays[2].shape} from {arrays[2].min():g} to {arrays[2].max():g}; each example"
            " has one number, not negative, and not all are 0"
        )
    return tuple(arrays)


def is_whole(number: Any) -> bool:
    """Whether `number` is an integer from 1 on, Python's or NumPy's."""
    return isinstance(number, (int, np.integer)) and bool(number >= 1)


def require_labels(labels: np.ndarray[Any, Any], classes: int, name: str) -> None:
    """Raise IndexingError (an IndexError) if an integer label is outside [0, classes), and say where."""
    bad = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(bad):
        raise IndexingError(f"{name}: label {labels[bad[0]]} of row {bad[0]} is outside the {classes} classes")


def one_hot(labels: Any, classes: int | None = None, dtype: Any = float) -> np.ndarray[Any, Any]:
    """The vectors e(y): 1 at the label and 0 elsewhere; labels of shape (...) give shape (..., classes).

    `classes` is one more than the largest label unless given. Raises IndexingError (an IndexError) for a label
    outside of them, ArgumentError (a TypeError) for labels that are not integers.

    >>> one_hot([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ArgumentError(f"one_hot: labels of {labels.dtype}; integers are needed")
    classes = int(labels.max(initial=-1)) + 1 if classes is None else classes
    require_labels(labels.ravel(), classes, "one_hot")
    return np.asarray(np.eye(classes, dtype=dtype)[labels])


def split(
    X: Any, y: Any, sizes: Sequence[float] = (0.6, 0.2, 0.2), *, stratify: Any = None, rng: Any = 0
) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Disjoint random parts of a data set, such as those for training, validation and test.

    Parameters
    ----------
    X, y: arrays with one example a row.
    sizes: the parts' shares, at most 1 in sum, or their numbers of examples.
    stratify: classes, one for each example, that all parts shall have in the same proportions. None: `y`, if it
        holds integers; False: no classes.
    rng: a numpy.random.Generator, or a seed for one.

    Returns a list of pairs (X, y), one for each size. Raises ShapeError (a ValueError) for an empty part.

    >>> train, test = split(np.arange(10), np.repeat([0, 1], 5), sizes=(0.6, 0.4))
    >>> np.bincount(train[1]), np.bincount(test[1])
    (array([3, 3]), array([2, 2]))
    """
    X, y = np.asarray(X), np.asarray(y)
    n = len(X)
    if len(y) != n:
        raise ShapeError(f"split: X has {n} rows and y {len(y)}; each example needs one target")
    if np.ndim(sizes) != 1 or not len(sizes):
        raise ArgumentError(f"split: sizes {sizes!r}; a size for each part is needed, such as (0.6, 0.2, 0.2)")
    ends = np.cumsum(sizes)
    if not all(isinstance(size, (int, np.integer)) for size in sizes):
        if ends[-1] > 1 + 1e-9:
            raise ShapeError(f"split: sizes {list(sizes)} are {ends[-1]:g} in sum; shares have a sum of 1 or less")
        ends = np.floor(ends * n + 1e-9)
    counts = np.diff(ends, prepend=0).astype(int)
    if ends[-1] > n or (counts < 1).any():
        raise ShapeError(f"split: sizes {list(sizes)} of {n} examples: parts of {counts.tolist()}; none may be empty")
    shuffled = order = np.random.default_rng(rng).permutation(n)
    if stratify is None:
        stratify = y if y.ndim == 1 and y.dtype.kind in "iub" else False
    elif stratify is not False and len(stratify) != n:
        raise ShapeError(f"split: stratify has {len(stratify)} classes for {n} examples; each needs one")
    if stratify is not False:
        order = order[np.argsort(np.asarray(stratify)[order], kind="stable")]
    # Spread the members of each part evenly over 0..1, the rest (of no part) too: any run of neighbours in `order`,
    # such as a class, then has each part's share of members, give or take one.
    counts = np.append(counts, n - counts.sum())
    place = np.concatenate([(np.arange(count) + 0.5) / max(count, 1) for count in counts])
    part = np.empty(n, int)
    part[order] = np.repeat(np.arange(len(counts)), counts)[np.argsort(place, kind="stable")]
    # In the shuffled order: whoever takes the rows as they come has the classes mixed.
    return [(X[rows], y[rows]) for k in range(len(sizes)) for rows in [shuffled[part[shuffled] == k]]]


def batches(
    arrays: Sequence[np.ndarray[Any, Any]], batch_size: int, rng: Any = None
) -> Iterator[tuple[np.ndarray[Any, Any], ...]]:
    """The rows of all `arrays` in mini-batches of `batch_size`, the last one smaller where it does not divide them.

    In a new random order if `rng` is given, a numpy.random.Generator or a seed for one. At the first batch, raises
    ShapeError (a ValueError) for arrays of unequal lengths, and for a batch size that is no whole number from 1 on.

    >>> [x.tolist() for x, in batches([np.arange(5)], 2)]
    [[0, 1], [2, 3], [4]]
    """
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) != 1:
        raise ShapeError(f"batches: arrays with {lengths} rows; they need the same number of them")
    if not is_whole(batch_size):
        raise ShapeError(f"batches: batch size {batch_size}; it must be a whole number from 1 on")
    n = lengths[0]
    if rng is None:
        for start in range(0, n, batch_size):
            yield tuple([array[start : start + batch_size] for array in arrays])
        return
    order = (rng if hasattr(rng, "permutation") else np.random.default_rng(rng)).permutation(n)
    row = sum(array.nbytes for array in arrays) // n + 1
    gathered = max(1, GATHERED // (row * batch_size)) * batch_size
    for first in range(0, n, gathered):
        rows = order[first : first + gathered]
        parts = [array.take(rows, 0) for array in arrays]
        for start in range(0, len(rows), batch_size):
            yield tuple([part[start : start + batch_size] for part in parts])
