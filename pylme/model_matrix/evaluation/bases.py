"""Orthogonal polynomials and splines, as in R's `poly()`, `bs()` and `ns()`.

The parameters learnt from the first data (centre, norms, knots) define the same columns for any
other data.

poly: z_0 = 1, z_1 = x − α_1, z_{i+1} = (x − α_{i+1}) z_i − (ν_{i+1}/ν_i) z_{i−1}, divided by √ν
(Kennedy & Gentle 1980, Statistical Computing, pp. 343-344).
ns: cubic B-splines, rotated so that two columns carry the second derivatives at the boundary knots
and are left out (Chambers & Hastie 1992, Statistical Models in S, chapter 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["BSplines", "NaturalSplines", "OrthogonalPolynomials", "inner_knots"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrthogonalPolynomials:
    """Polynomials that are orthonormal on the data they were learnt from.

    Attributes
    ----------
    alpha : ndarray, shape (degree,)
    norm2 : ndarray, shape (degree + 1,)
        Squared norms on the data.
    """

    alpha: Floats
    norm2: Floats

    @classmethod
    def learn(cls, x: Floats, degree: int) -> Self:
        """From data of more than `degree` distinct values."""
        centre = x.mean()
        powers = np.vander(x - centre, degree + 1, increasing=True)
        basis, triangle = np.linalg.qr(powers)
        raw = basis * np.diag(triangle)
        norm2 = np.sum(raw**2, axis=0)
        alpha = np.sum((x - centre)[:, None] * raw**2, axis=0) / norm2 + centre
        return cls(alpha=alpha[:degree], norm2=norm2)

    def __call__(self, x: Floats) -> Floats:
        """The columns of degree 1 and more, shape (n, degree)."""
        columns = [np.ones_like(x), x - self.alpha[0]]
        ratios = self.norm2[1:] / self.norm2[:-1]
        for alpha, ratio in zip(self.alpha[1:], ratios, strict=False):
            columns.append((x - alpha) * columns[-1] - ratio * columns[-2])
        return np.column_stack(columns[1:]) / np.sqrt(self.norm2[1:])


def inner_knots(x: Floats, boundary: Floats, number: int) -> Floats:
    """Knots at the quantiles of the data within the boundary."""
    inside = x[(x >= boundary[0]) & (x <= boundary[1])]
    return np.asarray(np.quantile(inside, np.linspace(0, 1, number + 2)[1:-1]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BSplines:
    """A basis of B-splines; beyond the boundary knots the outermost pieces continue.

    Attributes
    ----------
    knots : ndarray
        Sorted, the boundary knots ``degree + 1`` times each.
    degree : int
    intercept : bool
        Whether the first column is included.
    """

    knots: Floats
    degree: int
    intercept: bool

    @classmethod
    def on(cls, inner: Floats, boundary: Floats, *, degree: int, intercept: bool) -> Self:
        """From the knots between the two of the boundary."""
        knots = np.sort(np.concatenate([np.repeat(boundary, degree + 1), inner]))
        return cls(knots=knots, degree=degree, intercept=intercept)

    def __call__(self, x: Floats, derivative: int = 0) -> Floats:
        """The columns, or their derivatives, shape (n, columns)."""
        # Imported here, as it takes a fifth of a second and few models have splines.
        from scipy.interpolate import BSpline

        spline = BSpline(self.knots, np.eye(len(self.knots) - self.degree - 1), self.degree)
        values = np.asarray(spline(x, nu=derivative))
        return values if self.intercept else values[:, 1:]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NaturalSplines:
    """Cubic splines that are straight lines beyond the boundary knots.

    Attributes
    ----------
    cubic : BSplines
    boundary : ndarray, shape (2,)
    rotation : ndarray, shape (columns of `cubic`, columns)
    """

    cubic: BSplines
    boundary: Floats
    rotation: Floats

    @classmethod
    def on(cls, inner: Floats, boundary: Floats, *, intercept: bool) -> Self:
        """From the knots between the two of the boundary."""
        cubic = BSplines.on(inner, boundary, degree=3, intercept=intercept)
        rotation = _complement(cubic(boundary, derivative=2).T)
        return cls(cubic=cubic, boundary=boundary, rotation=rotation)

    def __call__(self, x: Floats) -> Floats:
        """The columns, shape (n, columns)."""
        nearest = np.clip(x, *self.boundary)
        values = self.cubic(nearest)
        outside = x != nearest
        if outside.any():
            slopes = self.cubic(nearest[outside], derivative=1)
            values[outside] += (x - nearest)[outside, None] * slopes
        return values @ self.rotation


def _complement(columns: Floats) -> Floats:
    """An orthonormal basis of the complement of two columns, by Householder reflections.

    The signs are those of LINPACK, and hence of R: each reflection reverses the sign of its pivot.
    """
    work = columns.copy()
    basis = np.eye(len(work))
    for place in range(work.shape[1]):
        normal = np.zeros(len(work))
        normal[place:] = work[place:, place]
        normal[place] += np.copysign(np.linalg.norm(normal), normal[place])
        normal /= np.linalg.norm(normal)
        work -= 2 * np.outer(normal, normal @ work)
        basis -= 2 * np.outer(basis @ normal, normal)
    return basis[:, work.shape[1] :]
