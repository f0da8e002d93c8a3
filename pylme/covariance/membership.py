"""Whether a covariance matrix is one of a structure, and with which parameters.

Σ has a patterned structure if its standard deviations are equal where the structure is homogeneous,
and its correlations are those of one ρ within the bounds. Correlations are seen between effects
that have variance. The pair of effects that are least far apart, by d, gives ρ = r^(1/d); where d
is even the sign is open, and both are tried (only "ar1" with an effect between them that has none).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.covariance.structure import Structure

__all__ = ["bounds_reached", "parameters_of_covariance"]

#: A difference of cells, relative to the largest variance, that counts as rounding.
_SAME: Final = 1e-9


def parameters_of_covariance(
    structure: Structure, sigma: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Standard deviations and correlation of a patterned covariance matrix.

    Parameters
    ----------
    structure : Structure
        No unstructured one, which every covariance matrix has.
    sigma : ndarray, shape (k, k)
        Positive semidefinite.

    Returns
    -------
    ndarray, shape (n_free,), or None
        None where the matrix is not of this structure. ρ = 0 where no pair of effects shows it.
    """
    variances = np.maximum(sigma.diagonal(), 0.0)
    largest = float(variances.max(initial=0.0))
    sd = np.sqrt(np.where(variances > _SAME * largest, variances, 0.0))
    sds = np.array([sd.mean()]) if structure.hom else sd
    low, high = structure.free_bounds()
    for rho in _correlations(structure, sd, sigma):
        made = np.append(sds, rho) if structure.n_free > len(sds) else sds
        inside = (made >= low - _SAME) & (made <= high + _SAME)
        free: NDArray[np.float64] = np.clip(made, low, high)
        if inside.all() and np.abs(structure.covariance(free) - sigma).max() <= _SAME * largest:
            return free
    return None


def _correlations(
    structure: Structure, sd: NDArray[np.float64], sigma: NDArray[np.float64]
) -> list[float]:
    """The values that ρ may have."""
    seen = np.flatnonzero(sd)
    if structure.kind == "diag" or len(seen) < 2:
        return [0.0]
    nearest = int(np.argmin(np.diff(seen)))
    a, b = seen[nearest], seen[nearest + 1]
    r = float(sigma[a, b] / (sd[a] * sd[b]))
    apart = int(b - a) if structure.kind == "ar1" else 1
    root = abs(r) ** (1.0 / apart)
    return [float(np.copysign(root, r))] if apart % 2 else [root, -root]


def bounds_reached(structure: Structure, sigma: NDArray[np.float64]) -> int:
    """How many parameters are at a bound, or not seen, where the covariance matrix is this one.

    Parameters
    ----------
    structure : Structure
    sigma : ndarray, shape (k, k)
        One of the structure's. Of an unstructured one the rank that is missing is counted.
    """
    k = structure.size
    # Two standard deviations and a correlation are all that a matrix of two effects has.
    if structure.n_free == k * (k + 1) // 2:
        values = np.linalg.eigvalsh(sigma)
        return int(np.count_nonzero(values <= _SAME * max(float(values[-1]), 0.0)))
    free = parameters_of_covariance(structure, sigma)
    if free is None:
        raise ValueError(structure)
    low, high = structure.free_bounds()
    reached = (free <= low + _SAME) | (free >= high - _SAME)
    if structure.kind != "diag" and k > 1:
        reached[-1] |= np.count_nonzero(sigma.diagonal()) < 2
    return int(np.count_nonzero(reached))
