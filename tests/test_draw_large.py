"""Large graphs: frames of modules and scopes, repeats shown once, 100,000 boxes; and the graph as text."""

from __future__ import annotations

import gc
import re
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import scopes
from autograd_lite.describe import FIRST, LAST, table
from autograd_lite.draw import Mark
from autograd_lite.draw.parts import boxes_in
from autograd_lite.draw.view import View
from autograd_lite.flow import Box


def titles(source):
    return re.findall(r"<B>(.*?)</B>", source)


def frames(source):
    return re.findall(r"subgraph cluster_\d+ \{\n\t.*?<B>(.*?)</B>", source)


class Block(ag.nn.Module):
    def __init__(self, n):
        self.inner = ag.tensor(np.eye(n), requires_grad=True)
        self.outer = ag.tensor(np.eye(n), requires_grad=True)

    def forward(self, x):
        return x + ag.tanh(x @ self.inner) @ self.outer


class Tower(ag.nn.Module):
    def __init__(self, n, height):
        self.blocks = {"all": [Block(n) for _ in range(height)]}

    def forward(self, x):
        for block in self.blocks["all"]:
            x = block(x)
        return x


def mlp_loss(layers=10):
    model = ag.nn.MLP([6] * layers + [3])
    return ag.nn.cross_entropy(model(np.ones((4, 6))), np.array([0, 1, 2, 0])), model


def chain(n):
    w = ag.tensor(1.0, requires_grad=True, name="w")
    y = w
    for _ in range(n):
        y = y * w
    return y


# -- frames ----------------------------------------------------------------------------------------------------------


def test_modules_are_frames_that_open_and_close():
    tower = Tower(2, 2)
    x = ag.tensor(np.ones((1, 2)), requires_grad=True, name="x")
    loss = tower(x).sum()
    assert frames(ag.draw(loss).source) == ["Tower", "blocks.all.0  Block", "blocks.all.1  Block"]
    one = ag.draw(loss, depth=1).source
    assert frames(one) == ["Tower"]
    assert titles(one) == ["x", "sum", "Tower", "blocks.all.0  Block", "blocks.all.1  Block"]
    closed = ag.draw(loss, depth=0).source
    assert frames(closed) == []
    assert set(titles(closed)) == {"x", "Tower", "sum"}
    assert "8 ops, 16 parameters" in closed
    assert closed.count("->") == 4  # x to Tower to sum, and back


def test_a_closed_module_shows_the_data_that_it_was_called_with():
    loss, _ = mlp_loss(2)
    closed = ag.draw(loss, depth=0).source
    assert set(titles(closed)) == {"MLP", "mean_cross_entropy", "x", "labels"}
    assert closed.count("->") == 4  # x and the labels, and the MLP's output there and back
    assert set(titles(ag.draw(loss, depth=0, constants=False).source)) == {"MLP", "mean_cross_entropy"}
    assert "x " in ag.draw(loss, depth=0, format="text")


def test_parameters_without_a_name_have_the_path_that_leads_to_them():
    tower = Tower(2, 2)
    loss = tower(np.ones((1, 2))).sum()
    shown = titles(ag.draw(loss).source)
    assert [t for t in shown if "inner" in t] == ["blocks.all.0.inner", "blocks.all.1.inner"]


def test_a_module_that_records_one_box_is_written_in_it():
    loss, _ = mlp_loss(2)
    source = ag.draw(loss).source
    assert frames(source) == ["MLP"]
    assert "layers.1  Linear" in source


def test_scopes_name_parts_of_a_function():
    @ag.named_scope
    def square(x):
        return x * x

    @ag.named_scope("twice")
    def twice(x):
        return square(x) + square(x) * 2.0

    x = ag.tensor(2.0, requires_grad=True, name="x")
    y = twice(x)
    assert square.__name__ == "square"
    assert frames(ag.draw(y).source) == ["twice"]
    assert ag.draw(y).source.count(">square<") == 2  # each one box
    assert set(titles(ag.draw(y, depth=0).source)) == {"x", "twice"}


def test_scopes_nest_where_a_function_calls_itself():
    @ag.named_scope
    def power(x, n):
        return x if n == 0 else power(x, n - 1) * x * 1.5

    x = ag.tensor(2.0, requires_grad=True, name="x")
    assert frames(ag.draw(power(x, 3), fold=False).source) == ["power", "power", "power"]
    assert ag.draw(power(x, 100), fold=False).source.count("subgraph") <= 14


def test_calls_of_other_threads_and_of_dead_modules_frame_nothing():
    tower = Tower(2, 2)
    loss = tower(np.ones((1, 2))).sum()
    drawn = []
    thread = threading.Thread(target=lambda: drawn.append(ag.draw(loss).source))
    thread.start()
    thread.join()
    assert frames(drawn[0]) == []
    del tower
    gc.collect()
    assert frames(ag.draw(loss).source) == []


