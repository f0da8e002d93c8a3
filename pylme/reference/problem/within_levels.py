"""What the columns of a factor explain of others within each level.

The least-squares coefficients of a column x on Z_j are c_j = (Z_jᵀZ_j)⁺Z_jᵀx. A level with fewer
rows than columns, or in which a covariate does not vary, has a singular Z_jᵀZ_j; its pseudo-inverse
is that of the matrix of cosines, whose eigenvalues do not depend on the units of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.linalg.small_matrices import inverse_and_logdet

if TYPE_CHECKING:
    from typing import Self

    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.layout import GroupingFactor

__all__ = ["LevelInverses", "WithinLevels"]

#: An eigenvalue of a matrix of cosines below this counts as zero.
SINGULAR: Final = 1e-13
#: Where coefficients may be this large, beside columns of length one, their squares lose digits.
LARGE: Final = 1e6
#: Inverses with no larger elements need not be refined.
SMALL: Final = 4.0
#: What keeps most pivots of a singular matrix of cosines positive.
_RIDGE: Final = 1e-15
#: What is left of a column, relative to its largest value, that is rounding error.
NOTHING: Final = 1e-14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelInverses:
    """The Z_jᵀZ_j of all levels, ready to be solved with.

    Attributes
    ----------
    cosines, inverse : ndarray, shape (K, K, P)
        With a diagonal of ones, or 0 for a column of zeros; and their pseudo-inverses.
    scale : ndarray, shape (K, P)
        What makes cosines of them; of a single column its squares, 1 for a column of zeros.
    largest : float
        The largest element of the inverses in absolute value; NaN or infinite where some were
        singular.
    """

    cosines: NDArray[np.float64]
    inverse: NDArray[np.float64]
    scale: NDArray[np.float64]
    largest: float

    @classmethod
    def of(cls, C: NDArray[np.float64]) -> Self:
        """Of symmetric positive semidefinite matrices, shape (K, K, P)."""
        K = len(C)
        if K == 1:
            one = np.ones_like(C)
            return cls(cosines=one, inverse=one, scale=np.where(C[0] > 0, C[0], 1.0), largest=1.0)
        own = np.arange(K)
        diagonal = C[own, own]
        scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        cosines = C * (scale[:, None] * scale)
        ridged = cosines.copy()
        # A column of zeros has no coefficient to solve for, so 1 serves as its inverse.
        ridged[own, own] = 1.0 + _RIDGE
        # Pivots of singular matrices may come out negative: these are inverted again.
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            inverse: NDArray[np.float64] = inverse_and_logdet(ridged[None])[0][0]
            largest = float(np.abs(inverse).max(initial=0.0))
        if not largest < 0.01 / SINGULAR:
            _invert_again(cosines, inverse)
        return cls(cosines=cosines, inverse=inverse, scale=scale, largest=largest)

    @property
    def nearly_singular(self) -> bool:
        """Whether columns of some level are dependent, or nearly; columns of zeros left aside."""
        return not self.largest < LARGE

    def coefficients(self, U: NDArray[np.float64]) -> NDArray[np.float64]:
        """Some c with C c = U, for U of what C spans: shapes (..., c, K, P)."""
        if len(self.cosines) == 1:
            return np.asarray(U / self.scale)
        rest = U * self.scale
        total = np.einsum("abj,...bj->...aj", self.inverse, rest)
        # Each round takes an error by a factor of the size of the inverses times rounding errors.
        rounds = 0 if self.largest < SMALL else 1 if self.largest < LARGE else 2
        for _ in range(rounds):
            left = rest - np.einsum("abj,...bj->...aj", self.cosines, total)
            total += np.einsum("abj,...bj->...aj", self.inverse, left)
        total *= self.scale
        made: NDArray[np.float64] = total
        return made


def _invert_again(cosines: NDArray[np.float64], inverse: NDArray[np.float64]) -> None:
    """Put pseudo-inverses in the place of inverses that are none."""
    with np.errstate(invalid="ignore"):
        doubtful = np.flatnonzero(~(np.abs(inverse).max(axis=(0, 1)) < 0.01 / SINGULAR))
    values, vectors = np.linalg.eigh(np.moveaxis(cosines[..., doubtful], -1, 0))
    kept = values > SINGULAR
    reciprocal = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    turned = vectors * reciprocal[:, None]
    inverse[..., doubtful] = np.moveaxis(turned @ vectors.swapaxes(1, 2), 0, -1)


class WithinLevels:
    """What the factor's columns leave of others within each level, in the rows."""

    def __init__(
        self, columns: Columns, factor: GroupingFactor, f: int, inverses: LevelInverses
    ) -> None:
        self.z = columns.z_of_base[f].T @ columns.base
        self.factor = factor
        self.inverses = inverses

    def less(self, row: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is left of one column, shape (n,), from its coefficients, shape (K, J).

        Orthogonal to the factor's columns beyond its own rounding: what the coefficients lack is
        seen in the residuals, and taken out of them. Zero where no more than rounding is left.
        """
        codes = self.factor.codes
        left = row - self._sum(c)
        if np.abs(left).max() <= NOTHING * np.abs(row).max():
            return np.zeros_like(row)
        scores = np.empty(c.shape)
        for a, z in enumerate(self.z):
            scores[a] = np.bincount(codes, weights=z * left, minlength=c.shape[1])
        left -= self._sum(self.inverses.coefficients(scores[None])[0])
        return left

    def _sum(self, c: NDArray[np.float64]) -> NDArray[np.float64]:
        total: NDArray[np.float64] = self.z[0] * c[0].take(self.factor.codes)
        for z, own in zip(self.z[1:], c[1:], strict=True):
            total += z * own.take(self.factor.codes)
        return total
