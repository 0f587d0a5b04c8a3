"""The course is whole: every item of nn and analysis says what it computes, of which shapes, what it raises and where
that is from, and is used by docs/nn.md or an example."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from autograd_lite import analysis, nn

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "nn.md").read_text(encoding="utf-8")


def classes(names, base):
    """The classes among `names` that derive from `base`, but for those that compute nothing themselves."""
    found = {name: item for name, item in names.items() if inspect.isclass(item) and issubclass(item, base)}
    return {name: item for name, item in found.items() if item not in BASES and name[0] != "_"}


BASES = {nn.regularizers.Regularizer, nn.schedules.Schedule, nn.Optimizer, nn.ClosureOptimizer, nn.Module}
TABLES = {
    "activation": nn.ACTIVATIONS,
    "initializer": {**nn.INITIALIZERS, "constant": nn.constant},
    "loss": nn.LOSSES,
    "metric": nn.METRICS,
}
NAMES = {name: item for name in [*nn.__all__, "MLPClassifier", "MLPRegressor"] if callable(item := getattr(nn, name))}
REGULARIZERS = classes(vars(nn.regularizers), nn.regularizers.Regularizer)
SCHEDULES = classes(vars(nn.schedules), nn.schedules.Schedule)
OPTIMIZERS = classes(NAMES, nn.Optimizer)
LAYERS = classes(NAMES, nn.Module)
RESULTS = classes({name: getattr(analysis, name) for name in analysis.__all__}, object)
FUNCTIONS = {name: getattr(analysis, name) for name in analysis.__all__ if name not in RESULTS}
HELPERS = {"text_of", "fans", "weights", "mask_of_weights", "soft_threshold"}  # of their own file, and of no user


def test_nothing_is_left_out():
    """What a module defines in public is in `__all__`, or in the table or folder that it belongs to."""
    known = {*NAMES.values(), *RESULTS.values(), *FUNCTIONS.values(), *REGULARIZERS.values(), *SCHEDULES.values()}
    known |= {item for table in TABLES.values() for item in table.values()} | BASES
    for module in (nn.activations, nn.initializers, nn.losses, nn.regularizers, nn.schedules):
        own = {
            item
            for name, item in vars(module).items()
            if not name.startswith("_") and getattr(item, "__module__", "") == module.__name__ and callable(item)
        }
        helpers = {item for item in own if item.__name__.endswith("_named") or item.__name__ in HELPERS}
        assert {item.__name__ for item in own - known - helpers} == set(), module.__name__


# -- it says what it computes ----------------------------------------------------------------------------------------

EQUATION = re.compile(r"<-|=|\^|\bexp\(|\bsqrt|\bsum\b|\blog\b|\||\bmax\(|\bwhere\b")
SOURCE = re.compile(r"\b(1[789]|20)\d\d\b|\blectures?'?|PyTorch|scikit-learn|[Ss]ciPy|scipy")


def described():
    """Every item that stands for an equation, by a name for the test's report, and the text that should give it."""
    for kind, table in TABLES.items():
        for name, item in table.items():
            yield f"{kind} {name}", _line_of(item) if kind == "activation" else item.__doc__
    for kind, table in {
        "regularizer": REGULARIZERS,
        "schedule": SCHEDULES,
        "optimizer": OPTIMIZERS,
        "layer": LAYERS,
        "analysis": FUNCTIONS,
    }.items():
        for name, item in table.items():
            yield f"{kind} {name}", item.__doc__


def _line_of(activation):
    """The docstring of an activation; of one that is a row of the table, its line at the head of the file."""
    if inspect.isfunction(activation):
        return activation.__doc__
    name = next(name for name, item in nn.ACTIVATIONS.items() if item is activation)
    return next(line for line in nn.activations.__doc__.splitlines() if line.startswith(name + " "))


DESCRIBED = dict(described())


@pytest.mark.parametrize("what", DESCRIBED)
def test_an_item_has_its_equation_and_its_source(what):
    text = DESCRIBED[what]
    assert EQUATION.search(text), text
    assert SOURCE.search(text), text


