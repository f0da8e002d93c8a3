"""Many small matrices at once, the matrices side by side in the last axis.

With the index of the matrix last, every step is one operation on long vectors, whatever the size of
the matrices: on 10,000 matrices of 2 by 2 that is ten times as fast as a loop over LAPACK.

Least-squares coefficients within each level, by the pseudo-inverses of many small Z_jᵀZ_j.

A level with fewer rows than columns, or in which a covariate does not vary, has a singular matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing import Self


__all__ = [
    "LevelInverses",
    "applied",
    "congruent",
    "inverse_and_logdet",
    "kronecker_square",
    "orthogonal",
    "outer_sums",
    "precision",
    "spread",
]

#: The least relative standard deviation in any direction where a matrix is divided by one. In place
#: of zero it changes the criterion by n times its square at most, less than rounding does.
LEAST: Final = 1e-8
#: With fewer matrices side by side than this, a loop over them in C is the quicker way.
FEW: Final = 8
#: An eigenvalue of a matrix of cosines below this counts as zero.
NOTHING: Final = 1e-13
#: Where coefficients may be this large, beside columns of length one, their squares lose digits.
LARGE: Final = 1e6
#: Inverses with no larger elements need not be refined.
SMALL: Final = 4.0
#: What keeps most pivots of a singular matrix of cosines positive.
_RIDGE: Final = 1e-15


def congruent(F: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """F B Fᵀ, shape (K, K, P), of matrices of shape (K, K, P).

    In two steps: to look for the best order of a product of three takes longer than the product.
    """
    product: NDArray[np.float64] = np.einsum("acj,dcj->adj", np.einsum("abj,bcj->acj", F, B), F)
    return product


def kronecker_square(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """T ⊗ T, shape (R, K², K²), of matrices of shape (R, K, K).

    With it vec(T B Tᵀ) = (T ⊗ T) vec(B) for as many B as one likes in one matrix product.
    """
    R, K, _ = T.shape
    return (T[:, :, None, :, None] * T[:, None, :, None, :]).reshape(R, K * K, K * K)


def inverse_and_logdet(
    A: NDArray[np.float64], least: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inverses and log determinants of symmetric positive definite matrices.

    Each variable is swept once (Goodnight 1979, The American Statistician 33(3), 149-158), which
    needs no pivoting where the eigenvalues are 1 or more, as those of ΛᵀZᵀZΛ + I are.

    Parameters
    ----------
    A : ndarray, shape (R, K, K, P)
        Overwritten.
    least : float, optional
        The least eigenvalue that A can have: no pivot is less but by rounding errors.

    Returns
    -------
    inverse : ndarray, shape (R, K, K, P)
    logdet : ndarray, shape (R, P)
    """
    K = A.shape[1]
    pivots = np.empty((len(A), K, A.shape[3]))
    for j in range(K):
        pivots[:, j] = A[:, j, j] if least is None else np.maximum(A[:, j, j], least)
        pivot = pivots[:, j]
        column = A[:, j].copy()
        row = column / pivot[:, None]
        if K > 1:
            A -= column[:, :, None] * row[:, None]
            A[:, j] = row
            A[:, :, j] = row
        A[:, j, j] = -1.0 / pivot
    np.negative(A, out=A)
    return A, np.log(pivots).sum(axis=1)


