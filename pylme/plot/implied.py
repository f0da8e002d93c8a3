"""What a random part says of intercept and slope, whatever the terms that it is written in.

A row's random effects add zᵀb to its response. Where z is linear in a covariate x, z = a₀ + a₁x,
the intercept and the slope of a level are

    (a₀ᵀb, a₁ᵀb) = Ab,   with covariance AΣAᵀ

and A may differ by the level of another variable: in ``(ses:sector | sch.id)`` the slope is one
effect in one sector and another in the other. A is read off the rows of Z itself, so that ``ses``,
``ses*sector``, ``ses:sector`` and separate blocks by sector are all treated alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.covariance.roots import eigen_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csc_array

__all__ = ["columns_by_level", "covariance_ellipse", "intercept_and_slope"]


def columns_by_level(
    Zt: csc_array, Gp: NDArray[np.int32], widths: Sequence[int], terms: Sequence[int]
) -> NDArray[np.float64]:
    """The columns of terms on one grouping factor, shape (n, k): what multiplies a level's b.

    Parameters
    ----------
    Zt : csc_array, shape (q, n)
    Gp : ndarray, shape (terms + 1,)
        Where each term begins among the rows of `Zt`.
    widths : sequence of int
        The number of columns of each term.
    terms : sequence of int
        The positions of the terms wanted.
    """
    rows = Zt.tocsr()
    made = []
    for term in terms:
        own = rows[Gp[term] : Gp[term + 1]]
        # Each row of the data belongs to one level, so the sum over levels has one summand.
        made += [own[column :: widths[term]].sum(axis=0) for column in range(widths[term])]
    return np.column_stack([np.asarray(column).ravel() for column in made])


def intercept_and_slope(
    z: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """The A of shape (2, k) with z = A[0] + A[1]x in every row; None where z is not of that form.

    Parameters
    ----------
    z : ndarray, shape (n, k)
    x : ndarray, shape (n,)
    """
    centre = x.mean()
    spread = float(np.abs(x - centre).max())
    if spread <= 1e-12 * abs(centre):
        return None
    scaled = (x - centre) / spread
    slope = scaled @ (z - z.mean(axis=0)) / (scaled @ scaled - len(x) * scaled.mean() ** 2)
    at_centre = z.mean(axis=0) - slope * scaled.mean()
    off = np.abs(z - at_centre - np.outer(scaled, slope)).max()
    if off > 1e-9 * np.abs(z).max(initial=1.0):
        return None
    slope = slope / spread
    return np.vstack([at_centre - slope * centre, slope])


def covariance_ellipse(
    covariance: NDArray[np.float64], probability: float, *, points: int = 181
) -> NDArray[np.float64]:
    """The border of the central region of N(0, Σ) in the plane, shape (points, 2).

    It is {Lv : |v|² = χ²₂(probability)} with Σ = LLᵀ; a segment where Σ is singular.
    """
    radius = np.sqrt(-2.0 * np.log1p(-probability))
    angle = np.linspace(0.0, 2.0 * np.pi, points)
    circle = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.asarray(circle @ eigen_root(covariance).T)
