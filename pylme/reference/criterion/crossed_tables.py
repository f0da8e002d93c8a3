"""What the criterion of a model with several factors needs of the data, from its sums.

[X y]ᵀV⁻¹[X y] is the minimum of a penalized sum of squares. By difference it loses digits where
variances are large; summed at the solution it does not, and errors of the solution enter it in the
second order. For that, columns of which the random effects could explain nearly everything, as the
intercept, a covariate that varies between groups alone, or a response with little noise, are
replaced by their residuals v = x - Z₂b at some b near the solutions for large variances, and with

    e = (I - Q₁Q₁ᵀ)v    g = Z₂ᵀe    W₂₂ = Z₂ᵀ(I - Q₁Q₁ᵀ)Z₂

from the rows, Q₁ an orthonormal basis of the leading factor's columns, the sum of squares of what
these leave of x - Z₂(b + δ) is eᵀe - 2δᵀg + δᵀW₂₂δ. Other columns have b = 0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.criterion.crossed import Crossed, Outset
from pylme.reference.criterion.dense_elimination import DenseElimination
from pylme.reference.criterion.storage import stored
from pylme.reference.problem.cells import cells
from pylme.reference.problem.level_basis import LevelBasis
from pylme.reference.problem.remainder import Remainder
from pylme.reference.problem.sums import (
    FAR,
    LITTLE,
    products,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.elimination import Elimination
    from pylme.reference.criterion.likelihood import Likelihood
    from pylme.reference.criterion.storage import Storage
    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.layout import Layout
    from pylme.reference.problem.sums import (
        Sums,
    )

__all__ = ["Residuals", "crossed", "near_solutions"]

#: Multiplications that the exact second derivatives may take at every step of a search.
CHEAP: Final = 3e8


def near_solutions(problem: Crossed, columns: Columns, layout: Layout) -> Crossed:
    """The same with outsets where they are needed.

    Parameters
    ----------
    problem : Crossed
        With all outsets at b = 0, and [X y]ᵀ[X y] for `within`.
    columns : Columns
    layout : Layout
    """
    p, x, y = problem.likelihood.p, problem.of_x, problem.of_y
    gram = problem.within
    basis = problem.basis
    within = gram - products(
        x.leading, y.leading, basis.coefficients(x.leading), basis.coefficients(y.leading)
    )
    large = [FAR * np.eye(k) for k in (len(basis.C), *problem.remainder.widths)]
    E = basis.at(large[0]).E
    scores_x, scores_y = problem.scores(x, E).T, problem.scores(y, E).T
    found = problem.elimination.solution(E, large[1:], np.concatenate([scores_x, scores_y]).T).T
    b_x, b_y = found[:p], found[p:]
    far = within + products(
        x.leading,
        y.leading,
        np.einsum("abj,cbj->caj", E, x.leading),
        np.einsum("abj,cbj->caj", E, y.leading),
    )
    far -= products(scores_x, scores_y, b_x, b_y)
    little = far.diagonal(axis1=1, axis2=2) < LITTLE * gram.diagonal(axis1=1, axis2=2)
    if little.any():
        residuals = Residuals(columns, layout, problem.remainder, basis)
        B, base = columns.x_of_base, columns.base
        places = np.flatnonzero(little[0, :p])
        left = np.empty((len(places), base.shape[1]))
        for i, j in enumerate(places.tolist()):
            left[i] = residuals.at(x, j, B[:, j] @ base, b_x[j])
        # A column at b = 0 is its own residual, as the others' are orthogonal to the factors'.
        with_x = (left @ base.T) @ B
        with_x[:, places] = left @ left.T
        within[:, places, :p] = with_x
        within[:, :p, places] = with_x.T
        within[:, places, p] = within[:, p, places] = columns.y @ left.T
        for r in np.flatnonzero(little[:, p]).tolist():
            e = residuals.at(y, r, columns.y[r], b_y[r])
            of_x = (base @ e) @ B
            of_x[places] = left @ e
            within[r, :p, p] = within[r, p, :p] = of_x
            within[r, p, p] = e @ e
    return replace(problem, within=within, far=far)


def crossed(
    likelihood: Likelihood,
    sums: Sums,
    layout: Layout,
    *,
    storage: Storage | None = None,
    available: float | None = None,
) -> Crossed:
    """What the criterion needs, from the sums.

    Parameters
    ----------
    likelihood : Likelihood
    sums : Sums
    layout : Layout
    storage : {"dense", "sparse"}, optional
        How the remainder is kept; None for the better way.
    available : float, optional
        The bytes that the remainder may take; None for those that there are.

    Raises
    ------
    TooLargeError
        If it does not fit.
    """
    columns, gram = sums.columns, sums.gram
    leading, *others = layout.factors
    K, J = leading.width, leading.levels
    remainder = Remainder.of(others)
    G = len(layout.factors)
    basis = LevelBasis.of(columns, 0, leading)
    whole = stored(
        [cells(columns, layout, 0, g, rows=basis.rows) for g in range(1, G)],
        sums.cells,
        remainder,
        shape=(K, J),
        storage=storage,
        available=available,
    )
    fixed2, responses2 = [], []
    for factor, levels, responses in zip(others, sums.levels, sums.responses, strict=True):
        own = levels[factor.width :]
        fixed2.append(own.transpose(0, 2, 1).reshape(len(own), factor.size))
        responses2.append(responses.swapaxes(1, 2).reshape(len(responses), factor.size))
    q2 = float(remainder.size)
    work = K * (K + 1) / 2 * K * J * q2**2 + 10 * q2**3
    of_base = basis.sums(columns.base)
    of_x = np.tensordot(columns.x_of_base, of_base, axes=(0, 0))
    of_y = basis.sums(columns.y)
    others_of_y = np.concatenate(responses2, axis=1)
    blocks = [basis.C, *(whole.products(f).transpose(1, 2, 0) for f in range(G - 1))]
    h = basis.back(of_y)
    plain = Crossed(
        likelihood=likelihood,
        basis=basis,
        remainder=remainder,
        elimination=whole.less(basis.G),
        of_x=_from_zero(whole, basis, of_x, np.concatenate(fixed2, axis=1)),
        of_y=_from_zero(whole, basis, of_y, others_of_y),
        within=gram,
        squares=(
            h @ h.swapaxes(1, 2),
            *(_squares(remainder, f, others_of_y) for f in range(G - 1)),
        ),
        sizes=tuple(float((block * block).sum()) / len(block) for block in blocks),
        gram=gram,
        far=gram,
        exact=isinstance(whole, DenseElimination) and work < CHEAP,
    )
    return near_solutions(plain, columns, layout)


def _from_zero(
    elimination: Elimination,
    basis: LevelBasis,
    leading: NDArray[np.float64],
    others: NDArray[np.float64],
) -> Outset:
    """The outset of columns at b = 0, from their Q₁ᵀx, shape (c, K, J), and Z₂ᵀx, (c, q₂)."""
    explained = basis.coefficients(leading).transpose(1, 2, 0)
    return Outset(
        leading=leading.copy(),
        b=np.zeros_like(others),
        g=others - elimination.transposed_times(explained).T,
    )


def _squares(remainder: Remainder, f: int, of_y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_j Z_jᵀy yᵀZ_j of a factor of the remainder, shape (R, K_f, K_f)."""
    h = of_y[:, remainder.rows(f)].reshape(len(of_y), remainder.levels[f], remainder.widths[f])
    product: NDArray[np.float64] = h.swapaxes(1, 2) @ h
    return product


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
