"""The entrance: Python that is written for one signature, and takes a call's arguments apart.

Comparing containers, shapes and dtypes by a general function costs as much as a small network's whole step; written
out, it is a line a container and a comparison an array. What does not fit is `ELSEWHERE`: another signature.

>>> import numpy as np, autograd_lite as ag
>>> f = ag.compile(lambda pair: pair[0] @ pair[1])
>>> y = f((np.ones((2, 3)), np.ones(3)))
>>> print(f.plan.entrance)
def enter(args):
    if len(args) != 1: return ELSEWHERE
    a0, = args
    if type(a0) is not tuple or len(a0) != 2: return ELSEWHERE
    a1, a2, = a0
    if type(a1) is not ndarray or a1.shape != (2, 3) or a1.dtype is not t0: return ELSEWHERE
    if type(a2) is not ndarray or a2.shape != (3,) or a2.dtype is not t0: return ELSEWHERE
    return run((a1, a2))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .signature import ARRAY, FLOAT, Fixed


class _Elsewhere:
    def __repr__(self) -> str:
        return "ELSEWHERE"


ELSEWHERE = _Elsewhere()


def entrance(form: Any, found: list[Any], run: Any, holds: Any = None) -> tuple[Callable[..., Any], str]:
    """A function of `args` that calls `run` with what `found` is here, if they have this form, the same shapes and
    dtypes, and `holds()`; and its text."""
    scope: dict[str, Any] = {"ndarray": np.ndarray, "ELSEWHERE": ELSEWHERE, "run": run, "holds": holds}
    lines: list[str] = []
    names: list[str] = []
    count = 0
    dtypes: dict[Any, str] = {}

    def named(x: Any) -> str:
        if x not in dtypes:
            dtypes[x] = name = f"t{len(dtypes)}"
            scope[name] = x
        return dtypes[x]

    places = iter(found)

    def check(name: str, form: Any) -> None:
        nonlocal count
        if form in (ARRAY, FLOAT):
            x = next(places)
            names.append(name)
            if form == FLOAT:
                test = f"type({name}) is not float"
            elif isinstance(x, np.ndarray):
                same = f"{name}.shape != {x.shape} or {name}.dtype is not {named(x.dtype)}"
                test = f"type({name}) is not ndarray or {same}"
            else:
                test = f"type({name}) is not {named(type(x))}"
            lines.append(f"    if {test}: return ELSEWHERE")
            return
        if isinstance(form, Fixed):
            scope[f"{name}_is"] = form.value
            other = f"repr({name}) != {form.text!r}" if form.text else f"{name} != {name}_is"
            differs = f"type({name}) is not {named(form.kind)} or ({name} is not {name}_is and {other})"
            lines.append(f"    if {differs}: return ELSEWHERE")
            return
        kind, parts = form[0], form[1:]
        if issubclass(kind, dict):
            scope[f"{name}_keys"] = form[1]
            lines.append(f"    if type({name}) is not {named(kind)} or tuple({name}) != {name}_keys: return ELSEWHERE")
            name, parts = f"{name}.values()", form[2:]
        elif name != "args":
            known = kind.__name__ if kind in (list, tuple) else named(kind)
            lines.append(f"    if type({name}) is not {known} or len({name}) != {len(parts)}: return ELSEWHERE")
        else:
            lines.append(f"    if len(args) != {len(parts)}: return ELSEWHERE")
        inner = [f"a{count + k}" for k in range(len(parts))]
        count += len(parts)
        if inner:
            lines.append(f"    {', '.join(inner)}, = {name}")
        for each, part in zip(inner, parts, strict=True):
            check(each, part)

    check("args", form)
    if holds is not None:
        lines.append("    if not holds(): return ELSEWHERE")
    given = ", ".join(names) + "," * (len(names) == 1)
    text = "\n".join(["def enter(args):", *lines, f"    return run(({given}))"])
    exec(compile(text, "<autograd_lite entrance>", "exec"), scope)
    return scope["enter"], text


def regrouping(form: Any) -> Callable[[list[Any]], Any]:
    """A function that puts values into containers: `form`, with anything but None where a value stands."""
    scope: dict[str, Any] = {}
    count = 0

    def text(form: Any) -> str:
        nonlocal count
        if form is None:
            return "None"
        if isinstance(form, dict):
            keys = [f"k{len(scope)}_{j}" for j in range(len(form))]
            scope.update(zip(keys, form, strict=True))
            items = zip(keys, form.values(), strict=True)
            return "{" + ", ".join([f"{key}: {text(part)}" for key, part in items]) + "}"
        if isinstance(form, (list, tuple)):
            parts = "".join([f"{text(part)}, " for part in form])
            if type(form) in (list, tuple):
                return f"[{parts}]" if type(form) is list else f"({parts})"
            scope[name := f"c{len(scope)}"] = type(form)
            return f"{name}({parts})" if hasattr(form, "_fields") else f"{name}(({parts}))"
        count += 1
        return f"ys[{count - 1}]"

    return eval(f"lambda ys: {text(form)}", scope)  # type: ignore[no-any-return]
