"""One small model: a fit back to back, and its cross-check beside lme4's fit.

From a data frame in memory to fixed effects, VarCorr and standard errors read. Time is that of the
clock, with the BLAS threads as they come; processor time stands beside it, which a busy machine
changes less. lme4 runs in this process, in turns with the check of its fit.
"""

from __future__ import annotations

import statistics
import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import pylme

from .measure import Result, seconds_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

#: How often a fit is timed, and a pair of a fit by lme4 and its check.
RUNS: Final = 200
PAIRS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A small model, and what is asked for on it.

    Attributes
    ----------
    milliseconds : float or None
        Of a fit by NumPy, with what is read of it.
    check : float or None
        A check of a fit by lme4, in units of that fit.
    """

    data: str
    formula: str
    milliseconds: float | None = None
    check: float | None = None


MODELS: Final = (
    Small(
        data="sleepstudy",
        formula="Reaction ~ Days + (Days | Subject)",
        milliseconds=2.0,
        check=0.5,
    ),
    Small(data="hsb", formula="math ~ ses * sector + (ses | sch.id)", milliseconds=4.0),
    Small(data="penicillin", formula="diameter ~ 1 + (1 | plate) + (1 | sample)", check=1.0),
)


def benchmarks() -> dict[str, Benchmark]:
    """A measurement for each limit of each model."""
    made: dict[str, Benchmark] = {}
    for model in MODELS:
        if model.milliseconds is not None:
            made[f"small.fit.{model.data}"] = partial(_fit, model, model.milliseconds)
        if model.check is not None:
            made[f"small.check.{model.data}"] = partial(_check, model, model.check)
    return made


def _fit(model: Small, limit: float, options: Options) -> list[Result]:
    data = pylme.datasets.load(model.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = partial(_read, model.formula, data)
        fit = read()
        runs = 1 if options.smoke else RUNS
        clock, processor = zip(*(_timed(read) for _ in range(runs)), strict=True)
        searches = fit.optinfo
    return [
        Result(
            what=f"a fit by NumPy on {model.data} and what is read of it, back to back",
            value=1e3 * statistics.median(clock),
            unit="ms",
            limit=limit,
            detail=f"median of {runs}, quickest {shown(min(clock))}; processor time "
            f"{shown(statistics.median(processor))}, least {shown(min(processor))}; "
            f"{searches.feval} evaluations",
        )
    ]


def _read(formula: str, data: pd.DataFrame) -> pylme.Fit:
    fit = pylme.lmer(formula, data, engine="numpy")
    _ = fit.fixef, fit.varcorr.to_frame()["sdcor"], fit.coef_table["std_error"]
    return fit


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and by the processor."""
    before = time.process_time()
    seconds = seconds_of(run)
    return seconds, time.process_time() - before


def _check(model: Small, limit: float, options: Options) -> list[Result]:
    data = pylme.datasets.load(model.data)
    pairs = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2 if options.smoke else PAIRS):
            fits: list[pylme.Fit] = []
            fitted = _timed(
                lambda fits=fits: fits.append(pylme.lmer(model.formula, data, engine="lme4"))
            )
            pairs.append((fitted, _timed(lambda fits=fits: fits[0].cross_check().verdict)))
    # The first fit starts R, and the first check imports what it needs.
    fit, check = zip(*pairs[1:], strict=True)
    clock, processor = (
        (statistics.median(one[at] for one in check), statistics.median(one[at] for one in fit))
        for at in (0, 1)
    )
    return [
        Result(
            what=f"a cross-check on {model.data} against the fit by lme4 that it checks",
            value=clock[0] / clock[1],
            unit="times",
            limit=limit,
            detail=f"{shown(clock[0])} against {shown(clock[1])}, {len(fit)} runs in turns; by "
            f"processor time {processor[0] / processor[1]:.3g} times",
        )
    ]
