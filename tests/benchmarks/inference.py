"""What tests after the fit cost, beside lmerTest and pbkrtest, and at the size of InstEval."""

from __future__ import annotations

import statistics
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import pylme

from .measure import Result, in_turns, seconds_of, shown
from .native_r import native_r
from .resident import peak_megabytes

if TYPE_CHECKING:
    import pandas as pd

    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

SLEEP = "Reaction ~ Days + (Days | Subject)"
RATINGS = "y ~ service + lectage + (1 | s) + (1 | d) + (1 | dept)"
#: lmerTest finds its derivatives when it is given the fit, and the summary uses them.
_LMERTEST = "stats::coef(summary(lmerTest::as_lmerModLmerTest(fit)))[, 3]"
_PBKRTEST = (
    "{adjusted <- pbkrtest::vcovAdj(fit); "
    "sapply(seq_along(lme4::fixef(fit)), function(i) "
    "pbkrtest::Lb_ddf(diag(length(lme4::fixef(fit)))[i, ], vcov(fit), adjusted))}"
)


def benchmarks() -> dict[str, Benchmark]:
    """A measurement for each method, and one of time and memory at size."""
    return {
        "inference.satterthwaite": _satterthwaite,
        "inference.kenward_roger": _kenward_roger,
        "inference.at_size": _at_size,
    }


def _satterthwaite(options: Options) -> list[Result]:
    data = pylme.datasets.load("sleepstudy")
    mine, theirs, detail = _against("sleepstudy", SLEEP, data, "satterthwaite", _LMERTEST,
        runs=3 if options.smoke else 40)  # fmt: skip
    return [
        Result(
            what="coef_test of sleepstudy by Satterthwaite, after the fit",
            value=1e3 * mine, unit="ms", limit=1.0, detail=detail,
        ),
        Result(
            what="the summary of lmerTest against it",
            value=theirs / mine, unit="times", limit=50, detail=detail, at_least=True,
        ),
    ]  # fmt: skip


def _kenward_roger(options: Options) -> list[Result]:
    data = _busy(5 if options.smoke else 20)
    mine, theirs, detail = _against("ratings", RATINGS, data, "kenward-roger", _PBKRTEST, runs=3)
    return [
        Result(
            what=f"pbkrtest against coef_test by Kenward and Roger, {len(data)} rows of InstEval",
            value=theirs / mine, unit="times", limit=100, detail=detail, at_least=True,
        )
    ]  # fmt: skip


def _busy(students: int) -> pd.DataFrame:
    """The ratings of the students who gave most."""
    data = pylme.datasets.load("insteval")
    most = data["s"].value_counts().index[:students]
    data = data[data["s"].isin(most)].reset_index(drop=True)
    # R gets plain factors, which it codes otherwise than ordered ones.
    data["lectage"] = data["lectage"].cat.as_unordered()
    for column in ("s", "d", "dept"):
        data[column] = data[column].astype("category").cat.remove_unused_categories()
    return data


def _against(
    name: str, formula: str, data: pd.DataFrame, ddf: str, expression: str, *, runs: int
) -> tuple[float, float, str]:
    """Our median seconds, R's, and both in words; the degrees of freedom must agree."""
    r = native_r()
    r.read(name, data)
    found = []

    def ours() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A new fit each time, which has kept nothing.
            fit = pylme.lmer(formula, data, engine="numpy")
        return seconds_of(lambda: found.append(fit.coef_test(ddf=ddf).df))

    def theirs() -> float:
        seconds, df = r.after(name, formula, expression)
        np.testing.assert_allclose(found[-1], df, rtol=1e-2)
        return float(seconds[0])

    ours(), theirs()
    times = in_turns({"ours": ours, "theirs": theirs}, {"ours": runs, "theirs": runs})
    mine, other = (statistics.median(side) for side in times.values())
    return mine, other, f"{shown(mine)} against {shown(other)}, {runs} runs in turns"


def _at_size(options: Options) -> list[Result]:
    done = subprocess.run(
        [sys.executable, "-m", __name__, "small" if options.smoke else "whole"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    rows, seconds, before, peak = map(float, done.stdout.split())
    what = f"Kenward and Roger's method on {rows:.0f} rows of InstEval"
    return [
        Result(what=what, value=seconds, unit="s", limit=10, detail="one run after the fit"),
        Result(
            what=f"{what}, resident memory at its peak", value=peak, unit="MB", limit=500,
            detail=f"{before:.0f} MB after the fit",
        ),
    ]  # fmt: skip


def _whole(size: str) -> None:
    data = _busy(5) if size == "small" else pylme.datasets.load("insteval")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pylme.lmer(RATINGS, data, engine="numpy")
    before = peak_megabytes()
    seconds = seconds_of(lambda: fit.coef_test(ddf="kenward-roger"))
    print(len(data), seconds, before, peak_megabytes())


if __name__ == "__main__":
    _whole(*sys.argv[1:])
