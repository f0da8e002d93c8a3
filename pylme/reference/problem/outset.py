"""Where the random effects of the remainder are counted from, so that residuals do not cancel.

[X y]ᵀV⁻¹[X y] is the minimum of a penalized sum of squares. By difference it loses digits where
variances are large; summed at the solution it does not, and errors of the solution enter it in the
second order. For that, columns of which the random effects could explain nearly everything are
replaced by their residuals v = x - Z₂b at some b near the solutions for large variances, and with

    e = (I - Q₁Q₁ᵀ)v    g = Z₂ᵀe    W₂₂ = Z₂ᵀ(I - Q₁Q₁ᵀ)Z₂

from the rows, Q₁ an orthonormal basis of the leading factor's columns, the sum of squares of what
these leave of x - Z₂(b + δ) is eᵀe - 2δᵀg + δᵀW₂₂δ. Other columns have b = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing import Self

    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.level_basis import LevelBasis
    from pylme.reference.problem.remainder import Remainder
    from pylme.reference.problem.terms import Layout

__all__ = ["Outset", "Residuals"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outset:
    """Of several columns.

    Attributes
    ----------
    leading : ndarray, shape (c, K, J)
        Q₁ᵀv.
    b, g : ndarray, shape (c, q₂)
    """

    leading: NDArray[np.float64]
    b: NDArray[np.float64]
    g: NDArray[np.float64]

    def subset(self, columns: NDArray[np.bool_ | np.intp]) -> Self:
        """Of some of them."""
        return type(self)(leading=self.leading[columns], b=self.b[columns], g=self.g[columns])

    def then(self, other: Outset, row: int) -> Outset:
        """These columns and one of the others."""
        return Outset(
            leading=np.concatenate([self.leading, other.leading[row, None]]),
            b=np.concatenate([self.b, other.b[row, None]]),
            g=np.concatenate([self.g, other.g[row, None]]),
        )


class Residuals:
    """What the factors leave of columns in the rows."""

    def __init__(
        self, columns: Columns, layout: Layout, remainder: Remainder, basis: LevelBasis
    ) -> None:
        self.factors = layout.factors[1:]
        self.remainder = remainder
        self.basis = basis
        self.z = [Z.T @ columns.base for Z in columns.z_of_base[1:]]

    def at(
        self, outset: Outset, place: int, row: NDArray[np.float64], b: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Put one column's outset at b, shape (q₂,); gives e, shape (n,)."""
        left = row.copy()
        for f, (factor, z) in enumerate(zip(self.factors, self.z, strict=True)):
            effects = b[self.remainder.rows(f)].reshape(factor.levels, factor.width)
            for a in range(factor.width):
                left -= z[a] * effects[factor.codes, a]
        outset.b[place] = b
        outset.leading[place] = self.basis.sums(left[None])[0]
        left = self.basis.less(left)
        for f, (factor, z) in enumerate(zip(self.factors, self.z, strict=True)):
            scores = [
                np.bincount(factor.codes, weights=own * left, minlength=factor.levels) for own in z
            ]
            outset.g[place, self.remainder.rows(f)] = np.stack(scores).T.ravel()
        return left
