"""A random-effects term, and the matrices of all terms together: Zᵀ and the template of Λᵀ.

A term's block of Zᵀ has a row for each level and column, level by level; in each column of the
block, which is a row of the data, only one level's rows are nonzero. Therefore the block is not
stored, only the codes and the columns (Bates, Mächler, Bolker & Walker 2015, section 2.3). The
sparse matrices are made on request, entry by entry as lme4 stores them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.arrays import locked
from pylme.covariance.structure import HOMOGENEOUS, Structure, structure_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "RandomTerm",
    "in_order",
    "lambda_template",
    "random_matrix",
    "start",
    "with_fewer_effects",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RandomTerm:
    """One term ``(effects | group)``.

    Attributes
    ----------
    group : str
        The grouping factor as R writes it.
    label : str
        The term without its parentheses, as in ``Days | Subject``.
    names : tuple of str
        R's names of the k columns that vary by level (lme4's ``cnms``).
    assign : tuple of int
        The term left of the bar that each column belongs to, from 1; 0 for the intercept. Empty
        where the term was read from a matrix and not made from a formula.
    levels : tuple of str
    codes : ndarray of int32, shape (n,)
        The level of each row, from 0; -1 where it is not in `levels`, which happens in new rows.
    columns : ndarray of float64, shape (n, k)
    structure : Structure
        How the term's elements of theta make its factor T.
    rows : slice
        The rows of Zᵀ that belong to the term; `in_order` gives them.
    thetas : slice
        The elements of theta that belong to it; `in_order` gives them.
    """

    group: str
    label: str
    names: tuple[str, ...]
    levels: tuple[str, ...]
    codes: NDArray[np.int32]
    columns: NDArray[np.float64]
    structure: Structure
    rows: slice = field(default_factory=lambda: slice(0))
    thetas: slice = field(default_factory=lambda: slice(0))
    assign: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<{self.written}: {len(self.levels)} levels, {', '.join(self.names)}>"

    @property
    def written(self) -> str:
        """The term as in a formula: ``(Days | Subject)``, ``ar1(0 + day | subject)``."""
        kind, hom = self.structure.kind, self.structure.hom
        if kind == "us":
            return f"({self.label})"
        option = "" if hom == HOMOGENEOUS[kind] else f", hom = {str(hom).upper()}"
        return f"{kind}({self.label}{option})"

    @property
    def n_effects(self) -> int:
        """The number of random effects: levels times columns."""
        return len(self.levels) * len(self.names)

    def factor(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The factor T of this term.

        Parameters
        ----------
        theta : ndarray, shape (..., m)
            Of all terms.

        Returns
        -------
        ndarray, shape (..., k, k)
        """
        return self.structure.factor(theta[..., self.thetas])


def in_order(terms: Iterable[RandomTerm]) -> tuple[RandomTerm, ...]:
    """The terms with their rows of Zᵀ and their elements of theta, one term after the other."""
    placed = []
    row = theta = 0
    for term in terms:
        rows = slice(row, row + term.n_effects)
        thetas = slice(theta, theta + term.structure.n_parameters)
        placed.append(replace(term, rows=rows, thetas=thetas))
        row, theta = rows.stop, thetas.stop
    return tuple(placed)


def with_fewer_effects(
    terms: Sequence[RandomTerm], at: int, effects: Sequence[int]
) -> tuple[RandomTerm, ...]:
    """The terms with some of the effects of one of them, or without it if there are none left.

    Parameters
    ----------
    terms : sequence of RandomTerm
    at : int
        The term, by its position.
    effects : sequence of int
        Those that it keeps, by their positions.
    """
    kept = [_with_effects(terms[at], effects)] if effects else []
    return in_order([*terms[:at], *kept, *terms[at + 1 :]])


def _with_effects(term: RandomTerm, effects: Sequence[int]) -> RandomTerm:
    names = tuple(term.names[i] for i in effects)
    return replace(
        term,
        names=names,
        label=f"{' + '.join(names)} | {term.group}",
        columns=locked(term.columns[:, list(effects)], order="F"),
        assign=tuple(term.assign[i] for i in effects) if term.assign else (),
        structure=structure_of(term.structure.kind, len(names), hom=term.structure.hom),
    )


def random_matrix(terms: Sequence[RandomTerm], nrow: int) -> sparse.csc_matrix:
    """Zᵀ, shape (q, n), without stored zeros; a row of an unknown level has none of its effects.

    Parameters
    ----------
    terms : sequence of RandomTerm
    nrow : int
        n, the number of rows of the data.
    """
    widths = [len(term.names) for term in terms]
    total = sum(widths)
    values = np.empty((nrow, total))
    places = np.empty((nrow, total), dtype=np.int32)
    start = 0
    for term, width in zip(terms, widths, strict=True):
        block = slice(start, start + width)
        values[:, block] = term.columns
        values[term.codes < 0, block] = 0.0
        first = term.rows.start + width * np.maximum(term.codes, 0)
        places[:, block] = first[:, None] + np.arange(width, dtype=np.int32)
        start += width
    q = terms[-1].rows.stop
    pointers = np.arange(
        0, nrow * total + 1, total, dtype=np.int32 if nrow * total < 2**31 else int
    )
    matrix = sparse.csc_matrix((values.ravel(), places.ravel(), pointers), shape=(q, nrow))
    matrix.eliminate_zeros()
    return matrix


def lambda_template(
    terms: Sequence[RandomTerm],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """The pattern of Λᵀ by columns, and the element of theta at each position.

    Each level of a term has the same upper triangle, which is Tᵀ.

    Returns
    -------
    pointers : ndarray of int32, shape (q + 1,)
    indices : ndarray of int32, shape (nnz,)
        Rows, in order within a column.
    Lind : ndarray of int32, shape (nnz,)
        Positions in theta, from 1 as in lme4.
    """
    counts: list[NDArray[np.int32]] = [np.zeros(1, dtype=np.int32)]
    indices: list[NDArray[np.int32]] = []
    lind: list[NDArray[np.int32]] = []
    for term in terms:
        size, levels = len(term.names), len(term.levels)
        # Column j of Tᵀ is row j of T.
        j, i, index = term.structure.pattern
        by_column = np.lexsort((i, j))
        i, theta = i[by_column], index[by_column] + term.thetas.start + 1
        first = term.rows.start + size * np.arange(levels)
        indices.append((first[:, None] + i).ravel().astype(np.int32))
        lind.append(np.tile(theta.astype(np.int32), levels))
        counts.append(np.tile(np.bincount(j, minlength=size).astype(np.int32), levels))
    pointers = np.cumsum(np.concatenate(counts), dtype=np.int32)
    return pointers, np.concatenate(indices), np.concatenate(lind)


def start(terms: Sequence[RandomTerm]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The theta at which each T is the identity, where lme4 starts, and the lower bounds."""
    return (
        np.concatenate([term.structure.start() for term in terms]),
        np.concatenate([term.structure.lower_bounds() for term in terms]),
    )
