"""The acceleration of BCa intervals, from the model itself.

y ~ N(Xβ, V), V = σ²W⁻¹ + ZΣZᵀ. For a parameter t(β, ψ), ψ the entries of the Σ and σ², the least
favourable direction through the estimate is I⁻¹∇t, I the Fisher information, and a sixth of the
skewness of the score in it is the acceleration. With V̇ the derivative of V in that direction and
C = V⁻¹V̇ the score is ½(rᵀV⁻¹V̇V⁻¹r - tr C) + a linear function of r = y - Xβ, so that

    κ₂ = ½ tr C² + ∇βᵀ(XᵀV⁻¹X)⁻¹∇β       κ₃ = tr C³       a = κ₃ / (6 κ₂^{3/2})

For a fixed effect C = 0, hence a = 0; for the variance of n normal numbers a = √(8/n)/6. The
acceleration is a property of the model, not of the estimator, whose bias is corrected by z₀; REML
fits therefore have the same. A jackknife over the levels of a grouping factor needs a fit for each
level, and with a dozen levels it finds about half of the acceleration.

ψ of a term with a covariance structure are its standard deviations and its correlation.

With X and Z weighted, G = ZᵀZ and R = (I + ΣG/σ²)⁻¹/σ², C maps Zv to ZNv, N = R(Σ̇G + σ̇²I), and
all that is orthogonal to Z to σ̇²/σ² times itself. So tr Cᵐ = tr Nᵐ + (n - q)(σ̇²/σ²)ᵐ, and with one
grouping factor N has a block for each level.

The gradients ∇t by β, the entries of the Σ, and σ² are known in closed form for standard deviations
and correlations. For a user's own statistic they are the slopes of its replicates on those of β, Σ
and σ²: the regression estimate of influence values (Davison & Hinkley 1997, Bootstrap Methods and
their Application, section 2.7.4).

Efron (1987), Better bootstrap confidence intervals, JASA 82, 171-185, sections 4 and 6; DiCiccio &
Efron (1996), Bootstrap confidence intervals, Statistical Science 11, 189-228, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import block_diag

from pylme.covariance.correlation import correlation
from pylme.errors import NotAvailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.covariance.structure import Structure
    from pylme.draws.parts import Part

__all__ = [
    "LevelProducts",
    "accelerations",
    "gradients_by_regression",
    "gradients_of_parameters",
    "level_products",
]

#: Directions of ψ are not identified if the scaled information in them is smaller than this,
#: relative to the largest.
_RANK: Final = 1e-10
#: With several grouping factors N is one matrix, with at most this many rows and columns.
MOST_EFFECTS: Final = 2000


def accelerations(part: Part, gradients: NDArray[np.float64]) -> NDArray[np.float64]:
    """The acceleration of each parameter, shape (P,).

    Parameters
    ----------
    part : Part
        The model at its estimates.
    gradients : ndarray, shape (P, p + m)
        Of each parameter by β and by ψ: the lower triangles of the terms' covariance matrices,
        column by column, or the parameters of their covariance structures, and σ². Any multiple
        will do.

    Returns
    -------
    ndarray
        0 where the gradient is 0; NaN where the parameter is not identified, or the gradient is no
        number.

    Raises
    ------
    NotAvailableError
        If several grouping factors have too many random effects together.
    """
    design = part.design
    if len(design.group_factors) > 1 and design.q > MOST_EFFECTS:
        raise NotAvailableError(
            asked="Computing the acceleration of BCa intervals",
            found=f"several grouping factors with {design.q} random effects together, and a "
            f"matrix of more than {MOST_EFFECTS} rows and columns takes too long",
            remedy='Ask for intervals by "percentile" or "basic".',
        )
    products = level_products(part)
    N = _maps(products, part.sigma)
    residual = np.zeros(len(N))
    residual[-1] = 1 / part.sigma**2
    outside = design.n - design.q
    traces = np.einsum("ilab,jlba->ij", N, N, optimize=True)
    directions, identified = _directions(
        (traces + outside * np.outer(residual, residual)) / 2, gradients[:, design.p :]
    )
    spread = np.linalg.inv(products.fixed_information(part.sigma))
    found = np.full(len(gradients), np.nan)
    for i in np.flatnonzero(identified):
        C = np.tensordot(directions[i], N, axes=1)
        s = directions[i] @ residual
        square = C @ C
        slopes = gradients[i, : design.p]
        second = (np.einsum("laa->", square) + outside * s**2) / 2 + slopes @ spread @ slopes
        third = np.einsum("lab,lba->", square, C) + outside * s**3
        found[i] = 0.0 if second == 0 else third / (6 * second**1.5)
    return found


def _maps(products: LevelProducts, sigma: float) -> NDArray[np.float64]:
    """N for each element of ψ, shape (m, levels, K, K)."""
    G = products.G
    identity = np.eye(G.shape[1])
    R = np.linalg.inv(identity + products.covariance @ G / sigma**2) / sigma**2
    return np.stack([*(R @ (cell @ G) for cell in products.cells), R])


def _directions(
    information: NDArray[np.float64], gradients: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """I⁻¹∇t, shape (P, m), and whether there is such a direction."""
    scale = np.sqrt(np.diag(information))
    scale[scale == 0] = 1.0
    inverse = np.linalg.pinv(information / np.outer(scale, scale), rcond=_RANK, hermitian=True)
    known = np.asarray(np.isfinite(gradients).all(axis=1))
    scaled = np.where(known[:, None], gradients, 0.0) / scale
    directions = scaled @ inverse
    left = scaled - directions @ (information / np.outer(scale, scale))
    size = np.linalg.norm(scaled, axis=1)
    seen = np.linalg.norm(left, axis=1) <= np.sqrt(_RANK) * size
    return directions / scale, known & seen


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
        Its derivatives by the lower triangle of each term's matrix, column by column, or by the
        parameters of its covariance structure.
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
    slopes = []
    for at, (term, covariance) in enumerate(zip(design.terms, part.covariances, strict=True)):
        for slope in _slopes(term.structure, covariance):
            of_terms = [np.zeros((size, size)) for size in sizes]
            of_terms[at] = slope
            slopes.append(_spread(of_terms, copies))
    return LevelProducts(
        G=G,
        F=F,
        H=X.T @ X,
        covariance=_spread(part.covariances, copies),
        cells=tuple(slopes),
    )


def _slopes(structure: Structure, covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivatives of a term's covariance matrix by its elements of ψ, shape (m, k, k)."""
    if structure.kind != "us":
        sd = np.sqrt(np.diag(covariance))
        values = structure.component_values(sd[None], correlation(covariance)[None])[0]
        # Where no pair of effects shows the correlation, the matrix does not depend on it.
        return structure.covariance_derivatives(np.nan_to_num(values))[0]
    rows, columns = structure.cells
    made = np.zeros((len(rows), *covariance.shape))
    at = np.arange(len(rows))
    made[at, rows, columns] = made[at, columns, rows] = 1.0
    return made


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


