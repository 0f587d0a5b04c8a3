"""Fused ops for networks: an affine layer, softmax, and softmax with cross-entropy in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, IndexingError, OutOfBoundsError, ShapeError
from ..op import Op
from ..source import reads_as
from . import batching
from .elementwise import equal, exp, log
from .reduce import max, sum
from .shape import contiguous, expand_dims, mT, reshape


@reads_as("x @ W.T + b")
def _affine(x: Any, W: Any, b: Any) -> Any:
    """The pre-activation of a layer: each output is a sum of the inputs, weighted, and a bias."""
    y = _mm(x, W.T)
    if b.dtype == y.dtype and y.ndim:
        y += b
        return y
    return y + b


@reads_as("a @ b")
def _mm(a: Any, b: Any) -> Any:
    """`a @ b` for a matrix b. For two matrices `dot` does the same and costs half as much to call."""
    return a.dot(b) if a.ndim == 2 else a @ b


def _write_product(memory: Any, a: Any, b: Any) -> Any:
    """`a @ b` for two matrices, written to `memory`."""
    return a.dot(b, memory) if a.dtype == b.dtype == memory.dtype else np.matmul(a, b, out=memory)


def _write_sum(memory: Any, g: Any) -> Any:
    """The sum of the rows of g, written to `memory` where it is the gradient of one bias for each column; else g."""
    fits = g.ndim == 2 and g.shape[1:] == memory.shape and g.dtype == memory.dtype
    return np.add.reduce(g, 0, None, memory) if fits else g


@reads_as("x")
def _rows(x: Any) -> Any:
    """All leading axes of x as one: a batch of row vectors."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def _layer_mismatch(x: tuple[int, ...], W: tuple[int, ...], b: tuple[int, ...]) -> str | None:
    if len(W) == 2 and not x:
        return f"x @ W.T + b: x is a number and W expects rows of {W[1]} features"
    if len(W) == 2 and x[-1] != W[1]:
        return f"x @ W.T + b: x has {x[-1]} features and W expects {W[1]}"
    return None


@reads_as("exp(x) / sum(exp(x), axis)")
def _softmax(x: Any, *, axis: int = -1) -> Any:
    """Probabilities in proportion to exp(x): positive, and of sum 1."""
    e = np.exp(x - np.maximum.reduce(x, axis, keepdims=True))
    e /= np.add.reduce(e, axis, keepdims=True)
    return e


@reads_as("x - log(sum(exp(x), axis))")
def _log_softmax(x: Any, *, axis: int = -1) -> Any:
    """The logarithms of the probabilities that softmax gives."""
    z = x - np.maximum.reduce(x, axis, keepdims=True)
    return z - np.log(np.add.reduce(np.exp(z), axis, keepdims=True))


def _one_hot(labels: Any, *, classes: int) -> Any:
    """A 1 in the place of each label, and 0 elsewhere."""
    return np.equal(np.asarray(labels)[..., None], np.arange(classes))


def _dropout_mask(x: Any, rng: Any, *, p: float) -> Any:
    """0 with probability p, else 1 / (1 - p), in the shape of x."""
    return ((np.random.default_rng(rng).random(x.shape) >= p) / (1 - p)).astype(x.dtype)


@reads_as("-log(softmax(z)[labels])")
def _softmax_cross_entropy(z: Any, labels: Any) -> Any:
    """How surprising the right labels are, one example a row: 0 where the network was sure of them."""
    labels = np.asarray(labels)
    check_labels("cross_entropy", labels, z.shape)
    # One class a row: NumPy reduces along the first axis in a quarter of the time that the last one takes.
    columns = z.reshape(-1, z.shape[-1]).T.copy()
    columns -= np.maximum.reduce(columns, 0)
    e = np.exp(columns)
    total = np.add.reduce(e, 0)
    loss = np.log(total) - columns[labels.ravel(), np.arange(len(total))]
    e /= total
    return loss if labels.ndim == 1 else loss.reshape(labels.shape).copy(), e.T.reshape(z.shape)


@reads_as("mean(-log(softmax(z)[labels]))")
def _mean_cross_entropy(z: Any, labels: Any) -> Any:
    """How surprising the right labels are, on average over the examples: 0 where the network was sure of all."""
    losses, softmax_of_z = _softmax_cross_entropy(z, labels)
    return np.add.reduce(losses, None) / losses.dtype.type(losses.size), softmax_of_z


