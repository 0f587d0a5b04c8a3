"""Floor 2: from one row of the derivative table to the Python that runs it.

For an op with inputs a and b three things are written, once, on first use:

- `call(a, b)` runs the forward function on the values and, where an input was recorded, records a node;
- `node_class`, a subclass of Node with a slot for each input that can want a gradient and each saved value;
- its `bprop(node, g, send, memory, useful)`, which computes the formulas and sends each gradient on.

Looking up at each call what a formula's parameter names mean would cost two to three times as much. An operator and a
formula of mere arithmetic stand in the text as they are, which saves a tenth of the time of an op on scalars.
"""

from __future__ import annotations

import operator
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from .node import FlatNode, Node, clock, is_recording, is_tracing
from .runtime import PLAIN, as_value, constant, failure, frozen, off_the_graph, refuse_out, shape_of
from .several import Outputs
from .symbol import written_out
from .tensor import Tensor, own

if TYPE_CHECKING:
    from .op import Op

REQUIRED = object()  # the default of a static that has none


def generate(op: Op) -> None:
    """Give `op` its `call`, `node_class` and `source`."""
    slots = [f"input_{i}" for i in _live(op)] + [f"saved_{n}" for n in op.saves] + ["statics"] * bool(op.statics)
    # staticmethod: an Op is a descriptor, and `node.op` is to be the Op itself, not a method of the node.
    node_class = type(f"{op.name}_node", (Node,), {"__slots__": tuple(slots), "op": staticmethod(op)})
    sources = [_call_source(op), _inputs_source(op), *([] if op.flat else [_bprop_source(op)])]
    op.source = "\n\n".join(sources)
    scope: dict[str, Any] = {
        **{f"{name}_formula": formula for name, formula in op.named_formulas()},
        **{f"{name}_into": function for name, function in op.into.items()},
        **{f"{name}_out": function for name, function in op.out.items()},
        **{f"{name}_change": function for name, function in op.change.items()},
        **{f"{name}_default": value for name, value in {**op.defaults, **_more(op)}.items()},
        **{
            "op": op,
            "fprop": op.run,
            "write": op.in_place,
            "beyond": op.beyond,
            "node_class": node_class,
            "float64": np.float64,
            "FLOAT64": np.dtype(np.float64),
            "complex128": np.complex128,
            "FlatNode": FlatNode,
            "is_tracing": is_tracing,
        },
        **{"Tensor": Tensor, "new_tensor": Tensor.__new__, "is_recording": is_recording, "clock": clock},
        **{
            "PLAIN": PLAIN,
            "constant": constant,
            "as_value": as_value,
            "ndarray": np.ndarray,
            "generic": np.generic,
            "shape_of": shape_of,
            "frozen": frozen,
            "Outputs": Outputs,
            "own": own,
        },
        **{"off_the_graph": off_the_graph, "failure": failure, "refuse_out": refuse_out},
    }
    exec(compile(op.source, f"<autograd_lite op {op.name}>", "exec"), scope)
    op.call = scope["call"]
    op.call.__name__ = op.call.__qualname__ = op.name
    op.node_class = node_class
    node_class.inputs = property(scope["inputs"], doc=Node.inputs.__doc__)  # type: ignore[attr-defined]
    if not op.flat:
        node_class.bprop = scope["bprop"]  # type: ignore[attr-defined]


def _live(op: Op) -> list[str]:
    """Inputs that have a gradient, `*xs` included."""
    variadic_lives = op.variadic is not None and (op.bprop is not None or op.formulas[op.variadic] is not None)
    return [*op.live_inputs, op.variadic] if variadic_lives and op.variadic else op.live_inputs


def _more(op: Op) -> dict[str, Any]:
    """The keyword arguments that only `beyond` takes, with their defaults."""
    theirs = getattr(op.beyond, "__kwdefaults__", None) or {}
    return {name: value for name, value in theirs.items() if name not in op.defaults}