# Of arrays: these say which shapes. Optimizers know vectors like theta only, callbacks no arrays at all.
ON_ARRAYS = {
    **LAYERS, **nn.LOSSES, **FUNCTIONS, **{name: item for name, item in RESULTS.items() if name not in ("Rate", "Regimes")},
    **{name: NAMES[name] for name in ("predict", "predict_proba", "evaluate", "one_hot", "split", "batches", "require_finite")},
    **{f"{kind} {name}": item for kind in ("initializer", "metric") for name, item in TABLES[kind].items()},
}  # fmt: skip


@pytest.mark.parametrize("name", ON_ARRAYS)
def test_an_item_on_arrays_tells_their_shapes(name):
    assert re.search(r"\bshapes?\b|\bscalar\b|\(\w+, \w+\)|\brows?\b", documented(ON_ARRAYS[name]))


@pytest.mark.parametrize("name", list({**NAMES, **FUNCTIONS}))
def test_an_item_tells_what_it_raises(name):
    item = {**NAMES, **FUNCTIONS}[name]
    assert len(inspect.getdoc(item)) > 40
    if _raises(item):
        assert re.search(r"[Rr]aise|Error\b", documented(item, head=False)), "it raises, and does not say so"


def documented(item, head=True):
    """The docstrings of an item, of what it derives from, of its `forward`, and of the file it is in."""
    parts = [item, *getattr(item, "__mro__", ())[1:-1], getattr(item, "forward", None)]
    parts += [sys.modules[item.__module__]] if head else []
    return "\n".join(inspect.getdoc(part) or "" for part in parts if part is not None)


def _raises(item):
    """Whether the item's own code has a `raise`."""
    return any(
        isinstance(node, ast.Raise) and "NotImplementedError" not in ast.unparse(node)
        for node in ast.walk(ast.parse(inspect.getsource(item)))
    )


# -- it is used ------------------------------------------------------------------------------------------------------


def programs():
    """The programs of docs/nn.md and examples/: their sources, and what the page's print."""
    for example in doctest.DocTestParser().get_examples(PAGE):
        yield example.source, example.want
    for path in (ROOT / "examples").rglob("*.py"):
        yield path.read_text(encoding="utf-8"), ""


def used_words():
    """Attributes, names and strings of those programs, with words of what they print that begin a repr."""
    words = set()
    for source, printed in programs():
        words.update(re.findall(r"\b(\w+)\(", printed))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute):
                words.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.alias):
                words.add(node.name)
    return words


USED = used_words()


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        *[(kind, set(table)) for kind, table in TABLES.items()],
        ("schedule", set(SCHEDULES)),
        ("regularizer", set(REGULARIZERS)),
        ("nn", set(NAMES)),
        ("analysis", set(FUNCTIONS) | set(RESULTS)),
    ],
)
def test_every_item_is_used_in_the_tour_or_an_example(kind, names):
    through_a_loop = {"initializer": set(nn.INITIALIZERS)} if "in nn.INITIALIZERS.items()" in PAGE else {}
    assert names - USED - through_a_loop.get(kind, set()) == set()


@pytest.mark.parametrize(
    "name", [*OPTIMIZERS, *SCHEDULES, *REGULARIZERS, *LAYERS, *nn.LOSSES, *nn.INITIALIZERS, *FUNCTIONS]
)
def test_every_item_is_named_in_a_test(name):
    others = [path for path in (ROOT / "tests").glob("*.py") if path != Path(__file__)]
    assert any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in others)


# -- the tour --------------------------------------------------------------------------------------------------------


def test_the_tour_is_so():
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    examples = doctest.DocTestParser().get_doctest(PAGE, {}, "nn.md", "docs/nn.md", 0)
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(examples)
    assert results.failed == 0
    assert results.attempted > 150


def test_the_tours_links_lead_somewhere():
    headings = {
        re.sub(r"[^\w\- ]", "", line[3:].lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("## ")
    }
    text = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target[1:] in headings if target[0] == "#" else (ROOT / "docs" / target).exists(), target
