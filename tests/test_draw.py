"""Pictures: the structure of the DOT, that it never changes by chance, and rendering with and without a `dot` program."""

from __future__ import annotations

import re
import sys

import graphviz
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.draw import picture


def small_graph():
    w = ag.tensor(2.0, requires_grad=True, name="w")
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    return (ag.tanh(w * x) * 3.0 + np.array([1.0, 2.0])).sum(), w, x


def test_boxes_and_edges_of_a_known_graph():
    loss, w, x = small_graph()
    drawing = ag.draw(loss)
    assert isinstance(drawing, graphviz.Digraph)
    names = re.findall(r"<B>(.*?)</B>", drawing.source)
    assert names == ["w", "x", "multiply", "tanh", "multiply  · * 3", "add", "constant", "sum"]
    assert len(re.findall(r"->", drawing.source)) == 7
    assert f"value {loss.item():.4g}" in drawing.source
    assert "rankdir=BT" in drawing.source
    loss.backward()
    assert f"grad {w.grad:.4g}" in drawing.source
    assert x.grad is not None


def test_drawing_leaves_gradients_alone_and_is_deterministic():
    loss, w, _ = small_graph()
    first = ag.draw(loss).source
    assert w.grad is None
    loss.backward()
    kept = w.grad
    assert ag.draw(loss).source == first == ag.draw(small_graph()[0]).source
    assert w.grad == kept


@pytest.mark.parametrize(
    "name", ["</script>", 'a "quoted" name', "back\\slash\\n", "x<y & z", "{record|ports}", "naïve Σ"]
)
def test_hostile_names(name, tmp_path):
    loss = ag.tensor(2.0, requires_grad=True, name=name) * 2.0
    source = ag.draw(loss).source
    assert "</script>" not in source
    svg = ag.draw(loss).write(tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "multiply" in svg


@pytest.mark.parametrize("format", ["svg", "png", "pdf", "gv"])
def test_every_format(format, tmp_path, capfd):
    path = ag.draw(small_graph()[0]).write(tmp_path / "deep" / f"flow.{format}")
    assert path.exists()
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "gv": b"digraph"}[format]
    assert path.read_bytes().startswith(start)
    said = capfd.readouterr()
    assert said.err == ""
    assert said.out == ""


def test_graphviz_own_methods_work_without_a_dot_program(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    drawing = ag.draw(small_graph()[0])
    assert drawing.pipe("svg", encoding="utf-8").startswith("<?xml")
    assert drawing.render(outfile=str(tmp_path / "a.svg")).endswith("a.svg")
    assert (tmp_path / "a.svg").exists()
    assert "image/svg+xml" in drawing._repr_mimebundle_()


def test_without_any_layout_engine_the_text_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    path = ag.draw(small_graph()[0]).write(tmp_path / "flow.svg")
    assert path == tmp_path / "flow.gv"
    assert path.read_text(encoding="utf-8").startswith("digraph")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "pip install autograd_lite[viz]" in said
    with pytest.raises(graphviz.ExecutableNotFound):
        ag.draw(small_graph()[0]).pipe("svg")


def test_other_messages_on_stderr_pass(capfd):
    import os

    with picture._without_font_warnings():
        os.write(2, b"Fontconfig warning: nothing\nsomething else\n")
    assert capfd.readouterr().err == "something else\n"


def test_what_cannot_be_drawn():
    with pytest.raises(TypeError, match="not recorded"):
        ag.draw(ag.ones(2))
    y = ag.tensor(1.0, requires_grad=True)
    for _ in range(2001):
        y = y + 1.0
    with pytest.raises(TypeError, match="more than 2000"):
        ag.draw(y)


def test_values_can_be_left_out():
    source = ag.draw(small_graph()[0], values=False).source
    assert "value" not in source
    assert "grad" not in source
