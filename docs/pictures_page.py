"""docs/pictures.md: its programs are run, in one session, and what they draw and print is put where the page shows it.
The demo's pictures are made too, with which the README opens.

python docs/pictures_page.py   runs the programs, writes docs/pictures/ and the outputs in the page
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from autograd_lite.draw import Picture, steps

DOCS = Path(__file__).parent
sys.path.append(str(DOCS.parent / "examples"))

import digits  # noqa: E402 - an example is no package

PAGE, PICTURES, SOURCES = DOCS / "pictures.md", DOCS / "pictures", DOCS / "pictures" / "sources.txt"
PROGRAM = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
NUMBER = re.compile(r"#[0-9A-F]{6}\b|-?\b\d[\d.]*(?:e[+-]?\d+)?\b")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SCHEMES = {"": "1", "_dark": "0"}  # what is added to a screenshot's name, and Chromium's preferredColorScheme for it
PAGES = {"steps": 6, "digits": 6}  # pages, and the step of each that is shown


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


def demo(folder: Path, epochs: int = digits.EPOCHS) -> None:
    """What `make demo` draws, in `folder`."""
    train_set, val_set, _ = digits.load(0)
    chosen = digits.choose(train_set, val_set, 0, epochs=epochs, progress=False)
    digits.draw(chosen.model, train_set, folder)


@contextlib.contextmanager
def noted(*, render: bool) -> Iterator[dict[str, str]]:
    """What the pictures and pages that are written meanwhile look like, by file: a hash of their text without its
    numbers, which differ from one machine to the next. Without `render` pictures are not laid out."""
    seen: dict[str, str] = {}
    write, document = Picture.write, steps.document

    def noting(picture: Picture, path: str | os.PathLike[str]) -> Path:
        words = re.sub(r"<[^<>]*>|\s+", " ", picture.source)  # where a line breaks depends on its numbers
        seen[Path(path).name] = digest(" ".join(words.split()))
        return write(picture, path) if render else Path(path)

    def noting_page(data: dict[str, Any], title: str) -> str:
        told = [data["frames"], [[box["name"], box["kind"]] for box in data["boxes"]]]
        seen[title] = digest(document({}, title) + json.dumps(told))
        return document(data, title)

    Picture.write, steps.document = noting, noting_page  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Picture.write, steps.document = write, document  # type: ignore[method-assign]


def digest(text: str) -> str:
    return sha256(NUMBER.sub("0", text).encode()).hexdigest()[:16]


def screenshots(folder: Path) -> None:
    """The pages that step through a computation, light and dark; where there is no browser they stay as they are."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium: the screenshots in docs/pictures/ stay as they are")
        return
    switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1180,820"]
    switches.append("--force-prefers-reduced-motion")  # the same picture each time
    for page, step in PAGES.items():
        for suffix, scheme in SCHEMES.items():
            look = [f"--blink-settings=preferredColorScheme={scheme}"]
            look += [f"--screenshot={PICTURES / f'{page}_step{suffix}.png'}", f"--user-data-dir={folder / 'profile'}"]
            address = f"{(folder / page).with_suffix('.html').as_uri()}#{step}"
            subprocess.run([browser, *switches, *look, address], check=True, capture_output=True)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, noted(render=True) as seen:
        folder = Path(name)
        text = run(folder)
        demo(folder)
        screenshots(folder)
        for path in [*folder.glob("*.svg"), *folder.glob("*.png")]:
            shutil.copy(path, PICTURES)
    PAGE.write_text(text, encoding="utf-8")
    SOURCES.write_text("".join(f"{digest} {name}\n" for name, digest in seen.items()), encoding="utf-8")
    for path in PICTURES.glob("*.png"):
        image = Image.open(path)
        small = {"method": Image.Quantize.FASTOCTREE}  # which knows alpha
        if image.mode == "RGB":
            small = {"method": Image.Quantize.MAXCOVERAGE, "kmeans": 1, "dither": Image.Dither.NONE}
        image.quantize(256, **small).save(path, optimize=True)


if __name__ == "__main__":
    main()
