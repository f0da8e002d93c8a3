"""Many responses on one design, in a batch, against lme4's loop over them."""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import pylme

from .measure import Result, seconds_of, shown
from .native_r import native_r, reference_blas

if TYPE_CHECKING:
    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

FORMULA = "Y ~ ses*sector + (ses:sector | sch.id)"
SCHOOLS, SES = 20, np.arange(1.0, 11.0)


def benchmarks() -> dict[str, Benchmark]:
    """The one measurement."""
    return {"fit_many": _measured}


def _measured(options: Options) -> list[Result]:
    responses = simulated(10 if options.smoke else 250)
    data = combined_design().assign(Y=responses[0])
    many = partial(_fit_many, data, responses)
    criteria = many()
    ours = statistics.median(seconds_of(many) for _ in range(1 if options.smoke else 7))
    loops = {}
    for side, blas in (("lme4", []), ("reference", reference_blas())):
        if side in options.against and (blas or side == "lme4"):
            r = native_r(*blas)
            r.read("combined", data)
            loops[side] = r.loop("combined", FORMULA, "Y", responses)
    if "lme4" not in loops:
        return []
    seconds, theirs = loops["lme4"]
    beside = (
        f", on the reference BLAS {shown(loops['reference'][0].item())}"
        if "reference" in loops
        else ""
    )
    return [
        Result(
            what=f"fit_many of {len(responses)} responses against lme4's loop",
            value=seconds.item() / ours,
            unit="times faster",
            limit=150,
            at_least=True,
            detail=f"{shown(ours)}, the design included, against {shown(seconds.item())}{beside}",
        ),
        Result(
            what="the highest that a criterion of fit_many lies above lme4's",
            value=(criteria - theirs).max(),
            unit="",
            limit=1e-6,
            detail=f"and {(theirs - criteria).max():.1e} below it at most",
        ),
    ]


def _fit_many(data: pd.DataFrame, responses: np.ndarray) -> np.ndarray:
    """The criteria; the design is counted, for lme4's loop makes it too."""
    return pylme.reference.fit_many(pylme.design(FORMULA, data), responses).criterion


def combined_design() -> pd.DataFrame:
    """Two sectors of 20 schools, ses 1..10 in each."""
    school = np.repeat(np.arange(2 * SCHOOLS), len(SES))
    return pd.DataFrame(
        {
            "ses": np.tile(SES, 2 * SCHOOLS),
            "sector": pd.Categorical.from_codes(school // SCHOOLS, ["0", "1"]),
            "sch.id": pd.Categorical.from_codes(school, [str(i + 1) for i in range(2 * SCHOOLS)]),
        }
    )


def simulated(replicates: int) -> np.ndarray:
    """Responses of shape (replicates, rows) on that design, with the study's parameters."""
    rng = np.random.default_rng(20261125)
    responses = []
    for slope, correlation in ((2, 0.4), (3, -0.4)):
        root = np.linalg.cholesky([[4, 2 * correlation], [2 * correlation, 1]])
        effects = [1, slope] + rng.standard_normal((replicates, SCHOOLS, 2)) @ root.T
        errors = 2 * rng.standard_normal((replicates, SCHOOLS, len(SES)))
        responses.append(effects[..., :1] + effects[..., 1:] * SES + errors)
    return np.concatenate(responses, axis=1).reshape(replicates, -1)
