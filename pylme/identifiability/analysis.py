"""How the error contrasts of a design depend on its covariance parameters.

The parameters are identified where the information I_ik = ½ tr(PB_iPB_k), B_i = ∂V/∂ψ_i, has full
rank (Searle, Casella & McCulloch 1992, Variance Components, section 6.6). That P(Σ c_i B_i)P = 0
does not depend on V: it says that Σ c_i B_i vanishes on the error contrasts. So V is taken to be
W⁻¹, that is P = I - QQᵀ in weighted rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from pylme.covariance.names import lower_triangle_places
from pylme.families.family import has_dispersion
from pylme.identifiability.null_space import echelon, entries_from, null_space
from pylme.identifiability.parameters import CovarianceParameter, covariance_parameters, places_of
from pylme.identifiability.sketch import Sketches, TermBlock, sketched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = [
    "Analysis",
    "Conditioned",
    "analysed",
    "block_of",
    "conditioned",
    "conditioned_terms",
    "raw_directions",
    "weighted",
]


def raw_directions(
    rows: NDArray[np.float64],
    parameters: Sequence[CovarianceParameter],
    terms: Sequence[Conditioned],
    rounding: NDArray[np.float64],
) -> NDArray[np.float64]:
    """A sparse basis in the raw parameters, shape (m, d + 1).

    Parameters
    ----------
    rows : ndarray, shape (m, d + 1)
        A basis in the conditioned parameters; σ² comes last.
    parameters : sequence of CovarianceParameter
    terms : sequence of Conditioned
    rounding : ndarray, shape (d + 1,)
        The rounding errors of the matrices of the conditioned parameters.
    """
    if not len(rows):
        return rows
    order = _simplest_first(parameters)
    back = np.argsort(order)
    least = entries_from(rounding)
    sparse = echelon(rows[:, order], least[order])[:, back]
    raw = sparse.copy()
    scales = np.ones(len(parameters) + 1)
    for position, term in enumerate(terms):
        places, row, column = places_of(parameters, position)
        change = np.zeros((len(rows), *term.R.shape))
        change[:, row, column] = change[:, column, row] = sparse[:, places]
        inverse = term.inverse
        exact = inverse @ change @ inverse.T
        bound = np.abs(inverse) @ np.abs(change) @ np.abs(inverse).T
        exact[np.abs(exact) <= least.max() * bound] = 0.0
        raw[:, places] = exact[:, row, column]
        lengths = np.linalg.norm(term.R, axis=0)
        scales[places] = lengths[row] * lengths[column]
    found = echelon((raw * scales)[:, order], least[order])[:, back]
    return found / scales


def _simplest_first(parameters: Sequence[CovarianceParameter]) -> NDArray[np.intp]:
    """σ², then term by term the covariances of each column with those before, and its variance.

    Later ones are expressed in terms of earlier ones.
    """
    keys = [(-1, -1, -1, len(parameters))]
    keys += [(p.term, p.row, p.column, i) for i, p in enumerate(parameters)]
    return np.array([i for *_, i in sorted(keys)], dtype=np.intp)


#: The share of a column's squares that columns before it may leave unexplained before the column is
#: taken for nearly a combination of them. Pairs of columns as alike as that still leave traces of
#: variances different by a ten-thousandth, far above rounding.
NEARLY: Final = 1e-2
#: A remainder of this size relative to its column is rounding: products and sums of columns are
#: exact to 1e-16, transformations such as `poly()` to about 1e-14.
NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conditioned:
    """The columns of one term, well-conditioned.

    Attributes
    ----------
    columns : ndarray, shape (k, n)
        The new columns, each a row of this array; zero where a column depends on those before it.
    R : ndarray, shape (k, k)
        Upper triangular and nonsingular: the raw columns are columnsᵀ R.
    rounding : ndarray, shape (k,)
        The rounding errors of the raw columns, relative to what is left of them.
    """

    columns: NDArray[np.float64]
    R: NDArray[np.float64]
    rounding: NDArray[np.float64]

    @property
    def inverse(self) -> NDArray[np.float64]:
        """R⁻¹."""
        solved: NDArray[np.float64] = solve_triangular(self.R, np.eye(len(self.R)))
        return solved


def weighted(term: RandomTerm, roots: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The raw columns of a term, each a row, times the roots of the weights where there are any."""
    raw = np.ascontiguousarray(term.columns.T)
    return raw if roots is None else raw * roots


