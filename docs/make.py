"""Regenerate what is generated: pages, pictures, and the README's benchmark table. Run by `make docs`.

`python docs/make.py readme` takes over the table alone, as `make bench` does when it has measured it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- benchmarks:.*?-->\n).*?(<!-- end -->)", re.DOTALL)


def first_table(page: str) -> str:
    """What stands under the first heading of a page that has anything under it: the first table, and its notes."""
    sections = re.split(r"^#.*\n", page, flags=re.MULTILINE)
    return next(text.strip() for text in sections if text.strip())


def with_benchmarks(readme: str, page: str) -> str:
    """The README with the first table of docs/benchmarks.md in its place."""
    return BLOCK.sub(lambda m: f"{m[1]}\n{first_table(page)}\n\n{m[2]}", readme)


def readme_with_benchmarks() -> str:
    return with_benchmarks(*((ROOT / path).read_text(encoding="utf-8") for path in ("README.md", "docs/benchmarks.md")))


def main() -> None:
    if sys.argv[1:] != ["readme"]:
        pages()
    (ROOT / "README.md").write_text(readme_with_benchmarks(), encoding="utf-8")


def pages() -> None:
    import coverage_page as coverage
    import pictures_page as pictures
    import plan_page as plan

    (ROOT / "docs" / "coverage.md").write_text(coverage.page(), encoding="utf-8")
    pictures.main()
    plan.main()


if __name__ == "__main__":
    main()
