"""Data of the study behind the project: two sectors of 20 schools, each with ten pupils."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["study"]


def study(seed: int) -> pd.DataFrame:
    """One replicate.

    The random effects of a sector have exactly the standard deviations 2 and 1 and the correlation
    0.4 or -0.4, as ``MASS::mvrnorm(empirical = TRUE)`` gives them.
    """
    rng = np.random.default_rng(seed)
    sectors = []
    for sector, (slope, correlation) in enumerate(((2.0, 0.4), (3.0, -0.4))):
        raw = rng.standard_normal((20, 2))
        raw -= raw.mean(axis=0)
        white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
        covariance = [[4.0, 2.0 * correlation], [2.0 * correlation, 1.0]]
        effects = white @ np.linalg.cholesky(covariance).T
        school = np.repeat(np.arange(20), 10)
        ses = np.tile(np.arange(1.0, 11.0), 20)
        y = 1.0 + effects[school, 0] + (slope + effects[school, 1]) * ses
        y += 2.0 * rng.standard_normal(200)
        sectors.append(
            pd.DataFrame(
                {"sch.id": school + 20 * sector, "sector": str(sector), "ses": ses, "Y": y}
            )
        )
    return pd.concat(sectors, ignore_index=True)
