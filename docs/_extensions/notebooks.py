"""Pages with code, to download as notebooks.

jupytext turns the Markdown of a page into a notebook. Its links between pages become links to the
published documentation, so that they lead somewhere from a notebook on a disk.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jupytext

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

FOLDER: Final = "notebooks"
SITE: Final = "https://pylme.readthedocs.io/en/stable"
_LINK: Final = re.compile(r"\]\((?!https?:)([\w./-]+)\.(?:md|rst)(#[\w-]+)?\)")


def _offered(app: Sphinx, page: str) -> bool:
    source = Path(app.srcdir) / f"{page}.md"
    return page.startswith(("tutorials/", "get_started/")) and (
        source.exists() and "{code-cell}" in source.read_text(encoding="utf-8")
    )


def _head(
    app: Sphinx, page: str, _template: str, context: dict[str, str], _tree: nodes.Node | None
) -> None:
    if not _offered(app, page):
        return
    name = f"{FOLDER}/{page.rsplit('/', 1)[-1]}.ipynb"
    link = posixpath.relpath(name, posixpath.dirname(page))
    context["body"] = (
        f'<p class="notebook"><a href="{link}" download>Download this page as a notebook</a></p>\n'
        + context["body"]
    )


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for page in sorted(app.env.found_docs):
        if not _offered(app, page):
            continue
        text = (Path(app.srcdir) / f"{page}.md").read_text(encoding="utf-8")

        def published(link: re.Match[str], page: str = page) -> str:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link[1]))
            return f"]({SITE}/{target}.html{link[2] or ''})"

        notebook = jupytext.reads(_LINK.sub(published, text), fmt="md:myst")
        jupytext.write(notebook, folder / f"{page.rsplit('/', 1)[-1]}.ipynb", fmt="ipynb")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", _head)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
