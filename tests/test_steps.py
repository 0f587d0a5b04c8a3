"""The calls that `ag.step_through` shows are the engine's own, and what it says about them is so."""

from __future__ import annotations

import html
import json
import re
import sys
from base64 import b64decode

import graphviz
import numpy as np
import pytest
from surface import FLAT, SIZES, SURFACE, Program

import autograd_lite as ag
import autograd_lite.numpy as agnp
from autograd_lite.describe import summary
from autograd_lite.draw import formulas, layout, numbers
from autograd_lite.draw.passes import passes
from autograd_lite.draw.story import story
from autograd_lite.flow import Graph
from autograd_lite.tree import leaves

RNG = np.random.default_rng(0)


def parameter(value, name):
    return ag.tensor(value, requires_grad=True, name=name)


def neuron():
    x, w, b = parameter([1.0, 2.0], "x"), parameter([0.5, -0.4], "w"), parameter(0.7, "b")
    return ag.tanh(ag.sum(w * x) + b) ** 2, [x, w, b]


def shared():
    w, x = parameter(2.0, "w"), parameter(-0.7, "x")
    return ag.tanh(w * x) * w + ag.exp(x) * x * x, [w, x]


def broadcast():
    W, b, s = parameter([[1.0, 2.0, -1.0], [0.5, 0.0, 1.0]], "W"), parameter([0.1, 0.2], "b"), parameter(0.5, "scale")
    h = ag.tanh((RNG.normal(size=(4, 3)) @ W.T + b) * s)
    return (h * h).sum() + (b**2).sum(), [W, b, s]


def network():
    model = ag.nn.MLP([5, 7, 3], activation="relu", rng=0)
    loss = ag.nn.cross_entropy(model(RNG.normal(size=(6, 5))), np.arange(6) % 3)
    return loss, list(model.parameters())


def linear_algebra():
    A = parameter(RNG.normal(size=(3, 3)), "A")
    spd = A @ A.T + np.eye(3)
    u, s, _ = ag.linalg.svd(A)
    return ag.linalg.slogdet(spd)[1] + ag.linalg.solve(spd, np.ones(3)).sum() + s.sum() + (u * u * u).sum(), [A]


def indexed():
    x = parameter(RNG.normal(size=6), "x")
    return ag.where(x > 0, x, 0.1 * x).sum() + ag.concatenate([x[:2], x[[1, 1, 5]]]).prod() + ag.max(x), [x]


def not_a_scalar():
    x = parameter([1.0, 2.0, 3.0], "x")
    return x * x, [x]


