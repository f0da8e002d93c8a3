"""Tier 1: the matrices that lme4 built and those that our own design builds of the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.crosscheck.comparison import Tier, counted, equal, worst
from pylme.crosscheck.tolerances import COLUMN
from pylme.model_matrix.random_term import lambda_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pylme.crosscheck.comparison import Comparison
    from pylme.lme4.system import System
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["TITLE", "compare_designs"]

TITLE: Final = "Design, lme4's matrices and ours"


def compare_designs(system: System, terms: Sequence[RandomTerm], design: ModelMatrices) -> Tier:
    """Every matrix of the model, from both sides.

    Parameters
    ----------
    system : System
    terms : sequence of RandomTerm
        What lme4's Zᵀ is made of.
    design : ModelMatrices
    """
    return Tier(number=1, title=TITLE, comparisons=tuple(_compared(system, terms, design)))


def _compared(
    system: System, terms: Sequence[RandomTerm], design: ModelMatrices
) -> Iterator[Comparison]:
    if system.linear:
        yield _vector("y", system.y, design.y)
    yield equal("names of X", system.x_names, design.x_names)
    yield _columns("X", system.X, design.X, system.x_names)
    theirs, ours = [
        [f"{t.group}: {', '.join(t.names)}" for t in side] for side in (terms, design.terms)
    ]
    yield equal("random-effects terms", theirs, ours)
    if theirs != ours:
        return
    for group, (levels, codes) in system.factors.items():
        factor = design.flist[group]
        yield equal(f"levels of {group}", levels, factor.levels)
        yield counted(f"level of each row, {group}", codes, factor.codes)
    for lme4, own in zip(terms, design.terms, strict=True):
        yield _columns(f"Z ({own.label})", lme4.columns, own.columns, lme4.names)
    pointers, indices, lind = lambda_template(design.terms)
    yield counted("rows of Lambda'", system.Lambdat_i, indices)
    yield counted("columns of Lambda'", system.Lambdat_p, pointers)
    yield counted("Lind, its theta", system.Lind, lind)
    if system.linear:
        yield _vector("weights", system.weights, design.weights)
    yield _vector("offset", system.offset, design.offset)


def _vector(name: str, lme4: NDArray[np.float64], ours: NDArray[np.float64]) -> Comparison:
    scale = float(np.abs(lme4).max()) or 1.0
    return worst(name, lme4, ours, COLUMN, scale=scale, names=lambda at: f"[{at + 1}]")


def _columns(
    name: str, lme4: NDArray[np.float64], ours: NDArray[np.float64], names: Sequence[str]
) -> Comparison:
    scale = np.abs(lme4).max(axis=0, initial=0.0)
    scale[scale == 0.0] = 1.0

    def element(at: int) -> str:
        row, column = divmod(at, len(names))
        return f"[{row + 1}, {names[column]}]"

    return worst(name, lme4, ours, COLUMN, scale=scale, names=element)
