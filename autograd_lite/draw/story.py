"""What the page that steps through a computation tells: its boxes, its values, and one frame for each call."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ..backprop import fitted
from ..describe import constant_name, kind, number, numbers_in, statics_in
from ..flow import Box, Graph
from ..node import Leaf, Node
from ..op import Op
from . import words
from .formulas import Share, backward_numbers, forward_numbers, forward_text, in_short, share
from .layout import Frame, Point, layout
from .numbers import Values
from .parts import Group
from .passes import Bprop, Passes, Sent, passes
from .view import View

LONGEST = 34  # characters of a line in a box
LINE, MARGIN = 15.0, 8.0  # points
WIDTH = 6.7  # points a character


def story(graph: Graph, loss: Any) -> dict[str, Any]:
    """The data of the page: nothing but dictionaries, lists, texts and numbers."""
    return _Story(passes(graph, loss)).data()


class _Story:
    """Gathers the data; boxes are known by their position, ops' inputs that are arrays have boxes of their own."""

    def __init__(self, found: Passes):
        self.passes = found
        nodes = [box.node for box in found.graph]
        self.position: dict[Any, int] = {}
        self.boxes: list[dict[str, Any]] = []
        self.edges: list[tuple[int, int, str]] = []
        self.values = Values(len(nodes))
        self.arrivals: dict[Node, int] = {}  # how many gradients each node is sent
        self.spread: dict[tuple[Node, int], tuple[int, ...]] = {}  # the shape that an input was broadcast to
        for call in found.bprops:
            for sent in call.sent:
                self.arrivals[sent.to] = self.arrivals.get(sent.to, 0) + 1
                self.spread[call.node, sent.slot] = tuple(sent.gradient.shape)
        self.view = View(found.graph, folded=False, constants=True, broadcasting=True)
        for box in found.graph:
            self._add_box(box)
        self._number_names()

    def data(self) -> dict[str, Any]:
        total = len(self.passes.fprops)
        frames = [self._start()]
        for k, node in enumerate(self.passes.fprops):
            frames.append(self._fprop(node, k + 1, total))
        loss = self.passes.graph[-1].node
        if loss in self.passes.gradients:
            frame = total + 1 if loss.op else 0
            self.boxes[self.position[loss]]["grads"].append([frame, self.values.at(self.passes.gradients[loss])])
        for k, call in enumerate(self.passes.bprops):
            frames.append(self._bprop(call, k + 1, len(frames)))
        self._place()
        return {
            "boxes": self.boxes,
            "edges": [{"tail": t, "head": h, "slot": s, "points": p} for (t, h, s), p in self.lines],
            "modules": self.modules,
            "size": self.size,
            "values": self.values.rows,
            "frames": frames,
            "fprops": total,
            "bprops": len(self.passes.bprops),
        }

    # -- boxes -------------------------------------------------------------------------------------------

    def _add_box(self, box: Box) -> None:
        node, tails = box.node, []
        for k, i in enumerate(node.inputs):
            if isinstance(i, Node):
                tails.append((self.position[i], k))
            elif isinstance(i, np.ndarray) and i.ndim:
                if id(i) not in self.position:  # the graph holds it, so that nothing else gets its id
                    self.position[id(i)] = len(self.boxes)
                    self.boxes.append(self._box(constant_name(box, k), "constant", i.shape, i.dtype, i))
                tails.append((self.position[id(i)], k))
        self.position[node] = len(self.boxes)
        leaf = isinstance(node, Leaf)
        name = self.view.name_of(box) if leaf else box.name
        row = self._box(name, "leaf" if leaf else "op", node.shape, node.dtype, self.passes.values[node])
        if node.op:
            row["formula"], row["meaning"] = forward_text(node), node.op.meaning
            row["gradients"] = [
                [i, node.op.formula_text(i)] for i in node.op.all_inputs if node.op.formula_text(i) != "0"
            ]
            owner = " ".join(self.view.owner_of(box).split())
            row["note"] = ", ".join(filter(None, [owner, numbers_in(node), statics_in(node)]))
        row["wants"] = node in self.passes.gradients
        self.boxes.append(row)
        self.edges += [(tail, self.position[node], self.view.slot_of(box, k)) for tail, k in tails]

    def _box(self, name: str, what: str, shape: Any, dtype: Any, value: Any) -> dict[str, Any]:
        known = {"name": name, "what": what, "kind": kind(shape, dtype), "value": self.values.at(value)}
        return {**known, "at": 0, "grads": [], "wants": False, "note": ""}

    def _number_names(self) -> None:
        """Boxes of the same name are told apart by numbers."""
        by_name: dict[str, list[dict[str, Any]]] = {}
        for box in self.boxes:
            by_name.setdefault(box["name"], []).append(box)
        for name, same in by_name.items():
            for k, box in enumerate(same):
                box["name"] = f"{name} #{k + 1}" if len(same) > 1 else name

    def _place(self) -> None:
        sizes: list[Point] = []
        for box in self.boxes:
            briefs = [self.values.rows[box["value"]]["brief"], *[self.values.rows[v]["brief"] for _, v in box["grads"]]]
            lines = [f"{box['note']}, {box['kind']}", *[f"value {text}" for text in briefs]]
            longest = max(1.15 * len(box["name"]), *map(len, lines))  # names are bold
            box["width"] = max(90.0, min(longest, LONGEST) * WIDTH + 2 * MARGIN)
            box["height"] = (4 if box["wants"] else 3) * LINE + MARGIN
            sizes.append((box["width"], box["height"]))
        frames = self._frames()
        found = layout(sizes, [(tail, head) for tail, head, _ in self.edges], frames)
        for box, (x, y) in zip(self.boxes, found.centres, strict=True):
            box["x"], box["y"] = x, y
        self.size, self.lines = found.size, list(zip(self.edges, found.edges, strict=True))
        titles = [frame.title for frame in frames]
        self.modules = [{"title": t, "corners": c} for t, c in zip(titles, found.frames, strict=False)]

    def _frames(self) -> list[Frame]:
        """Frames of modules and scopes, outer ones first; what is passed in from outside of all is in none."""
        frames: list[Frame] = []
        number: dict[Group, int] = {}
        for box in self.passes.graph:
            parent = None
            for group in self.view.frames(str(self.view.key_of(box.node))):
                if group not in number:
                    number[group] = len(frames)
                    frames.append(Frame(" ".join(group.title.split()), parent, []))
                parent = number[group]
            if parent is not None:
                frames[parent].boxes.append(self.position[box.node])
        return frames

    # -- frames ------------------------------------------------------------------------------------------

    def _name(self, node: Any) -> str:
        return str(self.boxes[self.position[node]]["name"])

    def _start(self) -> dict[str, Any]:
        whats = Counter(box["what"] for box in self.boxes)
        counts = whats["leaf"], whats["constant"], len(self.passes.fprops), len(self.passes.bprops)
        text = [words.plan(*counts)]
        if any("heat" in row for row in self.values.rows):
            text.append(words.LARGE)
        return {"phase": "start", "box": None, "title": "Start", "text": text}

    def _fprop(self, node: Node, k: int, total: int) -> dict[str, Any]:
        op: Op = node.op
        box, value = self.boxes[self.position[node]], self.passes.values[node]
        box["at"] = k
        text = []
        for slot, i in enumerate(node.inputs):
            shape = getattr(i, "shape", ())
            wide = node.shape if op.elementwise else self.spread.get((node, slot), shape)
            if isinstance(i, (Node, np.ndarray)) and words.times(shape, wide) > 1:
                text.append(words.copied(self._input(node, slot), shape, wide))
        if self.arrivals.get(node, 0) > 1:
            text.append(words.goes_into(self.arrivals[node]))
        if node is self.passes.graph[-1].node:
            text.append(words.END_FORWARD + words.TURN * bool(self.passes.bprops))
        if op.flat:
            text.append(words.FLAT)
        numbers, result = forward_numbers(node, self.passes), in_short(value)
        inputs = [
            {"name": self._input(node, s), "slot": op.input_name(s), "value": self.values.at(i)}
            for s, i in enumerate([self.passes.values[i] if isinstance(i, Node) else i for i in node.inputs])
            if isinstance(i, (np.ndarray, np.generic, int, float, complex))
        ]
        return {
            "phase": "fprop",
            "box": self.position[node],
            "title": f"fprop {k} of {total}: {box['name']}",
            "meaning": op.meaning,
            "formula": forward_text(node),
            "numbers": [numbers, result],
            "inputs": inputs,
            "text": text,
        }

    def _input(self, node: Node, slot: int) -> str:
        i = node.inputs[slot]
        key = i if isinstance(i, Node) else id(i)
        return self._name(key) if key in self.position else f"the number {node.op.input_name(slot)}"

    def _bprop(self, call: Bprop, k: int, frame: int) -> dict[str, Any]:
        box = self.boxes[self.position[call.node]]
        text: list[str] = []
        arrived = self.arrivals.get(call.node, 0)
        if k == 1:
            text.append(words.SEED)
        elif arrived > 1:
            text.append(words.arrived(arrived))
        if not call.sent:
            text.append(words.NOTHING_SENT)
        sends = [self._send(call, sent, frame) for sent in call.sent]
        if k == len(self.passes.bprops):
            text.append(words.END_BACKWARD)
        return {
            "phase": "bprop",
            "box": self.position[call.node],
            "title": f"bprop {k} of {len(self.passes.bprops)}: {box['name']}",
            "upstream": self.values.at(call.gradient),
            "sends": sends,
            "text": text,
        }

    def _send(self, call: Bprop, sent: Sent, frame: int) -> dict[str, Any]:
        op, target = call.node.op, self.boxes[self.position[sent.to]]
        slot, found = op.input_name(sent.slot), share(call, sent)
        arrived = len(target["grads"])
        before = target["grads"][-1][1] if arrived else None
        target["grads"].append([frame, self.values.at(sent.total)])
        place = found.terms[0][0] if found and found.terms else None
        send: dict[str, Any] = {
            "box": self.position[sent.to],
            "slot": slot,
            "formula": op.formula_text(slot),
            "numbers": backward_numbers(call, sent, self.passes, place),
            "at": _place_text(place) if op.elementwise and place else "",
            "text": [],
        }
        if found:
            send["share"] = _share(found)
        own = sent.total if arrived == 0 else fitted(sent.gradient, sent.to)
        if words.times(sent.to.shape, sent.gradient.shape) > 1:
            send["copies"] = self.values.at(sent.gradient)
            send["text"].append(words.summed(target["name"], sent.gradient.shape, sent.to.shape))
        send["gradient"] = self.values.at(own)
        of = self.arrivals[sent.to]
        if of > 1:
            send["of"] = of
            send["total"] = self.values.at(sent.total)
            send["before"] = before
            send["last"] = arrived + 1 == of
        return send


def _share(found: Share) -> dict[str, Any]:
    digits = 6 if found.places == 1 else 4
    return {
        "entry": _place_text(found.entry) if found.entry else "",
        "terms": [[number(g, digits), number(d, digits)] for _, g, d in found.terms],
        "more": found.places - len(found.terms),
        "result": number(found.gradient, digits),
    }


def _place_text(place: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, place))}]"