PROGRAMS = [neuron, shared, broadcast, network, linear_algebra, indexed, not_a_scalar]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_call_of_the_engine_is_seen_in_order(program):
    seen = []

    def profile(frame, event, _):
        if (
            event == "call"
            and frame.f_code.co_filename.startswith("<autograd_lite op")
            and frame.f_code.co_name == "bprop"
        ):
            seen.append(frame.f_locals["node"])

    loss, leaves = program()
    found = passes(Graph(loss), loss)
    assert all(leaf.grad is None for leaf in leaves)
    sys.setprofile(profile)
    try:
        loss.backward(np.ones(loss.shape))
    finally:
        sys.setprofile(None)
    assert [call.node for call in found.bprops] == seen
    orders = [node.order for node in found.fprops]
    assert orders == sorted(orders)
    assert {*found.fprops} == {box.node for box in Graph(loss) if box.op}
    for leaf in leaves:
        np.testing.assert_allclose(found.gradients[leaf.node], leaf.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("program", PROGRAMS)
def test_values_are_those_of_the_pass(program):
    loss, _ = program()
    found = passes(Graph(loss), loss)
    np.testing.assert_array_equal(found.values[loss.node], loss.data)
    for box in Graph(loss):
        pair = found.values[box.node], box.value
        for one, other in zip(*pair, strict=True) if box.op and box.op.several else [pair]:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_arrives_is_the_sum_of_what_was_sent(program):
    loss, _ = program()
    found = passes(Graph(loss), loss)
    for node, gradient in found.gradients.items():
        sent = [s for call in found.bprops for s in call.sent if s.to is node]
        if sent and not isinstance(gradient, ag.several.Cotangents):
            np.testing.assert_array_equal(sent[-1].total, gradient)
            total = sum(np.asarray(formulas.fitted(s.gradient, node)) for s in sent)
            np.testing.assert_allclose(total, gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("program", PROGRAMS)
def test_upstream_times_local_derivative_is_what_was_sent(program, monkeypatch):
    """The local derivatives come from forward mode, the gradients from the reverse formulas."""
    monkeypatch.setattr(formulas, "SHOWN", 10**6)
    loss, _ = program()
    checked = 0
    for call in passes(Graph(loss), loss).bprops:
        for sent in call.sent:
            share = formulas.share(call, sent)
            if share is not None:
                checked += 1
                assert len(share.terms) == share.places
                total = sum(upstream * derivative for _, upstream, derivative in share.terms)
                np.testing.assert_allclose(total, share.gradient, rtol=1e-6, atol=1e-12)
                assert abs(share.gradient) == np.max(np.abs(formulas.fitted(sent.gradient, sent.to)))
    assert checked


def test_gradients_of_shared_values_add_up_step_by_step():
    x = parameter(3.0, "x")
    loss = x * x + x
    data = story(Graph(loss), loss)
    values = [row["brief"] for row in data["values"]]
    (box,) = [box for box in data["boxes"] if box["name"] == "x"]
    assert [values[v] for _, v in box["grads"]] == ["1", "4", "7"]
    sends = [send for frame in data["frames"] if frame["phase"] == "bprop" for send in frame["sends"]]
    to_x = [send for send in sends if data["boxes"][send["box"]] is box]
    assert [send["of"] for send in to_x] == [3, 3, 3]
    assert [send["last"] for send in to_x] == [False, False, True]
    assert [send["before"] and values[send["before"]] for send in to_x] == [None, "1", "4"]


def test_broadcasting_is_told_on_both_ways():
    loss, _ = broadcast()
    frames = story(Graph(loss), loss)["frames"]
    text = " ".join(t for frame in frames for t in frame["text"])
    assert "b has 2 entries and was copied 4 times to fit 4 × 2" in text
    assert "scale is one number and was copied 8 times" in text
    back = [t for frame in frames for send in frame.get("sends", []) for t in send["text"]]
    assert any("b was copied 4 times" in t and "4 × 2, are summed to 2 entries" in t for t in back)
    assert any("scale was copied 8 times" in t and "are summed to one number" in t for t in back)


def test_formulas_stand_as_in_the_table_and_with_numbers():
    w = parameter(2.0, "w")
    loss = ag.tanh(w * -0.5)
    frames = story(Graph(loss), loss)["frames"]
    assert [frame["title"] for frame in frames] == [
        "Start",
        "fprop 1 of 2: multiply",
        "fprop 2 of 2: tanh",
        "bprop 1 of 2: tanh",
        "bprop 2 of 2: multiply",
    ]
    assert (frames[1]["formula"], frames[1]["numbers"]) == ("a * b", ["2 × (-0.5)", "-1"])
    assert frames[2]["numbers"] == ["tanh(-1)", "-0.7616"]
    (send,) = frames[3]["sends"]
    assert send["formula"] == ag.tanh.formula_text("x") == "g * (1 - y * y)"
    assert send["numbers"] == "1 × (1 − (-0.7616) × (-0.7616))"
    assert send["share"] == {"entry": "", "terms": [["1", "0.419974"]], "more": 0, "result": "0.419974"}


@pytest.mark.parametrize(
    ("text", "scope", "expected"),
    [
        ("g * x", {"g": 2.0, "x": np.ones((3, 4))}, "2 × ⟨3×4⟩"),
        ("f(x)", {"x": -1.5}, "f(-1.5)"),
        ("g", {"g": -1.5}, "-1.5"),
        ("g / r.shape[-1]", {"g": 1.0, "r": np.ones((8, 10))}, "1 / 10"),
        ("r.size", {"r": np.ones((8, 10))}, "80"),
        ("x[k]", {"x": (1.0, 2.0), "k": 1}, "(1, 2)[1]"),
        ("where(y > 0, g, 0)", {"y": np.bool_(True), "g": [1, 2]}, "where(True > 0, (1, 2), 0)"),
        ("?", {}, "?"),
    ],
)
def test_numbers_in_formulas(text, scope, expected):
    assert formulas.with_numbers(text, scope) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1 / 3, "0.3333"),
        (-0.0, "0"),
        (np.int64(123456), "123456"),
        (np.array([True, False, True, True, True]), "4 of 5 true"),
        (np.array([1.0, 2.0]), "[1, 2]"),
        (np.full(100, 0.25), "all 0.25"),
        (np.array([np.nan, 1, 2, 3, np.inf] * 2), "4 of 10 not finite"),
        (np.zeros((0, 3)), "empty"),
        (np.array([1e-12, 1.0, -1.0, 2.0, -2.0] * 2), "0 ± 1.4"),
        (1 + 2j, "1+2j"),
    ],
)
def test_brief(value, expected):
    assert summary(value, ends=False) == expected


