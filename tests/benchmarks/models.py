"""The models that fits are timed on, with what was asked for on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

import pylme

__all__ = ["MODELS", "Model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model, its data, and the ratios asked for.

    Attributes
    ----------
    data : callable
        Gives the data frame; told whether a scaled-down one will do.
    runs, runs_in_r : int
        How often Python's sides and R's are timed.
    faster_than_lme4, times_of_glmm : float
        lme4's time over ours, at least; ours over glmm's, at most.
    aim : str
        What lies beyond the limits.
    megabytes : float, optional
        Limit of resident memory, where there is one.
    """

    name: str
    formula: str
    data: Callable[[bool], pd.DataFrame]
    runs: int
    runs_in_r: int
    faster_than_lme4: float
    times_of_glmm: float
    aim: str = ""
    megabytes: float | None = None


def _sleepstudy(small: bool) -> pd.DataFrame:
    return pylme.datasets.load("sleepstudy")


def _high_school_and_beyond(small: bool) -> pd.DataFrame:
    return pylme.datasets.load("hsb")[["math", "ses", "sector", "sch.id"]]


def _insteval(small: bool) -> pd.DataFrame:
    data = pylme.datasets.load("insteval")[["y", "service", "s", "d", "dept"]]
    if small:
        data = data[data["d"].cat.codes < 100].reset_index(drop=True)
        for name in ("s", "d", "dept"):
            data[name] = data[name].cat.remove_unused_categories()
    return data


def _slopes(small: bool) -> pd.DataFrame:
    return _simulated(*(10_000, 100) if small else (1_000_000, 10_000), levels=0)


def _crossed(small: bool) -> pd.DataFrame:
    rows, groups, levels = (10_000, 100, 20) if small else (1_000_000, 10_000, 500)
    return _simulated(rows, groups, levels=levels)


def _simulated(rows: int, groups: int, *, levels: int) -> pd.DataFrame:
    """y = 1 + x/2 and effects: sd of intercepts 1, of slopes 0.5, correlation 0.3; of h 0.7."""
    rng = np.random.default_rng(20261124)
    of_group = rng.standard_normal((groups, 2)) @ np.array([[1, 0.15], [0, np.sqrt(0.2275)]])
    g, x = rng.integers(groups, size=rows), rng.standard_normal(rows)
    y = 1 + 0.5 * x + of_group[g, 0] + of_group[g, 1] * x + rng.standard_normal(rows)
    data = {"x": x, "g": _factor("g", g, groups)}
    if levels:
        h = rng.integers(levels, size=rows)
        y += 0.7 * rng.standard_normal(levels)[h]
        data["h"] = _factor("h", h, levels)
    return pd.DataFrame({"y": y, **data})


def _factor(name: str, codes: np.ndarray, levels: int) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, [f"{name}{i:05d}" for i in range(levels)])


MODELS = (
    Model(
        name="sleepstudy",
        formula="Reaction ~ Days + (Days | Subject)",
        data=_sleepstudy,
        runs=30,
        runs_in_r=30,
        faster_than_lme4=5,
        times_of_glmm=2.5,
    ),
    Model(
        name="hsb",
        formula="math ~ ses*sector + (ses | sch.id)",
        data=_high_school_and_beyond,
        runs=20,
        runs_in_r=20,
        faster_than_lme4=15,
        times_of_glmm=2,
    ),
    Model(
        name="insteval",
        formula="y ~ service + (1 | s) + (1 | d) + (1 | dept)",
        data=_insteval,
        runs=5,
        runs_in_r=2,
        faster_than_lme4=6,
        times_of_glmm=1,
        aim="12 times faster than lme4, half of glmm's time",
        megabytes=1000,
    ),
    Model(
        name="slopes",
        formula="y ~ x + (x | g)",
        data=_slopes,
        runs=7,
        runs_in_r=1,
        faster_than_lme4=100,
        times_of_glmm=2,
        aim="glmm's time",
    ),
    Model(
        name="crossed",
        formula="y ~ x + (x | g) + (1 | h)",
        data=_crossed,
        runs=2,
        runs_in_r=1,
        faster_than_lme4=20,
        times_of_glmm=0.25,
        megabytes=2000,
    ),
)
