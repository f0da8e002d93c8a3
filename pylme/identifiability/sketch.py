"""Small sketches of the matrices that the covariance parameters multiply.

V = Σ c_i B_i, where B_i = Σ_j (z_ja z_jbᵀ + z_jb z_jaᵀ) for the covariance of the columns a and b
of a term with levels j, Σ_j z_ja z_jaᵀ for a variance, and I for σ² (rows multiplied by the root of
their weights). With P = I - QQᵀ, Q an orthonormal basis of the fixed effects, and a few random
vectors G, a combination of the n × n matrices PB_iP is zero if and only if it is zero of the small
matrices (PG)ᵀB_i(PG), with probability one: a number uᵀCv, u and v random, is zero for no C but
zero. Outside the diagonal the mean of their squares is the squared length of PB_iP, so that sizes
can be compared. They follow from the tables ZᵀG and ZᵀPG, in time and memory that grow with n and
q alone. The information ½ tr(PB_iPB_k) of the same matrices has their *squared*
lengths, and so loses half of the digits that tell a small combination from none.

References: Halko, Martinsson & Tropp (2011), SIAM Review 53, section 4, on random test matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sketches", "TermBlock", "sketched"]

#: Numbers in a sketch for each parameter: enough that the smallest combination keeps about half
#: of its size.
_EACH: Final = 4
_SEED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TermBlock:
    """The columns of a term, and the pairs of them that have a parameter.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        The level of each row.
    levels : int
    columns : ndarray, shape (k, n)
    a, b : ndarray of int, shape (d,)
        The columns of each parameter: equal for a variance.
    rounding : ndarray, shape (d,)
        The rounding errors of the columns of each parameter, relative to the columns.
    """

    codes: NDArray[np.int32]
    levels: int
    columns: NDArray[np.float64]
    a: NDArray[np.intp]
    b: NDArray[np.intp]
    rounding: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sketches:
    """The sketches of all parameters, those of the blocks in order, then of σ².

    Attributes
    ----------
    plain : ndarray, shape (m, d + 1)
        Of the B_i, one in each column.
    projected : ndarray, shape (m, d + 1)
        Of the PB_iP, in the same units.
    rounding : ndarray, shape (d + 1,)
        The rounding errors of each, relative to its length.
    """

    plain: NDArray[np.float64]
    projected: NDArray[np.float64]
    rounding: NDArray[np.float64]

    @property
    def lengths(self) -> NDArray[np.float64]:
        """The lengths of the plain ones; 1 where a matrix is zero."""
        found = np.linalg.norm(self.plain, axis=0)
        return np.where(found > 0, found, 1.0)


def sketched(blocks: Sequence[TermBlock], Q: NDArray[np.float64]) -> Sketches:
    """Sketches of the matrices of all parameters.

    Parameters
    ----------
    blocks : sequence of TermBlock
    Q : ndarray, shape (n, p)
        Orthonormal; without columns where nothing is to be projected.
    """
    n, p = Q.shape
    size = sum(len(block.a) for block in blocks) + 1
    width = int(np.ceil(np.sqrt(2 * _EACH * size))) + 1
    G = np.random.default_rng(_SEED).random((n, width)) - 0.5
    plain = _sketches_of(blocks, G)
    projected = _sketches_of(blocks, G - Q @ (Q.T @ G)) if p else plain
    places = np.triu_indices(width, 1)
    return Sketches(
        plain=np.array([sketch[places] for sketch in plain]).T,
        projected=np.array([sketch[places] for sketch in projected]).T,
        rounding=np.concatenate([*(block.rounding for block in blocks), [np.finfo(float).eps]]),
    )


def _sketches_of(blocks: Sequence[TermBlock], G: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """GᵀB_iG of each parameter, and of σ²."""
    sketches = []
    for block in blocks:
        tables = _tables(block, G)
        for a, b in zip(block.a.tolist(), block.b.tolist(), strict=True):
            half = tables[a].T @ tables[b]
            sketches.append(half if a == b else half + half.T)
    return [*sketches, G.T @ G]


def _tables(block: TermBlock, G: NDArray[np.float64]) -> NDArray[np.float64]:
    """ZᵀG of each column, shape (k, levels, width)."""
    n, width = G.shape
    tables = np.empty((len(block.columns), block.levels, width))
    rows = np.arange(n + 1)
    for table, column in zip(tables, block.columns, strict=True):
        indicator = sparse.csr_array((column, block.codes, rows), shape=(n, block.levels))
        table[:] = indicator.T @ G
    return tables
