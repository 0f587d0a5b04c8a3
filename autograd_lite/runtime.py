"""Floor 2: what the Python written from a row of the table calls: conversions, and errors that name the op."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .alignment import aligned
from .errors import ArgumentError, AutogradError, AxisError, IndexingError, ShapeError
from .node import Node, is_tracing
from .several import Outputs
from .tensor import Tensor, constant_tensor, own

if TYPE_CHECKING:
    from .op import Op

# Constants that need no conversion. Python numbers stay what they are: NumPy promotes them weakly.
PLAIN = frozenset(
    {float, int, complex, bool, type(None), np.ndarray} | {np.dtype(c).type for c in "?bhilqBHILQefdgFDG"}
)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a node, an array or a Python number."""
    return getattr(value, "shape", ())


def as_value(y: Any) -> Any:
    """What a forward function returned, 0-d arrays as NumPy scalars."""
    if isinstance(y, np.ndarray):
        return y if y.ndim else y[()]
    return y if isinstance(y, np.generic) else as_value(np.asarray(y))


def address(array: Any) -> int:
    """Where an array's first entry lies in memory."""
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def without_history(x: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return x._data if isinstance(x, Tensor) else x


def handle(value: Any, node: Any) -> Any:
    """A Tensor for a saved value and the node that it came from; a constant is one, or stands for what is captured."""
    if not isinstance(node, Node) or value is None:
        return captured(value)
    tensor = constant_tensor(value)
    tensor.node = node
    return tensor


def captured(value: Any) -> Any:
    """A constant, or what stands for it where a function is being traced."""
    for trace in is_tracing():
        value = trace.captured(value)
    return value


def even(value: Any, shape: tuple[int, ...]) -> Any:
    """An array with one NumPy scalar everywhere: np.broadcast_to's view, in an eighth of its time."""
    return np.ndarray(shape, value.dtype, value, 0, (0,) * len(shape))


def is_constant(array: Any) -> bool:
    """Whether nobody can write to an array, nor to what it is a view of."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return array is None or isinstance(array, (bytes, np.generic))


def off_the_graph(y: Any, inputs: tuple[Any, ...]) -> Any:
    """A view computed while nothing is recorded is copied, so that a later change of the leaf under it cannot
    reach other graphs; and locked, so that assigning into it is an error and not a lost write."""
    if isinstance(y, Outputs):
        return Outputs(y.form, [off_the_graph(part, inputs) for part in y])
    if own(y) is not y or (y.ndim and any(y is x for x in inputs)):
        y = y.copy()
        y.flags.writeable = False
    return y


def constant(op: Op, value: Any) -> Any:
    """An input that is not a Tensor, as something NumPy computes with like an array; a random generator as it is."""
    if type(value).__module__ == "numpy.random._generator":  # by name: importing numpy.random takes 10 ms
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise ArgumentError(f"{op.name}: masked arrays have no gradient here; fill it first: x.filled(0.0)")
    array = np.asarray(value)
    if array.dtype == object:
        raise ArgumentError(f"{op.name}: cannot compute with a {type(value).__name__}")
    return array if array.ndim else array[()]


def frozen(op: Op, statics: tuple[Any, ...]) -> tuple[Any, ...]:
    """Statics as hashable values: lists become tuples, arrays are refused."""
    return tuple(_freeze(op, name, value) for name, value in zip(op.statics, statics, strict=True))


def _freeze(op: Op, name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_freeze(op, name, item) for item in value)
    try:
        hash(value)
    except TypeError:
        raise ArgumentError(
            f"{op.name}: {name} is a static and cannot be a {type(value).__name__}; pass Python numbers or a tuple"
        ) from None
    return value


def refuse_out(op: Op) -> None:
    """Raise: results are never written into memory that the caller names."""
    raise ArgumentError(
        f"{op.name}: out= would overwrite memory that a recorded graph may still need; use the returned value"
    )


def _origin(i: Any) -> str:
    """Where an input comes from: an op, a leaf, or outside."""
    if not isinstance(i, Node):
        return "constant"
    return i.op.name if i.op else f"leaf {getattr(i, 'name', None) or ''}".strip()


def _with_inputs(error: Exception, op: Op, inputs: tuple[Any, ...], nodes: tuple[Any, ...]) -> Exception:
    """A ShapeError with what it is about; any other error as it is."""
    if isinstance(error, ShapeError) and error.op is None:
        error.op = op
        error.inputs = tuple([x if node is None else node for x, node in zip(inputs, nodes, strict=True)])
        if op.elementwise and len(inputs) > 1:
            error.add_note(aligned_inputs(error))
    return error


def aligned_inputs(error: ShapeError) -> str:
    """The shapes of the inputs of the op that failed, one below the other, with where they come from."""
    op, inputs = error.op, error.inputs
    names = [*op.inputs, *[str(op.variadic)] * (len(inputs) - len(op.inputs))]
    shapes = [x.shape if isinstance(x, Node) else np.shape(x) for x in inputs]
    return aligned([*zip(names, shapes, map(_origin, inputs), strict=True)], op.elementwise)


def failure(op: Op, error: Exception, inputs: tuple[Any, ...], nodes: tuple[Any, ...]) -> Exception:
    """`error` as one of ours that names the op and the shapes; others pass with a note. A ShapeError keeps the op and
    its inputs, for a picture, and notes the shapes one below the other."""
    if isinstance(error, AutogradError):
        return _with_inputs(error, op, inputs, nodes)
    shapes = [str(np.shape(x)) for x in inputs]
    binary = op.symbol is not None and len(shapes) == 2
    where = f"{op.name}: {f' {op.symbol} '.join(shapes) if binary else ', '.join(shapes)}"
    reason = (op.advice and op.advice(*map(np.shape, inputs))) or str(error)
    kinds: dict[type, type[Exception]] = {
        ValueError: ShapeError,
        IndexError: IndexingError,
        TypeError: ArgumentError,
        np.exceptions.AxisError: AxisError,
    }
    if type(error) in kinds:
        return _with_inputs(kinds[type(error)](f"{where}: {reason}"), op, inputs, nodes)
    error.add_note(f"in {where}")
    return error
