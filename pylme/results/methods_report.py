"""The sentences for a methods section: what was fitted, how, with what, and what to cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pylme._version import __version__
from pylme.render import Rendered
from pylme.render.document import Document, Facts, Paragraph, Prose
from pylme.results.saving import json_text
from pylme.text import counted, listed

if TYPE_CHECKING:
    from pylme.frame import Rows
    from pylme.results.convergence import Convergence
    from pylme.results.estimates import Estimates, ModelInfo

__all__ = ["MethodsReport", "methods_report"]

_LME4: Final = (
    "Bates, D., Mächler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models "
    "using lme4. Journal of Statistical Software, 67(1), 1-48. doi:10.18637/jss.v067.i01"
)
_PYLME: Final = (
    "The pylme developers (2026). pylme, version {version}. https://github.com/pylme/pylme"
)
_R: Final = (
    "R Core Team. R: A language and environment for statistical computing. R Foundation for "
    "Statistical Computing, Vienna. https://www.R-project.org/"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodsReport(Rendered):
    """The text and the facts that it states.

    Attributes
    ----------
    text : str
        Whole sentences.
    facts : mapping of str to object
        Formula, family, criterion and its value, engine, versions, rows used and left out, levels
        of each grouping factor, status of convergence.
    citations : tuple of str
    """

    text: str
    facts: Mapping[str, Any]
    citations: tuple[str, ...]

    def to_json(self) -> str:
        """Text, facts and citations as JSON."""
        return json_text(
            {"text": self.text, "facts": dict(self.facts), "citations": list(self.citations)}
        )

    def describe(self) -> Document:
        """The text, the facts and what to cite."""
        shown = tuple((name.replace("_", " "), _fact(value)) for name, value in self.facts.items())
        return Document(
            title="Methods",
            blocks=(_prose(self.text), Facts(shown), _prose("Cite:", *self.citations)),
        )


def _prose(*texts: str) -> Prose:
    """Paragraphs that plain text leaves in one line each, to be copied."""
    return Prose(tuple(Paragraph(text, lines=(text,)) for text in texts))


def _fact(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {own}" for name, own in value.items())
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def methods_report(
    info: ModelInfo, estimates: Estimates, rows: Rows, convergence: Convergence, *, engine: str
) -> MethodsReport:
    """The report of a fit, from its records alone."""
    versions = dict(info.versions) | {"pylme": info.versions.get("pylme", __version__)}
    left_out = rows.n_given - info.nobs
    method = "restricted maximum likelihood (REML)" if info.reml else "maximum likelihood (ML)"
    kind = "linear mixed-effects model"
    if info.family is not None:
        kind = f"generalized linear mixed-effects model ({info.family} family, {info.link} link)"
    groups = listed([f"{counted(n, 'level')} of {name}" for name, n in info.ngrps.items()])
    software = _software(engine, versions)
    text = (
        f"A {kind}, {info.formula}, was fitted to {counted(info.nobs, 'observation')} "
        f"({groups}) by {method} with {software}. "
    )
    if left_out:
        rest = "row was" if left_out == 1 else "rows were"
        text += f"{left_out:,} {rest} left out, because of missing values or a subset. "
    if estimates.dropped:
        text += (
            f"The linearly dependent columns {listed(list(estimates.dropped))} of the fixed "
            "effects were dropped. "
        )
    text += f"Convergence: {convergence.status.value}."
    facts: dict[str, Any] = {
        "formula": info.formula,
        "family": info.family or "gaussian",
        "link": info.link or "identity",
        "method": "REML" if info.reml else "ML",
        "criterion": estimates.criterion,
        "engine": engine,
        "versions": versions,
        "rows_used": info.nobs,
        "rows_left_out": left_out,
        "groups": dict(info.ngrps),
        "convergence": convergence.status.value,
    }
    cited = (_LME4, _R) if engine == "lme4" else (_LME4,)
    citations = (*cited, _PYLME.format(version=versions["pylme"]))
    return MethodsReport(text=text, facts=facts, citations=citations)


def _software(engine: str, versions: Mapping[str, str]) -> str:
    pylme = f"pylme {versions['pylme']} for Python"
    if engine == "lme4":
        r = f" in R {versions['R']}" if "R" in versions else ""
        return f"lme4 {versions.get('lme4', '')}{r} (Bates et al., 2015), called by {pylme}"
    return (
        f"the NumPy engine of {pylme}, by the methods of Bates et al. (2015), with "
        f"NumPy {versions.get('numpy', '')} and SciPy {versions.get('scipy', '')}"
    )
