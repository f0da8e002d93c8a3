"""What can be foreseen of a fit from the response: a criterion without a minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.criterion.prepare import prepare
from pylme.reference.optimize.degenerate import has_no_minimum, has_no_residual, problem_on_the_link
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL, NOISELESS

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.reference.criterion.prepare import Problem

__all__ = ["missing_optimum"]

#: Random effects beyond which least squares on all of them takes longer than one waits for words.
_MOST: Final = 20_000
#: Products of numbers, in the cross-products of each level's effects, that take some two seconds.
_MOST_PRODUCTS: Final = 4e7


def missing_optimum(design: ModelMatrices) -> tuple[str, ...]:
    """Sentences on what to expect of a model with a residual or a dispersion, given its response.

    Parameters
    ----------
    design : ModelMatrices
    """
    effects = [term.n_effects for term in design.terms]
    if not effects or sum(effects) > _MOST or max(effects) >= design.n or design.y.ndim > 1:
        return ()
    if sum(term.n_effects * len(term.names) ** 2 for term in design.terms) > _MOST_PRODUCTS:
        width = max(len(term.names) for term in design.terms)
        return (
            f"Whether the model leaves a residual was not looked at: a term has {width} effects "
            "in each level, and that takes long.",
        )
    try:
        problem = _problem(design)
        if problem is None:
            return ()
        if has_no_residual(problem):
            return (f"The response cannot be fitted: {NO_RESIDUAL}. {NOISELESS}",)
        unbounded = has_no_minimum(problem)
    except np.linalg.LinAlgError:
        return ()
    if not unbounded:
        return ()
    return (f"{NO_FINITE_OPTIMUM[0].upper()}{NO_FINITE_OPTIMUM[1:]}. {NOISELESS}",)


def _problem(design: ModelMatrices) -> Problem | None:
    if design.family is not None:
        return problem_on_the_link(design)
    weights = None if bool((design.weights == 1.0).all()) else design.weights
    return prepare(design.X, (design.y - design.offset)[None], design.terms, weights=weights)
