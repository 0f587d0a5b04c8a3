"""Floor 6: the single checks that `ag.testing.check_op` makes of one row; each raises an AssertionError.

A check is called with the op, its inputs as NumPy values, its statics, and a random generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .batch import vmap
from .check import check_grads
from .errors import GradientError
from .finite_differences import plain, random_like
from .node import FlatNode, Leaf, topological_order
from .op import Op
from .protocol import tensor
from .sparsity import Dependence
from .tensor import Tensor
from .transforms import jvp, vjp
from .tree import leaves


def require(holds: bool, text: str) -> None:
    """An assertion that `python -O` keeps."""
    if not holds:
        raise GradientError(text)


def differentiable(op: Op, inputs: Sequence[Any]) -> list[int]:
    """Which inputs can want a gradient."""
    flat = {i for i, f in op.formulas.items() if f is None}
    pairs = zip(names_of(op, inputs), inputs, strict=True)
    return [k for k, (n, x) in enumerate(pairs) if n not in flat and x.dtype.kind in "fc"]


def names_of(op: Op, inputs: Sequence[Any]) -> list[Any]:
    return [*op.inputs, *[op.variadic] * (len(inputs) - len(op.inputs))]


def recorded(inputs: Sequence[Any], live: Sequence[int]) -> list[Any]:
    return [tensor(x, requires_grad=True) if k in live else x for k, x in enumerate(inputs)]


def of_live_inputs(op: Op, inputs: Sequence[Any], live: Sequence[int], statics: dict[str, Any]) -> Callable[..., Any]:
    """The op as a function of its `live` inputs alone, the others as they are."""

    def f(*moving: Any) -> Any:
        full = list(inputs)
        for position, x in zip(live, moving, strict=True):
            full[position] = x
        return op(*full, **statics)

    return f


def cotangent(y: Any) -> Any:
    return random_like(y, np.random.default_rng(0))


def run_back(op: Op, tensors: Sequence[Any], live: Sequence[int], statics: dict[str, Any]) -> tuple[list[Any], Any]:
    """The outputs of the op, and the gradients by its live inputs under a fixed random cotangent."""
    y = op(*tensors, **statics)
    outputs = [t for t in leaves(y) if isinstance(t, Tensor)]
    wanting = [t for t in outputs if t.requires_grad]
    require(bool(wanting), "no output wants a gradient though inputs do")
    if len(wanting) == 1:
        wanting[0].backward(cotangent(wanting[0]))
    else:
        total: Any = sum((t * cotangent(t)).sum().real for t in wanting)
        total.backward()
    return outputs, [tensors[k].grad for k in live]


def check_value(
    op: Op,
    inputs: list[Any],
    statics: dict[str, Any],
    rng: np.random.Generator,
    reference: Callable[..., Any] | None = None,
) -> None:
    """The value is the reference's in shape, dtype and digits, whether or not it is recorded."""
    outputs = list(leaves(op(*inputs, **statics)))
    again = list(leaves(op(*recorded(inputs, differentiable(op, inputs)), **statics)))
    for a, b in zip(outputs, again, strict=True):
        np.testing.assert_array_equal(plain(b), a, "recorded inputs give another value")
        require(np.ndim(a) > 0 or isinstance(a, np.generic), "0-d values are NumPy scalars")
    wanted = list(leaves(reference(*inputs, **statics))) if reference else outputs
    for y, right in zip(outputs, wanted, strict=True):
        require(y.dtype == np.asarray(right).dtype, f"dtype {y.dtype}, the reference's is {np.asarray(right).dtype}")
        require(y.shape == np.shape(right), f"shape {y.shape}, the reference's is {np.shape(right)}")
        np.testing.assert_allclose(y, right, rtol=1e-13, atol=1e-14)


def check_gradients(
    op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator, order: int = 2
) -> None:
    """Central differences along a random direction."""
    live = differentiable(op, inputs)
    check_grads(of_live_inputs(op, inputs, live, statics), *[inputs[k] for k in live], order=order, rng=rng)