def test_calls_are_forgotten_in_the_end_and_held_weakly():
    model = ag.nn.Linear(2, 2)
    for _ in range(10):
        model(np.ones((1, 2)))
    assert scopes._log.calls.maxlen == scopes.KEPT
    before = len(scopes._log.calls)
    with ag.no_grad():
        model(np.ones((1, 2)))
    assert len(scopes._log.calls) == before  # nothing was recorded


# -- repeats ---------------------------------------------------------------------------------------------------------


def test_ten_layers_fit_one_screen():
    loss, _ = mlp_loss(10)
    source = ag.draw(loss).source
    assert "× 9" in frames(source)
    assert {"W1 … W9", "b1 … b9", "W10", "b10"} <= set(titles(source))
    assert "layers.0 … layers.8  Linear" in source
    assert source.count("label=<<TABLE") <= 18
    for font in ("Helvetica", "Courier"):  # whatever a machine has: few are wider than the latter
        picture = ag.draw(loss)
        picture.body = [line.replace("Helvetica,Arial,sans-serif", font) for line in picture.body]
        svg = picture.pipe("svg", encoding="utf-8")
        assert f'font-family="{font}' in svg
        width, height = (float(size) for size in re.search(r'width="(\d+)pt" height="(\d+)pt"', svg).groups())
        assert width < 1200
        assert height < 1000
    unfolded = ag.draw(loss, fold=False).source
    assert len([t for t in titles(unfolded) if t == "tanh"]) == 9
    assert "×" not in "".join(frames(unfolded))


def test_small_graphs_are_not_folded_unless_asked():
    loss, _ = mlp_loss(5)
    assert frames(ag.draw(loss).source) == ["MLP"]
    assert "× 4" in frames(ag.draw(loss, fold=True).source)


def test_equal_modules_are_shown_once_open_or_closed():
    tower = Tower(2, 12)
    loss = tower(ag.tensor(np.ones((1, 2)), requires_grad=True, name="x")).sum()
    assert frames(ag.draw(loss).source) == ["Tower", "blocks.all.0 … blocks.all.11  Block  × 12"]
    closed = ag.draw(loss, depth=1).source
    assert "blocks.all.0 … blocks.all.11  Block  × 12" in titles(closed)


def test_a_repeat_within_a_repeat():
    x = ag.tensor(1.0, requires_grad=True, name="x")
    for _ in range(20):
        for _ in range(5):
            x = ag.sin(x)
        x = ag.exp(-x)
    source = ag.draw(x).source
    assert "× 20" in "".join(frames(source))
    assert "sin  × 5" in titles(source)


