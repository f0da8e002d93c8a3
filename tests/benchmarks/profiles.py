"""Profile likelihood and its intervals against lme4's own, on the same fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import pylme

from .measure import Result, seconds_of, shown
from .native_r import native_r

if TYPE_CHECKING:
    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

FORMULA = "Reaction ~ Days + (Days | Subject)"
#: lme4's profile takes seconds: it is measured once.
OURS = 9
_ENDS = "as.vector(confint(profile(fit), quiet = TRUE))"


def benchmarks() -> dict[str, Benchmark]:
    """Intervals alone, and curves as well."""
    return {"profiles": _profiles}


def _profiles(options: Options) -> list[Result]:
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer(FORMULA, data, engine="numpy")
    r = native_r()
    r.read("sleepstudy", data)
    (theirs, *_), ends = r.after("sleepstudy", FORMULA, _ENDS)
    own = fit.confint(names="lme4")[["conf_low", "conf_high"]].to_numpy()
    apart = np.abs(own - ends.reshape(2, -1).T) / np.ptp(own, axis=1)[:, None]
    results = []
    sides = (("intervals", fit.confint, 50), ("curves", fit.profile, 20))
    for what, run, limit in sides:
        run()
        times = [seconds_of(run) for _ in range(2 if options.smoke else OURS)]
        ours = float(np.median(times))
        results.append(
            Result(
                what=f"profile of sleepstudy, {what}, against lme4's",
                value=float(theirs) / ours,
                unit="times as fast",
                limit=limit,
                detail=f"{shown(ours)} against {shown(float(theirs))}; the ends differ by at most "
                f"{apart.max():.2g} of an interval",
                at_least=True,
            )
        )
    return results
