"""The outsets of a model with several factors: which columns need one, and where it lies.

Columns of which random effects with large variances leave little, as the intercept, a covariate
that varies between groups alone, or a response with little noise, are counted from their solutions
at such variances.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.problem.outset import Residuals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.crossed import Crossed
    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.terms import Layout

__all__ = ["FAR", "LITTLE", "near_solutions", "products"]

#: A standard deviation relative to the residual's that counts as large.
FAR: Final = 1e4
#: Where less than this part of a column's square is left, a difference of squares loses digits.
LITTLE: Final = 1e-3


def near_solutions(problem: Crossed, columns: Columns, layout: Layout) -> Crossed:
    """The same with outsets where they are needed.

    Parameters
    ----------
    problem : Crossed
        With all outsets at b = 0, and [X y]ᵀ[X y] for `within`.
    columns : Columns
    layout : Layout
    """
    p, x, y = problem.likelihood.p, problem.of_x, problem.of_y
    gram = problem.within
    basis = problem.basis
    within = gram - products(
        x.leading, y.leading, basis.coefficients(x.leading), basis.coefficients(y.leading)
    )
    large = [FAR * np.eye(k) for k in (len(basis.C), *problem.remainder.widths)]
    E = basis.at(large[0]).E
    scores_x, scores_y = problem.scores(x, E).T, problem.scores(y, E).T
    found = problem.elimination.solution(E, large[1:], np.concatenate([scores_x, scores_y]).T).T
    b_x, b_y = found[:p], found[p:]
    far = within + products(
        x.leading,
        y.leading,
        np.einsum("abj,cbj->caj", E, x.leading),
        np.einsum("abj,cbj->caj", E, y.leading),
    )
    far -= products(scores_x, scores_y, b_x, b_y)
    little = far.diagonal(axis1=1, axis2=2) < LITTLE * gram.diagonal(axis1=1, axis2=2)
    if little.any():
        residuals = Residuals(columns, layout, problem.remainder, basis)
        B, base = columns.x_of_base, columns.base
        places = np.flatnonzero(little[0, :p])
        left = np.empty((len(places), base.shape[1]))
        for i, j in enumerate(places.tolist()):
            left[i] = residuals.at(x, j, B[:, j] @ base, b_x[j])
        # A column at b = 0 is its own residual, as the others' are orthogonal to the factors'.
        with_x = (left @ base.T) @ B
        with_x[:, places] = left @ left.T
        within[:, places, :p] = with_x
        within[:, :p, places] = with_x.T
        within[:, places, p] = within[:, p, places] = columns.y @ left.T
        for r in np.flatnonzero(little[:, p]).tolist():
            e = residuals.at(y, r, columns.y[r], b_y[r])
            of_x = (base @ e) @ B
            of_x[places] = left @ e
            within[r, :p, p] = within[r, p, :p] = of_x
            within[r, p, p] = e @ e
    return replace(problem, within=within, far=far)


def products(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    with_x: NDArray[np.float64],
    with_y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """[x y]ᵀ[with_x with_y] for each y, shape (R, p + 1, p + 1)."""
    p, R = len(x), len(y)
    size = int(np.prod(y.shape[1:]))
    flat_y, of_x = y.reshape(R, size), with_x.reshape(p, size)
    made = np.empty((R, p + 1, p + 1))
    made[:, :p, :p] = x.reshape(p, size) @ of_x.T
    made[:, :p, p] = made[:, p, :p] = flat_y @ of_x.T
    made[:, p, p] = np.einsum("rs,rs->r", flat_y, with_y.reshape(R, size))
    return made
