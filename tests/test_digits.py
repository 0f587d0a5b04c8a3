"""The demo: it learns, it says the same on every run, and it refuses data that cannot be learned from."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def digits(monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(EXAMPLES)
    import digits

    return digits


def test_the_demo_learns_prints_and_draws(digits, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["digits.py", "--out", str(tmp_path)])
    digits.main()
    said = capsys.readouterr().out.splitlines()
    assert float(said[0].removeprefix("test accuracy ")) >= 0.96
    assert (tmp_path / "digits.svg").read_text(encoding="utf-8").count("<title>n") > 8
    page = (tmp_path / "digits.html").read_text(encoding="utf-8")
    assert "MLP 64-256-10" in page
    assert page.count('"phase":"fprop"') == page.count('"phase":"bprop"') == 4
    assert (tmp_path / "digits.png").stat().st_size > 10_000
    digits.main()
    assert capsys.readouterr().out.splitlines() == said


def test_the_split_is_stratified(digits):
    sets = digits.load(3)
    assert [len(s.y) for s in sets] == [1078, 359, 360]
    for s in sets:
        assert np.ptp(np.bincount(s.y) / len(s.y)) < 0.02


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_data_that_is_not_finite_is_refused(digits, bad):
    train, val, _ = digits.load(0)
    train.X[5, 7] = bad
    with pytest.raises(ValueError, match=r"training set: image 5, pixel 7 is .*1 value is not finite"):
        digits.train(train, val, 0, 0.1, 1e-3, epochs=1)


def test_settings_are_chosen_by_the_validation_set_alone(digits, monkeypatch):
    """Neither training nor choosing looks at the test set; the best of all settings by validation loss is taken."""
    seen, train = [], digits.train

    def noted(train_set, val_set, *settings, epochs):
        seen.append((train_set.X, val_set.X, train(train_set, val_set, *settings, epochs=2)))
        return seen[-1][2]

    monkeypatch.setattr(digits, "train", noted)
    _, chosen, _ = digits.run(1, progress=False)
    assert len(seen) == len(digits.RATES) * len(digits.DECAYS)
    assert chosen.validation_loss == min(run.validation_loss for _, _, run in seen)
    expected = digits.load(1)
    for train_X, val_X, _ in seen:
        np.testing.assert_array_equal(train_X, expected[0].X)
        np.testing.assert_array_equal(val_X, expected[1].X)
