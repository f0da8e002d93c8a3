"""How Sphinx builds the documentation: run `make docs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme._version import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "pylme"
author = "The pylme developers"
project_copyright = author
version = release = __version__

extensions = [
    "cyclopts.sphinx_ext",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"pylme {release}"
html_copy_source = False
html_css_files = ["pylme.css"]
html_static_path = ["_static"]

# Every code cell runs at every build, against the code as it is now, and an error in one of them
# is an error of the build. A cache would go by the page alone and show the numbers of yesterday.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# The docstrings say the types, in words and with shapes.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

# numpydoc's checks of what the pages show. Not asked for: sections that are not always needed,
# and the order of parameters (PR03), as glmer's docstring groups those that are lmer's.
numpydoc_validation_checks = {
    "GL03",
    "GL06",
    "GL07",
    "GL10",
    "PR01",
    "PR02",
    "SS02",
    "SS03",
    "YD01",
}
# The fields of a class stand in its docstring under Attributes, where PR01 does not look.
numpydoc_validation_exclude = {r"\.[A-Z]\w*$"}


def no_class_signature(
    _app: Sphinx,
    what: str,
    _name: str,
    _obj: object,
    _options: object,
    args: str | None,
    _returns: str | None,
) -> tuple[str, str] | None:
    """Show a class by its name: users build few of them, and the fields stand below."""
    return ("", "") if what in {"class", "exception"} and args is not None else None


def public_bases(
    _app: Sphinx, _name: str, _obj: object, _options: object, bases: list[type]
) -> None:
    """Show no private base class, as there is no page about it."""
    bases[:] = [base for base in bases if not base.__name__.startswith("_")]


def setup(app: Sphinx) -> None:
    """Connect what is defined here; before numpydoc, which has its own view of signatures."""
    app.connect("autodoc-process-signature", no_class_signature, priority=100)
    app.connect("autodoc-process-bases", public_bases)
