"""Plots of fits and of studies, drawn by matplotlib, which is the extra ``[plot]``.

Each plot is drawn in the Axes given, or in a new figure, and its Axes are returned. No setting of
matplotlib is changed. A companion function returns the frame that is drawn: `caterpillar_data`.
"""

from pylme.plot.fit_plots import Pictures
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
from pylme.plot.samples.many_responses import p_values, p_values_data, volcano, volcano_data
from pylme.plot.samples.replicates import study, study_data

__all__ = [
    "Pictures",
    "caterpillar",
    "caterpillar_data",
    "coefficients",
    "coefficients_data",
    "convergence",
    "convergence_data",
    "emmeans",
    "emmeans_data",
    "influence",
    "influence_data",
    "p_values",
    "p_values_data",
    "predictions",
    "predictions_data",
    "profile",
    "profile_criterion",
    "profile_criterion_data",
    "profile_data",
    "profile_pairs",
    "profile_pairs_data",
    "random_effects",
    "random_effects_data",
    "random_effects_qq",
    "random_effects_qq_data",
    "residuals",
    "residuals_data",
    "shrinkage",
    "shrinkage_data",
    "simulated_residuals",
    "simulated_residuals_data",
    "study",
    "study_data",
    "varcorr",
    "varcorr_data",
    "volcano",
    "volcano_data",
]
