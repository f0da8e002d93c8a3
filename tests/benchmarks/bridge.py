"""What the bridge costs: fits against lme4's own, conversion against a copy, memory."""

from __future__ import annotations

import gc
import os
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import psutil

import pylme
from pylme.frame import read_frame
from pylme.lme4.session import session
from pylme.lme4.to_r import to_r

from .measure import Result, compare, in_turns, seconds_of

if TYPE_CHECKING:
    from .benchmark import Benchmark

R_SCRIPTS = Path(__file__).parents[2] / "r_scripts"


def benchmarks() -> dict[str, Benchmark]:
    """The measurements by name."""
    return {
        "bridge.sleepstudy": lambda options: [sleepstudy(repetitions=5 if options.smoke else 60)],
        "bridge.insteval": lambda options: [insteval(repetitions=1 if options.smoke else 4)],
        "bridge.isolated": lambda options: [isolated(repetitions=5 if options.smoke else 100)],
        "bridge.memory": lambda options: [memory(fits=150 if options.smoke else 1000)],
        "bridge.long_process": lambda options: long_process(fits=200 if options.smoke else 10_000),
        "bridge.conversion": lambda options: conversion(100_000 if options.smoke else 1_000_000),
    }


def sleepstudy(*, repetitions: int) -> Result:
    return _fit(
        "sleepstudy", "Reaction ~ Days + (Days | Subject)", repetitions=repetitions, limit=1.5
    )


def insteval(*, repetitions: int) -> Result:
    return _fit("insteval", "y ~ service + (1 | s) + (1 | d)", repetitions=repetitions, limit=1.03)


def _fit(name: str, formula: str, *, repetitions: int, limit: float) -> Result:
    """One fit with fixef, VarCorr, optinfo and convergence read, on both sides."""
    from rpy2 import rinterface as ri

    data = pylme.datasets.load(name)

    def ours() -> None:
        fit = pylme.lmer(formula, data)
        _ = fit.fixef, fit.varcorr.to_frame(), fit.optinfo, fit.convergence

    ours()
    ri.baseenv["source"](ri.StrSexpVector([str(R_SCRIPTS / "native_lmer.R")]))
    native = ri.globalenv["native_lmer"]
    in_r = to_r(read_frame(data, list(data.columns)))
    parsed = ri.evalr(formula)

    def theirs() -> None:
        native(parsed, in_r)

    ratio, detail = compare(ours, theirs, repetitions=repetitions)
    return Result(
        what=f"pylme.lmer on {name} against lme4's lmer on a frame in R",
        value=ratio,
        unit="times",
        limit=limit,
        detail=detail,
    )


def isolated(*, repetitions: int) -> Result:
    """What a fit in the process that holds R takes longer than one in this process, once warm."""
    data = pylme.datasets.load("sleepstudy")

    def fit(*, isolated: bool) -> float:
        def call() -> None:
            formula = "Reaction ~ Days + (Days | Subject)"
            _ = pylme.lmer(formula, data, engine="lme4", isolated=isolated).fixef

        return seconds_of(call)

    sides = {"here": partial(fit, isolated=False), "there": partial(fit, isolated=True)}
    for side in sides.values():
        side()
    times = in_turns(sides, dict.fromkeys(sides, repetitions))
    here, there = (1e3 * statistics.median(times[name]) for name in sides)
    return Result(
        what="pylme.lmer on sleepstudy with isolated=True, beside the same in this process",
        value=there - here,
        unit="ms",
        limit=3.0,
        detail=f"medians of {there:.1f} and {here:.1f} ms",
    )


def memory(*, fits: int) -> Result:
    """Growth of resident memory from the 100th fit to the last."""
    data = pylme.datasets.load("sleepstudy")
    process = psutil.Process(os.getpid())
    resident = 0
    for i in range(fits):
        fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data)
        _ = fit.fixef, fit.varcorr, fit.optinfo, fit.convergence
        if i == 99:
            gc.collect()
            resident = process.memory_info().rss
    gc.collect()
    growth = (process.memory_info().rss - resident) / 1e6
    return Result(
        what=f"growth of resident memory over {fits} fits, after the first 100",
        value=growth,
        unit="MB",
        limit=20,
        detail=f"{resident / 1e6:.0f} MB after 100 fits",
    )


def long_process(*, fits: int) -> list[Result]:
    """What many fits in one process leave: references to None given away, and memory.

    Python 3.11 aborts when the references to None, some thousands at the start, are all gone.
    """
    data = pylme.datasets.load("dyestuff")
    process = psutil.Process(os.getpid())

    def look() -> None:
        fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", data)
        _ = fit.fixef, fit.varcorr, fit.convergence

    def state() -> tuple[int, float]:
        gc.collect()
        return sys.getrefcount(None), process.memory_info().rss / 1e6

    for _ in range(100):
        look()
    references, resident = state()
    seconds = seconds_of(lambda: [look() for _ in range(fits)])
    references_left, resident_left = state()
    return [
        Result(
            what=f"references to None given away by {fits:,} fits in one process",
            value=references - references_left,
            unit="references",
            limit=100,
            detail=f"{references:,} before, {references_left:,} after; {seconds / fits * 1e3:.3g} "
            "ms a fit",
        ),
        Result(
            what=f"growth of resident memory over {fits:,} fits",
            value=resident_left - resident,
            unit="MB",
            limit=20,
            detail=f"{resident:.0f} MB before, {resident_left:.0f} MB after",
        ),
    ]


def conversion(rows: int) -> list[Result]:
    """A data frame to R: rows of 3 floats, 1 int, 1 category of 10,000 levels."""
    session()
    data = _large(rows)
    arrays = [
        *(data[name].to_numpy() for name in ("a", "b", "c", "n")),
        data["g"].cat.codes.to_numpy(),
    ]

    def ours() -> None:
        to_r(read_frame(data, list(data.columns)))

    def copy() -> None:
        for array in arrays:
            array.copy()

    against_copy, copy_detail = compare(ours, copy, repetitions=5)
    seconds, ours_seconds = _pandas2ri_seconds(data), seconds_of(ours)
    return [
        Result(
            what=f"{rows:,} rows to R against NumPy's copy of the same bytes",
            value=against_copy,
            unit="times",
            limit=10,
            detail=copy_detail,
        ),
        Result(
            what=f"{rows:,} rows to R against pandas2ri",
            value=seconds / ours_seconds,
            unit="times faster",
            limit=100,
            at_least=True,
            detail=f"{ours_seconds * 1e3:.3g} ms against {seconds:.2f} s",
        ),
    ]


def _large(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(20261123)
    levels = [f"level {i:05d}" for i in range(10_000)]
    return pd.DataFrame(
        {
            **{name: rng.normal(size=rows) for name in ("a", "b", "c")},
            "n": rng.integers(0, 1000, size=rows),
            "g": pd.Categorical.from_codes(rng.integers(0, len(levels), size=rows), levels),
        }
    )


def _pandas2ri_seconds(data: pd.DataFrame) -> float:
    from rpy2.robjects import conversion, default_converter, pandas2ri

    converter = default_converter + pandas2ri.converter

    def theirs() -> None:
        with conversion.localconverter(converter) as local:
            local.py2rpy(data)

    return seconds_of(theirs)
