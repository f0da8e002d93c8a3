"""The command `pylme demo`."""

from typing import Final

__all__ = ["demo"]

_FORMULA: Final = "math ~ ses*sector + (ses | sch.id)"


def demo() -> None:
    """Fit a model to the High School & Beyond data and show all that pylme says about it."""
    from pylme.cli.console import show, warnings_on_stderr
    from pylme.render.document import Document, Lines

    with warnings_on_stderr():
        show(Document(title=None, blocks=(Lines(tuple(_report().split("\n"))),)))


def _report() -> str:
    """Fit the model and show the call, summary, VarCorr, optimiser, convergence and verdict."""
    import pylme
    from pylme.cli.fit_report import heading
    from pylme.errors import FitWarning
    from pylme.warning_scopes import silenced

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
