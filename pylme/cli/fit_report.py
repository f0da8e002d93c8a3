"""What commands show of a fit and of its check, in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.cli.fit_page import fit_page, verdict_box
from pylme.cli.output import Result
from pylme.cli.page import page
from pylme.render.document import Document, Lines
from pylme.render.text import WIDTH

if TYPE_CHECKING:
    from pylme.crosscheck.report import CrossCheck
    from pylme.fit import Fit
    from pylme.inference.ddf import Ddf

__all__ = ["check_result", "fit_result", "heading"]

_BROAD: Final = WIDTH + 1


def heading(text: str) -> str:
    """A line across the page that begins a part of a report."""
    return f"── {text} {'─' * max(0, WIDTH - len(text) - 4)}"


def fit_result(fit: Fit, *, ddf: Ddf | None = None) -> Result:
    """The summary, and in plain words whether the fit has converged."""

    def shown() -> Document:
        success = (
            () if fit.success is None else (f"Success is {fit.success!r} in the response.", "")
        )
        said = (*success, heading("Convergence"), *fit.convergence.explain().split("\n"))
        return Document(title=None, blocks=(*fit.summary(ddf=ddf).describe().blocks, Lines(said)))

    return Result(
        title=fit.formula,
        shown=shown,
        frame=lambda: fit.tidy(ddf=ddf),
        json=fit.to_json,
        html=lambda: fit_page(fit, ddf=ddf),
    )


def check_result(check: CrossCheck) -> Result:
    """Every comparison, and in plain words what they come to."""

    def shown() -> Document:
        said = (heading(f"Verdict: {check.verdict.name}"), *check.explain().split("\n"))
        found = check.describe()
        return Document(title=found.title, blocks=(*found.blocks, Lines(said)))

    return Result(
        title=check.formula,
        shown=shown,
        frame=check.to_frame,
        json=check.to_json,
        html=lambda: page(
            f"Cross-check of {check.formula}",
            verdict_box(check.verdict.name, check.explain()) + check.to_html(),
        ),
        width=_BROAD,
    )
