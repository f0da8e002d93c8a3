"""The model that a command fits, by the options that commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pylme.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from pylme.fit import Fit
    from pylme.options import Engine

__all__ = ["Family", "fitted", "require_method"]

Family = Literal["binomial", "poisson", "Gamma", "inverse.gaussian"]


def require_method(family: Family | None, *, ml: bool) -> None:
    """Refuse --ml beside --family.

    Raises
    ------
    OptionError
        If both are given.
    """
    if family is not None and ml:
        raise OptionError(
            option="--ml", value=True, allowed="it without --family: such fits are always by ML"
        )


def fitted(
    table: pd.DataFrame,
    formula: str,
    *,
    ml: bool,
    weights: str | None,
    family: Family | None,
    engine: Engine,
) -> Fit:
    """The fit of a linear model, or of a generalized one where a family is given."""
    import pylme

    if family is None:
        return pylme.lmer(formula, table, reml=not ml, weights=weights, engine=engine)
    return pylme.glmer(formula, table, family=family, weights=weights, engine=engine)
