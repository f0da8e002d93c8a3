"""The derivatives of the leverages and of ΛᵀZᵀWZΛ's part in the gradient, along many directions.

The elimination of `several_factors` is differentiated step by step. With E = Ḃ - Ȧ₁₁G,

    Ḋ = -DȦ₁₁D      Ġ = DE      Ṡ = Ȧ₂₂ - ḂᵀG - GᵀE      d(S⁻¹) = -S⁻¹ṠS⁻¹

all on the pairs of levels that meet in a row.

References
----------
Giles (2008), in Advances in Automatic Differentiation, 35-44.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.reference.generalized.algebra.factored_system import PartOfInverse
from pylme.reference.generalized.algebra.meetings import applied, between
from pylme.reference.linalg.small_matrices import congruent, congruent_by_one
from pylme.reference.threads import threads_for

if TYPE_CHECKING:
    from pylme.reference.generalized.algebra.factored_system import FactoredSystem
    from pylme.reference.generalized.algebra.meetings import Meeting

__all__ = ["Change"]

Arrays = list[NDArray[np.float64]]


class Change:
    """A factored system, ready to be differentiated.

    Parameters
    ----------
    algebra : SeveralFactorsAlgebra
        Untyped, as that one calls this.
    T : list of ndarray, shapes (K_f, K_f)
    A : FactoredSystem
    w : ndarray, shape (n,)
        Its weights.
    """

    def __init__(self, algebra: Any, T: Arrays, A: FactoredSystem, w: NDArray[np.float64]) -> None:
        self.algebra, self.T, self.A, self.w = algebra, T, A, w

    def along(self, dT: Arrays, dw: NDArray[np.float64]) -> tuple[NDArray[np.float64], Arrays]:
        """The derivatives of h, shape (D, n), and of the blocks, shapes (D, K_f, K_f).

        Parameters
        ----------
        dT : list of ndarray, shapes (D, K_f, K_f)
        dw : ndarray, shape (D, n)
        """
        algebra, T, w = self.algebra, self.T, self.w
        inverse = algebra.part_of_inverse(self.A)
        turned = [T_f.T @ z for T_f, z in zip(T, algebra.z, strict=True)]
        t = algebra.in_rows(inverse, turned)
        h = np.empty_like(dw)
        blocks = [np.empty_like(each) for each in dT]
        for i in range(len(dw)):
            unit = [each[i] for each in dT]
            moved = algebra.in_rows(self._of_inverse(unit, dw[i], inverse), turned)
            h[i] = sum(np.einsum("an,an->n", a, b) for a, b in zip(turned, moved, strict=True))
            if any(each.any() for each in unit):
                dturned = [dT_f.T @ z for dT_f, z in zip(unit, algebra.z, strict=True)]
                for a, b in zip(dturned, t, strict=True):
                    h[i] += 2.0 * np.einsum("an,an->n", a, b)
                more = algebra.in_rows(inverse, dturned)
                moved = [a + b for a, b in zip(moved, more, strict=True)]
            for block, z, own, change in zip(blocks, algebra.z, t, moved, strict=True):
                block[i] = (dw[i] * z) @ own.T + (w * z) @ change.T
        return h, blocks

    def _of_inverse(
        self, dT: Arrays, dw: NDArray[np.float64], inverse: PartOfInverse
    ) -> PartOfInverse:
        """The derivative of A⁻¹ between the effects that meet in a row, along one direction."""
        algebra, A = self.algebra, self.A
        K, J = algebra.shapes[0]
        dA11 = self._of_first(dT, dw)
        dB, E = [], []
        for m, G in zip(algebra.meetings, A.G_entries, strict=True):
            change = self._of_pair(m, dT, dw)
            dB.append(change)
            E.append(change - applied(dA11.take(m.at, axis=-1), G))
        dG = [
            applied(A.D.take(m.at, axis=-1), each)
            for m, each in zip(algebra.meetings, E, strict=True)
        ]
        S_inverse = inverse.matrix
        assert S_inverse is not None  # noqa: S101  (asked of dense remainders alone)
        dS = algebra.placed([self._of_pair(m, dT, dw) for m in algebra.rest])
        left, right = algebra.coupling(dB), algebra.coupling(E)
        with threads_for(A.G.shape[0] * dS.size if algebra.dense else len(dS) ** 3 / 3):
            product = left.T @ A.G + A.G.T @ right
            dS -= product if algebra.dense else product.toarray()
            matrix = -S_inverse @ (dS @ S_inverse)
        moved = algebra.coupled(algebra.coupling(dG), S_inverse)
        coupling = [a + b for a, b in zip(algebra.coupled(A.G, matrix), moved, strict=True)]
        own = -congruent(A.D, dA11)
        parts = zip(algebra.meetings, A.G_entries, dG, inverse.coupling, coupling, strict=True)
        for m, G, moved_G, V, moved_V in parts:
            product = np.einsum("ace,bce->abe", moved_G, V) + np.einsum("ace,bce->abe", G, moved_V)
            for a in range(K):
                for b in range(K):
                    own[a, b] += np.bincount(m.at, product[a, b], minlength=J)
        rest = algebra.blocks_of(matrix)
        return PartOfInverse(own=own, coupling=coupling, rest=rest, matrix=matrix)

    def _of_first(self, dT: Arrays, dw: NDArray[np.float64]) -> NDArray[np.float64]:
        """The derivative of A₁₁, shape (K₁, K₁, J₁)."""
        z, T, C = self.algebra.z[0], self.T[0], self.A.C
        change = np.empty_like(C)
        for a in range(len(z)):
            for b in range(a + 1):
                change[a, b] = change[b, a] = self.algebra.by_level(dw * z[a] * z[b])
        change = congruent_by_one(T.T, change)
        if dT[0].any():
            half = np.einsum("ca,cdj->adj", dT[0], np.einsum("cej,ed->cdj", C, T))
            change += half + half.swapaxes(0, 1)
        return change

    def _of_pair(self, m: Meeting, dT: Arrays, dw: NDArray[np.float64]) -> NDArray[np.float64]:
        """The derivative of the blocks of A of two factors, shape (K_f, K_g, E)."""
        T = self.T
        change = between(T[m.f], self.algebra.pair(m, dw), T[m.g])
        if dT[m.f].any() or dT[m.g].any():
            blocks = self.algebra.pair(m, self.w)
            change = change + between(dT[m.f], blocks, T[m.g]) + between(T[m.f], blocks, dT[m.g])
        return change
