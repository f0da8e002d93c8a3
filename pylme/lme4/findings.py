"""pylme's own findings about the fit of a generalized model, in addition to R's messages.

Each of these facts changes the meaning of the numbers of a fit, and lme4 reports none of them:
separation by fixed effects or by groups, counts without overdispersion, and random effects of a
family with a dispersion. They are added to R's messages, so that they remain with the fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.families.family import has_dispersion
from pylme.frame import Factor
from pylme.identifiability.separation.report import groups_are_separated, separation
from pylme.results.fitted_model import Condition
from pylme.versions import has

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.families import Family
    from pylme.lme4.records import System
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["findings"]

#: A standard deviation, on the scale of the link, that a search which does not end has passed.
_LARGE: Final = 4.0
#: A negative binomial whose variances exceed the Poisson's by less than this share is a Poisson.
_POISSON: Final = 1e-3


def findings(
    spec: ModelSpec,
    system: System,
    *,
    family: Family,
    dispersion: float | None,
    mu: NDArray[np.float64],
    version: str,
) -> tuple[Condition, ...]:
    """The findings of pylme about the fit of a generalized model.

    Parameters
    ----------
    spec : ModelSpec
    system : System
        Of the fit.
    family : Family
        Of the specification.
    dispersion : float or None
        The parameter theta of a negative binomial; None for any other family.
    mu : ndarray, shape (n,)
        Fitted means.
    version : str
        Of the installed lme4.

    Returns
    -------
    tuple of Condition
        `conditions.classify` determines their classes of warning from their text.
    """
    said = [*_separation(spec, family, system), *_one_outcome(family, system)]
    if dispersion is not None:
        said += [*_dispersion_of_counts(dispersion, mu, system)]
    if has_dispersion(family) and not has("dispersion"):
        said.append(_dispersion(family, version))
    return tuple(Condition(kind="warning", message=text) for text in said)


def _separation(spec: ModelSpec, family: Family, system: System) -> Iterator[str]:
    frame = spec.frame
    factors = {
        name: column
        for name in spec.formula.effect_columns
        if isinstance(column := frame.columns.get(name), Factor) and frame.nrow == len(system.y)
    }
    found = separation(family, system.y, system.X, system.x_names, factors=factors)
    if found is not None:
        yield (
            f"{found}. Their estimates and standard errors are those at which the search stopped. "
            "Leave the effect out, merge the levels, or judge it by a likelihood ratio test; a "
            "finite estimate needs a penalty or a prior (in R: blme, brms)."
        )


def _one_outcome(family: Family, system: System) -> Iterator[str]:
    if system.cnms != (("(Intercept)",),) or system.theta[0] < _LARGE:
        return
    (group,) = system.groups
    if groups_are_separated(family, system.y, system.factors[group][1]):
        yield (
            f"no finite maximum-likelihood estimate of the standard deviation of (1 | {group}) "
            f"exists: all rows of a level have the same outcome in every level of {group}, and the "
            "likelihood rises as the standard deviation grows without end. At "
            f"{system.theta[0]:.3g} the search stopped. Use one row for each level and a model "
            "without random effects, or give the standard deviation a prior (in R: blme, brms)."
        )


def _dispersion_of_counts(theta: float, mu: NDArray[np.float64], system: System) -> Iterator[str]:
    y = system.y
    share = float(np.sum(mu**2) / np.sum(mu)) / theta
    if share < _POISSON:
        pearson = float(np.sum((y - mu) ** 2 / mu) / max(len(y) - system.X.shape[1], 1))
        yield (
            "no finite maximum-likelihood estimate of the dispersion parameter theta exists: the "
            f"counts are not overdispersed. At theta = {theta:,.4g}, where the search stopped, the "
            f"variances exceed the means by {100 * share:.2g} % on average, and the squared "
            f"Pearson residuals of a Poisson model average {pearson:.2f} (above 1 where counts "
            'are overdispersed). Use pylme.glmer(formula, data, family="poisson").'
        )


def _dispersion(family: Family, version: str) -> str:
    instead = (
        "For inference on them fit the logarithm of the response by lmer(), or use lme4 2.0 or "
        "newer or glmmTMB in R."
        if family.name != "gaussian"
        else "For inference on them use lme4 2.0 or newer, or glmmTMB in R."
    )
    return (
        f"the standard deviations of the random effects are unreliable: lme4 {version} "
        f"estimates them wrongly for the {family.name} family, which has a dispersion parameter "
        f"(too small or too large, by a factor that depends on the dispersion). {instead}"
    )
