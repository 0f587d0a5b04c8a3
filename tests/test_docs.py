"""What the documents say is so: the README's examples run, generated parts are fresh, examples work."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_lite as ag

ROOT = Path(__file__).parent.parent


def test_readme_examples():
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0
    assert results.attempted > 15


def test_the_examples_of_the_page_on_derivatives():
    page = (ROOT / "docs" / "derivatives.md").read_text(encoding="utf-8")
    if "custom_vjp" not in dir(ag):
        page = page.partition("## Rules of one's own")[0]
    examples = doctest.DocTestParser().get_doctest(page, {}, "derivatives.md", "docs/derivatives.md", 0)
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples)
    assert results.failed == 0
    assert results.attempted > 70


def test_readme_quotes_the_table_as_it_stands():
    table = (ROOT / "autograd_lite" / "ops" / "elementwise.py").read_text(encoding="utf-8")
    quoted = re.search(r"```python\n(multiply = .*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[
        1
    ]
    rows = {re.sub(r"\s+", "", line) for line in table.splitlines()}
    for line in quoted.splitlines():
        start = re.sub(r"\s+", "", line).removesuffix(")")
        assert any(row.startswith(start) for row in rows), line


def test_the_readme_has_the_benchmark_table_of_docs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import make

    assert make.readme_with_benchmarks() == (ROOT / "README.md").read_text(encoding="utf-8"), "run `make docs`"


def test_the_readme_takes_the_first_table_only(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import make

    page = "# Benchmarks\n\n| work | us |\n|---|---|\n| a | 1 |\n\nOf 7 rounds.\n\n## Else\n\n| case |\n|---|\n| b |\n"
    readme = "before\n<!-- benchmarks: of docs -->\n\n| old |\n\n<!-- end -->\nafter\n"
    once = make.with_benchmarks(readme, page)
    assert once.splitlines() == [
        "before", "<!-- benchmarks: of docs -->", "", "| work | us |", "|---|---|", "| a | 1 |", "", "Of 7 rounds.", "",
        "<!-- end -->", "after",
    ]  # fmt: skip
    assert make.with_benchmarks(once, page) == once


def test_the_coverage_page_is_what_running_every_function_gives(monkeypatch):
    pytest.importorskip("scipy")
    monkeypatch.syspath_prepend(ROOT / "docs")
    import coverage_page

    page = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert coverage_page.page() == page, "run `make docs`"
    assert "**no**" not in page


def test_changelog_counts_the_rows():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"{len(ag.OPS)} rows" in text


def test_the_picture_in_the_readme_is_of_the_demos_network(monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(ROOT / "examples")
    import digits

    svg = (ROOT / "docs" / "pictures" / "digits.svg").read_text(encoding="utf-8")
    shape = "×".join(str(n) for n in reversed(digits.SIZES[:2]))
    assert f"{shape} float32" in svg.replace("&#215;", "×").replace("&#160;", " ")
    for name in ("W1", "b2", "labels", "relu", "mean_cross_entropy"):
        assert name in svg


@pytest.fixture
def pictures_page(monkeypatch):
    pytest.importorskip("PIL")
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(ROOT / "docs")
    import pictures_page

    return pictures_page


def test_the_page_of_pictures_is_what_its_programs_give(pictures_page, tmp_path):
    """Texts, DOT sources and what pages tell are compared but for their numbers, not pixels."""
    with pictures_page.noted(render=False) as seen:
        page = pictures_page.run(tmp_path)
        pictures_page.demo(tmp_path, epochs=2)
    numbers = pictures_page.NUMBER
    assert numbers.sub("0", page) == numbers.sub("0", pictures_page.PAGE.read_text(encoding="utf-8")), "run `make docs`"
    lines = pictures_page.SOURCES.read_text(encoding="utf-8").splitlines()
    assert {name: digest for digest, _, name in (line.partition(" ") for line in lines)} == seen, "run `make docs`"


def test_pictures_are_there_and_small(pictures_page):
    shown = re.findall(r"\(pictures/(\S+)\)", pictures_page.PAGE.read_text(encoding="utf-8"))
    assert len(shown) >= 14
    opening = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert set(re.findall(r"docs/pictures/([\w.]+)", opening)) == {
        "digits.svg", "digits_step.png", "digits_step_dark.png"
    }  # fmt: skip
    assert {*shown, "sources.txt"} == {path.name for path in pictures_page.PICTURES.iterdir()}
    assert all(path.stat().st_size < 100_000 for path in pictures_page.PICTURES.iterdir())


def test_the_page_on_plans_is_what_its_programs_give(pictures_page, tmp_path):
    """Each character of it, and the DOT sources of its pictures."""
    import plan_page

    with pictures_page.noted(render=False) as seen:
        page = plan_page.run(tmp_path)
    assert page == plan_page.PAGE.read_text(encoding="utf-8"), "run `make docs`"
    assert plan_page.sources(seen) == plan_page.SOURCES.read_text(encoding="utf-8"), "run `make docs`"
    shown = re.findall(r"\(plan/(\S+)\)", page)
    assert {*shown, "sources.txt"} == {path.name for path in plan_page.PICTURES.iterdir()}


def test_new_op_example(tmp_path):
    pytest.importorskip("scipy")
    run = subprocess.run(
        [sys.executable, ROOT / "examples" / "new_op.py", tmp_path / "op.svg"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "third order" in run.stdout
    assert (tmp_path / "op.svg").exists()
    assert run.stderr == ""
