"""The examples do their work; those written for HIPS autograd print the same there, where HIPS is installed.

`make agree` runs the comparison in the benchmark environment.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = ["gaussian_process", "mixture", "simulation"]
IMPORT = re.compile(r"^(import|from) autograd_lite\b", re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def data_and_optimizers():
    for module in ("matplotlib", "scipy", "sklearn"):
        pytest.importorskip(module)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The figures of an example run here, and the file it draws. Each runs once."""
    out = tmp_path_factory.mktemp("build")
    runs = {}

    def run(name):
        if name not in runs:
            program = runpy.run_path(str(EXAMPLES / f"{name}.py"))
            runs[name] = program["main"](["--quick", "--out", str(out)])
        return runs[name], out / f"{name}.png"

    return run


@pytest.mark.parametrize("name", NAMES)
def test_an_example_draws_its_result(name, ours):
    _, picture = ours(name)
    assert picture.stat().st_size > 10_000


def test_the_gaussian_process_explains_more_and_predicts_better_than_the_mean(ours):
    figures, _ = ours("gaussian_process")
    assert figures["log marginal likelihood after"] > figures["log marginal likelihood before"] + 10
    assert figures["held-out error"] < 0.85 * figures["held-out error of the mean"]
    assert 0.9 < figures["coverage of 95 %"] < 0.99


def test_the_mixture_finds_the_species(ours):
    figures, _ = ours("mixture")
    assert figures["log-likelihood per flower after"] > figures["log-likelihood per flower before"] + 0.1
    assert figures["adjusted Rand index"] > 0.85 > figures["adjusted Rand index of k-means"]


def test_the_drum_shows_the_target(ours):
    figures, _ = ours("simulation")
    assert figures["loss after"] < figures["loss before"] / 10
    assert figures["largest press / limit"] < 1


def test_newton_reaches_the_minimum_and_gradient_descent_does_not():
    figures = runpy.run_path(str(EXAMPLES / "newton.py"))["main"](["--quick"])
    assert figures["Newton: gradient"] < 1e-9
    assert figures["Newton: steps"] < 40
    assert figures["gradient descent: gradient"] > 1e-3
    assert figures["Newton: loss"] < figures["gradient descent: loss"]


@pytest.mark.parametrize("name", NAMES)
def test_hips_autograd_prints_the_same(name, ours, tmp_path):
    pytest.importorskip("autograd")
    source, replaced = IMPORT.subn(r"\1 autograd", (EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
    assert replaced >= 3
    theirs = tmp_path / f"{name}.py"
    theirs.write_text(source, encoding="utf-8")
    figures = runpy.run_path(str(theirs))["main"](["--quick", "--out", str(tmp_path)])
    assert ours(name)[0] == pytest.approx(figures, rel=1e-6)
