"""docs/plan.md: one training step, followed through the compiler; its programs are run as those of pictures.md are.

python docs/plan_page.py   runs the programs, writes docs/plan/ and the outputs in the page
"""

from __future__ import annotations

from pathlib import Path

import pictures_page

PAGE = Path(__file__).parent / "plan.md"
PICTURES = PAGE.parent / "plan"
SOURCES = PICTURES / "sources.txt"


def run(folder: Path) -> str:
    """The page after its programs have run in `folder`."""
    return pictures_page.run(folder, PAGE)


def sources(seen: dict[str, str]) -> str:
    """What is noted of the pictures."""
    return "".join(f"{digest} {name}\n" for name, digest in seen.items())


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with pictures_page.noted(render=True) as seen:
        PAGE.write_text(run(PICTURES), encoding="utf-8")
    SOURCES.write_text(sources(seen), encoding="utf-8")


if __name__ == "__main__":
    main()
