"""pylme's own findings about the fit of a generalized model, whichever engine fitted it.

Each of these facts changes the meaning of the numbers of a fit, and lme4 reports none of them:
separation by fixed effects or by groups, counts without overdispersion, and random effects of a
family with a dispersion. They are conditions of the fit, so that they remain with it; their texts
determine their classes of warning.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import (
    DispersionWarning,
    NoFiniteEstimateWarning,
    NoFiniteOptimumWarning,
    NotFiniteWarning,
    NotIdentifiedWarning,
    NotOverdispersedWarning,
    SeparationWarning,
    SingularFitWarning,
)
from pylme.frame import Factor
from pylme.identifiability.separation.report import groups_are_separated, separation
from pylme.installed_r import version_tuple
from pylme.results.fitted_model import Condition
from pylme.versions import CHANGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from pylme.errors import FitWarning
    from pylme.families import Family
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["CLASSES", "findings", "unreliable_by_criterion", "unreliable_by_lme4"]

#: The classes of warning of pylme's own findings, by their texts. The first that matches decides.
CLASSES: Final[tuple[tuple[re.Pattern[str], type[FitWarning]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"separate the response", SeparationWarning),
        (r"all rows of a level have the same outcome", NoFiniteEstimateWarning),
        (r"the counts are not overdispersed", NotOverdispersedWarning),
        (r"standard deviations of the random effects are unreliable", DispersionWarning),
        (r"no finite optimum", NoFiniteOptimumWarning),
        (r"NaN or infinite values", NotFiniteWarning),
        (r"data do not determine", NotIdentifiedWarning),
        (r"boundary \(singular\)|singular fit", SingularFitWarning),
    )
)
#: A standard deviation, on the scale of the link, that a search which does not end has passed.
_LARGE: Final = 4.0
#: A negative binomial whose variances exceed the Poisson's by less than this share is a Poisson.
_POISSON: Final = 1e-3


def findings(
    spec: ModelSpec,
    problem: GeneralizedProblem,
    *,
    mu: NDArray[np.float64],
    suspect: bool = True,
    infimum: Callable[[NDArray[np.bool_]], float | None] | None = None,
) -> tuple[Condition, ...]:
    """The findings of pylme about the fit of a generalized model.

    Parameters
    ----------
    spec : ModelSpec
    problem : GeneralizedProblem
        With the parameters of the fit.
    mu : ndarray, shape (n,)
        Fitted means.
    suspect : bool
        Whether linear predictors are so large that the fixed effects may separate the response;
        otherwise the linear programme that decides it is not needed.
    infimum : callable, optional
        What the criterion falls to where the rows given are separated.
    """
    separated = _separation(spec, problem, infimum) if suspect else ()
    said = [*separated, *_one_outcome(problem)]
    if problem.shape_free and problem.family.shape is not None:
        said += [*_dispersion_of_counts(problem.family.shape, mu, problem)]
    return tuple(Condition(kind="warning", message=text) for text in said)


def _separation(
    spec: ModelSpec,
    problem: GeneralizedProblem,
    infimum: Callable[[NDArray[np.bool_]], float | None] | None,
) -> Iterator[str]:
    frame = spec.frame
    factors = {
        name: column
        for name in spec.formula.effect_columns
        if isinstance(column := frame.columns.get(name), Factor) and frame.nrow == len(problem.y)
    }
    found = separation(
        _count_family(problem.family), problem.y, problem.X, problem.x_names, factors=factors
    )
    if found is not None:
        limit = None if infimum is None else infimum(found.rows)
        towards = "" if limit is None else f", where the criterion falls towards {limit:.8g}"
        yield (
            f"{found}{towards}. Their estimates and standard errors are those at which the search "
            "stopped. Leave the effect out, merge the levels, or judge it by a likelihood ratio "
            "test; a finite estimate needs a penalty or a prior (in R: blme, brms)."
        )


def _count_family(family: Family) -> Family:
    """The family whose responses have the same limits: a negative binomial's are Poisson's."""
    return family if family.shape is None else replace(family, name="poisson", shape=None)


def _one_outcome(problem: GeneralizedProblem) -> Iterator[str]:
    theta = problem.theta
    if theta is None or len(theta) != 1 or theta[0] < _LARGE:
        return
    (term,) = problem.terms
    if term.names == ("(Intercept)",) and groups_are_separated(
        problem.family, problem.y, term.codes
    ):
        yield (
            f"no finite maximum-likelihood estimate of the standard deviation of (1 | {term.group})"
            f" exists: all rows of a level have the same outcome in every level of {term.group}, "
            "and the likelihood rises as the standard deviation grows without end. At "
            f"{theta[0]:.3g} the search stopped. Use one row for each level and a model "
            "without random effects, or give the standard deviation a prior (in R: blme, brms)."
        )


def _dispersion_of_counts(
    theta: float, mu: NDArray[np.float64], problem: GeneralizedProblem
) -> Iterator[str]:
    y = problem.y
    share = float(np.sum(mu**2) / np.sum(mu)) / theta
    if share < _POISSON:
        pearson = float(np.sum((y - mu) ** 2 / mu) / max(len(y) - problem.X.shape[1], 1))
        yield (
            "no finite maximum-likelihood estimate of the dispersion parameter theta exists: the "
            f"counts are not overdispersed. At theta = {theta:,.4g}, where the search stopped, the "
            f"variances exceed the means by {100 * share:.2g} % on average, and the squared "
            f"Pearson residuals of a Poisson model average {pearson:.2f} (above 1 where counts "
            'are overdispersed). Use pylme.glmer(formula, data, family="poisson").'
        )


def unreliable_by_lme4(family: Family, version: str) -> Condition | None:
    """What to know of random effects that this lme4 estimates for a family with a dispersion."""
    if version_tuple(version) >= CHANGES["dispersion"][1]:
        return None
    instead = (
        "For inference on them fit the logarithm of the response by lmer(), or use lme4 2.1 or "
        "newer or glmmTMB in R."
        if family.name != "gaussian"
        else "For inference on them use lme4 2.1 or newer, or glmmTMB in R."
    )
    return _unreliable(
        f"lme4 {version} estimates them wrongly for the {family.name} family, which has a "
        "dispersion parameter (too small or too large, by a factor that depends on the "
        f"dispersion). {instead}"
    )


def unreliable_by_criterion(family: Family) -> Condition:
    """The same of lme4's criterion, whichever engine takes it."""
    return _unreliable(
        f"the criterion of lme4 1.1, which both engines use, approximates no likelihood for the "
        f"{family.name} family, which has a dispersion parameter (they are too small or too large, "
        'by a factor that depends on the dispersion). For inference on them pass engine="numpy" '
        'with criterion="likelihood".'
    )


def _unreliable(why: str) -> Condition:
    return Condition(
        kind="warning",
        message=f"the standard deviations of the random effects are unreliable: {why}",
    )
