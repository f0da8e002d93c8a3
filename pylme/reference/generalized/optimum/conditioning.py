"""Well-conditioned columns: searches and differences are made in them, results are not.

With weights w of the rows, X → XR⁻¹ for RᵀR = XᵀWX. The columns of an unstructured term are
replaced by Z_tE⁻¹ with E lower triangular and EᵀE = Z_tᵀWZ_t/J, so that T → ET stays lower
triangular. Then a random effect of variance 1 adds about 1 to η's information in a level, whatever
the units of the covariates. θ and β of the new columns are linear in those of the old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from pylme.reference.generalized.criterion import GeneralizedCriterion

if TYPE_CHECKING:
    from pylme.reference.problem.layout import Layout

__all__ = ["Conditioned", "conditioned", "root_of_gram", "upper_root_of_gram"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conditioned:
    """A criterion in well-conditioned columns.

    Attributes
    ----------
    criterion : GeneralizedCriterion
    to_inner, to_outer : ndarray, shape (m + p [+ 1], m + p [+ 1])
        The parameters of the one from those of the other.
    E : list of ndarray, shapes (K_f, K_f)
    """

    criterion: GeneralizedCriterion
    to_inner: NDArray[np.float64]
    to_outer: NDArray[np.float64]
    E: list[NDArray[np.float64]]

    def hessian_outer(self, H: NDArray[np.float64]) -> NDArray[np.float64]:
        """The Hessian by the caller's parameters."""
        return np.asarray(self.to_inner.T @ H @ self.to_inner)


def conditioned(criterion: GeneralizedCriterion, w: NDArray[np.float64]) -> Conditioned:
    """The same criterion in well-conditioned columns.

    Parameters
    ----------
    criterion : GeneralizedCriterion
    w : ndarray, shape (n,)
        The expected information of the rows, near the optimum.
    """
    layout, m, p = criterion.layout, criterion.m, criterion.p
    E, z = [], []
    for factor, columns in zip(layout.factors, criterion.algebra.z, strict=True):
        E_f = np.zeros((factor.width, factor.width))
        for place in factor.places:
            part = columns[place]
            E_f[place, place] = root_of_gram(((w * part) @ part.T) / factor.levels)
        E.append(E_f)
        z.append(np.ascontiguousarray(solve_triangular(E_f, columns, lower=True, trans="T")))
    R = upper_root_of_gram((w * criterion.Xt) @ criterion.Xt.T)
    Xt = solve_triangular(R, criterion.Xt, trans="T") if p else criterion.Xt
    size = criterion.problem.n_parameters
    to_inner, to_outer = np.eye(size), np.eye(size)
    to_inner[:m, :m] = _on_theta(layout, E)
    to_outer[:m, :m] = _on_theta(layout, [np.asarray(np.linalg.inv(E_f)) for E_f in E])
    to_inner[m : m + p, m : m + p] = R
    to_outer[m : m + p, m : m + p] = np.linalg.inv(R) if p else R
    return Conditioned(
        criterion=criterion.with_columns(z, np.ascontiguousarray(Xt)),
        to_inner=to_inner, to_outer=to_outer, E=E,
    )  # fmt: skip


def root_of_gram(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """E lower triangular with EᵀE = gram; only the scales where gram is nearly singular."""
    scale = np.sqrt(np.diag(gram))
    scale[~(scale > 0.0)] = 1.0
    correlation = gram / np.outer(scale, scale)
    try:
        flipped = np.linalg.cholesky(correlation[::-1, ::-1])
    except np.linalg.LinAlgError:
        return np.diag(scale)
    if np.diag(flipped).min() < 1e-6:
        return np.diag(scale)
    return np.asarray(flipped[::-1, ::-1].T * scale)


def upper_root_of_gram(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """R upper triangular with RᵀR = gram; only the scales where gram is nearly singular."""
    if not len(gram):
        return gram
    scale = np.sqrt(np.diag(gram))
    scale[~(scale > 0.0)] = 1.0
    try:
        root = np.linalg.cholesky(gram / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return np.diag(scale)
    if np.diag(root).min() < 1e-6:
        return np.diag(scale)
    return np.asarray(root.T * scale)


def _on_theta(layout: Layout, E: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """What T → ET does to θ, shape (m, m)."""
    m = len(layout.row)
    T = layout.matrices(np.eye(m))
    return np.asarray(layout.theta([E_f @ T_f for E_f, T_f in zip(E, T, strict=True)]).T)
