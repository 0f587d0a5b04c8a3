"""A plan: what a function does for arguments of one signature, as a program, and what runs that.

>>> import numpy as np, autograd_lite as ag
>>> f = ag.compile(lambda x: np.sum(np.tanh(x) ** 2), backend="numpy")
>>> y = f(np.ones(3))
>>> print(f.plan)
3 values, by NumPy, in 24 bytes of buffers
<BLANKLINE>
x0  24 bytes  float64[3]  x
b0  24 bytes  float64[3]  v0, v1
<BLANKLINE>
def program(x0):
    tanh(x0, v0)               # float64[3] in b0
    square(v0, v1)             # float64[3] in b0, in place
    v2 = add_reduce(v1, None)  # float64[]
    return [v2]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from threading import Lock
from typing import Any

import numpy as np

from ..node import last_change
from .backends import backend_for
from .built import Built
from .changes import Change, changes
from .entrance import entrance, regrouping
from .lifetimes import Home
from .printing import summary, table
from .program import Argument, Captured, Program, Value, substituted, type_text
from .record import Recording
from .shared import optimised


class Plan:
    """The recording of one signature, and programs that are ready to run.

    `program` is what was recorded, `best` what the passes made of it, `source` what runs, and `reason` why by this
    backend. A built program has buffers of its own and serves one call at a time; threads that call at the same time
    get one each.
    """

    def __init__(self, recording: Recording, backend: str | None, donated: list[int]):
        self.program, self.guards, self.builds = recording.program, recording.guards, recording.builds
        self.rebuilt = recording.rebuilt
        self.kept: dict[int, Any] = {}  # memory for donated arguments, which results are written over
        self.views: dict[int, Any] = {}  # of it, which callers get: whatever they do to its shape, the memory's stays
        self.places: dict[int, int] = {}  # of donated arguments, those of their results in what is returned
        self._start = self._with_donations(recording.program, donated)
        self.best = optimised(self._start)
        used = {s.source.memory is not None and id(s.source.memory) for s in self.best.sources if not s.is_argument}
        self.copied = [k for k, memory in self.kept.items() if id(memory) in used]
        self.reads = [_read(source.source) for source in self.best.sources]
        self.afterwards = [(call, tensor is not None) for call, tensor in recording.afterwards]
        self.form = recording.form
        self.regrouped = regrouping(self.form, self.given)
        self.build = backend_for(self.best, backend)
        self._first = self.another()
        self.free = [self._first]
        self.lock: Any = Lock() if self.kept else nullcontext()
        kinds = {kind for value in recording.program.values for kind in value.op.quiet}
        self.quiet: dict[str, Any] = dict.fromkeys(kinds, "ignore")  # of which no op's part is to warn
        self.entrance = ""

    @property
    def built(self) -> Built:
        """The built program that ran last."""
        return self.free[-1] if self.free else self._first

    @property
    def source(self) -> str:
        """What runs."""
        return self.built.source

    @property
    def reason(self) -> str:
        """Which backend runs it, and why."""
        return self.built.reason

    @property
    def peak_bytes(self) -> int:
        """The bytes that its buffers take."""
        return self.built.peak_bytes

    @property
    def homes(self) -> Mapping[Value, Home]:
        """Where values lie."""
        return self.built.homes

    @property
    def changes(self) -> list[Change]:
        """What each pass changed, in turn; to be printed."""
        return changes(self._start)

    def holds(self) -> bool:
        """Whether what the function found outside, such as an option of an optimizer, is as it was."""
        if self.rebuilt != last_change.rebuilt:
            rebuilt = last_change.rebuilt
            if not all(now() == then for now, then in self.builds):
                return False
            self.rebuilt = rebuilt
        for now, then in self.guards:  # noqa: SIM110 - at each call, where a generator would cost more than they do
            if now() != then:
                return False
        return True

    def entrance_for(self, form: Any, found: list[Any]) -> Callable[..., Any]:
        """A function of a call's arguments that replays the plan if they fit."""
        enter, self.entrance = entrance(form, found, self)
        return enter

    def another(self) -> Built:
        """The program with buffers of its own, for one more call at the same time."""
        return self.build(self.best)

    def __call__(self, found: Any) -> Any:
        """What the function gives for these arrays and floats, in the order in which they stand in its arguments."""
        try:
            built = self.free.pop()
        except IndexError:
            built = self.another()
        try:
            with self.lock:
                if self.kept:
                    self._renew_views()
                    found = self._moved_in(found)
                sources = [
                    found[now] if now.__class__ is int else now() if callable(now) else now for now in self.reads
                ]
                if self.quiet:
                    with np.errstate(**self.quiet):
                        ys = built.run(sources)
                else:
                    ys = built.run(sources)
        finally:
            self.free.append(built)
        if self.afterwards:
            self.end(ys)
        return self.regrouped(ys)

    def end(self, ys: list[Any]) -> None:
        """Do what follows a replay, with the values that it gave for that, which are the last ones."""
        values = iter(ys[len(ys) - sum(has_value for _, has_value in self.afterwards) :])
        for call, has_value in self.afterwards:
            call(next(values) if has_value else None)

    def _renew_views(self) -> None:
        """Views of the memory that is kept, in the places of those whose shape or dtype a caller has set."""
        stale = {k: memory.view() for k, memory in self.kept.items() if _kind(self.views[k]) != _kind(memory)}
        if stale:
            self.views |= stale
            self.regrouped = regrouping(self.form, self.given)

    @property
    def given(self) -> dict[int, Any]:
        """What callers get in the memory of donated arguments, by its place in what is returned."""
        return {place: self.views[k] for k, place in self.places.items()}

    def _moved_in(self, found: Any) -> Any:
        """What was found, with donated arguments in the memory that is kept for them; what lay there and is still read
        is copied before."""
        moved = {k: self.kept[k] for k in self.copied if found[k] is not self.views[k]}
        if not moved:
            return found

        own = set(map(id, moved.values()))  # callers have views of it alone, whose base it is

        def shared(x: Any) -> bool:
            return type(x) is np.ndarray and id(x.base) in own

        found = [x.copy() if shared(x) else x for x in found]
        for k, memory in moved.items():
            np.copyto(memory, found[k])
        return found

    def _with_donations(self, program: Program, donated: list[int]) -> Program:
        """The program with results written to the memory of donated arguments of the same shape and dtype."""
        outputs, writes, new = list(program.outputs), list(program.writes), dict[Value, Value]()
        fits: dict[Any, list[int]] = defaultdict(list)  # the places of results by shape and dtype, the first one last
        for j, y in reversed([*enumerate(outputs)]):
            if isinstance(y, Value) and y.op:
                fits[_kind(y)].append(j)
        positions = set(donated)
        for source in program.sources:
            if not (source.is_argument and source.source.position in positions and source.shape):
                continue
            if fits[_kind(source)]:
                k = source.source.position
                self.places[k] = place_of_result = fits[_kind(source)].pop()
                self.kept[k] = memory = np.empty(source.shape, source.dtype)
                self.views[k] = memory.view()
                place = Captured(lambda memory=memory: memory, f"donated {source.source.name}", memory)  # type: ignore[misc]
                new[source] = Value(None, (), (), source.shape, source.dtype, place)
                writes.append((new[source], outputs[place_of_result]))
        taken = set(self.places.values())
        rest = [y for j, y in enumerate(outputs) if j not in taken]
        return substituted(program._replace(outputs=tuple(rest), writes=tuple(writes)), new)

    def _drawn_by_(self) -> str:
        """The module that draws it; named, since it stands above this one."""
        return "autograd_lite.plan.drawing"

    def __str__(self) -> str:
        """How large it is, its inputs and buffers, and the source."""
        parts = [self._summary(), table(self.best, self.homes, self.built.constants), self.source]
        return "\n\n".join([part for part in parts if part])

    def __repr__(self) -> str:
        inputs = [type_text(s) for s in self.program.sources if s.is_argument]
        outputs = [type_text(y) if isinstance(y, Value) else repr(y) for y in self.program.outputs]
        return f"<Plan {', '.join(inputs)} -> {', '.join(outputs)}: {self._summary()}>"

    def _summary(self) -> str:
        return summary(self.best, self.reason, self.peak_bytes)


def _read(source: Argument | Captured) -> Any:
    """The place of an argument, an array that is always the same, or a function that says what is to be read now."""
    if isinstance(source, Argument):
        return source.position
    return source.read if source.memory is None else source.memory


def _kind(value: Any) -> Any:
    return value.shape, value.dtype
