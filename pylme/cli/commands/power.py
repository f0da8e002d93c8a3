"""The command `pylme power`."""

from typing import Literal

from pylme.cli.begin import begin
from pylme.cli.drawing import (
    AS_FITTED,
    REPLICATES,
    Parameters,
    Replicates,
    drawn_model,
    engine_of_replicates,
)
from pylme.cli.model import LINEAR, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, Result
from pylme.cli.reading import AS_USUAL, Data, Reading

__all__ = ["power"]


def power(
    data: Data,
    formula: Formula,
    /,
    *,
    test: str | None = None,
    null: str | None = None,
    reference: Literal["asymptotic", "simulated"] = "asymptotic",
    df: float | None = None,
    alpha: float = 0.05,
    replicates: Replicates = REPLICATES,
    parameters: Parameters = AS_FITTED,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """The power of a test, by data drawn from a model: that of a pilot study, or a planned one.

    Parameters
    ----------
    test
        The fixed effect of a Wald test, by its name in the table of coefficients.
    null
        Or the formula of a smaller model, for a likelihood ratio test.
    reference
        What the statistic is compared with: its distribution in large samples, or draws under the
        null hypothesis.
    df
        With --test: the degrees of freedom of t, which then replaces the normal distribution.
    alpha
        The level of the test.
    """
    import pylme

    arguments = replicates.arguments()
    with begin(data, model=model, reading=reading, output=output) as table:
        found = pylme.power(
            parameters.source(model, formula, table), drawn_model(model, formula),
            test=test, null=null, reference=reference, df=df, alpha=alpha,
            engine=engine_of_replicates(model), **arguments,
        )  # fmt: skip
        output.give(
            Result(title=f"Power: {found.test}", shown=found.describe, frame=lambda: found.table)
        )
