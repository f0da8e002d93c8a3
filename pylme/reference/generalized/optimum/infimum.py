"""What the criterion falls to where fixed effects separate the response.

Along a direction δ with Xδ > 0 in rows at the top of their range, < 0 at the bottom and zero in all
others, the probability of those rows goes to 1 whatever the random effects are, and so they leave
the integral. The infimum is the optimum of the model without them, in the columns that the other
rows tell apart.

References
----------
Albert & Anderson (1984), Biometrika 71(1), 1-10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.model_matrix.model_matrix import independent_columns
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.optimum.search import NoModeError, find
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["infimum_without"]


def infimum_without(problem: GeneralizedProblem, rows: NDArray[np.bool_]) -> float | None:
    """The optimum without the separated rows; None where nothing is left to fit.

    Parameters
    ----------
    problem : GeneralizedProblem
    rows : ndarray of bool, shape (n,)
        Those that the fixed effects separate.
    """
    left = ~rows
    if not left.any():
        # Each probability goes to 1, and the random effects to zero.
        return 0.0
    kept = independent_columns(problem.X[left])
    weights = np.where(rows, 0.0, problem.weights)
    trials = None if problem.trials is None else np.where(rows, 0.0, problem.trials)
    without = replace(
        problem, X=problem.X[:, kept], x_names=tuple(problem.x_names[k] for k in kept),
        weights=weights, trials=trials, theta=None, beta=None, log_extra=None,
    )  # fmt: skip
    with one_thread():
        try:
            return float(find(criterion_of(without)).point.value)
        except NoModeError:
            return None
