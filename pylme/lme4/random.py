"""Random numbers drawn by R, so that a study that was published in R can be repeated.

Each replicate is drawn after ``set.seed`` with R's default generators (Mersenne-Twister,
inversion), whatever the user's session has set; the state of the session is restored. Effects come
from ``MASS::mvrnorm``, errors from ``rnorm``. MASS is installed with lme4, which imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.lme4.session import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["draw_with_r", "effects_step", "errors_step"]


def effects_step(
    levels: int, covariance: NDArray[np.float64], *, empirical: bool
) -> dict[str, Any]:
    """A call of ``MASS::mvrnorm(levels, 0, covariance, empirical =)``."""
    return {"n": levels, "covariance": covariance, "empirical": empirical}


def errors_step(n: int, sd: NDArray[np.float64]) -> dict[str, Any]:
    """A call of ``rnorm(n, 0, sd)``."""
    return {"n": n, "sd": sd}


def draw_with_r(seeds: Sequence[int], steps: Sequence[dict[str, Any]]) -> list[NDArray[np.float64]]:
    """The numbers of each step after each ``set.seed``.

    Parameters
    ----------
    seeds : sequence of int
    steps : sequence
        From `effects_step` and `errors_step`, in the order of the calls.

    Returns
    -------
    list of ndarray
        For each step (seeds, levels, k) or (seeds, n).

    Raises
    ------
    RError
        If R stops.
    RUnavailableError
        If R, rpy2 or lme4 is missing.
    """
    named = {str(i): step for i, step in enumerate(steps)}
    numbers = session().call("draw_replicates", np.asarray(seeds, dtype=np.int32), named)
    flat = np.reshape(numbers, (-1, len(seeds)), order="F").T
    drawn = []
    start = 0
    for step in steps:
        columns = len(step["covariance"]) if "covariance" in step else 1
        own = flat[:, start : start + step["n"] * columns]
        start += own.shape[1]
        if "covariance" in step:
            # R has a matrix column by column: all levels of the first effect come first.
            drawn.append(own.reshape(len(seeds), columns, step["n"]).swapaxes(1, 2))
        else:
            drawn.append(own)
    return drawn
