"""The first tier: lme4's matrices and those that pylme's design builds from the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.crosscheck.comparison import Pair
from pylme.crosscheck.tolerances import COLUMN, EXACT
from pylme.model_matrix.random_term import lambda_template
from pylme.results.generalized_problem import proportions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.crosscheck.generalized.sides import GeneralizedSides
    from pylme.crosscheck.sides import Sides
    from pylme.lme4.records import System
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["pairs"]


def pairs(sides: Sides | GeneralizedSides) -> list[Pair] | str:
    """Every matrix of the model, from both sides; the reason where one side is missing."""
    system, design = sides.system, sides.design
    if system is None or design is None:
        return sides.why_without("design")
    made = _responses(system, design)
    made += [
        _exact("names of X", system.x_names, design.x_names),
        _columns("X", system.X, design.X, system.x_names),
    ]
    theirs, ours = [
        [f"{t.group}: {', '.join(t.names)}" for t in side] for side in (sides.terms, design.terms)
    ]
    made.append(_exact("random-effects terms", theirs, ours))
    if theirs != ours:
        return made
    for group, (levels, codes) in system.factors.items():
        factor = design.flist[group]
        made += [
            _exact(f"levels of {group}", levels, factor.levels),
            _exact(f"level of each row, {group}", codes, factor.codes),
        ]
    for lme4, own in zip(sides.terms, design.terms, strict=True):
        made.append(_columns(f"Z {own.written}", lme4.columns, own.columns, lme4.names))
    pointers, indices, lind = lambda_template(design.terms)
    made += [
        _exact("rows of Lambda'", system.Lambdat_i, indices),
        _exact("columns of Lambda'", system.Lambdat_p, pointers),
        _exact("Lind, its theta", system.Lind, lind),
    ]
    return [*made, _vector("offset", system.offset, design.offset)]


def _responses(system: System, design: ModelMatrices) -> list[Pair]:
    """The response and the weights; for a binomial model proportions, and weights times trials."""
    if system.linear:
        y, weights = design.y, design.weights
    else:
        y, weights, _ = proportions(design)
    return [_vector("y", system.y, y), _vector("weights", system.weights, weights)]


def _exact(
    quantity: str, lme4: Sequence[str] | NDArray[np.int32], ours: Sequence[str] | NDArray[np.int32]
) -> Pair:
    return Pair(quantity=quantity, fit=lme4, independent=ours, tolerance=EXACT)


def _vector(quantity: str, lme4: NDArray[np.float64], ours: NDArray[np.float64]) -> Pair:
    scale = float(np.abs(lme4).max()) or 1.0
    return Pair(
        quantity=quantity, fit=lme4, independent=ours, tolerance=COLUMN, scale=scale, names=(None,)
    )


def _columns(
    quantity: str, lme4: NDArray[np.float64], ours: NDArray[np.float64], names: Sequence[str]
) -> Pair:
    scale = np.abs(lme4).max(axis=0, initial=0.0)
    scale[scale == 0.0] = 1.0
    return Pair(
        quantity=quantity,
        fit=lme4,
        independent=ours,
        tolerance=COLUMN,
        scale=scale,
        names=(None, names),
    )
