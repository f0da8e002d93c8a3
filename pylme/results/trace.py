"""The path of a search: every evaluation of the criterion, in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Every evaluation of the criterion during a search.

    Attributes
    ----------
    theta : ndarray, shape (evaluations, m)
        Relative covariance parameters in lme4's order.
    criterion : ndarray, shape (evaluations,)
    accepted : tuple of bool
        Whether the search went on from there.
    """

    theta: NDArray[np.float64]
    criterion: NDArray[np.float64]
    accepted: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.criterion)

    def to_frame(self) -> pd.DataFrame:
        """A row for each evaluation.

        Returns
        -------
        DataFrame
            Index: the number of the evaluation, from 1. Columns ``criterion``, ``accepted``,
            ``theta1``, ``theta2``, ….
        """
        columns = {f"theta{k + 1}": self.theta[:, k] for k in range(self.theta.shape[1])}
        return pd.DataFrame(
            {"criterion": self.criterion, "accepted": list(self.accepted), **columns},
            index=pd.RangeIndex(1, len(self) + 1, name="evaluation"),
        )
