"""Claims of the lectures, reproduced by examples/lectures/: each draws its figure, and its numbers say what it claims."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LECTURES = ROOT / "examples" / "lectures"
PAGE = runpy.run_path(str(ROOT / "docs" / "lectures_page.py"))
NAMES = PAGE["NAMES"]


@pytest.fixture(scope="module")
def figures_of(tmp_path_factory):
    """The figures of an example, run in its quick mode. Each runs once."""
    for module in ("matplotlib", "scipy", "sklearn"):
        pytest.importorskip(module)
    out, runs = tmp_path_factory.mktemp("build"), {}

    def run(name):
        if name not in runs:
            with pytest.MonkeyPatch.context() as patch:
                patch.syspath_prepend(LECTURES)
                runs[name] = runpy.run_path(str(LECTURES / f"{name}.py"))["main"](["--quick", "--out", str(out)])
            assert (out / f"{name}.png").stat().st_size > 10_000
        return runs[name]

    return run


def test_every_script_is_listed_and_tested():
    assert {path.stem for path in LECTURES.glob("*.py")} - {"lecture"} == set(NAMES)
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in NAMES if f'figures_of("{name}")' not in tests] == []


def test_the_page_is_made_of_its_sections():
    page = (ROOT / "docs" / "lectures.md").read_text(encoding="utf-8")
    sections = PAGE["sections_of"](page)
    assert list(sections) == NAMES
    assert "\n".join([PAGE["HEAD"], *sections.values()]) == page


@pytest.mark.parametrize("name", NAMES)
def test_a_script_fits_on_a_page_and_is_on_the_page_of_lectures(name):
    assert len((LECTURES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 80
    assert (ROOT / "docs" / "lectures" / f"{name}.png").exists()
    head = PAGE["section"](name, {}).partition("| | |")[0]
    page = (ROOT / "docs" / "lectures.md").read_text(encoding="utf-8")
    assert head in page, "docs/lectures.md is stale: run python docs/lectures_page.py"


def test_the_lectures_gradients_are_the_engines_and_those_of_differences(figures_of):
    for name, value in figures_of("layer_gradients").items():
        assert value < (1e-14 if "lecture" in name else 1e-8), name


def test_bishops_network_by_scalars_and_by_matrices(figures_of):
    assert max(figures_of("bishop").values()) < 1e-12


def test_zero_weights_are_a_saddle_and_constant_ones_make_copies(figures_of):
    n = figures_of("initialization")
    assert n["zero: largest weight gradient"] == 0
    assert n["zero: last loss"] == pytest.approx(n["entropy of the classes"], abs=1e-3)
    assert n["constant 0.01: distinct hidden units"] == 1
    assert n["Glorot: distinct hidden units"] == 8
    assert n["Glorot: last loss"] < 0.5 * n["constant 0.01: last loss"]


def test_permuting_hidden_units_changes_nothing_but_the_place(figures_of):
    n = figures_of("permutation")
    assert n["permuted: loss differs by"] < 1e-12
    assert n["signs turned: gradient's norm differs by"] < 1e-12
    assert n["permuted: highest loss between"] > n["loss"]


def test_kl_converges_in_fewer_steps_than_the_squared_error(figures_of):
    n = figures_of("kl_or_squared")
    assert n["Glorot's start, KL divergence: steps"] <= n["Glorot's start, squared error: steps"]
    assert n["bad start, KL divergence: last share wrong"] < 0.8 * n["bad start, squared error: last share wrong"]


def test_the_perceptron_swings_where_backpropagation_barely_moves(figures_of):
    n = figures_of("perceptron")
    turned = "turned by, degrees (median)"
    assert n[f"perceptron: {turned}"] > 25
    assert n[f"backpropagation: {turned}"] < 6
    assert n["perceptron: share that does not separate"] == 0
    assert n["backpropagation: share that does not separate"] == 1


def test_smaller_batches_are_worth_more_per_epoch(figures_of):
    n = figures_of("batches")
    first, mini, full = (
        n[f"{size}: loss after the first epoch"] for size in ("one example", "32 examples", "all examples")
    )
    assert first < mini < full


def test_rates_by_robbins_and_monro_arrive_and_come_to_rest(figures_of):
    n = figures_of("robbins_monro")
    left = {name: n[f"from 8, {name}: last distance"] for name in ("constant", "1/(k+1)", "1/(k+1)^0.7", "1/(k+1)^2")}
    assert left["1/(k+1)^2"] > 8 - n["1/(k+1)^2: all rates together"] - 1
    assert max(left["1/(k+1)"], left["1/(k+1)^0.7"]) < 0.3 * left["constant"] < 0.3


def test_l1_reaches_zero_by_its_proximal_step_only(figures_of):
    n = figures_of("l1_l2")
    assert n["L1, proximal: share of weights exactly 0"] > 0.2
    assert n["L1, subgradient: share of weights exactly 0"] == n["L2: share of weights exactly 0"] == 0
    assert n["L1, proximal: share smaller than 0.01"] > n["L2: share smaller than 0.01"]
    assert min(value for name, value in n.items() if "accuracy" in name) > 0.8


def test_every_optimizer_learns_the_digits(figures_of):
    losses = {name: value for name, value in figures_of("optimizers").items() if "last training loss" in name}
    assert len(losses) == 12
    assert max(losses.values()) < 2.2
    assert min(losses, key=losses.get) in ("L-BFGS: last training loss", "Newton: last training loss")


def test_large_networks_fit_noise_unless_stopped_early(figures_of):
    n = figures_of("overfitting")
    assert n["smallest: validation error"] > 2 * n["best width: validation error"]
    assert n["largest: training error"] < n["largest: validation error"]
    assert (
        n["noise: test error of the truth itself"] < n["largest, stopped early: test error"] < n["largest: test error"]
    )


def test_weight_decay_trades_variance_for_bias(figures_of):
    n = figures_of("bias_variance")
    assert n["parts and error differ by"] < 1e-12
    assert n["much decay: bias2"] > 10 * n["little decay: bias2"]
    assert n["much decay: variance"] < n["little decay: variance"]
    assert n["best decay: error"] <= min(n["little decay: error"], n["much decay: error"])


def test_random_search_beats_a_grid_of_as_many_trials(figures_of):
    n = figures_of("search")
    grid = n["grid, 9 trials: accuracy"]
    assert n["random, 9 trials: accuracy (median of repeats)"] > grid
    refined = n["grid, refined, 9 more: accuracy"]
    assert n["grid, refined again, 9 more: accuracy"] > refined > grid


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
    for name in ("linear", "quadratic", "exponential"):
        left = figures[f"distance left at kappa 1000, {name}"]
        assert 90 < figures[f"distance left at kappa 1000, {name}, momentum 0.9"] < left < 100
    assert (
        figures["distance left at kappa 1000, constant, momentum 0.9"]
        < figures["distance left at kappa 1000, constant"]
    )


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