def _call_source(op: Op) -> str:
    lines = [f"def call({_parameter_list(op)}):"]
    if more := _more(op):
        given = " or ".join(f"{n} is not {n}_default" for n in more)
        arguments = ", ".join([*op.inputs, *(f"{n}={n}" for n in [*op.statics, *more])])
        lines.append(f"    if {given}: return beyond({arguments})")
    if "out" in op.defaults:
        lines.append("    if out is not None: refuse_out(op)")
    for n in op.inputs:
        lines += [
            f"    if type({n}) is Tensor: {n}_data = {n}._data; {n}_node = {n}.node",
            f"    else: {n}_data = {n} if type({n}) in PLAIN else constant(op, {n}); {n}_node = None",
        ]
    datas, nodes = [f"{n}_data" for n in op.inputs], [f"{n}_node" for n in op.inputs]
    unrecorded = [f"{n}_node is None" for n in op.inputs]
    tensors = [f"type({n}) is Tensor" for n in op.inputs]
    if v := op.variadic:
        lines += [
            f"    if not {v}: {v}_data = {v}_nodes = (); {v}_recorded = False",
            "    else:",
            f"        {v}_data = tuple([x._data if type(x) is Tensor else x if type(x) in PLAIN else constant(op, x)"
            f" for x in {v}])",
            f"        {v}_nodes = [x.node if type(x) is Tensor else None for x in {v}]",
            f"        {v}_recorded = any([node is not None for node in {v}_nodes])",
        ]
        datas.append(f"*{v}_data")
        nodes.append(f"*{v}_nodes")
        unrecorded.append(f"not {v}_recorded")
        tensors.append(f"any([type(x) is Tensor for x in {v}])")
    if op.statics:
        statics = " ".join(f"{s}," for s in op.statics)
        lines.append(f"    statics = ({statics})")
        if set(op.statics) - set(op.hashed):
            lines += ["    try: hash(statics)", f"    except TypeError: {statics} = statics = frozen(op, statics)"]
    if op.several:
        convert = ["    y = Outputs(type(y), map(as_value, y))"]
    else:
        value = "type(y) is ndarray and y.ndim or isinstance(y, generic)"
        convert = [] if op.is_ufunc else [f"    if not ({value}): y = as_value(y)"]
    lines += [
        *([f"    for trace in is_tracing(): trace.happens(({', '.join(datas)},))"] if op.effect else []),
        f"    try: y = {_run(op, datas)}",
        "    except Exception as error:",
        f"        raise failure(op, error, ({', '.join(datas)},), ({', '.join(nodes)},)) from error",
        *(["    y, r = y"] if op.residual else []),
        *convert,
        f"    if {' and '.join([*unrecorded, *['not is_tracing()'] * (op.effect is not None)])}:",
        *[f"        {line}" for line in _python_complex(op)],
        f"        if not ({' or '.join(tensors)}): return {'y.filled_in(y)' if op.several else 'y'}",
        "        node = None",
        "    elif not is_recording():",
        *([f"        y = off_the_graph(y, ({', '.join(datas)},))"] if op.view else []),
        f"        node = {_flat(op)} if is_tracing() else None",
        *_record_lines(op),
        *(["    for trace in is_tracing(): trace.happened(node)"] if op.effect else []),
        "    tensor = new_tensor(Tensor); tensor._data = y; tensor.node = node",
        f"    return {'op.unpack(tensor)' if op.several else 'tensor'}",
    ]
    return "\n".join(lines)


def _run(op: Op, datas: list[str]) -> str:
    """The op on its inputs' values; where it is run by an operator of Python's, written as one."""
    if getattr(op.run, "__module__", None) == operator.neg.__module__ and op.symbol and not op.symbol.isalpha():
        return f" {op.symbol} ".join(datas) if len(datas) > 1 else f"{op.symbol}{datas[0]}"
    arguments = ", ".join([*datas, *(f"{s}={s}" for s in op.statics)])
    return f"(write if in_place else fprop)({arguments})" if op.in_place else f"fprop({arguments})"


def _python_complex(op: Op) -> list[str]:
    """1j * np.float64(2) is a complex of Python's: an operator run in a ufunc's place has to say NumPy's."""
    return ["if type(y) is complex: y = complex128(y)"] if op.is_ufunc and op.run is not op.fprop else []


def _parameter_list(op: Op) -> str:
    statics = [s if default is REQUIRED else f"{s}={s}_default" for s, default in op.defaults.items()]
    more = [f"{s}={s}_default" for s in _more(op)] + ["in_place=False"] * (op.in_place is not None)
    return ", ".join([*op.inputs, *([f"*{op.variadic}"] if op.variadic else []), *statics, *more])


