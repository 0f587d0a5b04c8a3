"""A graphviz.Digraph that becomes a picture by a `dot` program, or else by the layout engine in pygraphviz."""

from __future__ import annotations

import base64
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import graphviz

from .styles import PICTURE, stylesheet

HOW_TO_SEE_PICTURES = "no picture: install Graphviz, or `pip install autograd_lite[viz]`; this is its text"
HOW_TO_GET_PICTURES = "no picture: install Graphviz, or `pip install autograd_lite[viz]`; its text was written to"


class Picture(graphviz.Digraph):  # type: ignore[misc]
    """What `ag.draw` returns: DOT text (`source`) that shows itself in a notebook and renders to a file."""

    def pipe(self, format: str | None = None, *args: Any, encoding: str | None = None, **options: Any) -> Any:
        """The picture as bytes (text if `encoding` is given), in "svg", "png", "pdf", ...

        Raises graphviz.ExecutableNotFound where there is neither a `dot` program nor pygraphviz.
        """
        try:
            picture = super().pipe(format, *args, **options)
        except graphviz.ExecutableNotFound:
            found = _by_pygraphviz(self.source, format or self.format)
            if found is None:
                raise
            picture = found
        if (format or self.format) == "svg":
            picture = _for_any_reader(picture)
        return picture.decode(encoding) if encoding else picture

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **options: Any) -> dict[str, Any]:
        """The picture for a notebook; where nothing can lay it out, the DOT text and how to get pictures."""
        try:
            kind = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}.get(self.format)
            if kind is None:
                return {"text/plain": self.source}
            picture = self.pipe()
            shown = picture.decode() if self.format == "svg" else base64.b64encode(picture).decode()
            return {kind: shown, "text/plain": repr(self)}
        except graphviz.ExecutableNotFound:
            return {"text/plain": f"{HOW_TO_SEE_PICTURES}\n{self.source}"}

    def __repr__(self) -> str:
        boxes = len(re.findall(r"^\t+\w+ \[.*label=<<TABLE", self.source, re.MULTILINE))
        return f"<Picture of {boxes} boxes; .write('flow.svg') saves it>"

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to `path`, in the format that its suffix names, and return the path written.

        Where nothing can lay it out, the DOT text is written beside it, as `.gv`, and one line on stderr says how
        to get pictures.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".gv", ".dot"):
            path.write_text(self.source, encoding="utf-8")
            return path
        try:
            picture = self.pipe(path.suffix.lstrip(".") or self.format)
        except graphviz.ExecutableNotFound:
            path = path.with_suffix(".gv")
            path.write_text(self.source, encoding="utf-8")
            print(f"{HOW_TO_GET_PICTURES} {path}", file=sys.stderr)
            return path
        path.write_bytes(picture)
        return path

    def render(self, filename: Any = None, *args: Any, outfile: Any = None, **options: Any) -> str:
        """As graphviz.Digraph.render; where there is no `dot` program, through `write`."""
        try:
            return super().render(filename, *args, outfile=outfile, **options)  # type: ignore[no-any-return]
        except graphviz.ExecutableNotFound:
            if outfile is None:
                stem = Path(options.get("directory") or "") / (filename or f"{self.name or 'Digraph'}.gv")
                outfile = f"{stem}.{options.get('format') or self.format}"
            return str(self.write(outfile))


def _for_any_reader(svg: bytes) -> bytes:
    """`svg` with a style sheet for readers whose pages are dark, and with the lines of each box centred in it: the
    reader's letters are seldom as wide as those that Graphviz measured."""
    before, _, after = svg.partition(b"<svg")
    attributes, _, drawing = after.partition(b">")
    opening = b'%s<svg class="%s"%s>%s' % (before, PICTURE.encode(), attributes, stylesheet().encode())
    return opening + _BOX.sub(_centred, drawing)


_BOX = re.compile(rb'<g id="node\d+" class="node">.*?</g>', re.DOTALL)
_OUTLINE = re.compile(rb' (?:points|d)="([^"]*)"')


def _centred(box: re.Match[bytes]) -> bytes:
    outline = _OUTLINE.search(box[0])
    if outline is None:
        return box[0]
    across = [float(x) for x in re.findall(rb"(-?[\d.]+),", outline[1])]
    return re.sub(rb'"start" x="[^"]*"', b'"middle" x="%.2f"' % ((min(across) + max(across)) / 2), box[0])


def _by_pygraphviz(source: str, format: str) -> bytes | None:
    """`source` laid out by pygraphviz; None where it is not installed."""
    try:
        from pygraphviz import AGraph
    except ImportError:
        return None
    with _without_font_warnings():
        picture: bytes = AGraph(string=source).draw(format=format, prog="dot")
    return picture


@contextmanager
def _without_font_warnings() -> Iterator[None]:
    """Keep from the terminal what fontconfig, in C, says of the machine's font settings; pass on all else."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            said.seek(0)
            lines = said.read().decode(errors="replace").splitlines()
            for line in lines:
                if line.strip() and "fontconfig" not in line.lower():
                    print(line, file=sys.stderr)
