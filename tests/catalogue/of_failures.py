"""Reasons and remedies of R's own errors; `tests/lme4/test_failures.py` looks at their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import pylme
from pylme.lme4.session import session

from .case import DATA, Case
from .of_input.expressions import allowed

if TYPE_CHECKING:
    from collections.abc import Callable

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


_EXACT = DATA.assign(count=np.where(DATA["f"] == "a", 3, 7))
_ZERO = DATA.assign(count=np.where(DATA["f"] == "a", 0, 7))
_LARGE = DATA.assign(count=np.repeat(np.random.default_rng(0).integers(0, 10**6, 8), 10))
_GROUP = DATA.assign(count=np.where(DATA["g"] == "g0", 10**9, 0))
_MANY = pd.DataFrame({"y": _RNG.normal(size=1_200_000), "g": np.arange(1_200_000) % 20})


def _centred(code: str) -> object:
    """The fit after the line of a message that centres and scales a column."""
    data = _FAR.copy()
    exec(code, {"data": data})  # noqa: S102
    return pylme.lmer("y ~ x + (x | g)", data)


def _short_of_memory() -> object:
    """A fit in an R whose memory is limited to what it has already and little more."""
    session()
    from rpy2.rinterface import evalr

    evalr("mem.maxVSize(gc()[2, 4] + 2)")
    try:
        return pylme.lmer("y ~ 1 + (1 | g)", _MANY)
    finally:
        evalr("mem.maxVSize(Inf)")


def _of_r(formula: str) -> object:
    """A response by a function that R alone has."""
    with allowed("lgamma"):
        return _glmer(formula, DATA, family="poisson")


def _glmer(formula: str, data: pd.DataFrame = _FAR, **named: object) -> object:
    return pylme.glmer(formula, data, **named)


def _failing(
    formula: str,
    said: str,
    remedy: Callable[..., object] | None = None,
    parsed: str | None = None,
    data: pd.DataFrame = _FAR,
    *,
    fit: Callable[..., object] = pylme.glmer,
    **named: object,
) -> Case:
    return Case(
        trigger=lambda: fit(formula, data, **named),
        kind="RError",
        said=said,
        remedy=remedy,
        parsed=parsed,
        needs_r=True,
    )


CASES = {
    "another number of values than rows": Case(
        trigger=lambda: pylme.lmer("y ~ quantile(x, 0.5) + (1 | g)", DATA),
        kind="RError",
        said="another number of values than the data have rows",
        remedy=lambda: pylme.lmer(
            "y ~ column + (1 | g)", DATA.assign(column=DATA["x"] - DATA["x"].quantile(0.5))
        ),
        needs_r=True,
    ),
    "units of the offset": _failing(
        "y ~ x + offset(log(t)) + (1 | f)",
        "Give the offset in other units",
        lambda offset: _glmer(f"y ~ x + {offset} + (1 | f)", _DAYS, family="poisson"),
        r"write (offset\(.*\)) in the formula",
        _DAYS,
        family="poisson",
    ),
    "log link of a binomial": _failing(
        "cbind(yes, no) ~ c + (1 | s)",
        "probabilities above 1",
        lambda link: _glmer("cbind(yes, no) ~ c + (1 | s)", _SHARES, link=link),
        r'link="(\w+)"',
        _SHARES,
        link="log",
    ),
    "far covariate": _failing(
        "y ~ x + (x | g)",
        "Centre and scale",
        _centred,
        r"(data\['x'\] = .+?)\. The",
        fit=pylme.lmer,
    ),
    "zeros and a log link": _failing(
        "zero ~ 1 + (1 | g)",
        "mustart=",
        lambda code: _glmer(
            "zero ~ 1 + (1 | g)",
            family="gaussian",
            link="log",
            mustart=eval(code, {"np": np, "data": _FAR, "response": "zero"}),  # noqa: S307
        ),
        r"mustart=(np\.full\(.*\))\.",
        family="gaussian",
        link="log",
    ),
    "units of the response": _failing(
        "big ~ 1 + (1 | g)",
        "other units",
        lambda link: _glmer("big ~ 1 + (1 | g)", family="Gamma", link=link),
        r'use link="(\w+)"',
        family="Gamma",
    ),
    "counts that are not overdispersed": _failing(
        "count ~ 1 + (1 | g)",
        "not overdispersed",
        lambda family: _glmer("count ~ 1 + (1 | g)", _LARGE, family=family),
        r'family="(\w+)"',
        _LARGE,
        fit=pylme.glmer_nb,
    ),
    "counts that the fixed effects explain": _failing(
        "count ~ f + (1 | g)",
        "explain the response exactly",
        lambda: _glmer("count ~ 1 + (1 | g)", _EXACT, family="poisson"),
        data=_EXACT,
        family="poisson",
    ),
    "separated counts": _failing(
        "count ~ f + (1 | g)",
        "Leave out what separates",
        lambda: _glmer("count ~ 1 + (1 | h)", _ZERO, family="poisson"),
        data=_ZERO,
        fit=pylme.glmer_nb,
    ),
    "counts of one group": _failing(
        "count ~ 1 + (1 | g)", "nothing in the scales", data=_GROUP, family="poisson"
    ),
    "many effects": _failing(
        "count ~ 1 + (x + w + I(x^2) | g)",
        "random effects for 80 rows",
        lambda term: _glmer(f"two ~ 1 + {term}", DATA),
        r"for example to (\(1 \| g\))",
        _GROUP,
        family="poisson",
    ),
    "levels that R loses": _failing(
        "y ~ factor(f, exclude = 'a') + (1 | g)",
        "too few levels",
        lambda: pylme.lmer("y ~ kept + (1 | g)", DATA.assign(kept=DATA["f"])),
        data=DATA,
        fit=pylme.lmer,
    ),
    "no memory": Case(
        trigger=_short_of_memory,
        kind="RError",
        said="R could not get the memory",
        remedy=lambda: pylme.lmer("y ~ 1 + (1 | g)", _MANY.iloc[:1000]),
        needs_r=True,
    ),
    "a response of R's out of range": Case(
        trigger=lambda: _of_r("I(lgamma(w) - 1) ~ 1 + (1 | g)"),
        kind="RError",
        said="values that the poisson family does not have",
        remedy=lambda: _glmer("count ~ 1 + (1 | g)", DATA, family="poisson"),
        needs_r=True,
    ),
}
