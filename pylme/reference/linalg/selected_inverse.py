"""The entries of a sparse matrix's inverse where its factor has entries, from the roots down.

With Z the inverse, and the blocks F₁₁⁻¹ and G of a front as in `reference.linalg.sparse_factor`,

    Z₁₂ = -G Z₂₂      Z₁₁ = F₁₁⁻¹ - Z₁₂Gᵀ

and Z₂₂ lies within the parent's block of Z, as all that a front is tied to belongs to its parent's
front (Takahashi, Fagan & Chen 1973; Erisman & Tinney 1975, Communications of the ACM 18(3)). The
rest of the inverse, which is dense, is never made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.reference.threads import threads_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.linalg.fronts import Group
    from pylme.reference.linalg.sparse_factor import SparseFactor

__all__ = ["selected_inverse"]


def selected_inverse(factor: SparseFactor) -> NDArray[np.float64]:
    """The inverse's values in the places of the entries that the factor's layout was made for."""
    layout = factor.layout
    inverse = np.empty(layout.length)
    above = np.zeros(0)
    for groups, room in zip(layout.depths, layout.room, strict=True):
        own = np.zeros(room)
        for group in groups:
            with threads_for(group.count * group.width * group.size**2):
                _invert(group, factor, inverse, own, above)
        above = own
    return inverse[layout.entries]


def _invert(
    group: Group,
    factor: SparseFactor,
    inverse: NDArray[np.float64],
    own: NDArray[np.float64],
    above: NDArray[np.float64],
) -> None:
    m, w, k = group.count, group.width, group.below
    G = factor.rectangle(group)
    Z11 = inverse[group.pivots].reshape(m, w, w)
    Z12 = inverse[group.rectangle].reshape(m, w, k)
    Z11[:] = factor.pivots(group)
    Z22 = np.zeros((m, 0, 0))
    if k > 0:
        Z22 = group.of_parents(above)
        np.matmul(-G, Z22, out=Z12)
        Z11 -= Z12 @ G.swapaxes(1, 2)
    if group.front >= 0:
        front = group.front_in(own)
        front[:, :w, :w] = Z11
        front[:, :w, w:] = Z12
        front[:, w:, :w] = Z12.swapaxes(1, 2)
        front[:, w:, w:] = Z22
