"""The report of a fit as a page: summary, verdict, variances, tests and plots."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from pylme.cli.output import table_of
from pylme.cli.page import page
from pylme.errors import MissingPackageError, NotAvailableError, PylmeError
from pylme.render import to_html
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pylme.fit import Fit
    from pylme.inference.ddf import Ddf

__all__ = ["fit_page", "picture", "verdict_box"]

#: With more rows or levels a drawing of lines is larger than a picture of dots.
_MOST_MARKS: Final = 2_000
_DPI: Final = 110
#: Grouping factors with more levels have no caterpillar in a report.
_MOST_LEVELS: Final = 200
#: Above the columns of the table of variances.
_WORDS: Final = {
    "grp": "Group", "var1": "Effect", "var2": "and effect", "vcov": "(Co)variance",
    "vcov_std_error": "Std. error", "sdcor": "Std. dev. or corr.",
    "sdcor_std_error": "Std. error ",
}  # fmt: skip
_COLOURS: Final = {
    "AGREES": "good", "FALSE_ALARM": "good", "SINGULAR_CERTIFIED": "good", "UNCHECKED": "",
}  # fmt: skip


def fit_page(fit: Fit, *, ddf: Ddf | None = None) -> str:
    """The report.

    Parameters
    ----------
    fit : Fit
    ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
        As for `Fit.summary`.
    """
    with silenced():
        parts = [_facts(fit), _checked(fit)]
        parts.append(_section("Summary", fit.summary().to_html()))
        parts += _if_there("Variances and correlations", lambda: _variances(fit))
        parts += _if_there("Tests of the fixed effects", lambda: _tests(fit, ddf))
        parts += _if_there("Explained variance", lambda: fit.r2().to_html())
        parts.append(_section("Plots", _plots(fit)))
        parts.append(_section("Convergence", fit.convergence.to_html() + _said(fit)))
        parts.append(_section("For the methods section", _methods(fit)))
    return page(_title(fit), "\n".join(parts))


def verdict_box(name: str, text: str) -> str:
    """A verdict in its colour, with the paragraphs that explain it."""
    kind = _COLOURS.get(name, "bad")
    said = "".join(_paragraph(part) for part in text.split("\n\n") if part.strip())
    return f'<div class="verdict {kind}"><strong>{escape(name)}</strong>{said}</div>'


def _paragraph(text: str) -> str:
    """A paragraph of an explanation, whose items begin with a hyphen."""
    first, *items = text.split("\n  - ")
    listed = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<p>{escape(first)}</p>" + (f"<ul>{listed}</ul>" if listed else "")


def picture(figure: Any, caption: str, *, marks: int = 0) -> str:
    """A figure of matplotlib inside the page: lines where there are few marks, else dots.

    It stands in an element of its own: the names inside several drawings would collide.
    """
    kind, media = ("svg", "svg+xml") if marks <= _MOST_MARKS else ("png", "png")
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=_DPI)
    data = b64encode(file.getvalue()).decode("ascii")
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/{media};base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _title(fit: Fit) -> str:
    response = fit.formula.partition("~")[0].strip()
    return f"Mixed model of {response}"


def _facts(fit: Fit) -> str:
    known = fit.report().facts
    link = known["link"]
    family = (
        "linear"
        if fit.family.name == "gaussian" and link == "identity"
        else (f"{known['family']}, {link} link")
    )
    rows = f"{known['rows_used']:,} used"
    if known["rows_left_out"]:
        rows += f", {known['rows_left_out']:,} left out"
    levels = ", ".join(f"{name} ({count:,} levels)" for name, count in known["groups"].items())
    versions = ", ".join(f"{name} {number}" for name, number in known["versions"].items())
    shown = {
        "Family": family,
        "Fitted by": f"{known['method']}, engine {known['engine']} ({versions})",
        "Rows": rows,
        "Groups": levels,
        "Criterion": f"{known['criterion']:.10g}",
    }
    if fit.success is not None:
        shown["Success"] = repr(fit.success)
    return f'<code class="formula">{escape(fit.formula)}</code>\n{_pairs(shown)}'


def _pairs(shown: Mapping[str, str]) -> str:
    pairs = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in shown.items())
    return f'<dl class="facts">{pairs}</dl>'


def _variances(fit: Fit) -> str:
    """With the standard errors that the summary does not have."""
    return to_html(table_of(fit.varcorr_table.rename(columns=_WORDS)))


def _checked(fit: Fit) -> str:
    try:
        check = fit.cross_check()
    except PylmeError as error:
        return _section("Is it right?", verdict_box("UNCHECKED", str(error)))
    found = verdict_box(check.verdict.name, check.explain())
    rows = f"<details><summary>All comparisons</summary>{check.to_html()}</details>"
    return _section("Is it right?", found + rows)


def _tests(fit: Fit, ddf: Ddf | None) -> str:
    return fit.anova(ddf=ddf).to_html() + fit.coef_test(ddf=ddf).to_html()


def _methods(fit: Fit) -> str:
    report = fit.report()
    cited = "".join(f"<li>{escape(each)}</li>" for each in report.citations)
    return f"<p>{escape(report.text)}</p><ul>{cited}</ul>"


def _said(fit: Fit) -> str:
    """What the engine said, where it said anything."""
    said = list(dict.fromkeys(condition.message for condition in fit.conditions))
    if not said:
        return ""
    return (
        "<p>Messages of the engine:</p><ul>"
        + "".join(f"<li>{escape(message)}</li>" for message in said)
        + "</ul>"
    )


def _plots(fit: Fit) -> str:
    try:
        made = [
            picture(_figure(draw), caption, marks=marks) for caption, draw, marks in _drawings(fit)
        ]
    except MissingPackageError as error:
        return f"<p>{escape(error.found)}. {escape(error.remedy)}</p>"
    return f'<div class="plots">{"".join(made)}</div>'


def _drawings(fit: Fit) -> Iterator[tuple[str, Callable[[], Any], int]]:
    """Captions, plots, and how many marks each has."""
    plot, rows = fit.plot, fit.nobs
    if len(fit.fixef) > 1:
        yield "Fixed effects with 95% intervals", plot.coefficients, 0
    yield "Residuals and fitted values", plot.residuals, rows
    yield "Residuals and normal quantiles", partial(plot.residuals, "normal"), rows
    for group, levels in fit.ngrps.items():
        if levels <= _MOST_LEVELS:
            yield (
                f"Random effects of {group} with 95% intervals",
                partial(plot.caterpillar, group),
                levels,
            )
        yield (
            f"Random effects of {group} and normal quantiles",
            partial(plot.random_effects_qq, group),
            levels,
        )


def _figure(draw: Callable[[], Any]) -> Any:
    import numpy as np

    return np.ravel(draw())[0].figure


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n<div>{body}</div>\n</section>"


def _if_there(title: str, make: Callable[[], str]) -> list[str]:
    """The section, or nothing where this kind of fit does not have it."""
    try:
        return [_section(title, make())]
    except NotAvailableError:
        return []
