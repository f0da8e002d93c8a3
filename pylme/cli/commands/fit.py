"""The command `pylme fit`."""

from pylme.cli.begin import begin
from pylme.cli.model import LINEAR, Ddf, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output
from pylme.cli.reading import AS_USUAL, Data, Reading

__all__ = ["fit"]


def fit(
    data: Data,
    formula: Formula,
    /,
    *,
    ddf: Ddf | None = None,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Fit a model; print its summary and whether it has converged.

    An --output that ends in .html is a report: summary, verdict, variances, tests and plots.

    Parameters
    ----------
    ddf
        Test the fixed effects of a linear model with these degrees of freedom.
    """
    from pylme.cli.fit_report import fit_result

    with begin(data, model=model, reading=reading, output=output) as table:
        made = model.fit(formula, table)
        output.give(fit_result(made, ddf=ddf))
