"""Growth: what a step must at least do, the roofline, who is left out, and the page. Nothing here measures a time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import growth
from benchmarks.growth import SERIES, Series

WIDTH = next(s for s in SERIES if s.name == "width")
CHAIN = next(s for s in SERIES if s.name == "chain")


def test_products_of_a_training_step():
    """Counted by hand for 3-4-2 and a batch of 5: forward, weights' gradients, and the hidden layer's."""
    forward = weights = 2 * 5 * (3 * 4 + 4 * 2)
    hidden = 2 * 5 * 4 * 2
    operations, moved = growth.network((3, 4, 2), 5)
    assert operations == forward + weights + hidden
    assert moved == 4 * (8 * (12 + 8) + 4 * 5 * (3 + 4 + 2))


def test_what_is_least_grows_as_the_work_does():
    small, large = (growth.least(CHAIN, n) for n in (10, 1000))
    assert np.array(large).tolist() == [100 * x for x in small]
    operations = [growth.least(WIDTH, n)[0] for n in (1024, 4096)]
    assert 11 < operations[1] / operations[0] < 16  # width squared, but for the first and the last layer


@pytest.mark.parametrize(
    ("product_rate", "bandwidth", "nearer"), [(4000, 1e9, "products"), (1e9, 160_000, "memory"), (1e9, 1e9, None)]
)
def test_roofline(product_rate, bandwidth, nearer):
    """1,000 multiplications are at least 4,000 operations and 16,000 bytes."""
    shares = growth.roofline(CHAIN, 1000, 2.0, product_rate, bandwidth)
    assert shares["products"] == pytest.approx(4000 / product_rate / 2)
    assert shares["memory"] == pytest.approx(16000 / bandwidth / 2)
    assert shares["bound"] == (shares[nearer] if nearer else max(shares["products"], shares["memory"]))


def test_sizes_reach_from_end_to_end():
    ends = {series.name: (series.sizes[0], series.sizes[-1]) for series in SERIES}
    assert ends == {"layers": (1, 1000), "width": (16, 4096), "batch": (1, 8192), "chain": (10, 1_000_000)}
    assert all(list(series.sizes) == sorted(series.sizes) for series in SERIES)


def test_arguments_survive_json():
    for series in SERIES:
        args = series.args(series.sizes[1])
        assert growth.listed(json.loads(json.dumps(args))) == args


@pytest.fixture
def machine(monkeypatch):
    """A machine of known rates, on which `answers(name, n)` is what a point gives; the points that were asked for."""
    asked = []

    def set_up(answers):
        def ask(name, program, args, small):
            asked.append((name, *args))
            return answers(name, *args)

        monkeypatch.setattr(growth, "rates", lambda: (1e9, 1e9))
        monkeypatch.setattr(growth, "ask", ask)
        return asked

    return set_up


def measured(series, names):
    rows, said = [], []
    growth.measure(series, names, said.append, rows.append)
    return rows, said


SMALL = Series("chain", "length", "multiply_chain", lambda n: (n,), (10, 100, 1000))
POINT = {"seconds": 1e-3, "first": 0.5, "bytes": 5000}


def test_who_fails_is_left_out_from_there_on(machine):
    asked = machine(lambda name, n: {"error": "no memory"} if (name, n) == ("torch", 100) else POINT)
    rows, said = measured(SMALL, ["eager", "torch"])
    assert [(row["contestant"], row["n"]) for row in rows if "seconds" in row] == [
        ("eager", 10), ("torch", 10), ("eager", 100), ("eager", 1000),
    ]  # fmt: skip
    assert asked.count(("torch", 100)) == 2  # once more, for it may have been chance
    assert ("torch", 1000) not in asked
    assert sum("left out" in text for text in said) == 1
    assert [row["error"] for row in rows if "error" in row] == ["no memory"]


def test_what_would_take_too_long_is_not_begun(machine):
    asked = machine(lambda name, n: POINT | {"first": n / 10})
    rows, _ = measured(SMALL, ["llvm"])
    assert asked == [("llvm", 10), ("llvm", 100)]
    assert "about 100 s" in rows[-1]["error"]


def test_the_page(machine, tmp_path):
    page = pytest.importorskip("benchmarks.growth_page", reason="needs matplotlib")
    machine(lambda name, n: {"error": "no memory"} if (name, n) == ("llvm", 1000) else POINT)
    rows, _ = measured(SMALL, ["eager", "llvm"])
    page.write(tmp_path, {SMALL: rows}, processors=2)
    text = (tmp_path / "growth.md").read_text(encoding="utf-8")
    assert "products at 1 GF/s and copies at 1.0 GB/s" in text
    assert "![length](growth/chain.svg)" in text
    assert (tmp_path / "growth" / "chain.svg").stat().st_size > 10_000
    lines = text.splitlines()
    assert "| 10 | 1 ms | 5 kB | 0.016 % (bytes) | 1 ms | 500 ms | 5 kB | 0.016 % (bytes) |" in lines
    assert "| 1,000 | 1 ms | 5 kB | 1.6 % (bytes) | - | - | - | - |" in lines
    assert "llvm backend is left out from 1,000 on: no memory." in text
    page.write(tmp_path / "again", {SMALL: rows}, processors=2)
    assert (tmp_path / "again" / "growth" / "chain.svg").read_bytes() == (
        tmp_path / "growth" / "chain.svg"
    ).read_bytes()  # the same figures are no change for git


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("duration", 2.5e-6, "2.5 us"), ("duration", 0.0123, "12.3 ms"), ("duration", 12.34, "12.3 s"),
        ("amount", 4096, "4.1 kB"), ("amount", 1.234e8, "123 MB"), ("amount", 2.5e9, "2.5 GB"),
        ("percent", 0.00123, "0.12 %"), ("percent", 0.5, "50 %"), ("percent", 1.25, "125 %"),
    ],
)  # fmt: skip
def test_numbers_in_words(unit, value, text):
    page = pytest.importorskip("benchmarks.growth_page", reason="needs matplotlib")
    assert getattr(page, unit)(value) == text
