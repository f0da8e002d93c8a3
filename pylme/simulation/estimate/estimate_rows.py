"""The estimates of many fits as a matrix, in the order of a study's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.simulation.estimate.parameters import varcorr_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference import ManyFits

__all__ = ["estimate_rows"]


def estimate_rows(fits: ManyFits) -> NDArray[np.float64]:
    """Fixed effects, standard deviations and correlations, sigma and theta: shape (R, P)."""
    varcorr = varcorr_values(list(zip(fits.sd, fits.corr, strict=True)))
    return np.hstack([fits.beta, varcorr, fits.sigma[:, None], fits.theta])
