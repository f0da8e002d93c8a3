"""Read every page in a browser: `python docs/read_pages.py docs/_build/html`.

Each page is opened in headless Chromium 1,400 and 400 pixels wide, light and dark. What is found is
printed, and makes the exit status 1: a page wider than its window, a link to a file or a place that
does not exist, a formula that is not set, an image that is not shown, text that does not stand out
from its ground, an error of a script, and a request that would leave this machine.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urldefrag, urlsplit

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

WIDTHS: Final = (1400, 400)
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
#: Runs in the page; the names of what is wrong.
LOOK: Final = """() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth)
    wrong.push(`is ${root.scrollWidth} px wide in ${window.innerWidth}`);
  for (const math of document.querySelectorAll(".math"))
    if (!math.querySelector("mjx-container")) wrong.push(`formula not set: ${math.textContent}`);
  for (const failed of document.querySelectorAll("mjx-merror, .problematic, .system-message"))
    wrong.push(`marked as an error: ${failed.textContent}`);
  for (const image of document.images)
    if (image.complete && image.naturalWidth === 0) wrong.push(`image not shown: ${image.src}`);
  return wrong;
}"""
#: Runs in the page: whether its text can be told from its ground, by the contrast of WCAG.
CONTRAST: Final = """() => {
  const light = (color) => color.match(/[\\d.]+/g).slice(0, 3).map(Number).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const text = light(getComputedStyle(document.querySelector("article") || document.body).color);
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  return ratio < 4.5 ? [`contrast of text ${ratio.toFixed(1)}`] : [];
}"""


class Links(HTMLParser):
    """The places of a page and what it leads to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.targets: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element is called and where it leads."""
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.places.add(value)
            elif name in {"href", "src"}:
                self.targets.add(value)


def broken_links(root: Path, paths: list[Path]) -> Iterator[str]:
    """Find links to files and places of these pages that do not exist."""
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in paths}
    for path, links in pages.items():
        for target in sorted(links.targets):
            if urlsplit(target).scheme or target.startswith("//"):
                continue
            file, place = (unquote(part) for part in urldefrag(target))
            file = file.split("?")[0]
            found = (path.parent / file).resolve() if file else path
            name = path.relative_to(root)
            if not found.exists():
                yield f"{name} leads to {target}, which does not exist"
            elif place and found in pages and place not in pages[found].places:
                yield f"{name} leads to {target}, a place that does not exist"


def looked_at(page: Page, path: Path) -> Iterator[str]:
    """Say what is wrong with a page in each width and each colour scheme."""
    page.emulate_media(color_scheme="light")
    page.goto(path.as_uri(), wait_until="load")
    # Formulas are set after the page is loaded, where there are any.
    page.evaluate("() => window.MathJax?.startup?.promise")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for problem in page.evaluate(LOOK):
            yield f"at {width} px: {problem}"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for problem in page.evaluate(CONTRAST):
            yield f"{scheme}: {problem}"


def main() -> None:
    """Read all pages below a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", default=None, help="path of a Chromium; by default looked for")
    given = parser.parse_args()
    chromium = given.browser or next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        parser.error(f"none of {', '.join(BROWSERS)} is installed; name one by --browser")
    root = given.folder.resolve()
    paths = sorted(path for path in root.rglob("*.html") if "_static" not in path.parts)
    found = list(broken_links(root, paths))
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, who runs this on servers for continuous integration.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        told: list[str] = []
        page.on("pageerror", lambda error: told.append(f"error in the page: {error}"))

        def local(route: Route) -> None:
            if urlsplit(route.request.url).scheme in {"file", "data", "blob"}:
                route.continue_()
            else:
                told.append(f"asks the network: {route.request.url}")
                route.abort()

        page.route("**/*", local)
        for path in paths:
            found += [
                f"{path.relative_to(root)} {problem}" for problem in [*looked_at(page, path), *told]
            ]
            told.clear()
        browser.close()
    print(*found, f"{len(paths)} pages read, {len(found)} problems", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
