"""The distribution of the largest |T_i| of a multivariate t vector of any correlation.

With T = Az/s, z standard normal in r dimensions, AAᵀ the correlation, the length of z is
independent of its direction d, and (|z|²/r)/s² has the F distribution:

    P(max|T_i| ≤ t) = E_d F_{r,ν}(t² / (r m(d)²)),      m(d) = max_i |a_iᵀd|

(Somerville 1997, Journal of Statistical Computation and Simulation 58). Only the direction is left
to average over: exactly for r = 1, on the circle for r = 2, and over a low-discrepancy set of
directions otherwise, always the same, so that results repeat. A singular correlation is no
exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import chdtr, fdtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["MaximumModulus"]

#: Directions: the logarithm to base 2 of their number.
_LOG_DIRECTIONS: Final = 15
#: Classes that the values of m are put into; the integrand is smooth in m.
_CLASSES: Final = 512
_NULL: Final = 1e-10


class MaximumModulus:
    """Of one correlation matrix.

    Parameters
    ----------
    correlation : ndarray, shape (n, n)
    """

    def __init__(self, correlation: NDArray[np.float64]) -> None:
        values, vectors = np.linalg.eigh(correlation)
        kept = values > _NULL * values[-1]
        A = vectors[:, kept] * np.sqrt(values[kept])
        self.rank = int(kept.sum())
        modulus = np.sort(np.abs(directions(self.rank) @ A.T).max(axis=1))
        size = max(len(modulus) // _CLASSES, 1)
        # The mean square over each class.
        self._m2 = (modulus.reshape(-1, size) ** 2).mean(axis=1)

    def cdf(self, t: NDArray[np.float64], df: ArrayLike) -> NDArray[np.float64]:
        """P(max|T_i| ≤ t), shape (n,).

        Parameters
        ----------
        t : ndarray, shape (n,)
        df : array_like, shape (n,) or ()
            May be infinite.
        """
        each = np.broadcast_to(np.asarray(df, dtype=float), t.shape)[:, None]
        squares = (t * t)[:, None] / self._m2
        infinite = np.isinf(each)
        made: NDArray[np.float64] = np.where(
            infinite,
            chdtr(self.rank, squares),
            fdtr(self.rank, np.where(infinite, 1.0, each), squares / self.rank),
        ).mean(axis=1)
        return made


def directions(rank: int) -> NDArray[np.float64]:
    """Directions that are spread evenly over the unit sphere, shape (number, rank)."""
    if rank == 1:
        return np.ones((1, 1))
    if rank == 2:
        # Half the circle: m is even.
        angles = np.pi * (np.arange(2**_LOG_DIRECTIONS) + 0.5) / 2**_LOG_DIRECTIONS
        return np.column_stack([np.cos(angles), np.sin(angles)])
    from scipy.stats import qmc

    points = qmc.Sobol(rank, rng=np.random.default_rng(1)).random_base2(_LOG_DIRECTIONS)
    normal = ndtri(np.clip(points, 1e-12, 1.0 - 1e-12))
    made: NDArray[np.float64] = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return made
