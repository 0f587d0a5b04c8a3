"""docs/lectures.md: every claim of the lectures with the figure and the numbers of the script that reproduces it.

python docs/lectures_page.py           runs every script in examples/lectures/ and writes the page and its figures
python docs/lectures_page.py plateau   runs this one only, and leaves the other sections as they are
"""

from __future__ import annotations

import ast
import re
import runpy
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
LECTURES = ROOT / "examples" / "lectures"
PICTURES = ROOT / "docs" / "lectures"
PAGE = ROOT / "docs" / "lectures.md"
# In the order of the lectures.
NAMES = [
    "negative_gradient",
    "layer_gradients",
    "bishop",
    "initialization",
    "permutation",
    "l1_l2",
    "overfitting",
    "bias_variance",
    "search",
    "learning_rates",
    "schedules",
    "robbins_monro",
    "batches",
    "plateau",
    "escape",
    "newton_step",
    "newton_saddle",
    "kl_or_squared",
    "perceptron",
    "optimizers",
]
HEAD = """# The lectures, reproduced

Each claim is a script of at most 80 lines in [`examples/lectures/`](../examples/lectures); the tests run each in a
quick mode, and `python docs/lectures_page.py` runs them all and writes this page. [nn.md](nn.md) is a tour of the
library that they use. Where the lecture notes slip, and what is right, stands in [errata.md](errata.md).
"""


def section(name: str, numbers: dict[str, float | str]) -> str:
    """The claim, the figure and the numbers of one script."""
    claim, _, story = _docstring(name).partition("\n\n")
    title = claim.rstrip(".")
    picture = f"![{title}](lectures/{name}.png)"
    table = "\n".join(
        ["| | |", "|---|---|", *[f"| {_cell(what)} | {_cell(value)} |" for what, value in numbers.items()]]
    )
    return "\n\n".join([f"## {title}", story, picture, table, f"`python examples/lectures/{name}.py`\n"])


def _cell(value: float | str) -> str:
    """What stands in a cell of a table, in which a bar would end it."""
    return (value if isinstance(value, str) else f"{value:.4g}").replace("|", r"\|")


def _docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((LECTURES / f"{name}.py").read_text(encoding="utf-8"))) or ""


def sections_of(page: str) -> dict[str, str]:
    """The sections of the page as it stands, by the names of their scripts."""
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    return {re.findall(r"`python examples/lectures/(\w+).py`", part)[-1]: part.rstrip() + "\n" for part in parts}


def main(names: list[str]) -> None:
    sys.path.insert(0, str(LECTURES))
    sections = sections_of(PAGE.read_text(encoding="utf-8"))
    for name in names or NAMES:
        print(f"-- {name}", flush=True)
        program = runpy.run_path(str(LECTURES / f"{name}.py"))
        sections[name] = section(name, program["main"](["--out", str(PICTURES)]))
        picture = PICTURES / f"{name}.png"
        Image.open(picture).convert("RGB").quantize(96).save(picture, optimize=True)  # a third of the bytes
    PAGE.write_text("\n".join([HEAD, *[sections[name] for name in NAMES]]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
