"""How Sphinx builds the documentation: run `make docs`."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pylme
from pylme._version import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS)]
# For the kernels that run the pages: the cases of the tests, and the style of plots.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(DOCS.parent), str(DOCS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
)
os.environ["MATPLOTLIBRC"] = str(DOCS / "matplotlibrc")

project = "pylme"
author = "The pylme developers"
project_copyright = author
version = release = __version__

extensions = [
    "cyclopts.ext.sphinx",
    "inventories",
    "llms_txt",
    "myst_nb",
    "notebooks",
    "numpydoc",
    "offline_mathjax",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.linkcode",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = [
    "_build",
    "explanation/performance_table.md",
    "explanation/registry_table.md",
]
templates_path = ["_templates"]

html_theme = "furo"
html_title = f"pylme {release}"
html_copy_source = False
html_css_files = ["pylme.css"]
html_static_path = ["_static"]
html_theme_options = {
    "source_repository": "https://github.com/pylme/pylme",
    "source_branch": "main",
    "source_directory": "docs/",
}
# Two hyphens in a command's option are two hyphens.
smartquotes = False
copybutton_prompt_text = ">>> |\\.\\.\\. |\\$ "
copybutton_prompt_is_regexp = True

# Every code cell runs at every build, against the code as it is now, and an error in one of them
# is an error of the build. A cache would go by the page alone and show the numbers of yesterday.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# The members that the page of a class describes, where these are not all that are public: others
# are for pylme's own use.
_NONE = (
    "Alias Alternative Check Condition Control Description Direction DrawnTerm Effect "
    "EqualityTest Estimator GlmerControl Groups InstallationCheck LevelEstimates "
    "LinearFunctions LmerControl Lme4Checks MarginalEffects Minimum Pictures Piece Scale "
    "StudyModel Tolerance VarCorrTerm Variation"
)
autosummary_context = {
    "shown": {
        **dict.fromkeys(_NONE.split(), ""),
        "ByLevel": "pairs, to_frame",
        "Certificate": "stationary, enclosed, saddle, flat, holds, problems, messages",
        "CoefficientTests": "to_frame",
        "Diagnosis": "ok",
        "HypothesisTest": "to_frame, method, notes",
        "LmerRegressor": "fit, predict",
        "OptInfo": "messages, codes",
        "Power": "table",
        "SectorCorrelation": "table, explain",
        "Simulator": "draw",
        "StudySummary": "to_frame",
        "TermTests": "to_frame",
        "Trace": "to_frame",
        "VarCorr": "groups, to_frame",
        "Verdict": "good",
    }
}

# The docstrings say the types, in words and with shapes.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Types that have a page, here or in the documentation of another project, are linked.
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    **{name: f"pylme.{name}" for name in ("Fit", "Design", "Simulator", "Check", "Status")},
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "ndarray": "numpy.ndarray",
    "Generator": "numpy.random.Generator",
    "SeedSequence": "numpy.random.SeedSequence",
    "Axes": "matplotlib.axes.Axes",
    "Figure": "matplotlib.figure.Figure",
    "Path": "pathlib.Path",
    "mapping": "collections.abc.Mapping",
    "sequence": "collections.abc.Sequence",
    "iterable": "collections.abc.Iterable",
    "callable": "collections.abc.Callable",
}

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


def place_of(name: str) -> tuple[str, int, int] | None:
    """Where a function or class stands: the file in the repository, its first and last line."""
    found: object = pylme
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    found = inspect.unwrap(found.fget if isinstance(found, property) else found)
    try:
        lines, first = inspect.getsourcelines(found)
        path = Path(inspect.getfile(found)).relative_to(DOCS.parent).as_posix()
    except (OSError, TypeError, ValueError):
        return None
    return path, first, first + len(lines) - 1


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """Say where a function or class stands in the repository."""
    place = place_of(f"{info['module']}.{info['fullname']}") if domain == "py" else None
    if place is None:
        return None
    path, first, last = place
    return f"https://github.com/pylme/pylme/blob/main/{path}#L{first}-L{last}"


def edit_source(
    _app: Sphinx, page: str, _template: str, context: dict[str, object], _doctree: object
) -> None:
    """Let the page of a function or class be edited where it is written: in its docstring."""
    folder, _, name = page.rpartition("/")
    if not folder.endswith("generated"):
        return
    place = place_of(name)
    if place is None:  # no file of the repository has it
        context["page_source_suffix"] = ""
        return
    context["theme_source_edit_link"] = f"https://github.com/pylme/pylme/edit/main/{place[0]}"
    context["theme_source_view_link"] = (
        f"https://github.com/pylme/pylme/blob/main/{place[0]}?plain=1#L{place[1]}"
    )


def spread(_app: Sphinx, _environment: object, pages: list[str]) -> None:
    """Spread the pages that run code evenly over all, which processes take in pieces by turns."""
    slow = [
        page
        for page in pages
        if (source := DOCS / f"{page}.md").exists()
        and "{code-cell}" in source.read_text(encoding="utf-8")
    ]
    quick = sorted(set(pages) - set(slow))
    places = {page: at / len(group) for group in (slow, quick) for at, page in enumerate(group)}
    pages.sort(key=places.__getitem__)


def setup(app: Sphinx) -> None:
    """Connect what is defined here; before numpydoc, which has its own view of signatures."""
    app.connect("autodoc-process-signature", no_class_signature, priority=100)
    app.connect("autodoc-process-bases", public_bases)
    app.connect("env-before-read-docs", spread)
    app.connect("html-page-context", edit_source)
