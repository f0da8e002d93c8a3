"""Cluster-robust covariance matrices of the fixed effects, with their degrees of freedom.

In rows whitened by the model's own V = LLᵀ, X̃ = L⁻¹X and r̃ = L⁻¹(y - Xβ̂), with S = X̃ᵀX̃, and one
block of rows c for each cluster,

    CR0    S⁻¹ [Σ_c X̃_cᵀ r̃_c r̃_cᵀ X̃_c] S⁻¹
    CR2    S⁻¹ [Σ_c X̃_cᵀA_c r̃_c r̃_cᵀA_cX̃_c] S⁻¹,    A_c = (I - X̃_cS⁻¹X̃_cᵀ)^-½

CR2 is unbiased where the model is right (Bell & McCaffrey 2002, Survey Methodology 28; Pustejovsky
& Tipton 2018, Journal of Business & Economic Statistics 36). The degrees of freedom of a contrast l
are those of its variance under the model: with u_c = A_cX̃_cS⁻¹l and t_c = X̃_cᵀu_c

    G_cd = [c = d] u_cᵀu_c - t_cᵀS⁻¹t_d        df = (tr G)²/‖G‖²

Both need clusters that hold whole groups: rows of different clusters must be independent in the
model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from pylme.errors import OptionError
from pylme.inference.coefficient_tests import CoefficientTests
from pylme.inference.wald import wald_p, wald_reach

if TYPE_CHECKING:
    from pylme.frame import Library
    from pylme.inference.kernels import Kernels
    from pylme.inference.quality.groups import Groups

__all__ = ["ClusterRobust", "RobustKind", "cluster_robust", "robust_tests"]

#: Degrees of freedom below which the approximation fails (Pustejovsky & Tipton 2018).
FEW: Final = 4.0
RobustKind = Literal["CR0", "CR2"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterRobust:
    """A cluster-robust covariance matrix.

    Attributes
    ----------
    kind : {"CR0", "CR2"}
    by : str
        What the clusters are.
    clusters : int
    vcov : ndarray, shape (p, p)
    df : ndarray, shape (p,)
        Degrees of freedom of each coefficient.
    """

    kind: RobustKind
    by: str
    clusters: int
    vcov: NDArray[np.float64]
    df: NDArray[np.float64]


def cluster_robust(kernels: Kernels, groups: Groups, kind: RobustKind) -> ClusterRobust:
    """The matrix, from the matrices of a fit.

    Parameters
    ----------
    kernels : Kernels
    groups : Groups
        The clusters.
    kind : {"CR0", "CR2"}

    Raises
    ------
    OptionError
        If clusters share levels of a grouping factor, or there is only one.
    """
    kernels.linear.require_rows("Computing cluster-robust standard errors")
    linear = kernels.linear
    _require_whole_groups(kernels, groups)
    weights = np.ones(len(linear.y)) if linear.weights is None else linear.weights
    root = np.sqrt(weights)
    X, left = linear.X * root[:, None], root * (linear.y_less_offset - linear.X @ kernels.beta)
    factors = [term.factor(kernels.theta) for term in linear.terms]
    S_inv, p = kernels.S_inv, linear.X.shape[1]
    meat = np.zeros((p, p))
    own, t = np.zeros((len(groups.levels), p)), np.zeros((len(groups.levels), p, p))
    for c in range(len(groups.levels)):
        rows = np.flatnonzero(groups.codes == c)
        V = np.eye(len(rows))
        for term, T in zip(linear.terms, factors, strict=True):
            half = (term.columns[rows] * root[rows, None]) @ T
            codes = term.codes[rows]
            V += np.where(codes[:, None] == codes, half @ half.T, 0.0)
        L = np.linalg.cholesky(V)
        x = solve_triangular(L, X[rows], lower=True)
        r = solve_triangular(L, left[rows], lower=True)
        adjusted = _adjusted(x, S_inv) if kind == "CR2" else x
        score = adjusted.T @ r
        meat += np.outer(score, score)
        # Of each coefficient, u_c is a column of A_cX̃_cS⁻¹.
        u = adjusted @ S_inv
        own[c] = (u * u).sum(axis=0)
        t[c] = x.T @ u
    G = -np.einsum("cij,ik,dkj->jcd", t, S_inv, t, optimize=True)
    clusters = np.arange(len(groups.levels))
    G[:, clusters, clusters] += own.T
    trace, square = np.einsum("jcc->j", G), (G * G).sum(axis=(1, 2))
    return ClusterRobust(
        kind=kind,
        by=groups.name,
        clusters=len(groups.levels),
        vcov=S_inv @ meat @ S_inv,
        df=trace**2 / square,
    )


def robust_tests(
    found: ClusterRobust,
    names: tuple[str, ...],
    beta: NDArray[np.float64],
    *,
    conf_level: float,
    library: Library,
) -> CoefficientTests:
    """Tests of each coefficient with a cluster-robust standard error."""
    error = np.sqrt(found.vcov.diagonal())
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = beta / error
    reach = wald_reach(1.0 - conf_level, found.df)
    few = (found.df < FEW).any()
    return CoefficientTests(
        terms=names,
        estimate=beta,
        std_error=error,
        df=found.df,
        statistic=statistic,
        p_value=wald_p(statistic, found.df),
        conf_low=beta - reach * error,
        conf_high=beta + reach * error,
        ddf="satterthwaite",
        method=f"Bell and McCaffrey, {found.kind} by {found.clusters} clusters of {found.by}",
        conf_level=conf_level,
        notes=("With fewer than 4 degrees of freedom p-values are not reliable.",) if few else (),
        library=library,
    )


def _adjusted(x: NDArray[np.float64], S_inv: NDArray[np.float64]) -> NDArray[np.float64]:
    """A_cX̃_c, by the eigenvectors of X̃_cS⁻¹X̃_cᵀ, of which there are p; directions of 1 are lost."""
    values, vectors = np.linalg.eigh(S_inv)
    half = x @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    Q, sizes, _ = np.linalg.svd(half, full_matrices=False)
    rest = 1.0 - sizes**2
    stretch = np.where(rest > 1e-10, 1.0 / np.sqrt(np.maximum(rest, 1e-10)), 0.0) - 1.0
    made: NDArray[np.float64] = x + (Q * stretch) @ (Q.T @ x)
    return made


def _require_whole_groups(kernels: Kernels, groups: Groups) -> None:
    if len(groups.levels) < 2:
        raise OptionError(
            option="by", value=groups.name, allowed="a factor or column of two clusters or more"
        )
    for term in kernels.linear.terms:
        pairs = np.unique(term.codes.astype(np.int64) * len(groups.levels) + groups.codes)
        if len(pairs) > len(np.unique(term.codes)):
            raise OptionError(
                option="by", value=groups.name,
                allowed=f"clusters that hold whole levels of {term.group}: rows of different "
                "clusters must be independent in the model",
            )  # fmt: skip