def _recorded_inputs(op: Op) -> list[str]:
    """Each input's node, or where it has none its value."""
    inputs = [f"{n}_data if {n}_node is None else {n}_node" for n in op.inputs]
    if v := op.variadic:
        inputs.append(f"*[d if n is None else n for d, n in zip({v}_data, {v}_nodes)]")
    return inputs


def _flat(op: Op) -> str:
    """A node that no gradient passes through."""
    saved = [n if n in ("y", "r") else f"{n}_data" for n in op.saves]
    statics = "statics" if op.statics else "()"
    return f"FlatNode(op, ({', '.join(_recorded_inputs(op))},), {statics}, ({''.join(f'{s}, ' for s in saved)}), y)"


def _record_lines(op: Op) -> list[str]:
    """Make the node of a call whose inputs were recorded."""
    inputs, flat = _recorded_inputs(op), f"node = {_flat(op)}"
    live = _live(op)
    if not live:
        return [f"    else: {flat}"]
    lines = ["    else:"]
    for n in live:
        if n == op.variadic:
            lines.append(f"        {n}_live = [None if type(n) is FlatNode else n for n in {n}_nodes]")
        else:
            lines.append(f"        {n}_live = None if type({n}_node) is FlatNode else {n}_node")
    nothing = [f"not any({n}_live)" if n == op.variadic else f"{n}_live is None" for n in live]
    python_complex = _python_complex(op)
    lines += [
        f"        if {' and '.join(nothing)}: {flat}",
        "        else:",
        "            node = node_class(); node.order = next(clock)",
        "            if type(y) is float64: node.shape = (); node.dtype = FLOAT64",
        "            else:",
        *[f"                {line}" for line in python_complex],
        "                node.shape = y.shape; node.dtype = y.dtype",
        "            " + "; ".join(f"node.input_{n} = {n}_live" for n in live),
        f"            node.rest = {_rest(op, live, inputs)}",
    ]
    if op.saves:
        lines.append("            " + "; ".join(f"node.saved_{n} = {_saved(op, n)}" for n in op.saves))
    if op.statics:
        lines.append("            node.statics = statics")
    return lines


def _rest(op: Op, live: list[str], inputs: list[str]) -> str:
    """The inputs that want no gradient, in order, as one tuple."""
    named = [*zip(op.inputs, inputs, strict=False)]
    parts = [f"(({i},) if {n}_live is None else ())" if n in live else f"({i},)" for n, i in named]
    if v := op.variadic:
        dead = f" for live, x in zip({v}_live, [{inputs[-1]}]) if live is None" if v in live else ""
        parts.append(f"tuple([x{dead}])" if dead else f"(({inputs[-1]},) if {v} else ())")
    if live == [*op.all_inputs] and not op.variadic:  # most nodes have nothing here
        some = " or ".join(f"{n}_live is None" for n in live)
        return f"{' + '.join(parts)} if {some} else ()" if len(live) > 1 else "()"
    return " + ".join(parts)


def _saved(op: Op, name: str) -> str:
    if name in ("y", "r"):
        return name
    users = op.savers(name)
    if users is None:
        return f"{name}_data"
    return f"None if {' and '.join(f'{user}_live is None' for user in users)} else {name}_data"


def _inputs_source(op: Op) -> str:
    """The inputs of a node, in order: what its slots hold, and where one is empty the next of `rest`."""
    live, dead, lines = _live(op), 0, ["def inputs(node):"]
    if op.variadic not in live:  # no slot is empty in most nodes
        full = []
        for n in op.inputs:
            full.append(f"node.input_{n}" if n in live else f"node.rest[{dead}]")
            dead += n not in live
        full += [f"*node.rest[{dead}:]"] if op.variadic else []
        filled = " and ".join(f"node.input_{n} is not None" for n in live) or "True"
        lines.append(f"    if {filled}: return ({', '.join(full)},)")
    lines.append("    rest, inputs = iter(node.rest), []")
    for n in op.inputs:
        i = f"node.input_{n}"
        lines.append(f"    inputs.append({f'next(rest) if {i} is None else {i}' if n in live else 'next(rest)'})")
    if op.variadic in live:
        lines.append(f"    inputs += [next(rest) if i is None else i for i in node.input_{op.variadic}]")
    return "\n".join([*lines, "    return (*inputs, *rest)"])


