"""The neighbourhood of a known minimum, in which another search need not go on to its end.

Near a minimum the criterion is its own quadratic model in the covariances, with M = ∂d/∂Σ and the
second differential there:

    d(Σ) ≈ d* + ⟨M, Δ⟩ + ½ form(Δ, Δ)      ∂d/∂Σ ≈ M + form(Δ, .)      Δ = Σ - Σ*

On the boundary ⟨M, Δ⟩ is what the pivots that are zero add, so that this holds there too. A search
that has come so near that the criterion, its slope towards the minimum and the fall that its next
step promises all agree with that model has nothing else below it than this minimum: its last
steps, of which there may be half a dozen, need not be taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.problem.layout import Layout

__all__ = ["Neighbourhood"]

#: A search that is further above the minimum than this goes on. From 0.1 on, searches were seen to
#: pass there on their way to another minimum.
CLOSE: Final = 0.01
#: How far the criterion and its slope may differ from the model, as parts of the rise.
PART: Final = 0.1
#: And beside it, and how far below a minimum counts as the same.
NOTHING: Final = 1e-8
#: The next step may promise more than the whole rise by this factor.
MORE: Final = 1.5
_NAMES: Final = ("theta", "value", "sigma", "slope", "form")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbourhood:
    """A minimum of each response, and the quadratic model there.

    Attributes
    ----------
    theta : ndarray, shape (R, m)
    value : ndarray, shape (R,)
    sigma : ndarray, shape (R, V)
        The stacked vec(Σ_f).
    slope : ndarray, shape (R, V)
        Those of M.
    form : ndarray, shape (R, V, V)
    """

    theta: NDArray[np.float64]
    value: NDArray[np.float64]
    sigma: NDArray[np.float64]
    slope: NDArray[np.float64]
    form: NDArray[np.float64]

    @classmethod
    def of(cls, layout: Layout, theta: NDArray[np.float64], there: Evaluation) -> Self:
        """Of the end of each response's search."""
        return cls(
            theta=theta,
            value=there.criterion,
            sigma=_covariances(layout.matrices(theta)),
            slope=_flat(there.M),
            form=there.form,
        )

    def subset(self, responses: NDArray[np.intp]) -> Neighbourhood:
        """The same for some of the responses, by their positions."""
        return Neighbourhood(**{name: getattr(self, name)[responses] for name in _NAMES})

    def with_lower(self, responses: NDArray[np.intp], lower: Neighbourhood) -> Neighbourhood:
        """The same with other minima of these responses."""
        made = {name: getattr(self, name).copy() for name in _NAMES}
        for name, whole in made.items():
            whole[responses] = getattr(lower, name)
        return Neighbourhood(**made)

    def close(
        self, places: NDArray[np.intp], value: NDArray[np.float64], predicted: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Which searches are so little above the minimum that they may have come into it.

        Parameters
        ----------
        places : ndarray of int, shape (S,)
            Which of the responses they search.
        value, predicted : ndarray, shape (S,)
            The criterion, and by how much the next step is expected to lower it.
        """
        rise = value - self.value[places]
        return np.asarray((rise > -NOTHING) & (rise < CLOSE) & (predicted < MORE * rise + NOTHING))

    def explains(
        self,
        places: NDArray[np.intp],
        value: NDArray[np.float64],
        T: Sequence[NDArray[np.float64]],
        M: Sequence[NDArray[np.float64]],
    ) -> NDArray[np.bool_]:
        """Where the model agrees with the criterion and its slope, shape (S,).

        Parameters
        ----------
        places, value
            As of `close`.
        T, M : sequence of ndarray, shapes (S, K_f, K_f)
            The relative covariance factors, and ∂d/∂Σ_f there.
        """
        rise = value - self.value[places]
        moved = _covariances(T) - self.sigma[places]
        first = (self.slope[places] * moved).sum(axis=1)
        second = ((moved[:, None] @ self.form[places])[:, 0] * moved).sum(axis=1)
        slope = (_flat(M) * moved).sum(axis=1)
        allowed = PART * rise + NOTHING
        return np.asarray(
            (np.abs(rise - first - 0.5 * second) < allowed)
            & (np.abs(slope - first - second) < 2.0 * allowed)
        )


def _covariances(T: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return _flat([t @ t.swapaxes(1, 2) for t in T])


def _flat(matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    parts = [matrix.reshape(len(matrix), -1) for matrix in matrices]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
