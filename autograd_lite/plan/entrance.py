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
    try: built = free.pop()
    except IndexError: built = build()
    try: ys = built.run([a1, a2])
    finally: free.append(built)
    return ys[0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from .signature import ARRAY, FLOAT, Fixed

if TYPE_CHECKING:
    from .plan import Plan


class _Elsewhere:
    def __repr__(self) -> str:
        return "ELSEWHERE"


ELSEWHERE = _Elsewhere()


def entrance(form: Any, found: list[Any], plan: Plan) -> tuple[Callable[..., Any], str]:
    """A function of `args` that runs the plan, if they have this form, and `found` in them the same shapes and dtypes;
    and its text."""
    scope: dict[str, Any] = {"ndarray": np.ndarray, "ELSEWHERE": ELSEWHERE, "plan": plan, "holds": plan.holds}
    lines: list[str] = []
    names: list[str] = []
    number = 0
    dtypes: dict[Any, str] = {}

    def named(x: Any) -> str:
        if x not in dtypes:
            dtypes[x] = name = f"t{len(dtypes)}"
            scope[name] = x
        return dtypes[x]

    places = iter(found)

    def check(name: str, form: Any) -> None:
        nonlocal number
        if form in (ARRAY, FLOAT):
            x = next(places)
            names.append(name)
            if form == FLOAT:
                test = f"type({name}) is not float"
            elif isinstance(x, np.ndarray):
                same = f"{name}.shape != {x.shape} or {name}.dtype is not {named(x.dtype)}"
                test = f"type({name}) is not ndarray or {same}"
                if (view := plan.views.get(len(names) - 1)) is not None:
                    scope[f"{name}_was"] = view
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
        inner = [f"a{number + k}" for k in range(len(parts))]
        number += len(parts)
        if inner:
            lines.append(f"    {', '.join(inner)}, = {name}")
        for each, part in zip(inner, parts, strict=True):
            check(each, part)  # noqa: F821 - it is deleted when all is done

    check("args", form)
    del check  # which knows itself, and all else here
    if plan.guards or plan.builds:
        lines.append("    if not holds(): return ELSEWHERE")
    call = f"return plan(({', '.join(names)}{',' * (len(names) == 1)}))"
    if plan.quiet:
        lines.append(f"    {call}")
    else:
        if plan.views:  # mostly, a donated argument is what was given back last
            moved = " or ".join([f"{names[k]} is not {names[k]}_was" for k in plan.views])
            lines.append(f"    if {moved}: {call}")
        lines += _run(plan, names, scope)
    text = "\n".join(["def enter(args):", *lines])
    exec(compile(text, "<autograd_lite entrance>", "exec"), scope)
    return scope.pop("enter"), text  # a function in its own globals would be freed by the garbage collector only


def _run(plan: Plan, names: list[str], scope: dict[str, Any]) -> list[str]:
    """What `plan(found)` does, for arguments with these names that are in their places."""
    read = []
    for k, now in enumerate(plan.reads):
        scope[f"r{k}"] = now
        read.append(names[now] if isinstance(now, int) else f"r{k}" + "()" * callable(now))
    scope |= {"free": plan.free, "build": plan.another, "lock": plan.lock, "end": plan.end}
    lines = [
        "    try: built = free.pop()",
        "    except IndexError: built = build()",
        f"    try: ys = built.run([{', '.join(read)}])",
        "    finally: free.append(built)",
        *["    end(ys)"] * bool(plan.afterwards),
        f"    return {grouped(plan.form, plan.given, scope)}",
    ]
    if plan.kept:
        lines = ["    with lock:", *[f"    {line}" for line in lines]]
    return lines


def regrouping(form: Any, given: dict[int, Any]) -> Callable[[list[Any]], Any]:
    """A function that puts values into the containers of `form`; those at some places are `given` by now."""
    scope: dict[str, Any] = {}
    return eval(f"lambda ys: {grouped(form, given, scope)}", scope)  # type: ignore[no-any-return]


def grouped(form: Any, given: dict[int, Any], scope: dict[str, Any]) -> str:
    """The expression of the containers of `form`, with `ys[0]` and so on for anything but None that stands there."""
    scope.update({f"given{place}": value for place, value in given.items()})
    others = count()
    names = (f"given{place}" if place in given else f"ys[{next(others)}]" for place in count())
    return _expression(form, names, scope)


def _expression(form: Any, names: Iterator[str], scope: dict[str, Any]) -> str:
    if form is None:
        return "None"
    if isinstance(form, dict):
        keys = [f"key{len(scope)}_{j}" for j in range(len(form))]
        scope.update(zip(keys, form, strict=True))
        items = zip(keys, form.values(), strict=True)
        return "{" + ", ".join([f"{key}: {_expression(part, names, scope)}" for key, part in items]) + "}"
    if isinstance(form, (list, tuple)):
        parts = "".join([f"{_expression(part, names, scope)}, " for part in form])
        if type(form) in (list, tuple):
            return f"[{parts}]" if type(form) is list else f"({parts})"
        scope[name := f"container{len(scope)}"] = type(form)
        return f"{name}({parts})" if hasattr(form, "_fields") else f"{name}(({parts}))"
    return next(names)
