"""The command `pylme anova`."""

from typing import Any, Literal

from pylme.cli.begin import begin
from pylme.cli.model import LINEAR, Ddf, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, result_of
from pylme.cli.reading import AS_USUAL, Data, Reading
from pylme.errors import OptionError

__all__ = ["anova"]


def anova(
    data: Data,
    formula: Formula,
    /,
    *formulas: str,
    type: Literal[1, 2, 3] = 3,  # noqa: A002
    ddf: Ddf | None = None,
    random: bool = False,
    refit: bool = True,
    bootstrap: int = 0,
    seed: int | None = None,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Test the terms of one model, or several models against each other.

    With one formula: F tests of its terms, or with --random likelihood ratio tests of its random
    effects. With several formulas, whose models must be nested: likelihood ratio tests.

    Parameters
    ----------
    formulas
        Further models of the same data, which are compared with the first.
    type
        The hypotheses of the F tests.
    ddf
        The method of the denominator degrees of freedom of the F tests.
    random
        Test the random effects, each by a model without it.
    refit
        Fit models whose fixed effects differ again by maximum likelihood.
    bootstrap
        Replicates of a parametric bootstrap of likelihood ratio tests; 0 makes none.
    seed
        Of the bootstrap.
    """
    import pylme

    if formulas and random:
        raise OptionError(option="--random", value=True, allowed="it with one formula")
    if bootstrap and not (formulas or random):
        raise OptionError(
            option="--bootstrap", value=bootstrap, allowed="it with --random or several formulas"
        )
    with begin(data, model=model, reading=reading, output=output) as table:
        fits = [model.fit(each, table) for each in (formula, *formulas)]
        drawn: dict[str, Any] = {"bootstrap": bootstrap, "seed": seed}
        found: Any
        if formulas:
            found = pylme.anova(*fits, refit=refit, **drawn)
        elif random:
            found = fits[0].ranova(**drawn)
        else:
            found = fits[0].anova(type=type, ddf=ddf)
        output.give(result_of(found, title=f"Tests of {formula}"))