def test_heat_maps_are_means_of_blocks():
    values = numbers.Values(1)
    x = np.zeros((100, 96))
    x[:4, :2] = -4.0
    x[-1, -1] = np.nan
    heat = values.rows[values.at(x)]["heat"]
    assert (heat["rows"], heat["columns"], heat["block"], heat["most"]) == (25, 48, [4, 2], "4")
    cells = np.frombuffer(b64decode(heat["cells"]), np.uint8)
    assert (cells[0], cells[1], cells[-1]) == (0, 127, numbers.NOT_FINITE)
    assert values.at(x) == 0


def test_hooks_and_retained_gradients_stay():
    x = parameter(2.0, "x")
    y = x * x
    y.retain_grad()
    loss = y * 3.0
    loss.backward()
    passes(Graph(loss), loss)
    assert y.grad == 3.0
    assert x.grad == 12.0


def test_a_leaf_that_has_changed_is_refused():
    x = parameter(2.0, "x")
    loss = x * x
    x.data = 3.0
    with pytest.raises(ag.StaleValueError, match="leaf x"):
        passes(Graph(loss), loss)


def page_of(loss, tmp_path, **options):
    return ag.step_through(loss, tmp_path / "deep" / "steps.html", **options)


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)[1])


def test_the_page_is_one_deterministic_file(tmp_path):
    page = page_of(neuron()[0], tmp_path, title="a <neuron>")
    text = page.read_text(encoding="utf-8")
    assert page == tmp_path / "deep" / "steps.html"
    assert "<title>a &lt;neuron&gt;</title>" in text
    assert not re.findall(r"(?:src|href)=(?!\"data:,)", text)
    assert "http:" not in text.replace("http://www.w3.org/2000/svg", "")
    assert page_of(neuron()[0], tmp_path, title="a <neuron>").read_text(encoding="utf-8") == text
    assert len(data_of(page)["frames"]) == 1 + 5 + 5


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "{{script}}", 'a "q" \\ \n\u2028 <!--', "\\1"])
def test_hostile_names_are_data(name, tmp_path):
    text = page_of(parameter(2.0, name) * 2.0, tmp_path, title=name).read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert data_of(tmp_path / "deep" / "steps.html")["boxes"][0]["name"] == name


def test_a_notebook_shows_the_page(tmp_path):
    page = page_of(neuron()[0], tmp_path)
    shown = page._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1]) == page.read_text(encoding="utf-8")


def test_large_arrays_are_small_in_the_page(tmp_path):
    model = ag.nn.MLP([64, 256, 10], activation="relu", rng=0, dtype=np.float32)
    loss = ag.nn.cross_entropy(model(RNG.random((8, 64), dtype=np.float32)), np.arange(8))
    assert page_of(loss, tmp_path).stat().st_size < 100_000