def gradients_of_parameters(
    p: int,
    covariances: Sequence[NDArray[np.float64]],
    structures: Sequence[Structure],
) -> NDArray[np.float64]:
    """Gradients of fixed effects, deviations and correlations, and sigma, shape (P, p + m).

    The gradients of standard deviations are those of the variances, as a standard deviation of zero
    has none; any multiple will do. NaN for a correlation where either variance is zero.

    Parameters
    ----------
    p : int
        Fixed effects.
    covariances : sequence of ndarray, shapes (k, k)
        Of each term.
    structures : sequence of Structure
        Of each term. Those of "us" have covariances for ψ; others have the parameters themselves.
    """
    m = sum(structure.n_free for structure in structures) + 1
    gradients = np.eye(p + m)
    start = p
    for covariance, structure in zip(covariances, structures, strict=True):
        if structure.kind != "us":
            start += structure.n_free
            continue
        places = structure.components
        at = {cell: start + place for place, cell in enumerate(places)}
        sd = np.sqrt(np.diag(covariance))
        for i, j in places:
            if i == j:
                continue
            row = gradients[at[i, j]]
            with np.errstate(invalid="ignore", divide="ignore"):
                row[at[i, j]] = 1 / (sd[i] * sd[j])
                for own in (i, j):
                    row[at[own, own]] = -covariance[i, j] / (2 * sd[i] * sd[j] * sd[own] ** 2)
            if not np.isfinite(row).all():
                row[:] = np.nan
        start += len(places)
    return gradients


def gradients_by_regression(
    numbers: NDArray[np.float64],
    replicates: NDArray[np.float64],
    p: int,
    structures: Sequence[Structure],
) -> NDArray[np.float64]:
    """Of numbers of each replicate, shape (P, p + m); NaN where too few are numbers.

    Parameters
    ----------
    numbers : ndarray, shape (n, P)
    replicates : ndarray, shape (n, p + m)
        Fixed effects, standard deviations and correlations term by term, sigma.
    p : int
        Fixed effects.
    structures : sequence of Structure
        Of each term.
    """
    defining = _defining(replicates, p, structures)
    found = np.full((numbers.shape[1], defining.shape[1]), np.nan)
    for own, gradient in zip(numbers.T, found, strict=True):
        made = ~np.isnan(own) & ~np.isnan(defining).any(axis=1)
        if np.count_nonzero(made) <= defining.shape[1]:
            continue
        centred = defining[made] - defining[made].mean(axis=0)
        scale = centred.std(axis=0)
        scale[scale == 0] = 1.0
        slopes = np.linalg.lstsq(centred / scale, own[made] - own[made].mean(), rcond=None)[0]
        gradient[:] = slopes / scale
    return found


def _defining(
    replicates: NDArray[np.float64], p: int, structures: Sequence[Structure]
) -> NDArray[np.float64]:
    """β and ψ of each replicate, shape (n, p + m)."""
    made = replicates.copy()
    start = p
    for structure in structures:
        if structure.kind != "us":
            start += structure.n_free
            continue
        places = structure.components
        at = {cell: start + place for place, cell in enumerate(places)}
        for i, j in places:
            sds = replicates[:, at[i, i]] * replicates[:, at[j, j]]
            # Where a variance is zero, there is no correlation, and the covariance is zero.
            made[:, at[i, j]] = (
                sds if i == j else np.where(sds == 0, 0.0, sds * replicates[:, at[i, j]])
            )
        start += len(places)
    made[:, start] = replicates[:, start] ** 2
    return made
