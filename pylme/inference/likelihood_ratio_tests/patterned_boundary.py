"""The weights of χ̄² where a term with one standard deviation and one correlation is tested.

Without the term its standard deviation s is zero and its correlation ρ is not seen. Near that null
hypothesis Σ = s²R(ρ), and for each ρ the likelihood ratio is that of one variance. In large samples

    T = max(0, max_ρ Z(ρ))²    Z(ρ) = ⟨u(ρ), z⟩    z ~ N(0, I)    u(ρ) = LᵀR(ρ) / ‖LᵀR(ρ)‖

where LLᵀ is the information about the cells of Σ, less what the other parameters take of it. The
points u(ρ) are a curve on the unit sphere, and with its length l

    P(T > c) ≤ ½ P(χ²(1) > c) + (l / 2π) P(χ²(2) > c)

(Davies 1977, Biometrika 64(2); 1987, 74(1)). For compound symmetry, where R is linear in ρ, the
curve is an arc of a great circle, and both sides are equal (Self & Liang 1987, JASA 82, case 7).
For "ar1" the right side is an upper bound and near the left one: by draws, in two designs of the
tests, within 0.001 where the p-value is below 0.1. Where R(0) = I is as good as part of the
residuals, the curve has two parts, each with its ½ P(χ²(1) > c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.covariance.names import cells
from pylme.inference.likelihood_ratio_tests.reference_distribution import Mixture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.covariance.structure import Structure

__all__ = ["is_one_scale", "one_scale_mixture"]

#: Points of the curve; its length is then right to 1e-4.
_POINTS: Final = 2001
#: An angle between neighbours beyond which the curve is broken.
_BREAK: Final = 0.5
#: The length of LᵀR(ρ), relative to the greatest, below which it has no direction.
_NO_DIRECTION: Final = 1e-6
#: A length, relative to a circle's, that is rounding.
_NO_LENGTH: Final = 1e-9


def is_one_scale(structure: Structure) -> bool:
    """Whether the parameters are one standard deviation and one correlation."""
    return structure.hom and structure.kind in {"cs", "ar1"}


def one_scale_mixture(
    structure: Structure, information: NDArray[np.float64], *, df: int
) -> Mixture:
    """The mixture for a term with a standard deviation of zero under the null hypothesis.

    Parameters
    ----------
    structure : Structure
        A homogeneous "cs" or "ar1".
    information : ndarray, shape (c, c)
        About the cells of Σ of the term (`pylme.covariance.names.cells`), other parameters unknown.
    df : int
        The number of parameters that are tested, both of the term included.
    """
    values, axes = np.linalg.eigh(information)
    L = axes * np.sqrt(np.maximum(values, 0.0))
    low, high = structure.free_bounds()
    middle, half = 0.5 * (low[-1] + high[-1]), 0.5 * (high[-1] - low[-1])
    # Denser towards the ends, where powers of ρ change most.
    rho = middle + half * np.sin(np.linspace(-0.5 * np.pi, 0.5 * np.pi, _POINTS))
    i, j = np.array(cells(structure.size)).T
    R = np.array([structure.covariance(np.array([1.0, each]))[i, j] for each in rho])
    u = R @ L
    size = np.linalg.norm(u, axis=1)
    u = u[size > _NO_DIRECTION * size.max()]
    u /= np.linalg.norm(u, axis=1)[:, None]
    steps = 2.0 * np.arcsin(np.minimum(0.5 * np.linalg.norm(np.diff(u, axis=0), axis=1), 1.0))
    broken = steps > _BREAK
    one = 0.5 * (1 + int(np.count_nonzero(broken)))
    two = float(steps[~broken].sum()) / (2.0 * np.pi)
    two = two if two > _NO_LENGTH else 0.0
    return Mixture(df=(df - 2, df - 1, df), weights=(1.0 - one - two, one, two))
