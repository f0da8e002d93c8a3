"""Means and linear predictors that the iterations of a generalized model start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import OptionError
from pylme.families.link import link_of
from pylme.families.support import confined, means_of
from pylme.model_matrix.values import numbers_of

if TYPE_CHECKING:
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["require_starting_means"]


def require_starting_means(spec: ModelSpec) -> None:
    """Raise where the iterations cannot start from what was given.

    Raises
    ------
    OptionError
        If both are given, or a value is not finite or gives a mean that the family does not have.
    """
    if spec.family is None:
        return
    if spec.mustart is not None and spec.etastart is not None:
        raise OptionError(
            option="mustart and etastart",
            value=(spec.mustart, spec.etastart),
            allowed="one of them: a mean determines its linear predictor",
        )
    least, most = means_of(spec.family)
    link = link_of(spec.family.link)
    range_of_means = f"between {least:g} and {most:g}" if np.isfinite(most) else f"above {least:g}"
    for option in ("mustart", "etastart"):
        name = getattr(spec, option)
        if name is None:
            continue
        values = numbers_of(spec.frame.columns[name], option)
        with np.errstate(all="ignore"):
            means = values if option == "mustart" else link.mean(values)
        impossible = ~((means > least) & (means < most))
        if option == "etastart" and not confined(spec.family) and link.positive:
            impossible |= values <= 0
        if impossible.any():
            raise OptionError(
                option=option,
                value=float(values[impossible][0]),
                allowed=f"one number for each row, {range_of_means}"
                if option == "mustart"
                else f"one number for each row whose mean by the {spec.family.link} link is "
                f"{range_of_means}",
            )
