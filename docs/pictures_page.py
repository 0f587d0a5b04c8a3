"""docs/pictures.md: its programs are run, in one session, and what they draw and print is put where the page shows it.

python docs/pictures_page.py   runs the programs, writes docs/pictures/ and the outputs in the page
"""

from __future__ import annotations

import contextlib
import io
import linecache
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from autograd_lite.draw import Picture

DOCS = Path(__file__).parent
PAGE, PICTURES, SOURCES = DOCS / "pictures.md", DOCS / "pictures", DOCS / "pictures" / "sources.txt"
PROGRAM = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
NUMBER = re.compile(r"#[0-9A-F]{6}\b|-?\b\d[\d.]*(?:e[+-]?\d+)?\b")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SHOTS = {"steps.png": "1", "steps_dark.png": "0"}  # what Chromium's preferredColorScheme is to be
STEP = 6  # the step that is shown


def run(folder: Path, page: Path = PAGE) -> str:
    """The page after its programs have run in `folder`: what they print stands in the blocks of text behind them."""
    session: dict[str, Any] = {"__name__": "pictures"}

    def with_output(found: re.Match[str]) -> str:
        name = f"pictures_{found.start()}.py"
        linecache.cache[name] = (len(found[1]), None, found[1].splitlines(keepends=True), name)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(found[1], name, "exec"), session)
        text = printed.getvalue().replace(name, "example.py")
        return f"```python\n{found[1]}```\n" + (f"\n```text\n{text}```\n" if text else "")

    with contextlib.chdir(folder):
        return PROGRAM.sub(with_output, page.read_text(encoding="utf-8"))


@contextlib.contextmanager
def noted(*, render: bool) -> Iterator[dict[str, str]]:
    """What the pictures that are written meanwhile look like, by file: a hash of the DOT text without its numbers,
    which differ in the last digit from one machine to the next. Without `render` nothing is laid out."""
    seen: dict[str, str] = {}
    write = Picture.write

    def noting(picture: Picture, path: str | os.PathLike[str]) -> Path:
        seen[str(path)] = sha256(NUMBER.sub("0", picture.source).encode()).hexdigest()[:16]
        return write(picture, path) if render else Path(path)

    Picture.write = noting  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Picture.write = write  # type: ignore[method-assign]


def screenshots(page: Path) -> None:
    """The page that steps through a computation, light and dark; where there is no browser they stay as they are."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium: the screenshots in docs/pictures/ stay as they are")
        return
    for name, scheme in SHOTS.items():
        switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1180,820"]
        look = [f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={PICTURES / name}"]
        subprocess.run([browser, *switches, *look, f"{page.as_uri()}#{STEP}"], check=True, capture_output=True)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with noted(render=True) as seen:
        PAGE.write_text(run(PICTURES), encoding="utf-8")
    SOURCES.write_text("".join(f"{name} {digest}\n" for name, digest in seen.items()), encoding="utf-8")
    screenshots(PICTURES / "steps.html")
    (PICTURES / "steps.html").unlink()
    for path in PICTURES.glob("*.png"):
        Image.open(path).quantize(64, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)


if __name__ == "__main__":
    main()
