"""The model that a command fits, by the options that commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pylme.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from pylme.fit import Fit
    from pylme.options import Engine

__all__ = ["Family", "fitted", "require_method"]

#: The families of `glmer`, and "nb" for the model of `glmer_nb`.
Family = Literal["binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian", "nb"]


def require_method(family: Family | None, *, ml: bool, link: str | None = None) -> None:
    """Refuse --ml beside --family, and --link where there is none to choose.

    Raises
    ------
    OptionError
        If options contradict each other.
    """
    if family is not None and ml:
        raise OptionError(
            option="--ml", value=True, allowed="it without --family: such fits are always by ML"
        )
    if link is not None and family in (None, "nb"):
        raise OptionError(
            option="--link",
            value=link,
            allowed="it with a --family other than nb, whose link is log",
        )


def fitted(
    table: pd.DataFrame,
    formula: str,
    *,
    ml: bool,
    weights: str | None,
    family: Family | None,
    link: str | None,
    engine: Engine,
) -> Fit:
    """The fit of a linear model, or of a generalized one where a family is given."""
    import pylme

    if family is None:
        return pylme.lmer(formula, table, reml=not ml, weights=weights, engine=engine)
    if family == "nb":
        return pylme.glmer_nb(formula, table, weights=weights, engine=engine)
    return pylme.glmer(formula, table, family=family, link=link, weights=weights, engine=engine)
