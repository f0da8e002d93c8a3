"""The command `pylme explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pylme.cli.model import PLAIN, Specification
from pylme.cli.output import TO_TERMINAL, Output, Result, result_of
from pylme.cli.reading import AS_USUAL, Reading
from pylme.errors import OptionError

if TYPE_CHECKING:
    from pylme.explanation.explanation import Explanation

__all__ = ["explain"]


def explain(
    *data_and_formula: Annotated[
        str | Path,
        Parameter(
            name="DATA FORMULA",
            help="The data, which may be left out, as for the other commands; then the formula, in "
            'quotes: "math ~ ses*sector + (ses | sch.id)"; or several formulas, to compare them.',
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
    from pylme.explanation.compare import compare_formulas
    from pylme.explanation.explain import explain as explained

    if latex and (output.json or output.output is not None):
        raise OptionError(
            option="--latex", value=True, allowed="it without --json and without --output"
        )
    data, formulas = _read(tuple(map(str, data_and_formula)))
    if latex and len(formulas) > 1:
        raise OptionError(option="--latex", value=True, allowed="it with one formula")
    output.require_place()
    arguments = specification.arguments(explained if len(formulas) == 1 else compare_formulas)
    table = None if data is None else reading.rows(data)
    with warnings_on_stderr():
        if len(formulas) > 1:
            compared = compare_formulas(*formulas, data=table, **arguments)
            output.give(result_of(compared, title="Comparison of formulas"))
            return
        explanation = explained(formulas[0], table, **arguments)
        if latex:
            print(explanation.to_latex())
        else:
            output.give(_result(explanation))


def _read(given: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The data, if there are any, and the formulas, which are known by their tilde."""
    data, formulas = (None, given) if given and "~" in given[0] else (given[:1], given[1:])
    if not formulas or any("~" not in each for each in formulas):
        raise OptionError(
            option="the arguments of pylme explain",
            value=given,
            allowed="a formula, or data and a formula: the data first, then the formula",
        )
    return (data[0] if data else None), formulas


def _result(explanation: "Explanation") -> Result:
    from pylme.results.saving import json_text

    return Result(
        title=f"Explanation of {explanation.formula}",
        shown=explanation.describe,
        frame=explanation.to_frame,
        json=lambda: json_text(explanation.to_dict(), indent=2),
    )
