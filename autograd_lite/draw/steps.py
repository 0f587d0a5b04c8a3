"""One HTML file that steps through a forward and a backward pass, call by call, and needs nothing but a browser."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..flow import Graph
from ..node import topological_order
from ..tensor import Tensor
from .story import story
from .styles import variables

LARGEST = 2000  # boxes

if TYPE_CHECKING:
    _ThisPath = Path
else:
    _ThisPath = type(Path())  # before Python 3.12 a Path is of its system's class


class Page(_ThisPath):
    """The path of a page that was written; a notebook shows the page itself."""

    def _repr_html_(self) -> str:
        page = escape(self.read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{page}" sandbox="allow-scripts" width="100%" height="760" style="border:0"></iframe>'


def step_through(loss: Tensor, path: str | os.PathLike[str] = "steps.html", *, title: str | None = None) -> Page:
    """Write a page on which one plays, or steps through, every fprop and then every bprop that `loss` takes, in the
    order of the engine's own calls; return its path, which shows the page in a notebook.

    The page works offline, in one file. Each step lights the box that is called and tells what it computes: the formula
    as it stands in the table, the same with numbers, upstream gradient x local derivative, how gradients add up where
    a value was used more than once, and what broadcasting copied. No `.grad` is read or changed.

    Parameters
    ----------
    loss: a recorded Tensor; for one that is not a scalar the gradients are those of the sum of its entries.
    path: where to write; folders that are missing are made.
    title: what stands above the page; the name of the file if None.

    Raises
    ------
    ArgumentError (a TypeError) if `loss` was not recorded, or its graph has more than 2,000 boxes; StaleValueError if
    a leaf has changed since.

    >>> import tempfile, autograd_lite as ag
    >>> w = ag.tensor(2.0, requires_grad=True, name="w")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = ag.step_through(ag.tanh(3.0 * w), f"{folder}/neuron.html")
    ...     page.name, "fprop 2 of 2: tanh" in page.read_text()
    ('neuron.html', True)
    """
    if not isinstance(loss, Tensor) or loss.node is None:
        raise ArgumentError("step_through: the loss was not recorded; compute it from a Tensor with requires_grad=True")
    count = len(topological_order(loss.node))
    if count > LARGEST:
        raise ArgumentError(
            f"step_through: {count:,} boxes are more than {LARGEST:,}, too many to follow; step through a smaller case"
            " (fewer layers, time steps or loop rounds), or see the whole with ag.draw"
        )
    page = Page(path)
    text = document(story(Graph(loss), loss), title if title is not None else page.stem)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
    return page


def document(data: dict[str, object], title: str) -> str:
    """The page. Its data are JSON in which no "<" is left, its texts become text nodes and never markup, and its
    policy lets nothing run or load but the script and the style in it."""
    page, style, *scripts = [
        (Path(__file__).parent / "page" / name).read_text(encoding="utf-8")
        for name in ("page.html", "page.css", "graph.js", "panel.js")
    ]
    style = variables() + style
    script = "\n".join(scripts)
    pieces = {
        "title": escape(title),
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: pieces[found[1]], page)


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
