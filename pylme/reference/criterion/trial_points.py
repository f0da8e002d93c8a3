"""The criterion at points of which it is not known that it has a value there.

Far from the optimum, rounding errors can make a positive definite matrix indefinite, or leave
nothing of the residuals. The criterion counts as infinite there: no search goes to such a point,
and no comparison prefers it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.reference.criterion.likelihood import stacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.criterion import Searched
    from pylme.reference.criterion.likelihood import Evaluation

__all__ = ["evaluated", "known", "one_by_one", "value_of"]


def evaluated(criterion: Searched, T: list[NDArray[np.float64]]) -> Evaluation | None:
    """The criterion, infinite where it cannot be computed; None if it can be computed nowhere.

    Parameters
    ----------
    criterion : Searched
    T : list of ndarray, shapes (R, K_f, K_f)
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        try:
            return known(criterion.evaluate(T))
        except np.linalg.LinAlgError:
            return one_by_one(criterion, T)


def known(found: Evaluation) -> Evaluation:
    """The same, the criterion infinite where it or its derivatives are not finite."""
    if np.isfinite(found.criterion.sum() + found.form.sum()):
        return found
    finite = np.isfinite(found.criterion) & np.isfinite(found.form.sum(axis=(1, 2)))
    return replace(found, criterion=np.where(finite, found.criterion, np.inf))


def one_by_one(criterion: Searched, T: list[NDArray[np.float64]]) -> Evaluation | None:
    """As `evaluated`, of responses of which some have no value."""
    if len(T[0]) == 1:
        return None
    found = [
        evaluated(criterion.subset(np.array([r])), [matrix[r : r + 1] for matrix in T])
        for r in range(len(T[0]))
    ]
    somewhere = next((one for one in found if one is not None), None)
    if somewhere is None:
        return None
    nowhere = replace(somewhere, criterion=np.array([np.inf]))
    return stacked([one or nowhere for one in found])


def value_of(criterion: Searched, T: list[NDArray[np.float64]]) -> float:
    """The criterion of a single response, infinite where it cannot be computed."""
    found = evaluated(criterion, T)
    return np.inf if found is None else float(found.criterion[0])
