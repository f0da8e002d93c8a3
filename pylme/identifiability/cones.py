"""The covariance matrices that a term allows, as independent cones.

A term with columns Z_j in level j allows ⊕_j Z_jΣZ_jᵀ for all Σ ⪰ 0. Where its levels fall into
classes, such that those of a class use the same combinations of columns and the combinations of
different classes are linearly independent, Σ has a free block for each class: the columns on the
rows of each class make a cone of their own (of `ses*sector | school`, with each school in one
sector, one for each sector).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.model_matrix.groups import distinct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylme.identifiability.sketch import Block

__all__ = ["Cone", "cone_of", "covered"]

#: A squared length relative to what it is left of, or an eigenvalue of columns of mean square 1,
#: that counts as zero.
_ZERO: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cone:
    """All ⊕_j Z_jΣZ_jᵀ with Σ ⪰ 0.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
    levels : int
    columns : ndarray, shape (k, n)
        Zero outside the cone's own rows.
    """

    codes: NDArray[np.int32]
    levels: int
    columns: NDArray[np.float64]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """The rows that it reaches."""
        return np.asarray(self.columns.any(axis=0))

    def within(self, other: Cone) -> bool:
        """Whether the columns are combinations of the other's, and the groups the same there."""
        if not (np.array_equal(self.codes, other.codes) or self._grouped_as(other)):
            return False
        left = self.columns
        for _ in range(2):
            gram = other.columns @ other.columns.T
            solution = np.linalg.lstsq(gram, other.columns @ left.T, rcond=_ZERO)[0]
            left = left - solution.T @ other.columns
        return bool((np.sum(left**2, axis=1) <= _ZERO * np.sum(self.columns**2, axis=1)).all())

    def _grouped_as(self, other: Cone) -> bool:
        """Whether its own rows fall into the same groups there."""
        rows = self.rows
        here, there = self.codes[rows].astype(np.int64), other.codes[rows]
        pairs, _ = distinct(here * other.levels + there, self.levels * other.levels)
        return len(pairs) == len(np.unique(here)) == len(np.unique(there))

    def is_residual(self) -> bool:
        """Whether it holds nothing but multiples of the identity."""
        alone = len(np.unique(self.codes)) == len(self.codes)
        if not alone or len(self.columns) > 1:
            return False
        sizes = np.abs(self.columns[0])
        return bool(np.ptp(sizes) <= _ZERO * sizes.max())

    def parts(self) -> tuple[Cone, ...]:
        """The independent cones that it is made of; itself alone where there are no classes."""
        k = len(self.columns)
        used = _used_combinations(self)
        found, classes = np.unique(
            np.round(used.reshape(len(used), -1), 6), axis=0, return_inverse=True
        )
        bases = [_basis(projector.reshape(k, k)) for projector in found]
        together = np.linalg.matrix_rank(np.hstack(bases), tol=_ZERO**0.5)
        if len(bases) == 1 or sum(basis.shape[1] for basis in bases) > together:
            return (self,)
        of_row = classes.reshape(-1)[self.codes]
        return tuple(
            Cone(
                codes=self.codes,
                levels=self.levels,
                columns=np.where(of_row == number, basis.T @ self.columns, 0.0),
            )
            for number, basis in enumerate(bases)
            if basis.shape[1]
        )


def cone_of(block: Block) -> Cone | None:
    """The covariance matrices that a term allows; None where all its columns are zero."""
    columns = block.columns[block.columns.any(axis=1)]
    if not len(columns):
        return None
    return Cone(codes=block.codes, levels=block.levels, columns=columns)


def covered(cones: Iterable[Cone], by: Sequence[Cone], *, residual: bool = True) -> bool:
    """Whether each matrix of these cones, plus σ²I, is one of the others' plus σ²I.

    Without `residual` there is no σ²I: the matrices are those of a linear predictor.

    It is proven where each of the cones, or each of its parts, lies within one of the others or of
    their parts; sums of matrices stay within a cone. False says that no such proof was found.
    """
    wholes = [*by, *(part for cone in by for part in cone.parts())]

    def lies_within(cone: Cone) -> bool:
        return (residual and cone.is_residual()) or any(cone.within(other) for other in wholes)

    return all(lies_within(cone) or all(map(lies_within, cone.parts())) for cone in cones)


def _used_combinations(cone: Cone) -> NDArray[np.float64]:
    """The projector on the row space of Z_j for each level, shape (levels, k, k)."""
    gram = np.array(
        [
            [np.bincount(cone.codes, weights=a * b, minlength=cone.levels) for a in cone.columns]
            for b in cone.columns
        ]
    )
    values, vectors = np.linalg.eigh(np.moveaxis(gram, 2, 0))
    kept = values > _ZERO * np.maximum(values[:, -1:], np.finfo(float).tiny)
    return np.asarray((vectors * kept[:, None, :]) @ vectors.transpose(0, 2, 1))


def _basis(projector: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis of what a projector keeps, shape (k, rank)."""
    values, vectors = np.linalg.eigh(projector)
    kept: NDArray[np.float64] = vectors[:, values > 0.5]
    return kept
