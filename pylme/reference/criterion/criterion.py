"""What a search asks of a criterion, and its value where rounding errors leave none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pylme.deadline import require_time
from pylme.reference.criterion.likelihood import stacked

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    from pylme.reference.criterion.likelihood import Evaluation

__all__ = ["Criterion", "Searched", "evaluated"]


class Searched(Protocol):
    """The criterion of R responses as a function of their relative covariance factors."""

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives."""
        ...

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> Self:
        """The same for some of the responses, marked or by their positions."""
        ...


class Criterion(Searched, Protocol):
    """What else a model's own criterion can be asked for."""

    def moments(
        self,
    ) -> tuple[list[NDArray[np.float64]], list[float], NDArray[np.float64]]:
        """What a search begins with: see `pylme.reference.problem.starting`; and yᵀy."""
        ...

    def exactly(self) -> Self:
        """The same with exact second derivatives, where those of a search are not."""
        ...

    def effects(self, T: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """The h = ZᵀV⁻¹(y - Xβ̂) of a single response, by factor: shapes (J_f, K_f)."""
        ...

    def spread(self, T: list[NDArray[np.float64]], f: int) -> NDArray[np.float64]:
        """The blocks of ΛA⁻¹Λᵀ of the levels of factor f, shape (J_f, K_f, K_f)."""
        ...


def evaluated(criterion: Searched, T: list[NDArray[np.float64]]) -> Evaluation | None:
    """The criterion, infinite where it cannot be computed; None if it can be computed nowhere.

    Far from the optimum, rounding errors can make a positive definite matrix indefinite. A search
    then refuses the point.

    Parameters
    ----------
    criterion : Searched
    T : list of ndarray, shapes (R, K_f, K_f)

    Raises
    ------
    FitTimeoutError
        If the fit has a limit of time, and it is over.
    """
    require_time()
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        try:
            found = criterion.evaluate(T)
        except np.linalg.LinAlgError:
            return None if len(T[0]) == 1 else _one_by_one(criterion, T)
        if np.isfinite(found.criterion.sum() + found.form.sum()):
            return found
        known = np.isfinite(found.criterion) & np.isfinite(found.form.sum(axis=(1, 2)))
    return replace(found, criterion=np.where(known, found.criterion, np.inf))


def _one_by_one(criterion: Searched, T: list[NDArray[np.float64]]) -> Evaluation | None:
    found = [
        evaluated(criterion.subset(np.array([r])), [matrix[r : r + 1] for matrix in T])
        for r in range(len(T[0]))
    ]
    somewhere = next((one for one in found if one is not None), None)
    if somewhere is None:
        return None
    nowhere = replace(somewhere, criterion=np.array([np.inf]))
    return stacked([one or nowhere for one in found])