_UNSIGNED = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def check_labels(loss: str, labels: Any, shape: tuple[int, ...]) -> None:
    """Raise unless `labels` are integers in [0, shape[-1]), one for each row of an output of `shape`."""
    if labels.dtype.kind not in "iu":
        raise ArgumentError(f"{loss}: labels of dtype {labels.dtype}; integers are needed: labels.astype(int)")
    if labels.shape != shape[:-1]:
        raise ShapeError(f"{loss}: an output {shape} needs integer labels of shape {shape[:-1]}, not {labels.shape}")
    # As unsigned numbers negative labels are large too, so one maximum finds both kinds.
    if labels.size and np.maximum.reduce(labels.view(_UNSIGNED[labels.itemsize]), None) >= shape[-1]:
        wrong = labels[(labels < 0) | (labels >= shape[-1])].flat[0]
        raise IndexingError(f"{loss}: label {wrong} is outside the {shape[-1]} classes 0..{shape[-1] - 1}")


def _class_labels(labels: Any, *, shape: Any) -> Any:
    labels = np.asarray(labels)
    check_labels("cross entropy", labels, shape)
    return labels


def _in_bounds(x: Any, bound: Any) -> Any:
    if not -bound < x < bound:
        raise OutOfBoundsError(f"in_bounds: {x} is not between {-bound} and {bound}", float(x))
    return x


def _softmax_cross_entropy_in_parts(z: Any, labels: Any) -> Any:
    labels = reshape(class_labels(labels, z.shape), (-1,))
    columns = contiguous(reshape(z, (-1, z.shape[-1])).T)
    columns = columns - max(columns, 0)
    e = exp(columns)
    total = sum(e, 0)
    loss = log(total) - columns[labels, np.arange(labels.size)]
    return reshape(loss, z.shape[:-1]), reshape((e / total).T, z.shape)


def _mean_cross_entropy_in_parts(z: Any, labels: Any) -> Any:
    losses, softmax_of_z = _softmax_cross_entropy_in_parts(z, labels)
    return sum(losses) / losses.dtype.type(losses.size), softmax_of_z


# fmt: off
affine      = Op(_affine,      x=lambda g, W: _mm(g, W), W=lambda g, x: _mm(mT(_rows(g)), _rows(x)), b=lambda g: g, advice=_layer_mismatch,
                 out={"W": lambda memory, g, x: _write_product(memory, mT(_rows(g)), _rows(x)), "b": _write_sum})
softmax     = Op(_softmax,     x=lambda g, y, axis: y * (g - sum(g * y, axis, keepdims=True)), batch=batching.along("axis"))
log_softmax = Op(_log_softmax, x=lambda g, y, axis: g - exp(y) * sum(g, axis, keepdims=True), batch=batching.along("axis"))
one_hot     = Op(_one_hot,     labels=None, batch=batching.leading, parts=lambda labels, *, classes: equal(expand_dims(labels, -1), np.arange(classes)))
# The labels themselves, if they are classes of an output of `shape`.
class_labels = Op(_class_labels, labels=None, view=True, effect="refuses labels that are no classes")
# A number itself, if it lies between -bound and bound.
in_bounds = Op(_in_bounds, x=None, bound=None, effect="refuses a number that is out of bounds")
# 0 with probability p, else 1 / (1 - p), in the shape of x: dropout is x times that. `rng` is a Generator, or a seed.
dropout_mask = Op(_dropout_mask, x=None, rng=None, effect="draws random numbers")

# The lecture's gradient at the pre-activation, -(e(y) - f(x)); the residual r is the softmax f(x).
softmax_cross_entropy = Op(_softmax_cross_entropy, labels=None, r=lambda z: softmax(z), parts=_softmax_cross_entropy_in_parts,
                           z=lambda g, r, labels: -g[..., None] * (one_hot(labels, r.shape[-1]) - r))
# Its mean over the examples, (1/T) sum_t l(f(x_t), y_t): one op, since a mean of its own cost a tenth of a small step.
mean_cross_entropy    = Op(_mean_cross_entropy, labels=None, r=lambda z: softmax(z), parts=_mean_cross_entropy_in_parts,
                           z=lambda g, r, labels: -(g * (r.shape[-1] / r.size)) * (one_hot(labels, r.shape[-1]) - r))
# fmt: on
