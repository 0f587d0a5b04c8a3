"""What a plan says of itself is so: its text, the table of its buffers, what each pass changed, and its picture."""

from __future__ import annotations

import functools
import itertools
import re

import numpy as np
import pytest
from compiling import training_step
from surface import SIZES, SURFACE, Program
from test_plan import REFUSED, value_and_pullback
from test_surface import run

import autograd_lite as ag
from autograd_lite.draw.styles import BUFFERS, stylesheet
from autograd_lite.plan import passes
from autograd_lite.plan.changes import changes
from autograd_lite.plan.program import names_of
from autograd_lite.tree import leaves

RNG = np.random.default_rng(0)


def model(params, X):
    (W1, b1), (W2, b2) = params
    return np.tanh(X @ W1 + b1) @ W2 + b2


def update(params, X, labels, rate, *, decay=0.0):
    def loss(params):
        return ag.nn.cross_entropy(model(params, X), labels) + decay * sum(np.sum(W**2) for W, _ in params)

    value, gradient = ag.value_and_grad(loss)(params)
    right = np.mean(np.argmax(model(params, X), axis=1) == labels)
    return [(W - rate * dW, b - rate * db) for (W, b), (dW, db) in zip(params, gradient, strict=True)], value, right


def arguments():
    params = [(RNG.normal(size=shape), np.zeros(shape[1])) for shape in ((2, 4), (4, 3))]
    return params, RNG.normal(size=(8, 2)), RNG.integers(0, 3, 8), 0.1


def training():
    network = ag.nn.MLP([2, 4, 3], rng=np.random.default_rng(0))
    return training_step(network, ag.nn.Adam(network.parameters()))


def plan_of(f, *args, backend="numpy", **options):
    compiled = ag.compile(f, backend=backend, **options)
    with np.errstate(all="ignore"):
        compiled(*args)
    return compiled.plan


LARGE = RNG.normal(size=(300, 400))
PLANS = {
    "update": lambda: plan_of(update, *arguments()),
    "donated": lambda: plan_of(update, *arguments(), donate=0),
    "training": lambda: plan_of(training(), *arguments()[1:3]),
    "blocks": lambda: plan_of(lambda x: (np.sum(np.exp(np.tanh(x) * x)), np.tanh(x) + 1), LARGE),
    "hessian": lambda: plan_of(ag.hessian(lambda x: np.sum(x[1:] ** 2 * x[:-1])), np.arange(4.0)),
    "several outputs": lambda: plan_of(lambda a: np.linalg.svd(a)[1] * 2.0, RNG.normal(size=(3, 3))),
    "dropout": lambda: plan_of(ag.nn.Sequential(ag.nn.Linear(3, 4), ag.nn.Dropout(0.5)), np.ones((5, 3))),
    "numbers": lambda: plan_of(ag.grad(lambda x, a: (x * a + 1.0) * x), 2.0, 3.0),
    "nothing": lambda: plan_of(lambda x: x, np.ones(3)),
    "constant": lambda: plan_of(lambda x: 3.0, np.ones(3)),
}


@pytest.fixture(params=PLANS)
def plan(request):
    return PLANS[request.param]()


@functools.cache
def plans_of_the_surface():
    found = {}
    for texts in SURFACE.values():
        for text in texts:
            program = Program(text)
            inputs = program.inputs(SIZES[1])

            def f(*moving, program=program, inputs=inputs):
                y = run(program, {**inputs, **dict(zip(program.live, moving, strict=True))})
                return [part for part in leaves(y) if getattr(part, "dtype", np.dtype(float)).kind in "fc"]

            if text in REFUSED or any(text in texts for name, texts in SURFACE.items() if name in REFUSED):
                continue
            found[text] = plan_of(value_and_pullback(f), *[inputs[k] for k in program.live])
    return found


def test_every_line_of_a_program_has_a_name_of_its_own(plan):
    for program in (plan.program, plan.best):
        lines = str(program).splitlines()
        names = [line[2:].partition(":")[0] for line in lines if ":" in line[:8]]
        assert len(set(names)) == len(names) == len(program.sources) + len(program.values)
        defined = {}
        for line in lines[: len(names)]:
            name, _, rest = line[2:].partition(":")
            how = rest.split("  ")[-1]
            if name.startswith("v"):
                assert set(re.findall(r"\b[xcv]\d+\b", how)) <= set(defined), line
            defined[name] = line


def test_the_text_of_fused_steps_is_in_brackets():
    plan = PLANS["update"]()
    marks = [line[0] for line in str(plan.best).splitlines()]
    assert marks.count("┌") == marks.count("└") == sum(len(step) > 1 for step in plan.best.steps) > 2


