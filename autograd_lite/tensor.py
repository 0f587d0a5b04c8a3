"""Floor 1: the Tensor, a handle on a value and on the node that computed it.

What a Tensor can do is declared here with its types. The operators and NumPy-named methods get their
meaning from the derivative table, in protocol.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, final

import numpy as np

from .errors import ArgumentError, LeakError, NotDifferentiableError, ShapeError
from .leaf import deposit, forget_gradient, set_leaf
from .node import Leaf, Node, is_tracing, mark_rebuilt, mark_replaced, traces_of


@final
class Tensor:
    """An array with a memory of where it came from.

    `data` is a NumPy array (0-d values are NumPy scalars), `node` the recorded node that computed it, a Leaf
    if it is an input that wants a gradient, or None if it is a constant. `data` given by the caller is copied.

    >>> import autograd_lite as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("_data", "_name", "node")  # _name is set only where the caller gave one

    _data: Any
    _name: str
    node: Node | None

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None, dtype: Any = None):
        self._data = owned_copy(data, dtype)
        self.node = Leaf(_differentiable(self._data), name) if requires_grad else None
        if name is not None:
            self._name = name

    # -- what it is --------------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The value, as a NumPy array or scalar, without its history.

        Setting it on a leaf writes into the leaf's own memory and counts as a change: a graph recorded before
        can no longer be walked backwards. Writing *into* the array (`t.data[0] = 1`) goes unnoticed; under
        `no_grad`, `t[0] = 1` does not.
        """
        self._refuse_if_many("t.data")
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(self.node, Leaf):
            set_leaf(self.node, self, value)
        elif self.node is None:
            if isinstance(self._data, np.ndarray):
                mark_replaced(self._data)
            self._data = owned_copy(value, None)
        else:
            raise ArgumentError(f"data: {self.node.op.name} computed this Tensor; make a new one instead")

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self._data.size  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        return self._data.nbytes  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        return self._data.itemsize  # type: ignore[no-any-return]

    @property
    def flat(self) -> Tensor:
        """All entries in one axis, in C order; to assign into them use t[...]."""
        return self.ravel()

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype  # type: ignore[no-any-return]

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient can flow through this Tensor to a leaf. Settable on constants and leaves."""
        return self.node is not None and self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.node is None:
            if wanted:
                self._data = owned_copy(self._data, None)
                self.node = Leaf(_differentiable(self._data), self.name)
                mark_rebuilt()
        elif not isinstance(self.node, Leaf):
            raise ArgumentError(f"requires_grad: computed by {self.node.op.name}; use t.detach()")
        elif not wanted:
            self.node = None
            mark_rebuilt()

    @property
    def is_leaf(self) -> bool:
        """Whether no op computed this Tensor (a leaf in the graph, or a constant)."""
        return self.node is None or isinstance(self.node, Leaf)

    @property
    def name(self) -> str | None:
        """The name the caller gave; that of a leaf is shown in pictures and errors."""
        return self.node.name if isinstance(self.node, Leaf) else getattr(self, "_name", None)

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        if isinstance(self.node, Leaf):
            self.node.name = name

    @property
    def grad(self) -> Any:
        """The gradient that `backward` left on this leaf, or on a Tensor with `retain_grad()`; None before."""
        if isinstance(self.node, Leaf) and (traces := is_tracing()):
            return traces[-1].gradient(self.node)
        return None if self.node is None else self.node.grad

    @grad.setter
    def grad(self, gradient: Any) -> None:
        if not isinstance(self.node, Leaf):
            raise ArgumentError("grad: only a leaf has one")
        self.zero_grad()
        if gradient is not None:
            if np.shape(gradient) != self.shape:
                raise ShapeError(f"grad: shape {np.shape(gradient)} for a leaf of shape {self.shape}")
            if traces := is_tracing():
                traces[-1].deposit(self.node, gradient)
                return
            deposit(self.node, np.asarray(gradient, self.dtype)[()])

    def zero_grad(self) -> None:
        """Forget the gradient accumulated so far."""
        if isinstance(self.node, Leaf):
            forget_gradient(self.node)

    # -- leaving the graph -------------------------------------------------------------------------------

    def detach(self) -> Tensor:
        """The same value as a constant. What is, or is a view of, a leaf's memory is copied, so that a later
        change of the leaf cannot reach a graph that took this constant in."""
        if self.node is None:
            return constant_tensor(self._data)
        if is_tracing() and (traces := traces_of(self.node)):
            return traces[-1].detached(self)  # type: ignore[no-any-return]
        return constant_tensor(self._data.copy() if isinstance(self.node, Leaf) else own(self._data))

    def item(self, *index: Any) -> Any:
        """The value of a one-element Tensor, or of the entry at `index`, as a Python number."""
        self._refuse_if_many("t.item()")
        if index:
            return self._data.item(*index)
        if self._data.size != 1:
            raise ShapeError(f"item: a Tensor of shape {self.shape} is not one number")
        return self._data.item()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The value as a NumPy array of the caller's own, without history: `np.asarray` said out loud."""
        self._refuse_if_many("t.numpy()")
        return np.array(self._data)

    def tolist(self) -> Any:
        """The value as nested Python lists."""
        self._refuse_if_many("t.tolist()")
        return self._data.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        self._refuse_to_leak("np.asarray(t)", "t.detach() or t.numpy() for its value, ag.zeros for a buffer")
        return np.array(self._data, dtype=dtype) if copy is not False else np.asarray(self._data, dtype=dtype)

    def __float__(self) -> float:
        self._refuse_to_leak("float(t), or t written into a NumPy array,", "t.item(), or a buffer from ag.zeros")
        return float(self.item())

    def __int__(self) -> int:
        self._refuse_to_leak("int(t)", "int(t.item())")
        return int(self.item())

    def __complex__(self) -> complex:
        self._refuse_to_leak("complex(t)", "t.item()")
        return complex(self.item())

    def __index__(self) -> int:
        self._refuse_to_leak("using t as an index", "t.item(), or index with the Tensor itself")
        return self._data.__index__()  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        self._refuse_if_many("`if t:`, or bool(t),")
        return bool(self._data)

    def _refuse_if_many(self, how: str) -> None:
        if self.node is not None and is_tracing() and (traces := traces_of(self.node)):
            raise LeakError(traces[-1].advice(how))

    def _refuse_to_leak(self, how: str, instead: str) -> None:
        self._refuse_if_many(how)
        if self.node is not None:
            raise LeakError(f"{how} would drop the history of a recorded Tensor of shape {self.shape}; write {instead}")

    # -- a container -------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if not self.ndim:
            raise ArgumentError("len() of a 0-d Tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        self._refuse_if_many("`in t`")
        return bool(np.any(self._data == (value._data if isinstance(value, Tensor) else value)))

    __hash__ = object.__hash__  # a handle is one thing, although == compares values

    def __repr__(self) -> str:
        value = np.array2string(np.asarray(self._data), separator=", ", prefix="Tensor(")
        return f"Tensor({value}{self._repr_tail()})"

    def _repr_tail(self) -> str:
        parts = [] if self.dtype in (float, int, bool) else [f"dtype={self.dtype}"]
        if isinstance(self.node, Leaf):
            parts += ["requires_grad=True"] + ([f"name={self.node.name!r}"] if self.node.name else [])
        elif self.node is not None:
            parts.append(f"op={self.node.op.name}")
        return "".join(f", {part}" for part in parts)

    def __format__(self, spec: str) -> str:
        if spec and self.ndim:
            raise ArgumentError(f"a Tensor of shape {self.shape} cannot be formatted by {spec!r}; format its entries")
        return format(self.item(), spec) if spec else str(self)

    def __copy__(self) -> Tensor:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        function, arguments = self.__reduce__()
        copy: Tensor = function(*arguments)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise ArgumentError(
                f"a Tensor computed by {self.node.op.name} cannot be copied or pickled with its"  # type: ignore[union-attr]
                " history; copy t.detach()"
            )
        return Tensor, (self._data, self.node is not None, self.name)

    if TYPE_CHECKING:  # bound to the derivative table in protocol.py, and to the reverse walk in backprop.py

        def backward(self, gradient: Any = None) -> None: ...

        T: Tensor
        mT: Tensor
        real: Tensor
        imag: Tensor

        def __add__(self, other: Any, /) -> Tensor: ...
        def __radd__(self, other: Any, /) -> Tensor: ...
        def __sub__(self, other: Any, /) -> Tensor: ...
        def __rsub__(self, other: Any, /) -> Tensor: ...
        def __mul__(self, other: Any, /) -> Tensor: ...
        def __rmul__(self, other: Any, /) -> Tensor: ...
        def __truediv__(self, other: Any, /) -> Tensor: ...
        def __rtruediv__(self, other: Any, /) -> Tensor: ...
        def __floordiv__(self, other: Any, /) -> Tensor: ...
        def __rfloordiv__(self, other: Any, /) -> Tensor: ...
        def __mod__(self, other: Any, /) -> Tensor: ...
        def __rmod__(self, other: Any, /) -> Tensor: ...
        def __pow__(self, other: Any, /) -> Tensor: ...
        def __rpow__(self, other: Any, /) -> Tensor: ...
        def __matmul__(self, other: Any, /) -> Tensor: ...
        def __rmatmul__(self, other: Any, /) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __and__(self, other: Any, /) -> Tensor: ...
        def __or__(self, other: Any, /) -> Tensor: ...
        def __eq__(self, other: Any, /) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any, /) -> Tensor: ...  # type: ignore[override]
        def __lt__(self, other: Any, /) -> Tensor: ...
        def __le__(self, other: Any, /) -> Tensor: ...
        def __gt__(self, other: Any, /) -> Tensor: ...
        def __ge__(self, other: Any, /) -> Tensor: ...
        def __getitem__(self, index: Any, /) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any, /) -> None: ...

        def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Tensor: ...
        def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Tensor: ...
        def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Tensor: ...
        def max(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tensor: ...
        def min(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tensor: ...
        def var(
            self,
            axis: Any = None,
            dtype: Any = None,
            out: Any = None,
            ddof: float = 0,
            keepdims: bool = False,
        ) -> Tensor: ...
        def std(
            self,
            axis: Any = None,
            dtype: Any = None,
            out: Any = None,
            ddof: float = 0,
            keepdims: bool = False,
        ) -> Tensor: ...
        def cumsum(self, axis: int | None = None, dtype: Any = None, out: Any = None) -> Tensor: ...
        def argmax(self, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Tensor: ...
        def argmin(self, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Tensor: ...
        def all(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tensor: ...
        def any(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tensor: ...
        def reshape(self, *shape: Any) -> Tensor: ...
        def transpose(self, *axes: Any) -> Tensor: ...
        def swapaxes(self, axis1: int, axis2: int) -> Tensor: ...
        def squeeze(self, axis: Any = None) -> Tensor: ...
        def ravel(self) -> Tensor: ...
        def flatten(self) -> Tensor: ...
        def astype(
            self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
        ) -> Tensor: ...
        def copy(self) -> Tensor: ...
        def clip(self, min: Any = None, max: Any = None) -> Tensor: ...
        def dot(self, b: Any) -> Tensor: ...
        def conj(self) -> Tensor: ...


def constant_tensor(value: Any) -> Tensor:
    """A Tensor without history on `value` itself: nothing is copied or checked."""
    tensor = Tensor.__new__(Tensor)
    tensor._data = value
    tensor.node = None
    return tensor


def owned_copy(data: Any, dtype: Any) -> Any:
    """`data` as a numeric array in memory of its own, or as a NumPy scalar if it is 0-d."""
    if isinstance(data, np.ma.MaskedArray):
        raise ArgumentError("tensor: masked arrays have no gradient here; fill it first: data.filled(0.0)")
    array = np.array(data, dtype=dtype)  # recorded Tensors inside refuse with their own advice
    if array.dtype.kind not in "biufc":
        raise ArgumentError(f"tensor: data of dtype {array.dtype}; numbers are needed")
    return array if array.ndim else array[()]


def own(data: Any) -> Any:
    """`data`, or a copy of it where it may be a view into memory that somebody else can change."""
    return data if isinstance(data, np.generic) or data.base is None else data.copy()


def _differentiable(data: Any) -> Any:
    if data.dtype.kind in "fc":
        return data
    raise NotDifferentiableError(
        f"requires_grad: data of dtype {data.dtype}, shape {data.shape}, cannot be differentiated;"
        " convert it to float: ag.tensor(x, dtype=float, requires_grad=True)"
    )
