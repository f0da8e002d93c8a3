"""The command `pylme explain`."""

from typing import Annotated

from cyclopts import Parameter

from pylme.cli.model import PLAIN, Specification
from pylme.cli.output import TO_TERMINAL, Output, Result
from pylme.cli.reading import AS_USUAL, Reading
from pylme.errors import OptionError

__all__ = ["explain"]


def explain(
    *data_and_formula: Annotated[
        str,
        Parameter(
            name="DATA FORMULA",
            help="The data, which may be left out, as for the other commands; then the formula, in "
            'quotes: "math ~ ses*sector + (ses | sch.id)".',
            allow_leading_hyphen=True,
        ),
    ],
    latex: bool = False,
    specification: Specification = PLAIN,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Say what a formula specifies, and with data what they can show of it; nothing is fitted.

    Parameters
    ----------
    latex
        Print the model and the covariance that it implies as LaTeX instead.
    """
    from pylme.cli.console import warnings_on_stderr
    from pylme.explanation.explain import explain as explained
    from pylme.results.saving import json_text

    if latex and (output.json or output.output is not None):
        raise OptionError(
            option="--latex", value=True, allowed="it without --json and without --output"
        )
    if not 1 <= len(data_and_formula) <= 2:
        raise OptionError(
            option="the arguments of pylme explain",
            value=data_and_formula,
            allowed="a formula, or data and a formula",
        )
    output.require_place()
    arguments = specification.arguments(explained)
    *data, formula = data_and_formula
    with warnings_on_stderr():
        explanation = explained(formula, reading.rows(data[0]) if data else None, **arguments)
        if latex:
            print(explanation.to_latex())
            return
        output.give(
            Result(
                title=f"Explanation of {formula}",
                shown=explanation.describe,
                frame=explanation.to_frame,
                json=lambda: json_text(explanation.to_dict(), indent=2),
            )
        )