def test_the_table_lists_every_memory_once_and_its_size(plan):
    text = str(plan)
    table = text.split("\n\n")[1].splitlines() if plan.homes else []
    sizes = {line.split()[0]: line for line in table}
    names = names_of(plan.best)
    total = 0
    for home in {home for home in plan.homes.values() if home.kind in ("buffer", "blocks")}:
        assert f" {home.nbytes:,} bytes" in sizes[home.name]
        total += home.nbytes
    assert total == plan.peak_bytes
    for value, home in plan.homes.items():
        if home.kind != "view":
            assert sum(bool(re.search(rf"\b{names[value]}\b", line.partition("view:")[0])) for line in table) == 1


def last_reads(program):
    """By value, the place of the last value that reads it or a view of it; beyond all where it is given out."""
    order = program.values
    last = dict.fromkeys([*program.sources, *order], -1)
    last.update({y: len(order) for y in [*program.outputs, *[new for _, new in program.writes]] if y in last})
    for place, value in reversed(list(enumerate(order))):  # what is computed from a view is known already
        for i in value.operands:
            last[i] = max(last[i], last[value] if value.op.view else place)
    return last


def overlaps(plan):
    """Pairs of values in one buffer of which the later is computed while the earlier is still to be read."""
    last, latest = last_reads(plan.best), {}
    for place, value in enumerate(plan.best.values):
        home = plan.homes.get(value)
        if home is not None and home.kind == "buffer":
            before = latest.get(home.name)
            if before is not None and (last[before] > place or (last[before] == place and not value.op.elementwise)):
                yield before, value
            latest[home.name] = value


def test_values_in_one_buffer_are_never_needed_at_the_same_time(plan):
    assert not list(overlaps(plan))


def test_nor_in_the_programs_of_the_surface():
    for text, plan in plans_of_the_surface().items():
        assert not list(overlaps(plan)), text


@pytest.mark.parametrize("name", ["update", "donated", "training", "hessian"])
def test_the_arrays_of_a_plan_lie_where_it_says(name):
    plan = PLANS[name]()
    scope, names = plan.free[0]._function.__globals__, names_of(plan.best)
    kept = [(value, home) for value, home in plan.homes.items() if home.kind in ("buffer", "memory")]
    for value, _ in kept:
        assert (scope[names[value]].shape, scope[names[value]].dtype) == (value.shape, value.dtype)
    for a, home in kept:
        for b, other in kept:
            assert np.may_share_memory(scope[names[a]], scope[names[b]]) == (home.name == other.name)


def test_native_plans_tell_where_values_lie():
    pytest.importorskip("llvmlite")
    native = [
        plan_of(update, *arguments(), donate=0, backend="llvm"),
        plan_of(training(), *arguments()[1:3], backend="llvm"),
        plan_of(lambda x: (np.sum(np.exp(np.tanh(x) * x)), np.tanh(x) + 1), LARGE, backend="llvm"),
    ]
    for plan in native:
        names = names_of(plan.best)
        table = str(plan).split("\n\n")[1]
        assert {"buffer", "register"} <= {home.kind for home in plan.homes.values()}
        for value, home in plan.homes.items():
            assert len(re.findall(rf"\b{names[value]}\b", table)) == 1
            if home.kind == "buffer":
                assert int(home.name[1:]) + home.nbytes <= plan.peak_bytes
                assert home.nbytes >= value.nbytes
        assert f"{plan.peak_bytes:,} bytes of buffers" in str(plan)
        assert "in a register" in ag.draw(plan).source


def test_comments_tell_type_and_place():
    source = PLANS["donated"]().source.splitlines()
    commented = [line for line in source if "  # " in line]
    assert len(commented) > 30
    assert len({line.index("  # ") for line in commented if len(line.partition("  # ")[0].rstrip()) < 60}) == 1
    assert any(line.endswith("in place") for line in commented)
    assert any("in donated params[1][0]" in line for line in commented)


def test_arguments_go_by_their_names():
    @ag.compile
    def f(a, pair, *more, scale, options):
        return a * pair["left"] + pair["right"][1] * scale + more[0] * options[0]

    x = np.ones(2)
    f(x, {"left": x, "right": (1, x)}, x, options=[x], scale=x)
    named = [source.source.name for source in f.plan.program.sources]
    assert named == ["a", "pair['left']", "pair['right'][1]", "argument 2", "options[0]", "scale"]
    g = ag.compile(np.add)
    g(x, x)
    assert len({source.source.name for source in g.plan.program.sources}) == 2


def test_changes_begin_with_what_was_recorded_and_end_with_what_runs(plan):
    found = plan.changes
    assert [change.name for change in found] == [improve.__name__ for improve in passes.PASSES]
    for change, following in itertools.pairwise(found):
        assert change.after is following.before
    assert str(found[-1].after) == str(plan.best)
    for change in found:
        for program in (change.before, change.after):
            named = [change.names[value] for value in [*program.sources, *program.values]]
            assert len(set(named)) == len(named)