def check_modes(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """<v, J u> = <J' v, u>, and once more for the derivative along u."""
    live = differentiable(op, inputs)
    f, xs = of_live_inputs(op, inputs, live, statics), [inputs[i] for i in live]
    us = [random_like(x, rng) for x in xs]
    for h in (f, lambda *xs: jvp(f, xs, us)[1]):
        ys, tangents = jvp(h, xs, us)
        for y, tangent in zip(leaves(ys), leaves(tangents), strict=True):
            require(tangent.shape == y.shape, f"a tangent of shape {tangent.shape} for a value of shape {y.shape}")
            require(tangent.dtype == y.dtype, f"a tangent of dtype {tangent.dtype} for a value of dtype {y.dtype}")
        y, pullback = vjp(h, *xs)
        vs = [random_like(np.asarray(part), rng) for part in leaves(y)]
        gradients = pullback(type(y)(vs) if isinstance(y, (list, tuple)) else vs[0])
        forward = sum(np.sum((v * t).real) for v, t in zip(vs, leaves(tangents), strict=True))
        reverse = sum(np.sum((u * g).real) for u, g in zip(us, gradients, strict=True))
        np.testing.assert_allclose(forward, reverse, rtol=1e-9, atol=1e-9, err_msg="forward and reverse mode")


def check_recording(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """A gradient has its input's shape and dtype and memory of its own; views are declared."""
    live = differentiable(op, inputs)
    tensors = recorded(inputs, live)
    outputs, gradients = run_back(op, tensors, live, statics)
    for y in outputs:
        own = op.several or isinstance(y.node, FlatNode) or (y.node is not None and y.node.op is op)
        require(own, "the output is not recorded as this op's")
        for k in live:
            if tensors[k].ndim and np.shares_memory(y.data, tensors[k].data):
                require(op.view, "the output shares memory with an input; write view=True")
    for k, g in zip(live, gradients, strict=True):
        name, x = names_of(op, inputs)[k], inputs[k]
        require(g is not None, f"no gradient by {name}")
        require(g.shape == x.shape, f"the gradient by {name} has shape {g.shape}, not {x.shape}")
        require(g.dtype == x.dtype, f"the gradient by {name} has dtype {g.dtype}, not {x.dtype}")
        require(g.ndim == 0 or (g.flags.writeable and g.base is None), f"the gradient by {name} is a view")


def check_each_alone(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """The gradient by one input does not depend on whether the others want one."""
    live = differentiable(op, inputs)
    _, together = run_back(op, recorded(inputs, live), live, statics)
    for k, wanted in zip(live, together, strict=True):
        _, alone = run_back(op, recorded(inputs, [k]), [k], statics)
        np.testing.assert_array_equal(alone[0], wanted, f"the gradient by {names_of(op, inputs)[k]} alone")


def check_float32(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """What is float32 stays float32: the value, what is saved, and what each formula gives."""
    single = {"f": np.float32, "c": np.complex64}
    inputs = [x.astype(single.get(x.dtype.kind, x.dtype)) for x in inputs]
    live, sent = differentiable(op, inputs), set()
    tensors = recorded(inputs, live)
    outputs, gradients = run_back(op, tensors, live, statics)
    wide = (np.float64, np.complex128)
    narrow = (np.float32, np.complex64)
    for y in outputs:
        require(y.dtype in narrow or y.dtype.kind not in "fc", f"the value of float32 inputs is {y.dtype}")
        if y.node is not None:
            for node in topological_order(y.node):
                require(node.dtype not in wide, f"a node of dtype {node.dtype} on the way")
                saved = [s for s in getattr(node, "saved", ()) if getattr(s, "dtype", None) in wide]
                require(not saved, f"{len(saved)} of the values saved for the formulas are float64")
    for k, g in zip(live, gradients, strict=True):
        require(g.dtype == inputs[k].dtype, f"a gradient of dtype {g.dtype}")
    # The formulas themselves stay in float32: nothing is cast back on the way.
    tensors = recorded(inputs, live)
    y = op(*tensors, **statics)
    if not op.several:
        last: Any = y.node
        last.bprop(cotangent(y), lambda i, g: sent.add(str(g.dtype)), None)
    leaked = sorted(sent - {"float32", "complex64"})
    require(not leaked, f"the formulas give gradients of dtype {leaked}")


def check_strides(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """Reversed and Fortran-ordered inputs give the values and gradients of their contiguous copies."""
    live = differentiable(op, inputs)

    def run(arrange: Callable[[Any], Any]) -> list[Any]:
        tensors = [tensor(0.0, requires_grad=True) if k in live else x for k, x in enumerate(inputs)]
        for k in live:  # past ag.tensor, which would copy into C order
            leaf = Leaf(arrange(inputs[k]) if inputs[k].ndim else inputs[k])
            tensors[k].node, tensors[k]._data = leaf, leaf.data
        outputs, gradients = run_back(op, tensors, live, statics)
        return [*[y.data for y in outputs], *gradients]

    def reverse_stored(x: Any) -> Any:
        return np.ascontiguousarray(x[::-1])[::-1]

    straight = run(lambda x: x)
    for arrange in (np.asfortranarray, reverse_stored):
        for a, b in zip(run(arrange), straight, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13, err_msg="depends on the memory layout")


def check_batch(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """vmap over one input, and over all that are differentiable, gives what a loop over the examples gives."""
    live = differentiable(op, inputs)
    if op.effect:
        return
    for moving in [[k] for k in live] + ([live] if len(live) > 1 else []):
        examples = [[(inputs[k] * (1 + 0.01 * n)).astype(inputs[k].dtype) for k in moving] for n in range(3)]
        f = of_live_inputs(op, inputs, moving, statics)
        batch = vmap(f)(*[np.stack(each) for each in zip(*examples, strict=True)])
        loop = zip(*[list(leaves(f(*xs))) for xs in examples], strict=True)
        for a, b in zip(leaves(batch), loop, strict=True):
            np.testing.assert_allclose(a, np.stack(b), rtol=1e-12, atol=1e-12, err_msg="vmap and a loop differ")


def check_linear(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """The op is jointly linear in the inputs that the row says."""
    joint = [k for k, name in enumerate(names_of(op, inputs)) if name in op.linear]
    if not joint:
        return
    v = [random_like(x, rng) if k in joint else x for k, x in enumerate(inputs)]
    mixed = [2 * a - 3 * b if k in joint else a for k, (a, b) in enumerate(zip(inputs, v, strict=True))]
    parts = [leaves(op(*xs, **statics)) for xs in (mixed, inputs, v)]
    for m, a, b in zip(*parts, strict=True):
        np.testing.assert_allclose(
            m, 2 * a - 3 * b, rtol=1e-12, atol=1e-12, err_msg=f"not linear in {', '.join(op.linear)}"
        )


def check_elementwise(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """Each entry of the output is what that entry of the inputs gives alone."""
    if not op.elementwise:
        return
    y = op(*inputs, **statics)
    shape = np.broadcast_shapes(*[np.shape(x) for x in inputs])
    require(y.shape == shape, f"an elementwise op of shape {y.shape} for inputs that broadcast to {shape}")
    wide = [np.broadcast_to(x, shape) for x in inputs]
    for index in [tuple(rng.integers(0, shape)) for _ in range(5)] if y.size else []:
        for alone in ([x[index] for x in wide], [np.array([x[index]] * 2) for x in wide]):
            one = np.ravel(op(*alone, **statics))
            np.testing.assert_allclose(one, y[index], rtol=1e-12, atol=1e-14, err_msg="an entry alone differs")


def check_reach(op: Op, inputs: list[Any], statics: dict[str, Any], rng: np.random.Generator) -> None:
    """Where an entry of the input changes, no entry of the output changes but those that are said to depend on it."""
    live = differentiable(op, inputs)
    tensors = recorded(inputs, live)
    y = op(*tensors, **statics)
    if op.several or op.effect or y.node is None or not y.size:
        return
    wanted = [tensors[k].node for k in live]
    known = Dependence(topological_order(y.node), wanted, [y.node], fewest=0)
    for k, node in zip(live, wanted, strict=True) if known.known else ():
        changed, depends = np.array(inputs[k]), np.zeros((y.size, node.data.size), bool)
        depends[known.pairs(node, y.node)] = True
        for entry in range(changed.size):
            before = changed.flat[entry]
            changed.flat[entry] = before * 1.01
            after = op(*[changed if i == k else x for i, x in enumerate(inputs)], **statics)
            changed.flat[entry] = before
            differs = np.ravel(after != y.data) & ~np.ravel(np.isnan(after) & np.isnan(y.data))
            require(not (differs & ~depends[:, entry]).any(), f"reach: entry {entry} of input {k} reaches more")


CHECKS: dict[str, Callable[..., None]] = {
    "value": check_value,
    "gradients": check_gradients,
    "recording": check_recording,
    "float32": check_float32,
    "modes": check_modes,
    "each alone": check_each_alone,
    "strides": check_strides,
    "vmap": check_batch,
    "linear": check_linear,
    "elementwise": check_elementwise,
    "reach": check_reach,
}