def conditioned(raw: NDArray[np.float64]) -> Conditioned:
    """The columns of a term, without the effects of shift and scale.

    Parameters
    ----------
    raw : ndarray, shape (k, n)
        From `weighted`.
    """
    k, n = raw.shape
    columns = np.zeros((k, n))
    R = np.zeros((k, k))
    left_over = np.ones(k)
    for j in range(k):
        length = _length(raw[j]) or 1.0
        columns[j] = raw[j] / length
        R[j, j] = length
        if j == 0:
            continue
        coefficients, left = _regressed(columns[:j], columns[j])
        size = _length(left)
        if size**2 >= NEARLY:
            continue
        # Twice, since the first remainder carries the rounding of the whole column.
        again, left = _regressed(columns[:j], left)
        size = _length(left)
        R[:j, j] = (coefficients + again) * length
        if size > NOTHING:
            columns[j] = left / size
            R[j, j] = size * length
            left_over[j] = size
        else:
            columns[j] = 0.0
    return Conditioned(columns=columns, R=R, rounding=np.finfo(float).eps / left_over)


def _length(column: NDArray[np.float64]) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(column * column)))


def _regressed(
    before: NDArray[np.float64], column: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least-squares coefficients of a column on those before it, and what they leave."""
    solution = np.linalg.lstsq(before @ before.T, before @ column, rcond=None)[0]
    coefficients: NDArray[np.float64] = np.asarray(solution, dtype=np.float64)
    return coefficients, column - coefficients @ before


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """The sketches of a design's parameters, and the combinations that are not identified.

    Attributes
    ----------
    parameters : tuple of CovarianceParameter, length d
    terms : tuple of Conditioned
        The columns of each term.
    sketches : Sketches
        Of the conditioned parameters.
    rows : ndarray, shape (m, d + 1)
        A sparse basis of the combinations of raw parameters that leave no trace; σ² comes last.
    """

    parameters: tuple[CovarianceParameter, ...]
    terms: tuple[Conditioned, ...]
    sketches: Sketches
    rows: NDArray[np.float64]


def analysed(design: ModelMatrices) -> Analysis:
    """The sketches of a design's covariance parameters, and what is not identified."""
    terms = conditioned_terms(design)
    roots = _roots(design)
    X = design.X if roots is None else design.X * roots[:, None]
    blocks = [block_of(term, new) for term, new in zip(design.terms, terms, strict=True)]
    sketches = sketched(blocks, np.linalg.qr(X)[0])
    parameters = covariance_parameters(design.terms)
    lengths = sketches.lengths
    seen = sketches.projected / lengths
    if has_dispersion(design.family):
        unseen = null_space(seen, sketches.rounding)
    else:
        # No variance of rows stands beside those of the random effects: the last one, σ², is none.
        own = null_space(seen[:, :-1], sketches.rounding[:-1])
        unseen = np.pad(own, ((0, 0), (0, 1)))
    return Analysis(
        parameters=parameters,
        terms=terms,
        sketches=sketches,
        rows=raw_directions(unseen / lengths, parameters, terms, sketches.rounding),
    )


def conditioned_terms(design: ModelMatrices) -> tuple[Conditioned, ...]:
    """The well-conditioned columns of each term, in weighted rows."""
    roots = _roots(design)
    return tuple(conditioned(weighted(term, roots)) for term in design.terms)


def _roots(design: ModelMatrices) -> NDArray[np.float64] | None:
    """The square roots of the weights; None where all are 1."""
    return None if (design.weights == 1).all() else np.sqrt(design.weights)


def block_of(term: RandomTerm, conditioned: Conditioned) -> TermBlock:
    """A term with its conditioned columns, the parameters in the order of theta."""
    rows, columns = lower_triangle_places(len(conditioned.R))
    return TermBlock(
        codes=term.codes,
        levels=len(term.levels),
        columns=conditioned.columns,
        a=columns,
        b=rows,
        rounding=np.maximum(conditioned.rounding[columns], conditioned.rounding[rows]),
    )
