"""Multivariate normal draws by NumPy.

With L Lᵀ = Σ a level's effects are Lz, z ~ N(0, I). `empirical` makes the sample's own mean zero
and its covariance Σ: z is centred, and divided by the Cholesky factor of its covariance; the levels
must be more than the effects (Ripley 1987, Stochastic Simulation, p. 98, which MASS::mvrnorm names
too). Sums run effect by effect or matrix by matrix, so that a replicate's numbers do not depend on
how many replicates are drawn together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.simulation.draw.parts import Step

__all__ = ["draw_with_numpy", "square_root"]


def draw_with_numpy(
    generators: Sequence[np.random.Generator], steps: Sequence[Step], *, empirical: bool
) -> list[NDArray[np.float64]]:
    """The numbers of each step, shapes (replicates, levels, k) or (replicates, rows).

    Parameters
    ----------
    generators : sequence of Generator
        One for each replicate.
    steps : sequence of Step
    empirical : bool
    """
    stops = np.cumsum([step.numbers for step in steps]).tolist()
    z = np.empty((len(generators), stops[-1]))
    for row, generator in zip(z, generators, strict=True):
        generator.standard_normal(out=row)
    drawn = []
    for step, stop in zip(steps, stops, strict=True):
        own = z[:, stop - step.numbers : stop]
        if step.covariance is None:
            drawn.append(own * step.sd)
        else:
            cells = own.reshape(len(z), step.size, len(step.covariance))
            drawn.append(_effects(cells, square_root(step.covariance), empirical=empirical))
    return drawn


def _effects(
    z: NDArray[np.float64], L: NDArray[np.float64], *, empirical: bool
) -> NDArray[np.float64]:
    if empirical:
        z = _standardized(z)
    effects = np.zeros(z.shape)
    for i, row in enumerate(L):
        for j in range(i + 1):
            effects[:, :, i] += row[j] * z[:, :, j]
    return effects


def _standardized(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Samples with mean zero and covariance I, shape (replicates, levels, k)."""
    levels = z.shape[1]
    centred = z - np.full((1, levels), 1.0 / levels) @ z
    covariance = centred.swapaxes(1, 2) @ centred / (levels - 1)
    back = np.linalg.inv(np.linalg.cholesky(covariance))
    return centred @ back.swapaxes(1, 2)


def square_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower triangular L with L Lᵀ the matrix, its diagonal not negative; it may be singular.

    From the symmetric root by QR, as Cholesky's own algorithm stops at a zero pivot.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    R = np.linalg.qr(root.T, mode="r")
    signs = np.where(np.diag(R) < 0, -1.0, 1.0)
    return np.tril((signs[:, None] * R).T)
