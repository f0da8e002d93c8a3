"""Multivariate normal draws by NumPy.

With L Lᵀ = Σ, the effects of a level are Lz, z ~ N(0, I). `empirical` makes the mean of the sample
exactly zero and its covariance exactly Σ: z is centred and divided by the Cholesky factor of its
covariance. There must be more levels than effects (Ripley 1987, Stochastic Simulation, p. 98, which
MASS::mvrnorm cites too). Sums run effect by effect or matrix by matrix, so that the numbers of a
replicate do not depend on how many replicates are drawn together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.covariance.roots import square_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.draws.parts import Step

__all__ = ["draw_with_numpy"]


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
