"""Every claim of the lectures holds in its script, and docs/lectures.md tells of each."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LECTURES = ROOT / "examples" / "lectures"
PAGE = runpy.run_path(str(ROOT / "docs" / "lectures_page.py"))
NAMES = PAGE["NAMES"]


@pytest.fixture(autouse=True)
def beside_each_other(monkeypatch):
    for module in ("matplotlib", "scipy", "sklearn"):
        pytest.importorskip(module)
    monkeypatch.syspath_prepend(LECTURES)


def test_every_script_is_listed_short_and_on_the_page():
    scripts = {path.stem for path in LECTURES.glob("*.py")} - {"lecture"}
    assert scripts == set(NAMES)
    page = (ROOT / "docs" / "lectures.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert len((LECTURES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 80, name
        assert (ROOT / "docs" / "lectures" / f"{name}.png").exists()
        head = PAGE["section"](name, {}).partition("| | |")[0]
        assert head in page, f"docs/lectures.md is stale: run python docs/lectures_page.py ({name})"


# What each script must show, in its quick mode.
CLAIMS = {
    "layer_gradients": lambda n: (
        max(v for k, v in n.items() if "lecture" in k) < 1e-14 and max(v for k, v in n.items() if "best" in k) < 1e-8
    ),
    "bishop": lambda n: max(n.values()) < 1e-12,
    "initialization": lambda n: (
        n["zero: largest weight gradient"] == 0
        and abs(n["zero: last loss"] - n["entropy of the classes"]) < 1e-3
        and n["constant 0.01: distinct hidden units"] == 1
        and n["Glorot: distinct hidden units"] == 8
        and n["Glorot: last loss"] < 0.5 * n["constant 0.01: last loss"]
    ),
    "permutation": lambda n: (
        n["permuted: loss differs by"] < 1e-12
        and n["signs turned: gradient's norm differs by"] < 1e-12
        and n["permuted: highest loss between"] > n["loss"]
    ),
    "kl_or_squared": lambda n: (
        n["Glorot's start, KL divergence: steps"] <= n["Glorot's start, squared error: steps"]
        and n["bad start, KL divergence: last share wrong"] < 0.8 * n["bad start, squared error: last share wrong"]
    ),
    "perceptron": lambda n: (
        n["perceptron: turned by, degrees (median)"] > 1.5 * n["backpropagation: turned by, degrees (median)"]
        and n["perceptron: share that does not separate"] == 0
        and n["backpropagation: share that does not separate"] == 1
    ),
    "batches": lambda n: (
        n["one example: loss after the first epoch"]
        < n["32 examples: loss after the first epoch"]
        < n["all examples: loss after the first epoch"]
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_holds(name, tmp_path):
    numbers = runpy.run_path(str(LECTURES / f"{name}.py"))["main"](["--quick", "--out", str(tmp_path)])
    assert CLAIMS[name](numbers), numbers
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
