"""Regenerate what is generated: pages, pictures, and the README's benchmark table. Run by `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

import coverage_page as coverage
import pictures_page as pictures
import plan_page as plan

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- benchmarks:.*?-->\n).*?(<!-- end -->)", re.DOTALL)


def readme_with_benchmarks() -> str:
    """The README with the table of docs/benchmarks.md in its place."""
    table = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").strip()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return BLOCK.sub(lambda m: f"{m[1]}\n{table}\n\n{m[2]}", readme)


def main() -> None:
    (ROOT / "docs" / "coverage.md").write_text(coverage.page(), encoding="utf-8")
    (ROOT / "README.md").write_text(readme_with_benchmarks(), encoding="utf-8")
    pictures.main()
    plan.main()


if __name__ == "__main__":
    main()
