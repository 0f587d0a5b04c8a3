"""Pictures: the structure of the DOT, that it never changes by chance, and rendering with and without a `dot` program."""

from __future__ import annotations

import base64
import re
import sys

import graphviz
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.draw import Mark, picture, styles
from autograd_lite.draw.styles import MARKS


def small_graph():
    w = ag.tensor(2.0, requires_grad=True, name="w")
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    return (ag.tanh(w * x) * 3.0 + np.array([1.0, 2.0])).sum(), w, x


def test_boxes_and_edges_of_a_known_graph():
    loss, w, x = small_graph()
    drawing = ag.draw(loss)
    assert isinstance(drawing, graphviz.Digraph)
    names = re.findall(r"<B>(.*?)</B>", drawing.source)
    assert names == ["w", "x", "multiply", "tanh", "multiply  · * 3", "add", "sum", "constant"]
    forward = [line for line in drawing.source.splitlines() if "->" in line and "dashed" not in line]
    backward = [line for line in drawing.source.splitlines() if "->" in line and "dashed" in line]
    assert [re.findall(r"n\d+c?\d*", line) for line in forward] == [
        ["n0", "n2"], ["n1", "n2"], ["n2", "n3"], ["n3", "n4"], ["n4", "n5"], ["n5c1", "n5"], ["n5", "n6"]
    ]  # fmt: skip
    assert [re.findall(r"n\d+", line) for line in backward] == [
        ["n0", "n2"], ["n1", "n2"], ["n2", "n3"], ["n3", "n4"], ["n4", "n5"], ["n5", "n6"]
    ]  # fmt: skip
    assert all("dir=back" in line for line in backward)
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


def test_the_lines_of_a_box_stand_in_its_middle_whatever_letters_the_reader_has():
    loss = ag.tensor([0.25, 0.5], requires_grad=True, name="a much longer name than the op's") * 2.0
    svg = ag.draw(loss).pipe("svg", encoding="utf-8")
    for box in re.findall(r'<g id="node\d+" class="node">.*?</g>', svg, re.DOTALL):
        outline = [float(x) for x in re.findall(r"(-?[\d.]+),", re.search(r' (?:points|d)="(.*?)"', box)[1])]
        places = re.findall(r'text-anchor="(\w+)" x="(.*?)"', box)
        assert len(places) >= 4
        assert all(how == "middle" for how, _ in places)
        assert [float(x) for _, x in places] == pytest.approx(
            [(min(outline) + max(outline)) / 2] * len(places), abs=0.01
        )


def test_long_lines_of_numbers_are_broken():
    w = ag.tensor(np.array([0.000403, -0.000392, 0.000456, 7.84e-05, 3.82e-05, -0.00121]), requires_grad=True, name="w")
    source = ag.draw(w * 1.0).source
    assert "value [0.000403, -0.000392, 0.000456,<" in source
    assert ">7.84e-05, 3.82e-05, -0.00121]<" in source
    w = ag.tensor(np.linspace(-0.000123, 0.0456, 60), requires_grad=True, name="w")
    assert re.search(
        r">value 0\.0227 ± 0\.013</FONT></TD></TR><TR><TD><FONT[^>]*>in \[-0\.00012, 0\.046\]<", ag.draw(w * 1.0).source
    )


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
    with pytest.raises(TypeError, match="direction 'up'; one of fprop, bprop, both"):
        ag.draw(y * y, direction="up")
    with pytest.raises(TypeError, match="values 'all'; True, False or 'heatmap'"):
        ag.draw(y * y, values="all")
    with pytest.raises(TypeError, match="arguments are for a function"):
        ag.draw(y * y, 3.0)
    with pytest.raises(TypeError, match="no gradient flows back"):
        ag.draw(y > 0, direction="bprop")


def test_values_can_be_left_out():
    source = ag.draw(small_graph()[0], values=False).source
    assert "value" not in source
    assert "grad" not in source


# -- both directions -------------------------------------------------------------------------------------------------


def edges(source, dashed):
    return [line for line in source.splitlines() if "->" in line and ("dashed" in line) == dashed]


def test_backward_edges_carry_what_each_taker_sends_back_and_its_size():
    x = ag.tensor(3.0, requires_grad=True, name="x")
    loss = x * x * 2.0 + x * 5.0  # 2x by the square's two edges, each 6; 5 by the other
    backward = edges(ag.draw(loss).source, dashed=True)
    sent = [float(re.search(r'label=" ([^ "]+)', line)[1]) for line in backward if "n0 -> n" in line]
    assert sent == [6.0, 6.0, 5.0]
    loss.backward()
    assert sum(sent) == x.grad
    pens = [float(re.search(r"penwidth=([\d.]+)", line)[1]) for line in backward if "n0 -> n" in line]
    assert pens[0] == pens[1] > pens[2]


