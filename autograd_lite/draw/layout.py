"""Where the boxes of a graph stand and which way its edges run: Graphviz's answer, or a plain one of our own."""

from __future__ import annotations

import json
from typing import NamedTuple

import graphviz

from .picture import Picture

FOR_GRAPHVIZ = 500  # boxes; with more its layout may take minutes
INCH = 72.0  # points
BETWEEN, LEVELS = 24.0, 44.0  # points between neighbours, and between levels, of our own layout

Point = tuple[float, float]


class Frame(NamedTuple):
    """A frame around some boxes, inside the frame number `parent` if there is one, which comes before it."""

    title: str
    parent: int | None
    boxes: list[int]


class Layout(NamedTuple):
    """Centres of the boxes, the edges' Bézier points (1 + 3n of them), and the frames' corners, left, top, right and
    bottom, in points, y downward."""

    size: Point
    centres: list[Point]
    edges: list[list[Point]]
    frames: list[tuple[float, float, float, float]]


def layout(sizes: list[Point], edges: list[tuple[int, int]], frames: list[Frame]) -> Layout:
    """Lay out boxes of the given widths and heights, numbered inputs first, with edges upward.

    By a `dot` program or pygraphviz; where there is neither, or there are many boxes, level by level, without frames.
    """
    if len(sizes) > FOR_GRAPHVIZ:
        return _by_levels(sizes, edges)
    picture = Picture("boxes")
    picture.attr(rankdir="BT", nodesep="0.3", ranksep="0.4")
    picture.attr("node", shape="box", fixedsize="true", label="")
    picture.attr("edge", dir="none")
    for k, (width, height) in enumerate(sizes):
        picture.node(f"n{k}", width=f"{width / INCH:.3f}", height=f"{height / INCH:.3f}")
    _nest(picture, frames)
    for k, (tail, head) in enumerate(edges):
        picture.edge(f"n{tail}", f"n{head}", id=str(k))
    try:
        answer = json.loads(picture.pipe("json", encoding="utf-8"))
    except graphviz.ExecutableNotFound:
        return _by_levels(sizes, edges)
    high = float(answer["bb"].split(",")[3])
    places = {box["name"]: _points(box["pos"], high)[0] for box in answer["objects"] if "pos" in box}
    bounds = {frame["name"]: frame["bb"] for frame in answer["objects"] if "bb" in frame}
    corners = [[float(x) for x in bounds[f"cluster_{k}"].split(",")] for k in range(len(frames))]
    lines = {edge["id"]: _points(edge["pos"], high) for edge in answer.get("edges", [])}
    return Layout(
        (float(answer["bb"].split(",")[2]), high),
        [places[f"n{k}"] for k in range(len(sizes))],
        [lines[str(k)] for k in range(len(edges))],
        [(left, high - top, right, high - bottom) for left, bottom, right, top in corners],
    )


def _nest(picture: Picture, frames: list[Frame]) -> None:
    """Write frames as DOT's clusters, inner ones inside outer ones."""
    inside: dict[int | None, list[int]] = {}
    for number, frame in enumerate(frames):
        inside.setdefault(frame.parent, []).append(number)
    stack: list[int | None] = [*reversed(inside.get(None, []))]  # a number opens a frame, None closes one
    while stack:
        k = stack.pop()
        if k is None:
            picture.body.append("}\n")
            continue
        picture.body.append(f"subgraph cluster_{k} {{\n")
        picture.attr(label=graphviz.escape(frames[k].title), fontsize="12", labeljust="l", margin="12")
        picture.body += [f"n{box}\n" for box in frames[k].boxes]
        stack += [None, *reversed(inside.get(k, []))]


def _points(text: str, high: float) -> list[Point]:
    pairs = [pair.split(",") for pair in text.split()]
    return [(round(float(x), 1), round(high - float(y), 1)) for x, y in pairs]


def _by_levels(sizes: list[Point], edges: list[tuple[int, int]]) -> Layout:
    """Each box one level above its highest input, as far left or right as its inputs are on average."""
    inputs: list[list[int]] = [[] for _ in sizes]
    outputs: list[list[int]] = [[] for _ in sizes]
    for tail, head in edges:
        inputs[head].append(tail)
        outputs[tail].append(head)
    level = [0] * len(sizes)
    for k, own in enumerate(inputs):  # inputs come first
        level[k] = max((level[i] + 1 for i in own), default=0)
    for k, own in enumerate(outputs):  # an input of the whole stands right below who uses it
        if own and not inputs[k]:
            level[k] = min(level[o] for o in own) - 1
    rows: list[list[int]] = [[] for _ in range(max(level) + 1)]
    for k, height in enumerate(level):
        rows[height].append(k)
    x = [0.0] * len(sizes)
    wide = max(sum(sizes[k][0] + BETWEEN for k in row) for row in rows)
    for row in [*rows, *reversed(rows), *rows]:
        near = {k: [x[i] for i in inputs[k] + outputs[k]] or [x[k]] for k in row}
        row.sort(key=lambda k: (sum(near[k]) / len(near[k]), k))
        left = (wide - sum(sizes[k][0] + BETWEEN for k in row)) / 2
        for k in row:
            x[k] = left + sizes[k][0] / 2 + BETWEEN / 2
            left += sizes[k][0] + BETWEEN
    high = max(height for _, height in sizes)
    total = len(rows) * (high + LEVELS) - LEVELS
    centres = [(x[k], total - level[k] * (high + LEVELS) - high / 2) for k in range(len(sizes))]
    lines = []
    for tail, head in edges:
        (x0, y0), (x1, y1) = centres[tail], centres[head]
        y0, y1 = y0 - sizes[tail][1] / 2, y1 + sizes[head][1] / 2
        lines.append([(x0, y0), (x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)])
    return Layout((wide, total), centres, lines, [])