def _bprop_source(op: Op) -> str:
    """`send(i, gradient)` adds to the gradient of input i. `memory` knows the arrays that gradients add up in
    (backprop.py), and is None where the walk is recorded. `useful` is the set of nodes whose gradient is asked for,
    None if all are."""
    lines = ["def bprop(node, g, send, memory=None, useful=None):"]
    if op.several:
        lines.append("    g = g.with_zeros()")
    used = {n for _, formula in op.named_formulas() for n in parameters(formula)}
    if used & set(op.statics):
        lines.append(f"    {' '.join(f'{s},' for s in op.statics)} = node.statics")
    for k, name in enumerate(op.inputs):
        if f"{name}_shape" in used:
            live = f"node.input_{name}.shape if node.input_{name} else " if name in op.live_inputs else ""
            lines.append(f"    {name}_shape = {live}shape_of(node.inputs[{k}])")
    if f"{op.variadic}_shape" in used:
        lines.append(f"    {op.variadic}_shape = tuple(map(shape_of, {_all_of_variadic(op)}))")
    if op.bprop:
        slots = [f"*node.input_{n}" if n == op.variadic else f"node.input_{n}" for n in _live(op)]
        lines += [
            f"    gradients = bprop_formula({', '.join(_arguments(op, op.bprop))})",
            f"    for i, d in zip(({', '.join(slots)},), gradients):",
            "        if i is not None and d is not None and (useful is None or i in useful): send(i, d)",
        ]
        return "\n".join(lines)
    for name in sorted(_live(op), key=op.change.__contains__):  # what changes g comes last
        gradient = _gradient(op, name)
        lines.append(f"    i = node.input_{name}")
        wanted = "if i is not None and (useful is None or i in useful):"
        if name in op.into:
            add = f"{name}_into(memory.buffer(i), {', '.join(_arguments(op, op.into[name], skip=1))})"
            lines += _unless(wanted, "memory is None", gradient, add)
        elif name in op.out:
            write = f"{name}_out(place, {', '.join(_arguments(op, op.out[name], skip=1))})"
            lines += [
                f"    {wanted}",
                "        place = memory and memory.place(i)",
                f"        send(i, {gradient} if place is None else {write})",
            ]
        elif name in op.change:
            changed = f"{name}_change(memory.own(node, g), {', '.join(_arguments(op, op.change[name], skip=1))})"
            lines += _unless(wanted, "memory is None or not g.ndim", gradient, f"memory.hand_on(i, {changed})")
        elif op.change:  # g is changed afterwards, so that no gradient may be a view of it
            lines += [f"    {wanted}", f"        d = {gradient}", "        send(i, own(d) if memory else d)"]
        else:
            lines.append(f"    {wanted} send(i, {gradient})")
    return "\n".join(lines)


def _gradient(op: Op, name: str) -> str:
    """The formula for input `name`: written out where it is mere arithmetic, which saves a call, else called."""
    arguments = _arguments(op, op.formulas[name])
    return written_out(op.formulas[name], arguments) or f"{name}_formula({', '.join(arguments)})"


def _unless(wanted: str, plainly: str, gradient: str, better: str) -> list[str]:
    """Send the formula's gradient where `plainly` holds, else do what is cheaper."""
    return [f"    {wanted}", f"        if {plainly}: send(i, {gradient})", f"        else: {better}"]


def _all_of_variadic(op: Op) -> str:
    inputs, v = f"node.inputs[{len(op.inputs)}:]", op.variadic
    return f"{inputs} if None in node.input_{v} else node.input_{v}" if v in _live(op) else inputs


def _arguments(op: Op, formula: Any, skip: int = 0) -> list[str]:
    return [f"node.saved_{n}" if n in op.saves else n for n in parameters(formula)[skip:]]


def parameters(formula: Any) -> tuple[str, ...]:
    """The names of a formula's parameters."""
    code = formula.__code__ if isinstance(formula, types.FunctionType) else formula.fprop.__code__
    return tuple(code.co_varnames[: code.co_argcount])
