"""Confidence intervals of all parameters of a fit, in one table.

*Profile*: where the profile deviance rises by a quantile of χ²₁ (Venzon & Moolgavkar 1988, Applied
Statistics 37(1)). *Wald*: estimates and standard errors; β ± z se, and the delta method for log sd
and Fisher's z.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from pylme.errors import NotAvailableError
from pylme.inference.wald import delta_intervals, log_interval
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.likelihood import ProfiledLikelihood
    from pylme.inference.profile_likelihood.parameters import ProfiledParameter
    from pylme.results.varcorr import VarCorr, VarianceErrors

__all__ = [
    "IntervalMethod",
    "ParameterNames",
    "interval_table",
    "profile_intervals",
    "wald_intervals",
    "with_likelihood",
]

IntervalMethod = Literal["profile", "wald", "bootstrap"]
ParameterNames = Literal["pylme", "lme4"]


def with_likelihood(
    parameters: Sequence[ProfiledParameter], *, reml: bool, named: bool
) -> tuple[ProfiledParameter, ...]:
    """The parameters that have a profile of the likelihood, or of the restricted likelihood.

    Parameters
    ----------
    parameters : sequence of ProfiledParameter
    reml : bool
    named : bool
        Whether the caller named them, so that none may be left out.

    Raises
    ------
    NotAvailableError
        If a coefficient was named, which the restricted likelihood does not depend on.
    """
    kept = tuple(p for p in parameters if not (reml and p.kind == "fixed"))
    if named and len(kept) < len(parameters):
        raise NotAvailableError(
            asked="Profiling the restricted likelihood",
            found="it is no function of the fixed effects",
            remedy='Use reml=False, or parameters="ran_pars".',
        )
    return kept


def profile_intervals(
    profiled: ProfiledLikelihood[Any, Any],
    parameters: Sequence[ProfiledParameter],
    *,
    conf_level: float,
) -> NDArray[np.float64]:
    """The ends of profile likelihood intervals, shape (P, 2).

    Parameters
    ----------
    profiled : ProfiledLikelihood
        A restricted one for covariance parameters only.
    parameters : sequence of ProfiledParameter
    conf_level : float
    """
    rise = half_width(conf_level) ** 2
    ends = [profiled.interval(parameter, rise) for parameter in parameters]
    return np.array(ends).reshape(len(ends), 2)


def wald_intervals(
    parameters: Sequence[ProfiledParameter],
    beta: NDArray[np.float64],
    std_error: NDArray[np.float64],
    varcorr: VarCorr,
    errors: VarianceErrors | None,
    *,
    conf_level: float,
) -> NDArray[np.float64]:
    """The ends of Wald intervals, shape (P, 2); NaN where there is no standard error.

    Parameters
    ----------
    parameters : sequence of ProfiledParameter
    beta, std_error : ndarray, shape (p,)
    varcorr : VarCorr
    errors : VarianceErrors or None
    conf_level : float
    """
    reach = half_width(conf_level)
    made = np.full((len(parameters), 2), np.nan)
    of_terms = (
        [
            delta_intervals(np.where(np.eye(len(term.sd)), np.diag(term.sd), term.corr), own, reach)
            for term, own in zip(varcorr.terms, errors.sdcor, strict=True)
        ]
        if errors is not None
        else []
    )
    for at, parameter in enumerate(parameters):
        if parameter.kind == "fixed":
            (j,) = parameter.places
            made[at] = beta[j] - reach * std_error[j], beta[j] + reach * std_error[j]
        elif errors is None:
            continue
        elif parameter.kind == "sigma":
            made[at] = log_interval(varcorr.sigma or np.nan, errors.sigma, reach)
        elif parameter.term is not None:
            a, b = parameter.places[0], parameter.places[-1]
            low, high = of_terms[parameter.term]
            made[at] = low[a, b], high[a, b]
    return made


def interval_table(
    parameters: Sequence[ProfiledParameter],
    estimates: NDArray[np.float64],
    ends: NDArray[np.float64],
    names: ParameterNames,
) -> pd.DataFrame:
    """The intervals as a table.

    Parameters
    ----------
    parameters : sequence of ProfiledParameter
    estimates : ndarray, shape (P,)
    ends : ndarray, shape (P, 2)
    names : {"pylme", "lme4"}
        ``effect, group, term`` as in ``tidy``, or ``parameter`` with lme4's names in its order.
    """
    numbers = {"estimate": estimates, "conf_low": ends[:, 0], "conf_high": ends[:, 1]}
    if names == "lme4":
        order = np.argsort([parameter.kind == "fixed" for parameter in parameters], kind="stable")
        frame = pd.DataFrame({"parameter": [parameter.lme4 for parameter in parameters], **numbers})
        return frame.iloc[order].reset_index(drop=True)
    return pd.DataFrame(
        {
            "effect": [parameter.name.effect for parameter in parameters],
            "group": pd.array([parameter.name.group for parameter in parameters], dtype=object),
            "term": [parameter.name.term for parameter in parameters],
            **numbers,
        }
    )
