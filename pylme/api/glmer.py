"""`pylme.glmer`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pylme.api.fitting import checked, fitted, require_kind, within_memory
from pylme.deadline import checked_timeout
from pylme.errors import OptionError
from pylme.families.family import family as family_of
from pylme.families.family import has_dispersion
from pylme.lme4.control import GlmerControl
from pylme.model_matrix.response import require_starting_means
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.options import MOST_POINTS, choice, is_whole, true_or_false
from pylme.results.engine import FitRequest, choose
from pylme.results.generalized_problem import CriterionKind, Laplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from pylme.families import Family
    from pylme.fit import Fit
    from pylme.frame import NaAction
    from pylme.model_matrix.spec import Contrast, ContrastsFor, Start
    from pylme.options import Engine

__all__ = ["glmer"]


@within_memory
def glmer(
    formula: str,
    data: Any,
    *,
    family: str = "binomial",
    link: str | None = None,
    n_agq: int = 1,
    laplace: Laplace = "expected",
    criterion: CriterionKind = "lme4",
    engine: Engine = "auto",
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    contrasts_for: ContrastsFor = "fixed",
    control: GlmerControl | None = None,
    start: Start | ArrayLike | None = None,
    mustart: str | ArrayLike | None = None,
    etastart: str | ArrayLike | None = None,
    na_action: NaAction = "omit",
    timeout: float | None = None,
    isolated: bool = False,
    check: bool = False,
) -> Fit:
    """Fit a generalized linear mixed-effects model by maximum likelihood.

    Parameters
    ----------
    formula, data, offset, subset, contrasts, contrasts_for, na_action, timeout, isolated
        As for `lmer`. A binomial response is 0 and 1, two levels, ``cbind(successes, failures)``,
        or a proportion with the number of trials as `weights`.
    family : {"binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian"}
        The conditional distribution of the response.
    link : str, optional
        By default, the family's usual link.
    engine : {"auto", "lme4", "numpy"}
        As for `lmer`.
    n_agq : int
        Points of the adaptive Gauss-Hermite quadrature: 1 is the Laplace approximation, 0 is a
        faster and less accurate one; more than 1 point needs a single scalar random-effects term.
    laplace : {"expected", "observed"}
        The information in the determinant of the approximation. lme4 takes the expected one; with
        the observed one it is the Laplace approximation proper, as in glmmTMB. They are the same
        for the canonical link. "observed" needs the NumPy engine.
    criterion : {"lme4", "likelihood"}
        For a family with a dispersion parameter (Gamma, inverse.gaussian, gaussian) lme4's
        criterion approximates no likelihood. "likelihood" is the likelihood with the dispersion as
        a parameter, by the observed information; it needs the NumPy engine.
    weights : str or array_like, optional
        Prior weights; trials for a binomial proportion.
    control : GlmerControl, optional
    start : array_like or mapping, optional
        Theta, or a mapping with "theta" and "fixef".
    mustart : str or array_like of shape (rows,), optional
        Means of the response from which the iterations start, within the range of the family: for
        a binomial response probabilities. Needed where the link does not exist for some values
        of the response, such as the logarithm for a response with zeros.
    etastart : str or array_like of shape (rows,), optional
        Values of the linear predictor from which the iterations start, in place of `mustart`.
    check : bool
        Check the fit at once, as `lmer` does: the verdict replaces lme4's convergence warnings.

    Returns
    -------
    Fit
        The fitted model. Results are computed, or fetched from R, on first access.

    Raises
    ------
    FormulaError, DataError, OptionError, RUnavailableError, RError, FitTimeoutError
        As `lmer`.

    Warns
    -----
    PylmeWarning
        As `lmer`.

    Examples
    --------
    >>> import pylme
    >>> cbpp = pylme.datasets.load("cbpp")
    >>> fit = pylme.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp)
    >>> fit.varcorr["herd"].sd.round(3).to_dict()
    {'(Intercept)': 0.642}
    """
    require_kind("control", control, GlmerControl)
    seconds = checked_timeout(timeout)
    isolated = true_or_false("isolated", isolated)
    check = true_or_false("check", check)
    arguments = ModelArguments(
        weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        contrasts_for=contrasts_for, start=start,
        mustart=mustart, etastart=etastart, na_action=na_action,
        family=family_of(family, link), reml=False,
    )  # fmt: skip
    spec = specified(formula, data, arguments)
    require_starting_means(spec)
    points = _points(n_agq)
    laplace = choice("laplace", laplace, Laplace)
    criterion = choice("criterion", criterion, CriterionKind)
    beyond = _beyond(spec.family, laplace, criterion)
    chosen = choose(
        engine, "glmer", control=control, formula=spec.formula, beyond=beyond, isolated=isolated
    )
    request = FitRequest(
        spec=spec, function="glmer", control=control, n_agq=points, timeout=seconds,
        laplace="observed" if criterion == "likelihood" else laplace, criterion=criterion,
        isolated=isolated,
    )  # fmt: skip
    return checked(partial(fitted, chosen, request)) if check else fitted(chosen, request)


def _beyond(family: Family | None, laplace: Laplace, criterion: CriterionKind) -> str | None:
    """The argument that asks for what lme4 does not have."""
    if criterion == "likelihood":
        if not has_dispersion(family):
            raise OptionError(
                option="criterion",
                value=criterion,
                allowed='"lme4" for a family without a dispersion parameter: it is the likelihood',
            )
        return 'criterion="likelihood"'
    return 'laplace="observed"' if laplace == "observed" else None


def _points(n_agq: object) -> int:
    """The number of quadrature points."""
    points = int(cast("int", n_agq)) if is_whole(n_agq) else -1
    if not 0 <= points <= MOST_POINTS:
        raise OptionError(
            option="n_agq", value=n_agq, allowed=f"a whole number from 0 to {MOST_POINTS}"
        )
    return points
