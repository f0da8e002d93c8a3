"""Where the criterion of a model with covariance structures falls with variance that is added.

Where standard deviations are zero the correlation may have no effect, so that no derivative by it
shows what it would do beside them: with s₂ = 0, ∂D/∂s₂ = 2 ρ s₁ ⟨M⟩₁₂ is negative for the one sign
of ρ and positive for the other. Where all effects are uncorrelated with one, the criterion is even
in its standard deviation. Each standard deviation of zero is therefore given some values, at the
correlation that there is and, where that is not seen, at several of its values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.optimize.structured_coordinates import NOTHING, tolerance
from pylme.reference.solution import free_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.reference.optimize.structured_coordinates import FreeCoordinates, FreePoint

__all__ = ["escape"]

#: Where a correlation is not seen, so many of its values are tried.
_CORRELATIONS: Final = 5
#: Standard deviations that are tried, in units of the residual's over the column's size.
_SIZES: Final = (0.3, 0.03, 0.003)


def escape(on: FreeCoordinates, here: FreePoint) -> tuple[float, NDArray[np.float64] | None]:
    """By how much the criterion falls where variance is added, and where.

    Parameters
    ----------
    on : FreeCoordinates
    here : FreePoint

    Returns
    -------
    gain : float
        Zero where it does not fall by more than rounding.
    x : ndarray or None
        A point that is lower by that.
    """
    enough = tolerance(here.evaluation)
    gain, found = enough, None
    zeros = _zeros(on, here.x)
    for x in _alternatives(on, here.x) if zeros else ():
        for at in zeros:
            for size in _SIZES:
                trial = x.copy()
                trial[at] = size
                fall = here.value - on.value(trial)
                if fall > gain:
                    gain, found = fall, trial
    return (0.0, None) if found is None else (gain, found)


def _zeros(on: FreeCoordinates, x: NDArray[np.float64]) -> list[int]:
    """The places of standard deviations of structured terms that are zero."""
    places: list[int] = []
    for term, own in zip(on.problem.terms, free_slices(on.problem.terms), strict=True):
        structure = term.structure
        if structure.kind != "us":
            n_sd = 1 if structure.hom else structure.size
            places += [own.start + i for i in range(n_sd) if x[own.start + i] <= NOTHING]
    return places


def _alternatives(on: FreeCoordinates, x: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The point, and where a correlation is not seen, the same with others of its values."""
    yield x
    seen = on.seen(x)
    for at in np.flatnonzero(~seen):
        for value in np.linspace(on.lower[at], on.upper[at], _CORRELATIONS):
            other = x.copy()
            other[at] = value
            yield other
