"""Where other projects document the names that our pages link, without asking their servers.

`docs/inventories.tsv` has a line for each: project, version, kind, name, place. Sphinx reads
inventories in a format of its own, which is written from these lines at each build.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

#: Where each project publishes its documentation.
SITES: Final = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "pandas": "https://pandas.pydata.org/docs/",
    "polars": "https://docs.pola.rs/api/python/stable/",
    "pyarrow": "https://arrow.apache.org/docs/",
    "matplotlib": "https://matplotlib.org/stable/",
}


def _write(path: Path, project: str, lines: list[list[str]]) -> None:
    head = (
        f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    body = "".join(f"{name} {kind} 1 {place} -\n" for kind, name, place in lines)
    path.write_bytes(head.encode() + zlib.compress(body.encode()))


def _mapping(app: Sphinx, config: Config) -> None:
    by_project: dict[str, list[list[str]]] = {}
    for line in (Path(app.srcdir) / "inventories.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        project, *entry = line.split("\t")
        by_project.setdefault(project, []).append(entry)
    folder = Path(app.doctreedir) / "inventories"
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, lines in by_project.items():
        _write(folder / f"{project}.inv", project, lines)
        mapping[project] = (SITES[project], (str(folder / f"{project}.inv"),))
    config.intersphinx_mapping = mapping


def setup(app: Sphinx) -> dict[str, bool]:
    # Before intersphinx, which checks the mapping at the same event.
    app.connect("config-inited", _mapping, priority=100)
    app.setup_extension("sphinx.ext.intersphinx")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
