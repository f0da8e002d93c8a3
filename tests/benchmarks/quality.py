"""Influence of groups against lme4's own: exact refits without each level."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

import pylme

from .measure import Result, seconds_of, shown
from .native_r import native_r

if TYPE_CHECKING:
    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

FORMULA = "math ~ ses*sector + (ses | sch.id)"
#: lme4's influence() of all schools takes a minute: it is measured once.
OURS = 5


def benchmarks() -> dict[str, Benchmark]:
    """The one measurement."""
    return {"quality.influence": _influence}


def _influence(options: Options) -> list[Result]:
    data = pylme.datasets.load("hsb")[["math", "ses", "sector", "sch.id"]]
    if options.smoke:
        kept = data["sch.id"].cat.categories[:12]
        data = data[data["sch.id"].isin(kept)].assign(
            **{"sch.id": lambda d: d["sch.id"].cat.remove_unused_categories()}
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pylme.lmer(FORMULA, data, engine="numpy")
        fit.influence(by="sch.id")
        times = [seconds_of(lambda: fit.influence(by="sch.id")) for _ in range(OURS)]
        found = fit.influence(by="sch.id")
    r = native_r()
    r.read("hsb", data)
    seconds, theirs = r.influence("hsb", FORMULA, "sch.id")
    ours = float(np.median(times))
    error = np.sqrt(np.diag(fit.vcov))
    apart = np.abs((found.without.beta - theirs.reshape(len(found), -1)) / error).max()
    return [
        Result(
            what=f"influence of {len(found)} schools against lme4's",
            value=float(seconds[0]) / ours,
            unit="times as fast",
            limit=50,
            detail=f"{shown(ours)} against {shown(float(seconds[0]))}; the coefficients differ by "
            f"at most {apart:.2g} standard errors",
            at_least=True,
        )
    ]
