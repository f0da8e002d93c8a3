"""MathJax beside the pages, so that formulas are set without a network.

The package sphinx-mathjax-offline has the files of MathJax 3.2.2 (Apache License 2.0) under a name
that Python cannot import. One of them, which sets TeX as SVG and loads nothing else, is copied.
"""

from __future__ import annotations

import shutil
from importlib.metadata import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SCRIPT: Final = "mathjax/tex-svg.js"


def _copy(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    (source,) = (
        path for path in files("sphinx-mathjax-offline") or [] if path.as_posix().endswith(SCRIPT)
    )
    target = Path(app.outdir) / "_static" / SCRIPT
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source.locate(), target)


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinx.ext.mathjax")
    app.config.mathjax_path = SCRIPT
    app.connect("build-finished", _copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
