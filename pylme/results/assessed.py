"""Convergence judged from the records of a fit, whichever engine left them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.results.certificate import assess_certificate
from pylme.results.convergence import assess

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.results.condition import Condition
    from pylme.results.convergence import Convergence
    from pylme.results.estimates import Estimates
    from pylme.results.optinfo import OptInfo

__all__ = ["assessed"]


def assessed(
    estimates: Estimates, optinfo: OptInfo, conditions: Iterable[Condition], *, singular: bool
) -> Convergence:
    """Weigh all the evidence: the certificate where the engine made one, else lme4's checks.

    Parameters
    ----------
    estimates : Estimates
    optinfo : OptInfo
    conditions : iterable of Condition
    singular : bool
        By lme4's rule and tolerance.
    """
    numbers = (estimates.beta, estimates.theta, [estimates.sigma, estimates.criterion])
    finite = all(bool(np.all(np.isfinite(part))) for part in numbers)
    if optinfo.certificate is not None:
        return assess_certificate(optinfo, optinfo.certificate, finite=finite)
    return assess(optinfo, conditions, singular=singular, finite=finite)
