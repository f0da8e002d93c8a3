"""Whether one search is enough: what its end and the data say of other minima.

On large data with an optimum well inside, no second minimum has been seen: one search is enough.
Second minima are a matter of small, unevenly weighted or unbalanced data, of variances that were
lost on the way, and of signals much larger than the noise. How many more starts a response gets
follows from that alone, so that the same data always have the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.optimize.newton import Optimum
    from pylme.reference.problem.terms import Layout

__all__ = ["boundary", "doubtful", "intricate", "small"]

#: A pivot below this, of columns of mean square 1, is near the boundary; one above that is a signal
#: that drowns the noise.
NEAR_BOUNDARY: Final = 1e-3
FAR_OUT: Final = 30.0
#: The least curvature over the greatest, in units of the search's scales, below which a valley is
#: so long that it can have another end.
LONG_VALLEY: Final = 0.01
#: Fewer rows than this, or fewer levels of a factor with several effects, are few.
FEW_ROWS: Final = 100
FEW_LEVELS: Final = 10
#: The largest weight over the least.
UNEVEN: Final = 10.0
#: With so many covariance parameters a dozen searches of small data can end at a worse minimum.
MANY_PARAMETERS: Final = 3


def small(problem: Problem) -> bool:
    """Whether the data are so few, or so unevenly weighted, that several minima are common."""
    layout = problem.layout
    correlated = [factor.width > 1 and factor.levels < FEW_LEVELS for factor in layout.factors]
    return problem.likelihood.n < FEW_ROWS or any(correlated) or problem.unevenness > UNEVEN


def intricate(layout: Layout) -> bool:
    """Whether there are so many parameters that ends alike of a dozen searches prove little."""
    return len(layout.row) >= MANY_PARAMETERS


def boundary(layout: Layout, optimum: Optimum) -> NDArray[np.bool_]:
    """Which searches ended near the boundary, shape (R,)."""
    pivots = np.abs(optimum.theta[:, layout.diagonal])
    return np.asarray((pivots < NEAR_BOUNDARY).any(axis=1))


def doubtful(layout: Layout, optimum: Optimum) -> NDArray[np.bool_]:
    """Which searches ended where second minima are common, the boundary aside, shape (R,)."""
    pivots = np.abs(optimum.theta[:, layout.diagonal])
    inside = ~boundary(layout, optimum)
    return np.asarray(
        ~optimum.converged
        | (pivots > FAR_OUT).any(axis=1)
        | (inside & (optimum.curvature < LONG_VALLEY))
    )
