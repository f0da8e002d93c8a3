"""What a command shows of a fit: as text, as a page for a browser, its warnings, and the demo."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Final

from pylme.errors import FitWarning, PylmeWarning
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.crosscheck.report import CrossCheck
    from pylme.fit import Fit

__all__ = [
    "check_page",
    "check_report",
    "demo_report",
    "fit_page",
    "fit_report",
    "heading",
    "page",
    "warnings_on_stderr",
]

_WIDTH = 88

_FORMULA: Final = "math ~ ses*sector + (ses | sch.id)"


def heading(text: str) -> str:
    """A line across the page that begins a part of a report."""
    return f"── {text} {'─' * max(0, _WIDTH - len(text) - 4)}"


def fit_report(fit: Fit) -> str:
    """The summary, and in plain words whether the fit has converged."""
    lines = [str(fit.summary()).rstrip("\n"), ""]
    if fit.success is not None:
        lines += [f"Success is {fit.success!r} in the response.", ""]
    return "\n".join([*lines, heading("Convergence"), fit.convergence.explain()])


def check_report(check: CrossCheck) -> str:
    """Every comparison, and in plain words what they come to."""
    return "\n".join([str(check), "", heading(f"Verdict: {check.verdict.name}"), check.explain()])


def fit_page(fit: Fit) -> str:
    """The same as a page of HTML that needs nothing else."""
    return page(
        fit.formula,
        f"{fit.summary().to_html()}\n"
        f"<h2>Convergence</h2>\n<pre>{escape(fit.convergence.explain())}</pre>\n",
    )


def check_page(check: CrossCheck) -> str:
    """The report of a check as a page of HTML that needs nothing else."""
    return page(
        check.formula,
        f"{check.to_html()}\n"
        f"<h2>Verdict: {check.verdict.name}</h2>\n<pre>{escape(check.explain())}</pre>\n",
    )


def page(title: str, body: str) -> str:
    """A page of HTML that needs nothing else."""
    title = escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Print warnings to the error stream, after the output, without file names and line numbers."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PylmeWarning)
        try:
            yield
        finally:
            sys.stdout.flush()
            for message in dict.fromkeys(str(warning.message) for warning in caught):
                print(f"Warning: {message}", file=sys.stderr)


def demo_report() -> str:
    """Fit the model and show the call, summary, VarCorr, optimiser, convergence and verdict."""
    import pylme

    described = pylme.datasets.describe("hsb")
    data = pylme.datasets.load("hsb")
    with silenced(FitWarning):
        # What R says here is shown, and explained, at the end of the report.
        fit = pylme.lmer(_FORMULA, data)
    parts = {
        "The estimates, as lme4 prints them: fit.summary()": fit.summary(),
        "How schools differ: fit.varcorr": fit.varcorr,
        "How the optimiser got there: fit.optinfo": fit.optinfo,
        "What lme4 thinks of it: fit.convergence.explain()": fit.convergence.explain(),
        "Is it right? fit.cross_check()": fit.cross_check(),
        "In plain words: fit.cross_check().explain()": fit.cross_check().explain(),
    }
    lines = [
        f"{described.title} ({described.rows} pupils)",
        "",
        "Does achievement rise with a family's socio-economic status (ses), alike in public and",
        "Catholic schools, and how much do schools differ, in level and in slope?",
        "",
        ">>> import pylme",
        '>>> hsb = pylme.datasets.load("hsb")',
        f'>>> fit = pylme.lmer("{_FORMULA}", hsb)',
    ]
    for title, part in parts.items():
        lines += ["", heading(title), "", str(part).strip("\n")]
    return "\n".join(lines)
