"""What a study keeps of a fit, asked for at once: each way into R costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.results.estimates import Estimates
from pylme.results.optinfo import OptInfo
from pylme.results.varcorr import VarCorr
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from pylme.results.protocol import FittedModel

__all__ = ["FitRecord", "fit_record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRecord:
    """The numbers of a fit that need no data.

    Attributes
    ----------
    estimates : Estimates
    std_error : ndarray, shape (p,)
        Of the fixed effects.
    varcorr : VarCorr
    optinfo : OptInfo
    singular : bool
        By lme4's rule and tolerance.
    """

    estimates: Estimates
    std_error: NDArray[np.float64]
    varcorr: VarCorr
    optinfo: OptInfo
    singular: bool


def fit_record(model: FittedModel) -> FitRecord:
    """The record of a model, part by part."""
    return FitRecord(
        estimates=model.estimates(),
        std_error=np.sqrt(np.diag(model.vcov())),
        varcorr=model.varcorr(),
        optinfo=model.optinfo(),
        singular=model.is_singular(SINGULAR),
    )
