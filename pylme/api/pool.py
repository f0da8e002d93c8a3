"""`pylme.pool`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import OptionError
from pylme.fit import Fit
from pylme.inference.pooling import pooled
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from pylme.inference.ddf import Ddf
    from pylme.inference.pooling import Pooled

__all__ = ["pool"]


def pool(fits: Iterable[Fit], *, ddf: Ddf | None = None, conf_level: float = 0.95) -> Pooled:
    """Pool the fixed effects of one model fitted to several imputations of its data.

    Parameters
    ----------
    fits : iterable of Fit
        At least two, of the same model, one for each completed data set.
    ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
        The method of the degrees of freedom of complete data, as for `Fit.coef_test`.
    conf_level : float
        The level of the intervals.

    Returns
    -------
    Pooled
        Its `to_frame` gives ``term, estimate, std_error, df, statistic, p_value, conf_low,
        conf_high``, the variances within and between imputations, and the fraction of missing
        information.

    Raises
    ------
    OptionError
        If there are fewer than two fits, or they are not of the same model.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, section 3.3.
    Barnard & Rubin (1999), Small-sample degrees of freedom with multiple imputation, Biometrika 86.

    Examples
    --------
    >>> import numpy as np
    >>> import pylme
    >>> data = pylme.datasets.load("sleepstudy")
    >>> rng = np.random.default_rng(1)
    >>> fits = [
    ...     pylme.lmer(
    ...         "Reaction ~ Days + (1 | Subject)",
    ...         data.assign(Reaction=data["Reaction"] + rng.normal(size=180)),
    ...         engine="numpy",
    ...     )
    ...     for _ in range(5)
    ... ]
    >>> pylme.pool(fits)
    <Pooled over 5 fits: (Intercept), Days>
    """
    half_width(conf_level)
    each = list(fits) if isinstance(fits, Iterable) else []
    if len(each) < 2 or not all(isinstance(fit, Fit) for fit in each):
        raise OptionError(
            option="fits", value=fits, allowed="two fits or more, one for each imputation"
        )
    first = each[0]
    names = first.fixef.index.tolist()
    for other in each[1:]:
        if other.formula != first.formula or other.fixef.index.tolist() != names:
            raise OptionError(
                option="fits",
                value=f"{first.formula} and {other.formula}",
                allowed="fits of the same model, with the same coefficients",
            )
    tests = [fit.coef_test(ddf=ddf) for fit in each]
    return pooled(
        tuple(names),
        np.array([test.estimate for test in tests]),
        np.array([test.std_error for test in tests]),
        np.mean([test.df for test in tests], axis=0),
        conf_level=conf_level,
        library=first.library,
    )