def test_an_edge_of_an_array_shows_its_shape_and_root_mean_square():
    x = ag.tensor(np.ones((2, 3)), requires_grad=True, name="x")
    backward = edges(ag.draw((x * 4.0).sum()).source, dashed=True)
    assert [re.search(r'label=" (.*?) "', line)[1] for line in backward] == ["2×3  rms 4", "2×3  rms 1"]


def test_fprop_alone_shows_no_gradient():
    source = ag.draw(small_graph()[0], direction="fprop").source
    assert "grad" not in source
    assert not edges(source, dashed=True)
    assert "value" in source


def test_bprop_draws_the_gradient_computation():
    w = ag.tensor(0.5, requires_grad=True, name="w")
    x = ag.tensor(2.0, requires_grad=True, name="x")
    loss = ag.tanh(w * x)
    source = ag.draw(loss, direction="bprop").source
    titles = re.findall(r"<B>(.*?)</B>", source)
    assert titles[-2:] == ["∂loss/∂w", "∂loss/∂x"]
    assert "∂loss/∂loss" in titles
    assert titles.count("subtract  1 - ·") == 1  # g * (1 - y * y), as the table says
    loss.backward()
    for leaf in (w, x):
        assert f">{leaf.grad:.4g}<" in source
    assert not edges(source, dashed=True)


def test_bprop_of_second_order():
    x = ag.tensor(2.0, requires_grad=True, name="x")
    gradient = ag.grad(lambda x: x**3)(x)
    source = ag.draw(gradient, direction="bprop").source
    assert ">12<" in source  # 6 x


def test_values_in_full_or_summed_up():
    x = ag.tensor([1.5, -2.0], requires_grad=True, name="x")
    assert "value [1.5, -2]" in ag.draw(x * 1.0).source
    y = ag.tensor(np.arange(10.0), requires_grad=True, name="y")
    assert "value 4.5 ± 2.9 in [0, 9]" in ag.draw(y * 2.0).source
    assert "value all 7" in ag.draw(ag.tensor(np.full(10, 7.0), requires_grad=True) * 2.0).source
    huge = ag.tensor(np.array([3e307] * 5 + [1e307] * 5), requires_grad=True)
    assert "value 2e+307 ± 1e+307 in [1e+307, 3e+307]" in ag.draw(huge * 1.0, format="text")
    z = ag.tensor(np.array([np.nan, 1, 2, 3, 4, 5, np.inf]), requires_grad=True)
    assert "value 2 of 7 not finite" in ag.draw(z * 2.0).source


def test_heatmaps():
    x = ag.tensor(np.linspace(-1, 1, 8), requires_grad=True, name="x")
    source = ag.draw(x * 1.0, values="heatmap", direction="fprop").source
    colors = re.findall(r'BGCOLOR="(#\w+)"', source)[:8]
    assert len(colors) == 8
    assert colors[0] == styles.NEGATIVE
    assert colors[-1] == styles.POSITIVE
    large = ag.tensor(np.ones((100, 200)), requires_grad=True)
    assert ag.draw(large * 1.0, values="heatmap", direction="fprop").source.count("BGCOLOR") == 2 * 8 * 16
    assert "BGCOLOR" not in ag.draw(x * 1.0).source


def test_a_function_is_drawn_by_its_arguments_names():
    def neuron(w, x, *, scale=2.0):
        return ag.tanh(w["in"] * x) * scale

    source = ag.draw(neuron, {"in": 0.5}, 3.0).source
    assert re.findall(r"<B>(.*?)</B>", source)[:2] == ["w", "x"]
    several = ag.draw(lambda w: w["a"] * w["b"][1] + w["b"][0], {"a": 0.5, "b": [1, 3.0]}, format="text")
    assert re.findall(r"[├└]─ (w\S*)", several) == ["w['a']", "w['b'][1]"]  # integers want no gradient
    labels = ag.draw(lambda *xs: xs[0] * xs[1], 1.0, 2.0).source
    assert re.findall(r"<B>(.*?)</B>", labels)[:2] == ["xs[0]", "xs[1]"]
    with pytest.raises(TypeError, match="returned a float, not a Tensor"):
        ag.draw(lambda x: 1.0, 2.0)
    with pytest.raises(TypeError, match="missing a required argument"):
        ag.draw(neuron, 1.0)


