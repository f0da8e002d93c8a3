"""Where further searches begin: a few fixed points far apart.

On small data the criterion can have several minima, and the moments lead to one of them (see
`pylme.reference.criterion.prepare`). The other starts are few, fixed, and far apart: equal
variances of all sizes, nearly all variance in one direction, one factor large and another small,
and directions and sizes at random. They are points in terms of the well-conditioned columns, whose
mean square is 1, so that 1 is the residual's size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.covariance.roots import triangular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pylme.reference.problem.layout import Layout

__all__ = ["alike", "first_starts", "further_starts", "random_starts"]

#: Standard deviations along a start's main direction, and across it.
LONG: Final = 10.0
SHORT: Final = 0.03
#: Directions in the plane of two effects: (r + ½)π/8.
_DIRECTIONS: Final = 8
#: Standard deviations at random lie between these powers of e.
_POWERS: Final = (-3.0, 6.0)


def alike(layout: Layout, size: float) -> NDArray[np.float64]:
    """All variances the square of `size`, shape (m,)."""
    return np.asarray(np.where(layout.diagonal, size, 0.0))


def first_starts(layout: Layout) -> NDArray[np.float64]:
    """The starts that find most optima, in the order of their promise, shape (S, m)."""
    made = [_alike(layout, 1.0, 100.0), _along(layout, [0, 4], LONG, SHORT)]
    made += [_alike(layout, 10.0, 0.1, 1000.0)]
    made += [_one_large(layout, LONG, SHORT)] if len(layout.row) > 1 else []
    made += [_by_factor(layout, (LONG, 0.1), (0.1, LONG))] if len(layout.factors) > 1 else []
    return _distinct(layout, made)


def further_starts(layout: Layout) -> NDArray[np.float64]:
    """Starts for a model whose searches did not all end alike, shape (S, m)."""
    made = [
        _alike(layout, 0.03, 0.3, 3.0, 30.0, 300.0, 1e4),
        _along(layout, [1, 2, 3, 5, 6, 7], LONG, SHORT),
        _along(layout, [0, 2, 4, 6], 30.0 * LONG, 1.0),
    ]
    made += [_one_large(layout, 30.0 * LONG, 1.0)] if len(layout.row) > 1 else []
    if len(layout.factors) > 1:
        made += [_by_factor(layout, (100.0, 10.0), (10.0, 100.0), (1000.0, 1.0), (1.0, 1000.0))]
    return _distinct(layout, [*made, random_starts(layout, 12, seed=0)])


def random_starts(layout: Layout, count: int, seed: int) -> NDArray[np.float64]:
    """Directions and sizes at random, shape (count, m)."""
    rng = np.random.default_rng(seed)

    def drawn(k: int) -> NDArray[np.float64]:
        axes = np.asarray(np.linalg.qr(rng.standard_normal((count, k, k)))[0])
        return axes * np.exp(rng.uniform(*_POWERS, (count, 1, k)))

    return _of_terms(layout, drawn)


def _of_terms(layout: Layout, factors: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Theta of factors B of each term's Σ = BBᵀ, made for its number of effects: shape (S, m)."""
    T = []
    for factor in layout.factors:
        parts = [factors(place.stop - place.start) for place in factor.places]
        matrices = np.zeros((len(parts[0]), factor.width, factor.width))
        for place, part in zip(factor.places, parts, strict=True):
            matrices[:, place, place] = triangular(part)
        T.append(matrices)
    return layout.theta(T)


def _alike(layout: Layout, *sizes: float) -> NDArray[np.float64]:
    return np.array([alike(layout, size) for size in sizes])


def _along(layout: Layout, which: list[int], long: float, short: float) -> NDArray[np.float64]:
    """Each term with most of its variance in one direction."""

    def made(k: int) -> NDArray[np.float64]:
        angles = (np.array(which) + 0.5) * np.pi / _DIRECTIONS
        v = np.column_stack([np.cos(angles), np.sin(angles)])
        if k != 2:
            v = np.random.default_rng(k).standard_normal((_DIRECTIONS, k))[which]
        v = long * v / np.linalg.norm(v, axis=1, keepdims=True)
        rest = np.broadcast_to(short * np.eye(k), (len(which), k, k))
        return np.concatenate([v[:, :, None], rest], axis=2)

    return _of_terms(layout, made)


def _one_large(layout: Layout, large: float, small: float) -> NDArray[np.float64]:
    """One effect after the other with a large variance, all others with a small one."""
    which = np.flatnonzero(layout.diagonal)
    made = _alike(layout, *[small] * len(which))
    made[np.arange(len(which)), which] = large
    return made


def _by_factor(layout: Layout, *sizes: tuple[float, float]) -> NDArray[np.float64]:
    """The leading factor's effects of one size, all others' of another."""
    leading = layout.factor_of == 0
    return np.array([np.where(leading, alike(layout, a), alike(layout, b)) for a, b in sizes])


def _distinct(layout: Layout, starts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The starts, each once up to the signs of T's columns."""
    together = np.concatenate(starts)
    same = []
    for T in layout.matrices(together):
        diagonals = T.diagonal(axis1=1, axis2=2)
        same.append(T * np.where(diagonals < 0.0, -1.0, 1.0)[:, None])
    rounded = np.round(layout.theta(same), 9) + 0.0
    return together[np.sort(np.unique(rounded, axis=0, return_index=True)[1])]
