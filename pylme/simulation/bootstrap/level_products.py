"""The cross products of a model's random effects, a block for each level of its grouping factor.

With several grouping factors there is one block for all random effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import block_diag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.draws.parts import Part

__all__ = ["LevelProducts", "level_products"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelProducts:
    """Products of the columns of Z and X, weighted.

    Attributes
    ----------
    G : ndarray, shape (L, K, K)
        ZᵀWZ of each block.
    F : ndarray, shape (L, K, p)
        ZᵀWX.
    H : ndarray, shape (p, p)
        XᵀWX.
    covariance : ndarray, shape (K, K)
        Of the random effects of a block.
    cells : tuple of ndarray, shapes (K, K)
        Its derivatives by the lower triangle of each term's matrix, column by column.
    """

    G: NDArray[np.float64]
    F: NDArray[np.float64]
    H: NDArray[np.float64]
    covariance: NDArray[np.float64]
    cells: tuple[NDArray[np.float64], ...]

    def fixed_information(self, sigma: float) -> NDArray[np.float64]:
        """XᵀV⁻¹X, shape (p, p)."""
        relative = self.covariance / sigma**2
        inner = np.linalg.solve(np.eye(len(relative)) + relative @ self.G, relative)
        explained = np.einsum("lap,lab,lbr->pr", self.F, inner, self.F, optimize=True)
        information: NDArray[np.float64] = (self.H - explained) / sigma**2
        return information


def level_products(part: Part) -> LevelProducts:
    """The products of a part of the data, at its covariances."""
    design = part.design
    roots = np.sqrt(design.weights)
    X = design.X * roots[:, None]
    one = len(design.group_factors) == 1
    copies = [1 if one else len(term.levels) for term in design.terms]
    if one:
        columns = np.hstack([term.columns for term in design.terms]) * roots[:, None]
        codes, levels = design.terms[0].codes, len(design.terms[0].levels)
        G, F = (_by_level(columns, other, codes, levels) for other in (columns, X))
    else:
        Zt = design.Zt @ sparse.diags(roots)
        G, F = (Zt @ Zt.T).toarray()[None], (Zt @ X)[None]
    sizes = [len(term.names) for term in design.terms]
    cells = []
    for at, k in enumerate(sizes):
        for i in range(k):
            for j in range(i, k):
                cell = [np.zeros((size, size)) for size in sizes]
                cell[at][i, j] = cell[at][j, i] = 1.0
                cells.append(_spread(cell, copies))
    return LevelProducts(
        G=G,
        F=F,
        H=X.T @ X,
        covariance=_spread(part.covariances, copies),
        cells=tuple(cells),
    )


def _spread(matrices: Sequence[NDArray[np.float64]], copies: list[int]) -> NDArray[np.float64]:
    """The matrices along a diagonal, each as often as its copies."""
    pairs = zip(matrices, copies, strict=True)
    return np.asarray(block_diag(*(np.kron(np.eye(count), own) for own, count in pairs)))


def _by_level(
    A: NDArray[np.float64], B: NDArray[np.float64], codes: NDArray[np.int32], levels: int
) -> NDArray[np.float64]:
    """AᵀB over the rows of each level, shape (levels, a, b)."""
    products = np.empty((levels, A.shape[1], B.shape[1]))
    for i, a in enumerate(A.T):
        for j, b in enumerate(B.T):
            products[:, i, j] = np.bincount(codes, weights=a * b, minlength=levels)
    return products