def test_parts_that_differ_are_not_folded():
    x = ag.tensor(1.0, requires_grad=True, name="x")
    y = x
    for k in range(30):
        y = (ag.sin, ag.exp, ag.tanh)[k * k % 3 if k % 7 else 2](y) if k % 5 else y.reshape((1,) * (k // 5 + 1)).sum()
    shown, everything = (len(titles(ag.draw(y, fold=fold).source)) for fold in (None, False))
    graph = ag.Graph(y)
    assert everything == len(graph)
    assert shown <= everything


def test_a_marked_box_is_never_folded_away():
    y = chain(100)
    graph = ag.Graph(y)
    source = ag.draw(y, marks={graph[50].node: Mark("bad", "here")}).source
    assert source.count("here") == 1
    assert len([t for t in titles(source) if t.startswith("multiply")]) >= 3


def test_the_gradient_of_a_chain_folds_too():
    loss, _ = mlp_loss(10)
    shown = titles(ag.draw(loss, direction="bprop").source)
    assert len(shown) < 60
    assert any(t.startswith("∂loss/∂W2 … ") for t in shown)


@pytest.fixture(scope="module")
def long_chain():
    return chain(100_000)


def test_a_hundred_thousand_boxes_are_drawn_folded(long_chain):
    source = ag.draw(long_chain).source
    assert titles(source)[-1] == "multiply  × 100,000"
    assert len(source) < 5000
    assert "× 100,000" in ag.draw(long_chain, format="text")


def test_a_hundred_thousand_boxes_unfolded_are_refused_with_advice(long_chain):
    for format in ("svg", "text"):
        with pytest.raises(TypeError, match=r"100,001 boxes are more than 2,000.*fold=.*depth=0.*named_scope"):
            ag.draw(long_chain, fold=False, format=format)


def test_a_loop_in_a_scope():
    w = ag.tensor(0.5, requires_grad=True, name="w")
    y = w
    for _ in range(3000):
        with ag.named_scope("step"):
            y = ag.tanh(y * w) + 0.1
    assert any("step  × 3,000" in t for t in titles(ag.draw(y).source))


# -- text ------------------------------------------------------------------------------------------------------------


def test_a_graph_prints_as_a_table():
    w = ag.tensor([0.5, 1.0], requires_grad=True, name="w")
    loss = (w * 2.0 + np.ones(2)).sum()
    lines = str(ag.Graph(loss)).splitlines()
    assert [re.split(r"\s{2,}", line.strip()) for line in lines] == [
        ["op", "inputs", "shape", "value", "gradient"],
        ["0", "w (leaf)", "2 float64", "[0.5, 1]", "[2, 2]"],
        ["1", "multiply", "#0, 2", "2 float64", "[1, 2]", "[1, 1]"],
        ["2", "add", "#1, [2]", "2 float64", "[2, 3]", "[1, 1]"],
        ["3", "sum", "#2", "float64", "5", "1"],
    ]
    assert w.grad is None
    assert repr(ag.Graph(loss)) == "<Graph of 4 boxes: w, multiply, add, sum>"


def test_the_table_of_a_long_graph_says_what_it_leaves_out():
    lines = str(ag.Graph(chain(500))).splitlines()
    assert len(lines) == 1 + FIRST + 1 + LAST
    assert lines[1 + FIRST] == f"... {501 - FIRST - LAST} boxes more ..."
    assert lines[-1].startswith("500")


def test_the_table_shows_the_gradients_of_a_pass_under_way():
    w = ag.tensor(2.0, requires_grad=True, name="w")
    graph = ag.Graph(w * w * w)
    for box in graph:
        box.fprop()
    graph[-1].bprop()
    assert table(graph).splitlines()[2].split()[-1] == "2"


def test_a_tree_refers_to_what_is_shared():
    w = ag.tensor(2.0, requires_grad=True, name="w")
    h = ag.tanh(w)
    text = ag.draw(h * h + w, format="text")
    assert repr(text) == str(text)
    assert [re.split(r" +(?:float64|\()", line)[0] for line in text.splitlines()] == [
        "add",
        "├─ multiply",
        "│  ├─ tanh #2",
        "│  │  └─ w #1",
        "│  └─ tanh #2",
        "└─ w #1",
    ]
    assert text.count("(above)") == 2


def test_the_text_of_an_unpleasant_name():
    loss = ag.tensor(2.0, requires_grad=True, name="a\nb\x1b[31m") * 2.0
    assert len(ag.draw(loss, format="text").splitlines()) == 2
    assert len(str(ag.Graph(loss)).splitlines()) == 3
    assert "\x1b" not in ag.draw(loss, format="text") + str(ag.Graph(loss))


# -- any graph -------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=6), st.data())
def test_every_box_is_counted_once_and_edges_go_upward(program, data):
    """Loops of random bodies: what is shown, times how often it is repeated, is all there is."""
    leaves = [ag.tensor(0.5, requires_grad=True, name=f"w{k}") for k in range(3)]
    y = leaves[0]
    for op, repeats, leaf in program:
        for _ in range(repeats * 3):
            with ag.named_scope("body"):
                y = (ag.tanh(y) + leaves[leaf], ag.sin(y * y), -y, y * leaves[leaf] * leaves[0])[op]
    depth = data.draw(st.sampled_from([None, 0, 1]))
    graph = ag.Graph(y)
    view = View(graph, depth=depth, folded=True)
    rank = {key: k for k, key in enumerate(view.items)}
    ops = 0
    for key, item in view.items.items():
        times = view.times(key)
        for group in view.frames(key):
            times *= group.times
        if isinstance(item, Box):
            ops += 0 if item.op is None else times
        else:
            ops += times * item.times * len(list(boxes_in(item)))
    assert ops == sum(box.op is not None for box in graph)
    assert all(rank[edge.tail] < rank[edge.head] for edge in view.edges)
    taken = {edge.tail for edge in view.edges}
    assert {key for key in view.items if key not in taken} == {view.key_of(y.node)}


@pytest.mark.parametrize("name", ["</script>", 'a "b"', "back\\slash\\n", "x<y & z", "{a|b}", "two\nlines", ""])
def test_scopes_with_unpleasant_names(name, tmp_path):
    x = ag.tensor(2.0, requires_grad=True, name="x")
    with ag.named_scope(name):
        y = ag.tanh(x) * x
    for depth in (None, 0):
        drawing = ag.draw(y, depth=depth)
        assert "</script>" not in drawing.source
        assert drawing.write(tmp_path / "x.svg").read_text(encoding="utf-8").count("<svg") == 1