def spread(
    T: NDArray[np.float64], C: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """T(TᵀCT + I)⁻¹Tᵀ and log|TᵀCT + I|.

    Parameters
    ----------
    T : ndarray, shape (R, K, K)
    C : ndarray, shape (R or 1, K, K, P)
        Symmetric positive semidefinite.

    Returns
    -------
    D : ndarray, shape (R, K, K, P)
    logdet : ndarray, shape (R, P)
    """
    R, K = T.shape[:2]
    P = C.shape[-1]
    square = kronecker_square(T)
    A = square.swapaxes(1, 2) @ C.reshape(len(C), K * K, P)
    A[:, :: K + 1] += 1.0
    inverse, logdet = inverse_and_logdet(A.reshape(R, K, K, P), least=1.0)
    return (square @ inverse.reshape(R, K * K, P)).reshape(R, K, K, P), logdet


def orthogonal(T: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Orthogonal U and lengths s with U diag(s)² Uᵀ = TTᵀ, no length below `LEAST`.

    With the columns of T orthogonal, TᵀCT + I differs from a well-conditioned matrix by the scale
    of its rows and columns alone, and these do no harm to its factors (van der Sluis 1969,
    Numerische Mathematik 14). A small number on the diagonal of T itself would not do for zero:
    with T = [[0, 0], [b, c]] it changes a covariance by b times that number, not by its square.

    Parameters
    ----------
    T : ndarray, shape (R, K, K)

    Returns
    -------
    U : ndarray, shape (R, K, K)
    s : ndarray, shape (R, K)
        In descending order.
    """
    if T.shape[-1] == 1:
        return np.ones_like(T), np.maximum(np.abs(T[..., 0]), LEAST)
    U, lengths, _ = np.linalg.svd(T)
    return np.asarray(U), np.maximum(lengths, LEAST)


def precision(
    s: NDArray[np.float64], C: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(C⁻¹ + s²)⁻¹ = C - Cs(sCs + I)⁻¹sC without that difference.

    Times s it is Cs(sCs + I)⁻¹; divided by the larger of two lengths, each element is right to
    rounding in proportion to the roots of those on the diagonal in its row and its column.

    Parameters
    ----------
    s : ndarray, shape (R, K)
        Lengths in descending order, as from `orthogonal`.
    C : ndarray, shape (R or 1, K, K, P)
        In the coordinates of these lengths.

    Returns
    -------
    K, inverse : ndarray, shape (R, K, K, P)
        And (sCs + I)⁻¹.
    logdet : ndarray, shape (R, P)
        log|sCs + I|.
    """
    k = s.shape[1]
    if k == 1:
        A = 1.0 + (s * s)[:, :, None, None] * C
        return C / A, 1.0 / A, np.log(A[:, 0, 0])
    left = C * s[:, None, :, None]
    A = left * s[:, :, None, None]
    A.reshape(len(A), k * k, -1)[:, :: k + 1] += 1.0
    inverse, logdet = inverse_and_logdet(A, least=1.0)
    K = applied(inverse, left)
    K /= s[:, None, :, None]
    for i in range(k):
        K[:, i, i + 1 :] = K[:, i + 1 :, i]
    return K, inverse, logdet


def applied(D: NDArray[np.float64], E: NDArray[np.float64]) -> NDArray[np.float64]:
    """Products D e of each matrix with its own vectors.

    Parameters
    ----------
    D : ndarray, shape (R or 1, K, K, P)
    E : ndarray, shape (R or 1, c, K, P)

    Returns
    -------
    ndarray, shape (R, c, K, P)
    """
    if _few(E):
        product = E.transpose(0, 3, 1, 2) @ D.transpose(0, 3, 2, 1)
        return np.moveaxis(product, 1, -1)
    made: NDArray[np.float64] = np.einsum("rabg,rcbg->rcag", D, E)
    return made


def outer_sums(W: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of w wᵀ over the vectors of each matrix, shapes (R, c, K, P) to (R, K, K, P)."""
    if _few(W):
        columns = W.transpose(0, 3, 2, 1)
        return np.moveaxis(columns @ columns.swapaxes(2, 3), 1, -1)
    made: NDArray[np.float64] = np.einsum("rcag,rcbg->rabg", W, W)
    return made


def _few(E: NDArray[np.float64]) -> bool:
    return E.shape[3] < FEW and len(E) > 1


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
        # Nothing is asked of a column of zeros, so 1 will do for its inverse.
        ridged[own, own] = 1.0 + _RIDGE
        # Pivots of singular matrices may come out negative: these are inverted again.
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            inverse: NDArray[np.float64] = inverse_and_logdet(ridged[None])[0][0]
            largest = float(np.abs(inverse).max(initial=0.0))
        if not largest < 0.01 / NOTHING:
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
        doubtful = np.flatnonzero(~(np.abs(inverse).max(axis=(0, 1)) < 0.01 / NOTHING))
    values, vectors = np.linalg.eigh(np.moveaxis(cosines[..., doubtful], -1, 0))
    kept = values > NOTHING
    reciprocal = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    turned = vectors * reciprocal[:, None]
    inverse[..., doubtful] = np.moveaxis(turned @ vectors.swapaxes(1, 2), 0, -1)
