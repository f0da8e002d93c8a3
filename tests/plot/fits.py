"""The fits that are drawn, each made once, and data in which a correlation is not identified."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd

import pylme

SLOPES = "Reaction ~ Days + (Days | Subject)"
COMBINED = "y ~ x*sector + (x:sector | school)"
BLOCKS = (
    'y ~ x*sector + (0 + dummy(sector, "a") + dummy(sector, "a"):x | school)'
    ' + (0 + dummy(sector, "b") + dummy(sector, "b"):x | school)'
)


@cache
def sleepstudy(engine="numpy", formula=SLOPES):
    return pylme.lmer(formula, pylme.datasets.load("sleepstudy"), engine=engine)


@cache
def dyestuff():
    return pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="numpy")


@cache
def hsb(formula="math ~ ses*sector + (ses | sch.id)", engine="numpy"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.PylmeWarning)
        return pylme.lmer(formula, pylme.datasets.load("hsb"), engine=engine)


@cache
def two_sectors():
    """20 schools in each of two sectors, 10 rows each: no school has the slopes of both."""
    draw = np.random.default_rng(1)
    parts = []
    for sector, correlation in (("a", 0.4), ("b", -0.4)):
        covariance = [[4.0, 2 * correlation], [2 * correlation, 1.0]]
        for number, b in enumerate(draw.multivariate_normal([1.0, 2.0], covariance, size=20)):
            x = np.arange(1.0, 11.0)
            y = b[0] + b[1] * x + draw.normal(0.0, 2.0, size=10)
            parts.append(
                pd.DataFrame({"y": y, "x": x, "school": f"{sector}{number}", "sector": sector})
            )
    return pd.concat(parts, ignore_index=True)


@cache
def by_sector(formula=COMBINED):
    with warnings.catch_warnings():
        # The combined model is not identified, and says so.
        warnings.simplefilter("ignore", pylme.errors.PylmeWarning)
        return pylme.lmer(formula, two_sectors(), engine="numpy")