def test_what_cannot_be_stepped_through(tmp_path):
    with pytest.raises(TypeError, match="not recorded"):
        page_of(ag.ones(2), tmp_path)
    y = parameter(1.0, "x")
    for _ in range(2001):
        y = y + 1.0
    with pytest.raises(TypeError, match=r"2,002 boxes are more than 2,000.*ag\.draw"):
        page_of(y, tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_thousand_boxes_make_a_page_of_a_few_megabytes(tmp_path, monkeypatch):
    monkeypatch.setattr(layout.Picture, "pipe", _no_engine)  # whose layout takes seconds
    y = parameter(RNG.normal(size=(40, 40)), "x")
    for _ in range(999):
        y = ag.tanh(y) * 1.01
    assert page_of(y, tmp_path).stat().st_size < 5_000_000


def _no_engine(*args, **options):
    raise graphviz.ExecutableNotFound(["dot"])


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("engine", ["graphviz", "own"])
def test_boxes_do_not_overlap_and_edges_go_up(program, engine, monkeypatch):
    if engine == "own":
        monkeypatch.setattr(layout.Picture, "pipe", _no_engine)
    loss, _ = program()
    data = story(Graph(loss), loss)
    boxes = data["boxes"]
    for k, a in enumerate(boxes):
        assert a["x"] - a["width"] / 2 >= -1
        assert a["x"] + a["width"] / 2 <= data["size"][0] + 1
        for b in boxes[:k]:
            apart = abs(a["x"] - b["x"]) >= (a["width"] + b["width"]) / 2 - 1
            assert apart or abs(a["y"] - b["y"]) >= (a["height"] + b["height"]) / 2 - 1
    for edge in data["edges"]:
        assert boxes[edge["tail"]]["y"] > boxes[edge["head"]]["y"]
        assert len(edge["points"]) % 3 == 1


class Block(ag.nn.Module):
    def __init__(self, n):
        self.weight = ag.tensor(np.eye(n), requires_grad=True)

    def forward(self, x):
        return x + ag.tanh(x @ self.weight)


class Tower(ag.nn.Module):
    def __init__(self, n, height):
        self.blocks = [Block(n) for _ in range(height)]

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def test_modules_and_scopes_are_frames_around_their_boxes():
    tower, x = Tower(2, 2), parameter(np.ones((1, 2)), "x")
    with ag.named_scope("the </text> loss"):
        loss = (tower(x) ** 2).sum()
    data = story(Graph(loss), loss)
    frames = {frame["title"]: frame["corners"] for frame in data["modules"]}
    assert list(frames) == ["the </text> loss", "Tower", "blocks.0 Block", "blocks.1 Block"]

    def inside(title, box):
        left, top, right, bottom = frames[title]
        across = left <= box["x"] - box["width"] / 2 and box["x"] + box["width"] / 2 <= right
        return across and top <= box["y"] - box["height"] / 2 and box["y"] + box["height"] / 2 <= bottom

    found = {box["name"]: [title for title in frames if inside(title, box)] for box in data["boxes"]}
    whole, module, first, second = frames
    assert found == {
        "x": [],
        "blocks.0.weight": [whole, module, first],
        "matmul #1": [whole, module, first],
        "tanh #1": [whole, module, first],
        "add #1": [whole, module, first],
        "blocks.1.weight": [whole, module, second],
        "matmul #2": [whole, module, second],
        "tanh #2": [whole, module, second],
        "add #2": [whole, module, second],
        "square": [whole],
        "sum": [whole],
    }


def test_each_frame_says_in_words_and_in_a_formula_what_is_computed():
    loss, _ = network()
    affine, relu, *_, entropy = [frame for frame in story(Graph(loss), loss)["frames"] if frame["phase"] == "fprop"]
    assert (affine["formula"], affine["numbers"]) == ("x @ W.T + b", ["⟨6×5⟩ @ ⟨7×5⟩.T + ⟨7⟩", "⟨6×7⟩"])
    assert affine["meaning"].startswith("The pre-activation of a layer")
    assert relu["formula"] == "maximum(x, 0)"
    assert entropy["formula"] == "mean(-log(softmax(z)[labels]))"
    x = parameter([3.0, 1.0, 2.0], "x")
    taken = story(Graph(x[1:]), x[1:])["frames"][1]
    assert (taken["formula"], taken["numbers"]) == ("x[index]", ["[3, 1, 2][1:]", "[1, 2]"])


@pytest.mark.parametrize("name", [*SURFACE, *(f"np.{name}" for name in FLAT)])
def test_every_function_can_be_stepped_through(name, monkeypatch):
    special = pytest.importorskip("autograd_lite.scipy.special")
    monkeypatch.setattr(layout.Picture, "pipe", _no_engine)  # the quicker layout
    monkeypatch.setattr(formulas, "SHOWN", 10**6)
    for program in map(Program, SURFACE.get(name) or FLAT[name.removeprefix("np.")]):
        inputs = program.inputs(SIZES[0])
        recorded = {k: ag.tensor(x, requires_grad=True) if k in program.live else x for k, x in inputs.items()}
        outputs = [y for y in leaves(program(agnp, special, recorded)) if isinstance(y, ag.Tensor) and y.node]
        for y in outputs:
            loss = ag.sum(ag.real(y)) if y.dtype.kind == "c" else y
            json.dumps(story(Graph(loss), loss), allow_nan=False)
            for call in passes(Graph(loss), loss).bprops:
                for share in [formulas.share(call, sent) for sent in call.sent]:
                    if share is not None and np.isfinite(share.gradient):
                        total = sum(upstream * derivative for _, upstream, derivative in share.terms)
                        np.testing.assert_allclose(total, share.gradient, rtol=1e-6, atol=1e-9)


def test_a_leaf_alone_and_a_flat_result():
    x = parameter([1.0, -2.0], "x")
    data = story(Graph(x), x)
    assert len(data["frames"]) == 1
    assert [data["values"][v]["brief"] for _, v in data["boxes"][0]["grads"]] == ["[1, 1]"]
    flat = x > 0
    data = story(Graph(flat), flat)
    assert [frame["phase"] for frame in data["frames"]] == ["start", "fprop"]
    assert not any(box["wants"] for box in data["boxes"])
