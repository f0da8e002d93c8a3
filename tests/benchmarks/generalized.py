"""Generalized fits against lme4's glmer and glmer.nb, and against glmm's.

From a data frame in memory to fixed effects, VarCorr and standard errors by the Hessian; ours makes
its certificate as well. The sides and the measurement are those of the linear fits.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import pylme

from .measure import Result, in_turns, shown
from .native_r import native_r

if TYPE_CHECKING:
    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

#: The criterion may lie this much above that of the lowest, whose own value has an error.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralizedModel:
    """A model, its data, and the ratios asked for.

    Attributes
    ----------
    data : callable
        Told whether a scaled-down frame will do.
    faster_than_lme4, times_of_glmm : float
    negative : bool
        Whether it is a negative binomial with ϑ estimated.
    """

    name: str
    formula: str
    data: Callable[[bool], pd.DataFrame]
    runs: int
    runs_in_r: int
    faster_than_lme4: float
    times_of_glmm: float
    negative: bool = False


def _cbpp(small: bool) -> pd.DataFrame:
    return pylme.datasets.load("cbpp").assign(healthy=lambda d: d["size"] - d["incidence"])


def _of_r(package: str, name: str, response: str) -> pd.DataFrame:
    """A data set of an R package, its response of two levels as 0 and 1."""
    from tests.native import native

    columns = native(f"as.list(get(data({name}, package = '{package}', envir = environment())))")
    frame = pd.DataFrame({key: np.asarray(value) for key, value in columns.items()})
    frame[response] = (frame[response].astype(str) == "Y").astype(int)
    texts = frame.select_dtypes(exclude="number").columns
    return frame.astype(dict.fromkeys(texts, "category"))


def _contraception(small: bool) -> pd.DataFrame:
    return _of_r("mlmRev", "Contraception", "use")


def _verbal_aggression(small: bool) -> pd.DataFrame:
    return _of_r("lme4", "VerbAgg", "r2")


def _many_rows(small: bool) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    groups = 50 if small else 5000
    g = np.repeat(np.arange(groups), 20)
    x, w = rng.normal(size=(2, len(g)))
    b = rng.normal(size=(groups, 2)) * [1.0, 0.5]
    eta = -0.5 + 0.7 * x - 0.3 * w + b[g, 0] + b[g, 1] * x
    y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"y": y, "x": x, "w": w, "g": pd.Categorical(g)})


def _ticks(small: bool) -> pd.DataFrame:
    return pylme.datasets.load("grouseticks")[["TICKS", "YEAR", "BROOD"]]


_PAIRS = "Anger*Gender + Anger*btype + Anger*situ + Gender*btype + Gender*situ + btype*situ"
MODELS = (
    GeneralizedModel(
        name="cbpp", formula="cbind(incidence, healthy) ~ period + (1 | herd)", data=_cbpp,
        runs=21, runs_in_r=7, faster_than_lme4=8.0, times_of_glmm=8.0,
    ),
    GeneralizedModel(
        name="contraception", formula="use ~ age + I(age^2) + urban + livch + (1 | district)",
        data=_contraception, runs=21, runs_in_r=5, faster_than_lme4=35.0, times_of_glmm=1.5,
    ),
    GeneralizedModel(
        name="verbal", formula=f"r2 ~ {_PAIRS} + (1 | id) + (1 | item)", data=_verbal_aggression,
        runs=7, runs_in_r=1, faster_than_lme4=200.0, times_of_glmm=0.7,
    ),
    GeneralizedModel(
        name="rows", formula="y ~ x + w + (x | g)", data=_many_rows, runs=3, runs_in_r=1,
        faster_than_lme4=90.0, times_of_glmm=0.9,
    ),
    GeneralizedModel(
        name="negative", formula="TICKS ~ YEAR + (1 | BROOD)", data=_ticks, runs=7, runs_in_r=1,
        faster_than_lme4=200.0, times_of_glmm=8.0, negative=True,
    ),
)  # fmt: skip


def benchmarks() -> dict[str, Benchmark]:
    """A measurement for each model."""
    return {f"generalized.{model.name}": partial(_measured, model) for model in MODELS}


def _measured(model: GeneralizedModel, options: Options) -> list[Result]:
    data = model.data(options.smoke)
    sides = {"pylme": partial(_by_pylme, model, data)}
    if "glmm" in options.against:
        sides["glmm"] = partial(_by_glmm, model, data)
    if "lme4" in options.against:
        r = native_r()
        r.read(model.name, data)
        sides["lme4"] = partial(_in_r, model, r)
    runs = {name: model.runs_in_r if name == "lme4" else model.runs for name in sides}
    if options.smoke:
        runs = dict.fromkeys(runs, 1)
    sides["pylme"]()
    timed = in_turns(sides, runs)
    medians = {name: statistics.median(s for s, _ in given) for name, given in timed.items()}
    detail = ", ".join(f"{name} {shown(seconds)}" for name, seconds in medians.items())
    results = []
    if "lme4" in medians:
        results.append(
            Result(
                what=f"pylme on {model.name} against lme4", unit="times faster", detail=detail,
                value=medians["lme4"] / medians["pylme"], limit=model.faster_than_lme4,
                at_least=True,
            )
        )  # fmt: skip
        above = timed["pylme"][-1][1] - timed["lme4"][-1][1]
        results.append(
            Result(
                what=f"pylme's criterion on {model.name} above that which lme4 reports", unit="",
                value=above, limit=TOLERANCE, detail="lme4's own value has an error",
            )
        )  # fmt: skip
    if "glmm" in medians:
        results.append(
            Result(
                what=f"pylme on {model.name} against glmm", unit="times its time", detail=detail,
                value=medians["pylme"] / medians["glmm"], limit=model.times_of_glmm,
            )
        )  # fmt: skip
    return results


def _by_pylme(model: GeneralizedModel, data: pd.DataFrame) -> tuple[float, float]:
    fit = pylme.glmer_nb if model.negative else pylme.glmer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        found = fit(model.formula, data, engine="numpy")
        _ = found.fixef, found.varcorr.to_frame(), found.coef_table
        return time.perf_counter() - start, found.criterion


def _by_glmm(model: GeneralizedModel, data: pd.DataFrame) -> tuple[float, float]:
    import glmm

    family = "negativebinomial" if model.negative else "binomial"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        found = glmm.fit(data, model.formula, family=family)
        _ = found.beta, found.se, [found.stddev_corr(i) for i in range(len(found.re_groups))]
        return time.perf_counter() - start, np.nan


def _in_r(model: GeneralizedModel, r: object) -> tuple[float, float]:
    seconds, criterion = r.generalized(model.name, model.formula, negative=model.negative)
    return seconds.item(), criterion.item()
