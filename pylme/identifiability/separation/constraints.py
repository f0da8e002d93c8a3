"""What each row allows of a direction in which the likelihood never falls.

The likelihood of a row with both successes and failures falls along x'd ≠ 0, whatever the sign;
that of a row of successes alone rises with x'd, that of failures alone with -x'd. With a log link a
row with a positive response is of the first kind, and a zero of the last. With random effects the
same holds for each value of them, so it holds of their mean, the marginal likelihood.

References: Albert & Anderson (1984), Biometrika 71; Correia, Guimarães & Zylkin (2019), Verifying
the existence of maximum likelihood estimates for generalized linear models, arXiv:1903.01633.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.families import Family

__all__ = ["signs_of"]


def signs_of(family: Family, y: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The sign of x'd that each row allows: 1, -1, or 0 where it must vanish.

    Parameters
    ----------
    family : Family
    y : ndarray, shape (n,) or (n, 2)
        Counts, proportions or zeros and ones; successes and failures in two columns.

    Returns
    -------
    ndarray, shape (n,), or None
        None where every estimate is finite: the response is no count, or its link reaches zero at a
        finite value.
    """
    successes, failures = (y[:, 0], y[:, 1]) if y.ndim == 2 else (y, 1.0 - y)
    if family.name == "binomial" and family.link != "log":
        return np.where(failures == 0, 1.0, np.where(successes == 0, -1.0, 0.0))
    if family.link == "log" and family.name in ("binomial", "poisson"):
        return np.where(successes == 0, -1.0, 0.0)
    return None
