"""The file llms.txt: all pages in the order of the menus, each with its first sentence.

Its form is that of https://llmstxt.org: a title, a quotation that summarises, lists of links.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SITE: Final = "https://pylme.readthedocs.io/en/stable"
_HEAD: Final = """# pylme

> Linear and generalized linear mixed models in Python: R's lme4 and an independent NumPy engine
> that check each other, with tests, intervals, predictions, marginal means, simulation and plots.

`pylme.lmer(formula, data)` and `pylme.glmer(formula, data, family=...)` take a formula of R and a
data frame of pandas, polars or pyarrow, and return a `pylme.Fit`.
"""


def _first_sentence(app: Sphinx, page: str) -> str:
    for paragraph in app.env.get_doctree(page).findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        return text.split(". ")[0].rstrip(".") + "."
    return ""


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    lines = [_HEAD]
    menus = app.env.toctree_includes
    for menu in menus.get("index", ()):
        lines.append(f"\n## {app.env.titles[menu].astext()}\n")
        for page in menus.get(menu, ()):
            title = app.env.titles[page].astext()
            lines.append(f"- [{title}]({SITE}/{page}.html): {_first_sentence(app, page)}")
    (Path(app.outdir) / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