def test_constants_and_broadcasting_can_be_asked_for():
    loss, *_ = small_graph()
    assert "constant" not in ag.draw(loss, constants=False).source
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = np.broadcast_to(x, (3, 2)) * 2.0
    assert "broadcast_to" not in ag.draw(y).source
    assert "n0 -> n2" in ag.draw(y).source
    assert "broadcast_to" in ag.draw(y, broadcasting=True).source


@pytest.mark.parametrize("direction", ["fprop", "bprop", "both"])
def test_a_legend_for_who_sees_a_picture_for_the_first_time(direction):
    loss, *_ = small_graph()
    plain, explained = (ag.draw(loss, direction=direction, legend=legend) for legend in (False, True))
    (said,) = set(explained.source.splitlines()) - set(plain.source.splitlines())
    assert "Square boxes are operations" in said
    assert "labelloc=b" in said
    assert ("Backward, dashed" in said) == (direction == "both")
    assert repr(plain) == repr(explained)
    colored = ag.draw(loss, direction=direction, legend=True, values="heatmap").source
    assert ("green is positive" in said, "green is positive" in colored) == (False, True)


def test_what_an_op_was_given_besides_arrays_stands_in_its_title():
    x = ag.tensor(np.ones((4, 6)), requires_grad=True, name="x")
    rows = np.array([0, 2])
    loss = np.einsum("ij,kj->ik", x[1:3, ::2], x[rows, ::2]).sum(axis=0)[..., None, -1].sum()
    titles = re.findall(r"<B>(.*?)</B>", ag.draw(loss).source)
    assert titles[1:] == [
        "getitem  [1:3, ::2]", "getitem  [i, ::2]", "einsum  subscripts=ij,kj-&gt;ik", "sum  axis=0",
        "getitem  [..., None, -1]", "sum", "constant",
    ]  # fmt: skip
    assert "sum axis=0" in str(ag.Graph(loss))


def test_marks_color_boxes_and_write_notes():
    loss, w, _ = small_graph()
    graph = ag.Graph(loss)
    marks = {graph[3].node: Mark("bad", "wrong <bprop>"), w: Mark("tainted")}
    source = ag.draw(loss, marks=marks).source
    assert "wrong &lt;bprop&gt;" in source
    assert MARKS["bad"].fill in source
    assert MARKS["tainted"].fill in source
    assert "<- bad: wrong <bprop>" in ag.draw(loss, marks=marks, format="text")
    with pytest.raises(ValueError, match="Mark: kind 'red'"):
        Mark("red")


# -- a picture where it is looked at ---------------------------------------------------------------------------------


def test_dark_pages_have_colors_of_their_own(tmp_path):
    svg = ag.draw(small_graph()[0]).write(tmp_path / "x.svg").read_text(encoding="utf-8")
    assert svg.count("prefers-color-scheme: dark") == 1
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg))
    for color in used - {"#ffffff"}:  # every colour that is used has a dark one
        assert f'[fill="{color}"]' in svg
        assert f'[stroke="{color}"]' in svg


def _luminance(color):
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a, b):
    high, low = sorted([_luminance(a), _luminance(b)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_is_readable_on_every_fill():
    """WCAG asks for 4.5 for running text and 3 for large text and lines."""
    for text in (styles.TEXT, styles.FPROP, styles.BPROP, styles.QUIET):
        for fill in (styles.OP, styles.LEAF, styles.CONSTANT, styles.CLUSTER, *[look.fill for look in MARKS.values()]):
            dark = styles.DARK.get(fill) or next(look.dark_fill for look in MARKS.values() if look.fill == fill)
            assert _contrast(text, fill) >= (4.5 if text == styles.TEXT else 2.6), (text, fill)
            assert _contrast(styles.DARK[text], dark) >= (7 if text == styles.TEXT else 4), (text, dark)
    for line in (styles.FPROP, styles.BPROP, styles.QUIET):  # a transparent picture on a page of the other kind
        assert min(_contrast(line, "#FFFFFF"), _contrast(line, "#0D1117")) >= 3


def test_it_shows_itself_in_a_notebook(monkeypatch):
    loss, *_ = small_graph()
    shown = ag.draw(loss)._repr_mimebundle_()
    assert shown["image/svg+xml"].startswith("<?xml")
    png = ag.draw(loss, format="png")._repr_mimebundle_()["image/png"]
    assert base64.b64decode(png).startswith(b"\x89PNG")
    assert ag.draw(loss, format="gv")._repr_mimebundle_()["text/plain"].startswith("digraph")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    text = ag.draw(loss)._repr_mimebundle_()["text/plain"]
    assert "pip install autograd_lite[viz]" in text
    assert "digraph" in text
