"""Standard deviations and correlations by the levels of a factor, from a fit's estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.by_group.blocks import blocks_by
from pylme.by_group.equality_test import equality_test, pooled_terms
from pylme.by_group.table import (
    GroupCorrelations,
    IntervalMethod,
    LevelEstimates,
    delta_estimates,
)
from pylme.covariance.names import cells
from pylme.inference.profile_likelihood.linear_likelihood import LinearLikelihood
from pylme.inference.profile_likelihood.parameters import profiled_parameters
from pylme.options import choice, optional_text, text
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import optimum_of
from pylme.reference.standard_errors import standard_errors
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.by_group.blocks import CovarianceBlock
    from pylme.frame import Library
    from pylme.results.linear_problem import LinearProblem
    from pylme.results.varcorr import VarCorr

__all__ = ["group_correlations"]


def group_correlations(
    varcorr: VarCorr,
    linear: LinearProblem | None,
    *,
    by: str,
    group: str | None = None,
    method: IntervalMethod = "delta",
    conf_level: float = 0.95,
    library: Library = "pandas",
) -> GroupCorrelations:
    """Standard deviations and correlations by level, with intervals and a test of equality.

    Parameters
    ----------
    varcorr : VarCorr
        The estimates.
    linear : LinearProblem or None
        The model, for intervals and test; None for a generalized model.
    by : str
        The factor that has a covariance matrix for each level.
    group : str, optional
        The grouping factor, where several have terms by `by`.
    method : {"delta", "profile"}
    conf_level : float
    library : {"pandas", "polars", "pyarrow"}
        The library of the data.

    Raises
    ------
    NotAvailableError
        If the random part has no term for each level of `by`.
    OptionError
        If an argument is not one of those allowed.
    """
    method = choice("method", method, IntervalMethod)
    by, group = text("by", by), optional_text("group", group)
    reach = half_width(conf_level)
    blocks = blocks_by(by, varcorr, group=group)
    levels, test = delta_estimates(blocks, None, conf_level=conf_level), None
    if linear is not None:
        theta, criterion = optimum_of(linear)
        pooled = linear.with_terms(pooled_terms(linear.terms, blocks))
        errors = standard_errors(problem_of(linear), linear.terms, theta)
        levels = (
            _profiled(blocks, linear, rise=reach**2)
            if method == "profile"
            else delta_estimates(blocks, errors.sdcor, conf_level=conf_level)
        )
        test = equality_test(
            blocks,
            separate=criterion,
            pooled=optimum_of(pooled)[1],
            singular=any(np.isnan(errors.sdcor[block.term]).any() for block in blocks),
        )
    return GroupCorrelations(
        by=by, group=blocks[0].group, names=blocks[0].names, levels=levels,
        method=method, conf_level=conf_level, test=test, library=library,
    )  # fmt: skip


def _profiled(
    blocks: Sequence[CovarianceBlock], linear: LinearProblem, *, rise: float
) -> tuple[LevelEstimates, ...]:
    profiled = LinearLikelihood(linear, reml=linear.reml)
    of_terms = {
        (parameter.term, parameter.places): parameter
        for parameter in profiled_parameters(
            (), [(t.group, t.names, t.structure) for t in linear.terms]
        )
        if parameter.term is not None
    }
    made = []
    for block in blocks:
        low, high = np.full_like(block.sdcor, np.nan), np.full_like(block.sdcor, np.nan)
        for b, a in cells(len(low)):
            parameter = of_terms[block.term, (a,) if a == b else (a, b)]
            ends = profiled.interval(parameter, rise)
            low[a, b], high[a, b] = low[b, a], high[b, a] = ends
        made.append(
            LevelEstimates(level=block.level, estimate=block.sdcor, conf_low=low, conf_high=high)
        )
    return tuple(made)
