"""Claims of the lectures, reproduced by examples/lectures/: each draws its figure, and its numbers say what it claims."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

LECTURES = Path(__file__).parent.parent / "examples" / "lectures"
NAMES = ["negative_gradient", "learning_rates", "schedules", "newton_step", "newton_saddle", "escape", "plateau"]


@pytest.fixture(scope="module")
def figures_of(tmp_path_factory):
    """The figures of an example, run in its quick mode. Each runs once."""
    pytest.importorskip("matplotlib")
    out, runs = tmp_path_factory.mktemp("build"), {}

    def run(name):
        if name not in runs:
            runs[name] = runpy.run_path(str(LECTURES / f"{name}.py"))["main"](["--quick", "--out", str(out)])
            assert (out / f"{name}.png").stat().st_size > 10_000
        return runs[name]

    return run


@pytest.mark.parametrize("name", NAMES)
def test_an_example_fits_on_a_page(name):
    assert len((LECTURES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 80


def test_the_negative_gradient_is_orthogonal_to_level_sets_and_steepest(figures_of):
    figures = figures_of("negative_gradient")
    assert figures["largest |cos| between arrow and level set"] < 0.02
    assert figures["angle of the steepest descent, degrees"] == 0
    assert figures["share of dE missed, smallest step"] < 1e-3
    assert figures["share of dE missed, largest step"] > 0.5


def test_learning_rates_have_three_regimes_and_momentum_takes_the_root_of_kappa(figures_of):
    figures = figures_of("learning_rates")
    regimes = [figures[f"regime at {product}"] for product in ("0.5", "1.8", "2.05")]
    assert regimes == ["monotone", "oscillating", "divergent"]
    assert figures["R at kappa 100, without momentum"] == pytest.approx(99 / 101, rel=1e-6)
    assert figures["R at kappa 100, with momentum"] == pytest.approx(9 / 11, abs=0.03)


def test_the_quadratic_schedule_cannot_arrive_from_far_away(figures_of):
    figures = figures_of("schedules")
    assert figures["distance left, quadratic"] == pytest.approx(
        figures["distance left, quadratic, in the limit"], rel=0.01
    )
    assert figures["distance left, quadratic"] > 30
    assert figures["distance left, linear"] < 5
    assert figures["distance left, fixed for 15 updates, then quadratic"] < 0.01
    assert figures["distance left, constant"] < 1e-30


def test_newton_arrives_in_one_step_on_a_quadratic(figures_of):
    figures = figures_of("newton_step")
    assert figures["Newton, kappa 30"] < 1e-12
    assert figures["gradient descent, kappa 30"] > 0.1


def test_newton_goes_to_a_saddle_where_the_hessian_is_not_positive_definite(figures_of):
    figures = figures_of("newton_saddle")
    assert figures["with H"] == "saddle"
    assert figures["with |H|"] == "minimum"
    assert figures["change of E in one dimension"] > 0


def test_a_large_step_escapes(figures_of):
    figures = figures_of("escape")
    assert figures["end of the small rate"] == pytest.approx(-1.44, abs=0.01)
    assert figures["end of the large rate"] == pytest.approx(1.5, abs=0.1)
    assert figures["share that stays, below the limit"] == 1
    assert figures["share that stays, above it"] == 0


def test_momentum_carries_over_a_plateau(figures_of):
    figures = figures_of("plateau")
    assert abs(figures["gradient on the plateau"]) < 0.01
    assert figures["updates over it, momentum 0.9"] < figures["updates over it, without momentum"] / 20
