"""Covariates in units that an algorithm finds hard: far from zero, very large, or very small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["FAR", "HALF_OF_THE_DIGITS", "LARGE", "hard_columns"]

#: A covariate so many standard deviations from 0 has intercepts that correlate with its slopes by
#: more than .98 through the extrapolation alone.
FAR: Final = 5.0
#: In the squares of a covariate so many standard deviations from 0 its variation stands in the last
#: eight of sixteen digits: lme4's iterations break down from about there on.
HALF_OF_THE_DIGITS: Final = 1e4
#: lme4 calls a fit singular where an element of theta is below 1e-4, and a slope's is about the
#: ratio of the two standard deviations over the size of the column.
LARGE: Final = 1e3


def hard_columns(
    columns: Iterable[tuple[str, NDArray[np.float64]]],
) -> Iterator[tuple[str, float, float]]:
    """Name, mean and standard deviation of the columns that want other units, the worst first.

    Parameters
    ----------
    columns : iterable of (name, ndarray of shape (n,))
    """
    found = []
    for name, column in dict(columns).items():
        mean, sd = float(np.mean(column)), float(np.std(column))
        if sd == 0 or not np.isfinite(mean + sd):
            continue
        hardness = max(abs(mean) / sd / HALF_OF_THE_DIGITS, sd / LARGE, 1 / (sd * LARGE))
        if hardness >= 1:
            found.append((hardness, (name, mean, sd)))
    for _, fact in sorted(found, reverse=True):
        yield fact
