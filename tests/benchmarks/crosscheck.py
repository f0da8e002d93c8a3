"""What a cross-check costs, against the fit that it checks, by lme4 and by NumPy."""

from __future__ import annotations

import statistics
import warnings
from functools import partial
from typing import TYPE_CHECKING, Final

import pylme

from .measure import Result, seconds_of, shown
from .models import MODELS

if TYPE_CHECKING:
    import pandas as pd

    from pylme.results.engine import Engine

    from .benchmark import Benchmark, Options
    from .models import Model

__all__ = ["benchmarks"]


def benchmarks() -> dict[str, Benchmark]:
    """A measurement for each model."""
    linear = {f"crosscheck.{model.name}": partial(_measured, model) for model in MODELS}
    return linear | {f"crosscheck.{name}": partial(_generalized, name) for name in GENERALIZED}


#: Generalized models: formula, and the arguments of `glmer`.
GENERALIZED: Final[dict[str, tuple[str, str]]] = {
    "cbpp": ("cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial"),
    "grouseticks": (
        "TICKS ~ YEAR + HEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "poisson",
    ),
    "verbagg": ("r2 ~ btype + situ + mode + (1 | item) + (1 | id)", "binomial"),
}


def _generalized(name: str, options: Options) -> list[Result]:
    formula, family = GENERALIZED[name]
    data = pylme.datasets.load(name)
    pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    pairs = []
    for _ in range(1 if options.smoke else 3):
        fits = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = seconds_of(
                lambda fits=fits: fits.append(
                    pylme.glmer(formula, data, family=family, engine="lme4")
                )
            )
            pairs.append((fitted, seconds_of(lambda fits=fits: fits[0].cross_check().verdict)))
    fit, check = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    return [
        Result(
            what=f"a cross-check on {name} against the fit by lme4 that it checks",
            value=check / fit,
            unit="times",
            limit=1,
            detail=f"{shown(check)} against {shown(fit)}, {len(pairs)} runs in turns",
        )
    ]


def _measured(model: Model, options: Options) -> list[Result]:
    data = model.data(options.smoke)
    pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    runs = 1 if options.smoke else model.runs_in_r
    return [
        _result(model, "lme4", [_pair(model, data, "lme4") for _ in range(runs)], limit=1),
        _result(model, "numpy", [_pair(model, data, "numpy") for _ in range(runs)], limit=5),
    ]


def _result(
    model: Model, engine: Engine, pairs: list[tuple[float, float]], *, limit: float
) -> Result:
    fit, check = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    return Result(
        what=f"a cross-check on {model.name} against the fit by {engine} that it checks",
        value=check / fit,
        unit="times",
        limit=limit,
        detail=f"{shown(check)} against {shown(fit)}, {len(pairs)} runs in turns",
    )


def _pair(model: Model, data: pd.DataFrame, engine: Engine) -> tuple[float, float]:
    """The seconds of a fit, and of its check: a new fit each time, which has kept nothing."""
    fits = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = seconds_of(lambda: fits.append(pylme.lmer(model.formula, data, engine=engine)))
        return fitted, seconds_of(lambda: fits[0].cross_check().verdict)
