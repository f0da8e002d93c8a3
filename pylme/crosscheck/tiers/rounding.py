"""How far rounding errors can move what lme4 computes at a theta.

lme4 takes the Cholesky factor of the cross products of [ZΛ, X], I added for the random effects,

    G = [ΛᵀZᵀWZΛ + I   ΛᵀZᵀWX]        D = diag(G)^½
        [XᵀWZΛ          XᵀWX ]

and solves G c = [ZΛ, X]ᵀWy for c = (u, β). What it computes is exact for cross products that are
off by at most γ (G_ii G_jj)^½ each (Higham 2002, *Accuracy and Stability of Numerical Algorithms*,
theorem 10.3), those with y by at most γ D_ii ‖W^½y‖. To first order this moves, with a = |G⁻¹| D
(elementwise) and s = ‖W^½y‖ + Σ D_ii |c_i|, the size of what is added up,

    c_i by γ a_i s      (G⁻¹)_ij by γ a_i a_j      log|G| by γ Σ D_ii a_i
    r² by 2 γ r s + γ² s² Σ D_ii a_i

(r² is computed from residuals at the solution, hence the second order in c; the first term is the
rounding of the residuals themselves). So a response far from zero enters through s/r, and the
collinearity of columns, the weights and the size of theta through a.

γ = 8 (n + q + p)^½ u, with u the unit roundoff: errors of sums of n terms grow like n^½ (Higham &
Mary 2019, SIAM Journal on Scientific Computing 41(5)); their constant is taken as 4, and both sides
of a comparison have rounding errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, onenormest, splu

if TYPE_CHECKING:
    from pylme.lme4.records import System
    from pylme.reference.solution import Solution

__all__ = ["NONE", "Rounding", "rounding_of"]

#: 4 for the sums, 2 for the sides; the unit roundoff is half of NumPy's eps.
_UNIT: Final = 4.0 * 2.0 * 0.5 * np.finfo(float).eps
#: Up to this many columns G⁻¹ is computed; beyond, its norm is estimated.
_DENSE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounding:
    """Bounds, to first order, on rounding errors of lme4's numbers at its theta.

    Attributes
    ----------
    criterion : float
    sigma : float
        Relative.
    beta : ndarray, shape (p,), or float
        In standard errors.
    vcov : ndarray, shape (p, p), or float
        Relative to the product of the standard errors.
    u : ndarray, shape (q,), or float
        In the units of u.
    """

    criterion: float
    sigma: float
    beta: NDArray[np.float64] | float
    vcov: NDArray[np.float64] | float
    u: NDArray[np.float64] | float


NONE: Final = Rounding(criterion=0.0, sigma=0.0, beta=0.0, vcov=0.0, u=0.0)


def rounding_of(system: System, solution: Solution) -> Rounding:
    """The bounds for a fit by lme4.

    Parameters
    ----------
    system : System
    solution : Solution
        The same model solved at lme4's theta by the NumPy engine.
    """
    n, p = system.X.shape
    q = len(solution.u)
    roots = np.sqrt(system.weights)
    G, D = _scaled(system, roots)
    a = _row_sums_of_inverse(G)
    unit = _UNIT * np.sqrt(n + q + p)
    coefficients = np.concatenate([solution.u, solution.beta])
    added = sum(float(np.linalg.norm(roots * part)) for part in (system.y, system.offset))
    added += float(np.abs(coefficients) @ D)
    total = float(a.sum())
    relative = unit * added / np.sqrt(solution.rss)
    rss = 2.0 * relative + relative**2 * total
    a = a / D
    units = solution.sigma * a[q:] / np.sqrt(np.diag(solution.vcov))
    return Rounding(
        criterion=_bound(unit * total + (n - p if system.reml else n) * rss),
        sigma=_bound(0.5 * rss),
        beta=_bound(unit * added / solution.sigma * units),
        vcov=_bound(unit * np.outer(units, units) + rss),
        u=_bound(unit * added * a[:q]),
    )


def _bound(value: Any) -> Any:
    """Infinity in the place of NaN, which is what ∞ · 0 gives."""
    return np.where(np.isnan(value), np.inf, value)[()]


def _scaled(system: System, roots: NDArray[np.float64]) -> tuple[Any, NDArray[np.float64]]:
    """D⁻¹GD⁻¹ as a sparse matrix, and D."""
    n, p = system.X.shape
    q = len(system.u)
    Zt = sparse.csc_array((system.Zt_x, system.Zt_i, system.Zt_p), shape=(q, n))
    theta = system.theta[system.Lind - 1]
    Lambdat = sparse.csc_array((theta, system.Lambdat_i, system.Lambdat_p), shape=(q, q))
    rows = sparse.vstack([Lambdat @ Zt, sparse.csc_array(system.X.T)]) * roots
    penalty = np.concatenate([np.ones(q), np.zeros(p)])
    G = sparse.csc_array(rows @ rows.T + sparse.diags_array(penalty))
    D = np.sqrt(G.diagonal())
    inverse = sparse.diags_array(1.0 / D)
    return inverse @ G @ inverse, D


def _row_sums_of_inverse(G: Any) -> NDArray[np.float64]:
    """Σ_j |G⁻¹|_ij, or a bound on them all where G is large; infinite where G is singular."""
    size = G.shape[0]
    try:
        if size <= _DENSE:
            factor = linalg.cho_factor(G.toarray(), lower=True)
            return np.asarray(np.abs(linalg.cho_solve(factor, np.eye(size))).sum(axis=1))
        solve = splu(sparse.csc_matrix(G)).solve
        inverse = LinearOperator(G.shape, matvec=solve, rmatvec=solve, dtype=np.float64)
        return np.full(size, float(onenormest(inverse)))
    except (np.linalg.LinAlgError, RuntimeError):
        return np.full(size, np.inf)
