"""The plots as methods of a fit: ``fit.plot.caterpillar()``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from pylme.plot.fitted import require_fit
from pylme.plot.levels.conditional_modes import caterpillar, caterpillar_data
from pylme.plot.levels.effects_plane import random_effects, random_effects_data
from pylme.plot.levels.influence_plot import influence, influence_data
from pylme.plot.levels.random_effects_qq import random_effects_qq, random_effects_qq_data
from pylme.plot.levels.shrinkage_plot import shrinkage, shrinkage_data
from pylme.plot.parameters.components import varcorr, varcorr_data
from pylme.plot.parameters.criterion_line import profile_criterion, profile_criterion_data
from pylme.plot.parameters.forest import coefficients, coefficients_data
from pylme.plot.parameters.marginal_means import emmeans, emmeans_data
from pylme.plot.parameters.profile_curves import profile, profile_data
from pylme.plot.parameters.profile_pairs import profile_pairs, profile_pairs_data
from pylme.plot.parameters.search_path import convergence, convergence_data
from pylme.plot.rows.predictions import predictions, predictions_data
from pylme.plot.rows.residual_plots import residuals, residuals_data
from pylme.plot.rows.simulated import simulated_residuals, simulated_residuals_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.plot.fitted import Fitted

__all__ = ["Pictures"]

P = ParamSpec("P")
R = TypeVar("R")


class _Drawn(Generic[P, R]):
    """A function whose first argument is a fit, as a method of the fit's `Pictures`."""

    def __init__(self, function: Callable[Concatenate[Any, P], R]) -> None:
        self._function = function

    def __get__(self, pictures: Pictures, kind: type[Pictures]) -> Callable[P, R]:
        bound = partial(self._function, pictures.fit)
        bound.__doc__ = self._function.__doc__
        return bound


class Pictures:
    """The plots of one fit, each called as in `pylme.plot` but without the fit.

    Attributes
    ----------
    fit : Fit
    """

    def __init__(self, fit: Fitted) -> None:
        require_fit(fit)
        self.fit = fit

    caterpillar = _Drawn(caterpillar)
    caterpillar_data = _Drawn(caterpillar_data)
    coefficients = _Drawn(coefficients)
    coefficients_data = _Drawn(coefficients_data)
    convergence = _Drawn(convergence)
    convergence_data = _Drawn(convergence_data)
    influence = _Drawn(influence)
    influence_data = _Drawn(influence_data)
    emmeans = _Drawn(emmeans)
    emmeans_data = _Drawn(emmeans_data)
    predictions = _Drawn(predictions)
    predictions_data = _Drawn(predictions_data)
    profile_criterion = _Drawn(profile_criterion)
    profile_criterion_data = _Drawn(profile_criterion_data)
    profile = _Drawn(profile)
    profile_data = _Drawn(profile_data)
    profile_pairs = _Drawn(profile_pairs)
    profile_pairs_data = _Drawn(profile_pairs_data)
    random_effects = _Drawn(random_effects)
    random_effects_data = _Drawn(random_effects_data)
    random_effects_qq = _Drawn(random_effects_qq)
    random_effects_qq_data = _Drawn(random_effects_qq_data)
    residuals = _Drawn(residuals)
    residuals_data = _Drawn(residuals_data)
    shrinkage = _Drawn(shrinkage)
    shrinkage_data = _Drawn(shrinkage_data)
    simulated_residuals = _Drawn(simulated_residuals)
    simulated_residuals_data = _Drawn(simulated_residuals_data)
    varcorr = _Drawn(varcorr)
    varcorr_data = _Drawn(varcorr_data)
