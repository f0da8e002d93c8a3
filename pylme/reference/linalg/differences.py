"""Second derivatives as differences of exact first ones.

Where the exact form costs too much, as it needs all of a dense inverse, the form's columns are the
derivatives of M along directions vvᵀ, from Σ and two points ahead of it:

    ∂M = (4M(Σ + svvᵀ) - M(Σ + 2svvᵀ) - 3M(Σ)) / 2s + O(s²)

Only variance is added, never taken away, so that there is no boundary to step across. The errors
are about 10⁻⁸ of the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.covariance.roots import triangular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["form_by_differences"]

#: The step, relative to the scale on which M changes.
STEP: Final = 3e-5


def form_by_differences(
    M_at: Callable[[list[NDArray[np.float64]]], list[NDArray[np.float64]]],
    T: Sequence[NDArray[np.float64]],
    M: Sequence[NDArray[np.float64]],
    sizes: Sequence[float],
) -> NDArray[np.float64]:
    """The second differential on the stacked vec(Σ_f), shape (V, V).

    Parameters
    ----------
    M_at : callable
        M of all factors at given T.
    T, M : sequence of ndarray, shapes (K_f, K_f)
        Where, and M there.
    sizes : sequence of float
        About how many rows belong to a level of each factor.
    """
    widths = [len(t) for t in T]
    starts = np.cumsum([0, *(k * k for k in widths)])
    base = _stacked(M)
    form = np.zeros((len(base), len(base)))
    for f, factor in enumerate(T):
        along: dict[tuple[int, int], NDArray[np.float64]] = {}
        for a, b in _pairs(len(factor)):
            v = np.zeros(len(factor))
            v[[a, b]] = 1.0
            # M changes on the scale of Σ + C⁻¹.
            scale = factor @ factor.T + np.eye(len(factor)) / sizes[f]
            step = STEP / float(v @ np.linalg.solve(scale, v))
            one, two = (
                _stacked(M_at([*T[:f], _with_variance(factor, v, size), *T[f + 1 :]]))
                for size in (step, 2.0 * step)
            )
            along[a, b] = (4.0 * one - two - 3.0 * base) / (2.0 * step)
            if a != b:
                # Of E_ab + E_ba alone, and half of it to each.
                along[a, b] = 0.5 * (along[a, b] - along[a, a] - along[b, b])
            for i, k in {(a, b), (b, a)}:
                form[:, starts[f] + i * len(factor) + k] = along[a, b]
    return 0.5 * (form + form.T)


def _pairs(K: int) -> Iterator[tuple[int, int]]:
    """(a, a) for all a, and then the other pairs."""
    yield from ((a, a) for a in range(K))
    yield from ((a, b) for a in range(K) for b in range(a + 1, K))


def _with_variance(
    T: NDArray[np.float64], v: NDArray[np.float64], size: float
) -> NDArray[np.float64]:
    """A lower triangular factor of TTᵀ + size vvᵀ."""
    wide = np.column_stack([T, np.sqrt(size) * v])
    return triangular(wide)


def _stacked(matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([matrix.ravel() for matrix in matrices])