def test_a_change_tells_exactly_which_lines_went_and_came():
    for change in PLANS["donated"]().changes:
        old, new = change._lines(change.before), change._lines(change.after)
        text = str(change).splitlines()
        assert bool(change) == (len(text) > 1) == ("nothing to do" not in text[0])
        if change and sorted(old) != sorted(new):
            went = [line[2:].split() for line in text if line.startswith("- ")]
            came = [line[2:].split() for line in text if line.startswith("+ ")]
            assert [line for line in went if line not in came] == [
                " ".join(line).split() for line in old if line not in new
            ]
            assert [line for line in came if line not in went] == [
                " ".join(line).split() for line in new if line not in old
            ]


def test_a_value_keeps_its_name():
    program = plan_of(lambda x: np.tanh(x) * 1.0 + np.tanh(x), np.ones(3)).program
    first, second = changes(program, (passes.simplified, passes.without_repeats))
    assert "+ v3: float64[3]  v0 + v2" in str(first)
    assert "+ v3: float64[3]  v0 + v0" in str(second)


def test_passes_change_something_in_an_ordinary_step():
    plan = PLANS["update"]()
    changed = {change.name for change in plan.changes if change}
    assert {"expanded", "simplified", "without_repeats", "fused"} <= changed


def boxes(picture):
    return re.findall(r"^\t+(\w+) \[label=<<TABLE", picture.source, re.MULTILINE)


def test_every_value_has_a_box_and_every_input_an_edge(plan):
    for thing, program in ((plan, plan.best), (plan.program, plan.program)):
        picture, names = ag.draw(thing), names_of(program)
        assert {names[v] for v in [*program.sources, *program.values]} <= set(boxes(picture))
        edges = re.findall(r"^\t+(\w+) -> (\w+)", picture.source, re.MULTILINE)
        values = [y for y in program.outputs if hasattr(y, "operands")]
        assert len(edges) == sum(len(v.operands) for v in program.values) + len(values) + len(program.writes)
        assert {tail for tail, _ in edges} <= set(boxes(picture))
        assert picture.source.count("subgraph cluster_") == sum(len(step) > 1 for step in program.steps)


@pytest.mark.parametrize("name", PLANS)
def test_pictures_are_the_same_each_time(name):
    assert ag.draw(PLANS[name]()).source == ag.draw(PLANS[name]()).source


def test_boxes_of_one_buffer_have_one_colour():
    plan = PLANS["update"]()
    source, names = ag.draw(plan).source, names_of(plan.best)
    fills = dict(re.findall(r'^\t+(v\d+) \[label=<.*>> color=\S+ fillcolor="(#\w+)"', source, re.MULTILINE))
    colours = {}
    for value, home in plan.homes.items():
        if home.kind == "buffer":
            colours.setdefault(home.name, set()).add(fills[names[value]])
    assert len(colours) >= 8
    assert all(len(found) == 1 for found in colours.values())
    assert len(set.union(*colours.values())) == len(BUFFERS)


def test_every_colour_of_a_picture_has_one_on_dark_pages():
    source, styles = ag.draw(PLANS["training"](), legend=True).source, stylesheet()
    for colour in set(re.findall(r'color="?(#\w{6})', source)):
        assert f'"{colour.lower()}"' in styles, colour


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "gv"])
def test_pictures_are_saved(tmp_path, suffix):
    path = ag.draw(PLANS["update"](), legend=True).write(tmp_path / f"plan.{suffix}")
    assert path.stat().st_size > 1000


def test_as_text_a_plan_is_what_print_shows():
    plan = PLANS["update"]()
    assert str(ag.draw(plan, format="text")) == str(plan)
    assert str(ag.draw(plan.best, format="text")) == str(plan.best)
    assert repr(plan).startswith("<Plan float64[2, 4], float64[4], ")


@pytest.mark.parametrize("options", [{"values": False}, {"direction": "fprop"}, {"check": True}])
def test_what_a_program_cannot_show_is_an_error(options):
    with pytest.raises(ag.ArgumentError, match="a program has neither values"):
        ag.draw(PLANS["nothing"](), **options)


def test_programs_too_large_to_be_read_are_not_drawn():
    def long(x):
        for _ in range(2001):
            x = np.sin(x)
        return x

    with pytest.raises(ag.ArgumentError, match=r"2,001 values are more than 2,000"):
        ag.draw(plan_of(long, np.ones(2)))


def test_what_is_shown_is_what_runs_after_a_leaf_has_moved():
    """A model that joins a larger one has its parameters in other memory, for which the plan is written again."""
    layer = ag.nn.Linear(3, 3, rng=0)
    compiled = ag.compile(lambda x: np.tanh(layer(x)), backend="numpy")
    x = np.ones((4, 3))
    first = compiled(x)
    before, plan = compiled.plan.homes, compiled.plan
    assert len(ag.nn.Sequential(layer, ag.nn.Linear(3, 2, rng=1)).theta) == 20
    np.testing.assert_array_equal(compiled(x), first)
    assert compiled.plan is plan
    assert plan.homes is plan.built.homes
    assert plan.homes is not before
    assert plan.source == plan.built.source
