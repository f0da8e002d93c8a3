"""Reasons and remedies of R's own errors; `tests/lme4/test_failures.py` looks at their numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

import pylme

from .case import Case

__all__ = ["CASES"]

_RNG = np.random.default_rng(101)
_DAYS = pd.DataFrame({"t": _RNG.uniform(0.001, 0.02, 300), "x": _RNG.uniform(0, 10, 300)})
_DAYS["f"] = np.arange(300) % 15
_DAYS["y"] = _RNG.poisson(_DAYS["t"] * 24 * np.exp(1 + 0.2 * _DAYS["x"]))
_SHARES = pd.DataFrame({"s": np.repeat(np.arange(24), 4), "c": list("ABAB") * 24})
_SHARES["yes"] = np.random.default_rng(101).integers(1, 11, 96)
_SHARES["no"] = 10 - _SHARES["yes"]
_FAR = pd.DataFrame({"g": np.repeat(np.arange(10), 20), "z": _RNG.normal(size=200)})
_FAR["x"] = 1e10 + _FAR["z"]
_FAR["y"] = _RNG.normal(size=10)[_FAR["g"]] + _RNG.normal(size=200)
_FAR["zero"] = np.maximum(_FAR["y"] + 2, 0)
_FAR["big"] = 1e6 * (_FAR["zero"] + 0.1)


def _glmer(formula: str, data: pd.DataFrame = _FAR, **named: object) -> object:
    return pylme.glmer(formula, data, **named)


CASES = {
    "units of the offset": Case(
        trigger=lambda: _glmer("y ~ x + offset(log(t)) + (1 | f)", _DAYS, family="poisson"),
        kind="RError",
        said="write offset(log(t) + 5.",
        remedy=lambda: _glmer("y ~ x + offset(log(t) + 5.3) + (1 | f)", _DAYS, family="poisson"),
        needs_r=True,
    ),
    "log link of a binomial": Case(
        trigger=lambda: _glmer("cbind(yes, no) ~ c + (1 | s)", _SHARES, link="log"),
        kind="RError",
        said='link="logit"',
        remedy=lambda: _glmer("cbind(yes, no) ~ c + (1 | s)", _SHARES, link="logit"),
        needs_r=True,
    ),
    "far covariate": Case(
        trigger=lambda: pylme.lmer("y ~ x + (x | g)", _FAR),
        kind="RError",
        said="Centre and scale",
        remedy=lambda: pylme.lmer("y ~ z + (z | g)", _FAR),
        needs_r=True,
    ),
    "zeros and a log link": Case(
        trigger=lambda: _glmer("zero ~ 1 + (1 | g)", family="gaussian", link="log"),
        kind="RError",
        said="mustart=",
        remedy=lambda: _glmer(
            "zero ~ 1 + (1 | g)", family="gaussian", link="log", mustart=np.full(200, 2.0)
        ),
        needs_r=True,
    ),
    "units of the response": Case(
        trigger=lambda: _glmer("big ~ 1 + (1 | g)", family="Gamma"),
        kind="RError",
        said="other units",
        remedy=lambda: _glmer("big ~ 1 + (1 | g)", family="Gamma", link="log"),
        needs_r=True,
    ),
}
