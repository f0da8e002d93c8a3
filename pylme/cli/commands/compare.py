"""The command `pylme compare`."""

from typing import Literal

from pylme.cli.begin import begin
from pylme.cli.model import LINEAR, Ddf, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, result_of
from pylme.cli.reading import AS_USUAL, Data, Reading

__all__ = ["compare"]


def compare(
    data: Data,
    formula: Formula,
    /,
    *formulas: str,
    names: tuple[str, ...] = (),
    beside: Literal["std_error", "conf_int", "p_value"] = "std_error",
    ddf: Ddf | None = None,
    conf_level: float = 0.95,
    digits: int = 3,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Fit several models to the same data and put them side by side.

    `pylme anova` tests them against each other, and `pylme explain` says without a fit how their
    covariances lie to each other.

    Parameters
    ----------
    formulas
        Further models.
    names
        The headings of the models, one for each --names; (1), (2), ... by default.
    beside
        What stands in parentheses beside fixed effects.
    ddf
        The method of the degrees of freedom.
    conf_level
        The level of the intervals.
    digits
        Decimals.
    """
    import pylme

    with begin(data, model=model, reading=reading, output=output) as table:
        fits = [model.fit(each, table) for each in (formula, *formulas)]
        found = pylme.table(
            *fits, names=list(names) or None, beside=beside, ddf=ddf, conf_level=conf_level,
            digits=digits,
        )  # fmt: skip
        output.give(result_of(found, title=f"Models of {formula.partition('~')[0].strip()}"))
