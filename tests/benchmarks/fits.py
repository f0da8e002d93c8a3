"""Fits against lme4's own and against glmm's, the fastest peer there is.

From a data frame in memory to a fit with fixed effects, VarCorr and standard errors read. glmm runs
in this process, on one thread, with the interpreter's lock held. lme4 runs in an R of its own, with
the BLAS that the installer left and, beside it, on the reference one.
"""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .measure import Result, in_turns, shown
from .models import MODELS
from .native_r import native_r, reference_blas
from .sides import fit_by_glmm, fit_by_pylme, fit_in_r

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .benchmark import Benchmark, Options
    from .models import Model
    from .sides import Timed

__all__ = ["benchmarks"]

#: Above the threads' wait for more work, in seconds.
PAUSE = 0.05
#: The criterion may lie this much above the lowest one, as asked of the cross-check.
TOLERANCE = 1e-6


def benchmarks() -> dict[str, Benchmark]:
    """A measurement for each model."""
    return {f"fits.{model.name}": partial(_measured, model) for model in MODELS}


def _measured(model: Model, options: Options) -> list[Result]:
    data = model.data(options.smoke)
    sides = _sides(model, data, options)
    runs = {name: model.runs_in_r if name.startswith("lme4") else model.runs for name in sides}
    if options.smoke:
        runs = dict.fromkeys(runs, 1)
    for name, run in sides.items():
        if runs[name] > 2:
            run()
    return _compared(model, in_turns(sides, runs, pause=PAUSE))


def _sides(model: Model, data: pd.DataFrame, options: Options) -> dict[str, Callable[[], Timed]]:
    sides: dict[str, Callable[[], Timed]] = {
        "pylme": partial(fit_by_pylme, model.formula, data, options.engine)
    }
    if "glmm" in options.against:
        formula, frame = model.formula.replace(".", "_"), _without_dots(data)
        sides["glmm"] = partial(fit_by_glmm, formula, frame, satterthwaite=True)
        sides["glmm without df"] = partial(fit_by_glmm, formula, frame, satterthwaite=False)
    for side, name, blas in (
        ("lme4", "lme4", []),
        ("reference", "lme4 on the reference BLAS", reference_blas()),
    ):
        if side in options.against and (blas or side == "lme4"):
            r = native_r(*blas)
            r.read(model.name, data)
            sides[name] = partial(fit_in_r, model.formula, model.name, r)
    return sides


def _without_dots(data: pd.DataFrame) -> pd.DataFrame:
    return data.rename(columns=lambda name: name.replace(".", "_"))


def _compared(model: Model, fits: dict[str, list[Timed]]) -> list[Result]:
    medians = {name: statistics.median(_seconds(timed)) for name, timed in fits.items()}
    results = []
    if "lme4" in medians:
        results.append(
            Result(
                what=f"pylme on {model.name} against lme4",
                value=medians["lme4"] / medians["pylme"],
                unit="times faster",
                limit=model.faster_than_lme4,
                at_least=True,
                detail=_times(model, fits, ("pylme", "lme4")),
            )
        )
    if "glmm" in medians:
        results.append(
            Result(
                what=f"pylme on {model.name} against glmm",
                value=medians["pylme"] / medians["glmm"],
                unit="times its time",
                limit=model.times_of_glmm,
                detail=_times(model, fits, ("pylme", "glmm")),
            )
        )
    if len(fits) > 1:
        results.append(_agreement(model, {name: timed[-1] for name, timed in fits.items()}))
    return results


def _seconds(timed: list[Timed]) -> list[float]:
    return sorted(fit.seconds for fit in timed)


def _times(model: Model, fits: dict[str, list[Timed]], shown_sides: tuple[str, ...]) -> str:
    """Median, and the middle half of the runs, of the sides whose names begin so."""
    parts = []
    for name, timed in fits.items():
        if name.startswith(shown_sides):
            seconds = _seconds(timed)
            low, high = seconds[len(seconds) // 4], seconds[(3 * len(seconds)) // 4]
            spread = f" ({shown(low)} to {shown(high)})" if len(seconds) > 1 else ""
            parts.append(f"{name} {shown(statistics.median(seconds))}{spread}")
    if "lme4" in shown_sides:
        parts.append(f"R on {native_r().blas}")
    return ", ".join(parts) + (f"; aim: {model.aim}" if model.aim else "")


def _agreement(model: Model, fits: dict[str, Timed]) -> Result:
    """That nobody is fast by being wrong: the criteria, and the rest in the detail."""
    ours = fits["pylme"]
    return Result(
        what=f"pylme's criterion on {model.name} above the lowest of all",
        value=ours.criterion - min(fit.criterion for fit in fits.values()),
        unit="",
        limit=TOLERANCE,
        detail="; ".join(
            f"from {name} {ours.criterion - fit.criterion:+.1e}, "
            f"in fixef {np.abs((ours.fixef - fit.fixef) / fit.errors).max():.0e} errors, "
            f"in their errors {np.abs(ours.errors / fit.errors - 1).max():.0e} of them, "
            f"in sdcor {np.abs(ours.sdcor - fit.sdcor).max():.0e}"
            for name, fit in fits.items()
            if name in {"glmm", "lme4"}
        ),
    )
