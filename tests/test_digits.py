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
    with pytest.raises(ValueError, match=r"training set: image 5, pixel 7 is .*1 values are not finite"):
        digits.train(train, val, 0, epochs=1, progress=False)
