"""What a cross-check costs, against the lme4 fit that it checks."""

from __future__ import annotations

import statistics
import warnings
from functools import partial
from typing import TYPE_CHECKING

import pylme

from .measure import Result, seconds_of, shown
from .models import MODELS

if TYPE_CHECKING:
    import pandas as pd

    from .benchmark import Benchmark, Options
    from .models import Model

__all__ = ["benchmarks"]


def benchmarks() -> dict[str, Benchmark]:
    """A measurement for each model."""
    return {f"crosscheck.{model.name}": partial(_measured, model) for model in MODELS}


def _measured(model: Model, options: Options) -> list[Result]:
    data = model.data(options.smoke)
    pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    pairs = [_pair(model, data) for _ in range(1 if options.smoke else model.runs_in_r)]
    fit, check = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    return [
        Result(
            what=f"a cross-check on {model.name} against the fit that it checks",
            value=check / fit,
            unit="times",
            limit=1,
            detail=f"{shown(check)} against {shown(fit)}, {len(pairs)} runs in turns",
        )
    ]


def _pair(model: Model, data: pd.DataFrame) -> tuple[float, float]:
    """The seconds of an lme4 fit, and of its check: a new fit each time, which has kept nothing."""
    fits = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = seconds_of(lambda: fits.append(pylme.lmer(model.formula, data, engine="lme4")))
        return fitted, seconds_of(lambda: fits[0].cross_check().verdict)
