"""Imports go only downward (the design's floors), and the package names no op outside the table."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "autograd_lite"

# A module by its path in the package, or a whole folder; each may import what stands on a lower floor, and on its
# own floor what stands earlier in that list.
FLOORS = [
    ["errors", "node", "scopes"],
    ["tree", "source", "symbol", "alignment", "leaf", "tensor"],
    ["several", "runtime", "generate", "op"],
    ["ops"],
    ["ufuncs", "methods", "protocol", "numpy"],
    [
        "trace",
        "backprop",
        "forward",
        "batch",
        "sparsity",
        "transforms",
        "jacobians",
        "custom",
        "hooks",
        "describe",
        "flow",
        "local",
    ],
    ["finite_differences", "check", "draw", "diagnose", "row_checks", "testing", "plan"],
    ["nn", "scipy", "analysis"],
    ["__init__"],
]
PLACE = {name: (floor, k) for floor, names in enumerate(FLOORS) for k, name in enumerate(names)}


def modules():
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def room(path):
    return path.parts[0].removesuffix(".py")


def imports(path):
    """The rooms that a file imports when it runs: not those for type checkers only."""
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in skipped:
            folder = path.parts[:-1]
            base = folder[: len(folder) - (node.level - 1)]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                yield (*base, *name.split("."))


def test_every_module_has_a_floor():
    assert {room(path) for path in modules()} == set(PLACE)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_imports_go_downward(path):
    for target in imports(path):
        own, other = room(path), target[0]
        if own != other:
            assert PLACE[other] < PLACE[own], (
                f"{path} on floor {PLACE[own][0]} imports {other}, floor {PLACE[other][0]}"
            )


def test_no_cycles_inside_a_folder():
    graph = {path: {t for t in imports(path) if len(t) > 1 and t[0] == room(path)} for path in modules()}
    for path, targets in graph.items():
        seen, stack = set(), list(targets)
        while stack:
            target = stack.pop()
            file = Path(*target).with_suffix(".py")
            if file in seen or file not in graph:
                continue
            assert file != path, f"{path} imports itself through {target}"
            seen.add(file)
            stack.extend(graph[file])


def test_node_needs_no_numpy():
    assert "numpy" not in {n.split(".")[0] for n in _absolute_imports(PACKAGE / "node.py")}


def _absolute_imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


@pytest.mark.parametrize("name", ["op", "generate", "node", "flow", "check", "transforms", "backprop"])
def test_the_engine_knows_no_op_by_name(name):
    """What undoes broadcasting and joins terms is used by name; no branch asks which op a node is."""
    text = (PACKAGE / f"{name}.py").read_text(encoding="utf-8")
    assert "op.name ==" not in text
    assert "op.name in" not in text


def test_files_are_short_enough_to_read():
    for path in modules():
        assert len((PACKAGE / path).read_text(encoding="utf-8").splitlines()) <= 400, path
