"""Coefficients of each level of a grouping factor: fixed effects plus conditional modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pylme.results.estimates import Estimates
    from pylme.results.ranef import RandomEffects

__all__ = ["coefficients_by_level"]


def coefficients_by_level(estimates: Estimates, effects: RandomEffects) -> pd.DataFrame:
    """The fixed effects of each level with its random ones added, as R's ``coef``.

    Random effects without a fixed counterpart, whose mean is zero, are further columns.
    """
    names = list(dict.fromkeys((*estimates.names, *effects.names)))
    values = np.zeros((len(effects.levels), len(names)))
    values[:, : len(estimates.names)] = estimates.beta
    for name, own in zip(effects.names, effects.modes.T, strict=True):
        values[:, names.index(name)] += own
    index = pd.Index(list(effects.levels), name=effects.group)
    return pd.DataFrame(values, index=index, columns=names)
