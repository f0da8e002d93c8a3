"""Models with covariance structures, and a made data set that tells them apart."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pandas as pd

__all__ = ["MORE", "STRUCTURES", "repeated", "terms"]

#: Each structure around the effects of four times, homogeneous or not.
STRUCTURES: Final = (
    "diag(0 + t | s)", "diag(0 + t | s, hom = TRUE)", "cs(0 + t | s)", "cs(0 + t | s, hom = TRUE)",
    "ar1(0 + t | s)", "ar1(0 + t | s, hom = FALSE)",
)  # fmt: skip
#: Around an intercept and a slope, beside other terms, and where a parameter is at its bound.
OTHERS: Final = (
    "us(1 + x | s)", "diag(1 + x | s)", "cs(1 + x | s)", "ar1(1 + x | s)",
    "cs(1 + x | g) + (1 | s)", "diag(1 + x | s) + (1 | g)", "ar1(0 + t | s) + (1 | g)",
    "cs(0 + t | s, hom = TRUE) + (0 + x | g)", "cs(0 + t | g, hom = TRUE)", "ar1(0 + t | g)",
    "diag(0 + t | g, hom = TRUE)", "diag(1 + x | g)", "(1 + x || s)", "cs(0 + t | s) + (x || g)",
)  # fmt: skip
#: More of each: homogeneous or not, alone, beside a plain term, with several factors, singular.
MORE: Final = (
    "us(0 + t | s)", "diag(1 + x | g, hom = TRUE)", "cs(1 + x | s, hom = TRUE)",
    "ar1(1 + x | s, hom = FALSE)", "diag(0 + t | s) + (1 | s)",
    "diag(0 + t | s, hom = TRUE) + (1 | s)", "ar1(0 + t | s) + (1 | s)", "us(0 + t | s) + (1 | g)",
    "ar1(0 + t | s, hom = FALSE) + (1 | g)", "cs(0 + t | s, hom = TRUE) + (1 | g)",
    "cs(0 + t | s) + (1 | g)", "diag(0 + t | s, hom = TRUE) + (0 + x | s)",
    "ar1(0 + t | s) + (0 + x | s)", "diag(0 + t | s) + ar1(0 + t | g)",
    "cs(0 + t | s) + diag(1 + x | g)", "ar1(0 + t | s) + diag(1 + x | g, hom = TRUE)",
    "cs(1 + x | s) + diag(1 + x | g, hom = TRUE)", "ar1(0 + t | s) + ar1(0 + t | g)",
    "ar1(0 + t | g, hom = FALSE)", "diag(0 + t | g)",
)  # fmt: skip


def terms() -> tuple[str, ...]:
    """The random parts of the models that are compared in all that they give."""
    return (*STRUCTURES, *OTHERS)


@cache
def repeated(seed: int = 3) -> pd.DataFrame:
    """Forty subjects, three rows at each of four times, with an autoregression between times."""
    rng = np.random.default_rng(seed)
    subjects, times, rows = 40, 4, 3
    apart = np.abs(np.subtract.outer(np.arange(times), np.arange(times)))
    effects = rng.normal(size=(subjects, times)) @ np.linalg.cholesky(0.6**apart).T
    s, t, _ = (part.ravel() for part in np.indices((subjects, times, rows)))
    x = np.round(rng.normal(size=len(s)), 3)
    y = x + effects[s, t] + 0.5 * rng.normal(size=subjects)[s] * x + rng.normal(size=len(s))
    return pd.DataFrame(
        {
            "y": np.round(y, 4),
            "x": x,
            "t": pd.Categorical([f"t{i + 1}" for i in t]),
            "s": pd.Categorical([f"s{i + 1:02d}" for i in s]),
            "g": pd.Categorical([f"g{(7 * i) % 5 + 1}" for i in s]),
        }
    )
