"""The command `pylme demo`."""

import sys
from pathlib import Path
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
    lines += ["", heading("Your own data"), "", *_next_steps()]
    return "\n".join(lines)


def _next_steps() -> list[str]:
    """What a shell takes for a file of one's own, with the command as it was called here."""
    called = sys.argv[0] if Path(sys.argv[0]).stem == "pylme" else "pylme"
    model = 'data.csv "y ~ x + (x | group)"'
    return [
        f"    {called} fit {model}",
        f"    {called} check {model}",
        f"    {called} plot {model} caterpillar --output effects.png",
        "",
        "data.csv has a header and a row for each observation; y, x and group are its columns.",
        f"`{called} --help` lists all commands. In Python: pylme.lmer(formula, data_frame).",
    ]
