"""Messages about fits: options, engines, families, what R cannot do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme

from .case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + (1 | g)"
BINARY = "two ~ x + (1 | g)"

_LEVELS = DATA.assign(three=np.tile(["low", "middle", "high", "high", "low"], 16))
_ORDINAL = _LEVELS.assign(
    three=pd.Categorical(_LEVELS["three"], ["low", "middle", "high"], ordered=True)
)
_SPREAD = DATA.assign(count=np.random.default_rng(6).negative_binomial(1, 0.2, 80))


def _lmer(**arguments: object) -> object:
    return pylme.lmer(MODEL, DATA, engine="numpy", **arguments)


def _numpy(kind: str, said: str, good: dict[str, object], **bad: object) -> Case:
    return Case(trigger=lambda: _lmer(**bad), kind=kind, said=said, remedy=lambda: _lmer(**good))


def _glmer(kind: str, said: str, good: dict[str, object] | None, **bad: object) -> Case:
    """Refused before R sees it; the remedy is a fit by R."""

    def fit(given: dict[str, object]) -> object:
        given = dict(given)
        return pylme.glmer(given.pop("formula", BINARY), given.pop("data", DATA), **given)

    return Case(
        trigger=lambda: fit(bad),
        kind=kind,
        said=said,
        remedy=None if good is None else lambda: fit(good),
        needs_r=True,
    )


def _asked(ask: object, kind: str, said: str, better: object = None) -> Case:
    return Case(
        trigger=lambda: ask(_lmer()),
        kind=kind,
        said=said,
        remedy=None if better is None else lambda: better(_lmer()),
    )


def _stops(formula: str, **check: object) -> Case:
    """A check of lme4's that stops; the remedy is the control that the message writes."""

    def fit(control: object) -> object:
        return pylme.lmer(formula, DATA, control=control)

    return Case(
        trigger=lambda: fit(pylme.LmerControl(**check)),
        kind="RError",
        said="the control asks it to stop",
        remedy=lambda code: fit(eval(f"pylme.LmerControl({code})", {"pylme": pylme})),  # noqa: S307
        parsed=r"Pass (.+) to the control",
        needs_r=True,
    )


def _control(
    said: str, good: dict[str, object] | None, cls: type = pylme.LmerControl, **bad: object
) -> Case:
    return Case(
        trigger=lambda: cls(**bad),
        kind="OptionError",
        said=said,
        remedy=None if good is None else lambda: cls(**good),
    )


def _function_of_r() -> object:
    pylme.allow_function("digamma")
    return pylme.lmer("y ~ digamma(w) + (1 | g)", DATA, engine="numpy")


def _without_r() -> object:
    from pylme.errors import RUnavailableError
    from pylme.lme4 import fitting

    def stopped() -> object:
        raise RUnavailableError(asked="Calling R's lme4", found="there is no R", remedy="Get R.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "session_for_fits", stopped)
        return pylme.lmer(MODEL, DATA, engine="lme4")


def _nowhere_finite(link: str = "identity") -> object:
    """No linear predictor without an intercept is positive in all rows."""
    return pylme.glmer("w ~ 0 + x + (1 | g)", DATA, family="Gamma", link=link, engine="numpy")


def _binary() -> pylme.Fit:
    """Of a response that differs between groups, so that no warning comes."""
    successes = (DATA["g"] < "g4").astype(int) ^ (np.arange(80) % 5 == 0)
    return pylme.glmer(BINARY, DATA.assign(two=successes), engine="numpy")


def _of_r(**arguments: object) -> object:
    """A model whose columns R alone can make, so that R counts the starting values."""
    pylme.allow_function("digamma")
    return pylme.lmer("y ~ digamma(w) + (1 | g)", DATA, engine="lme4", **arguments)


CASES = {
    "lme4 without R": Case(
        trigger=_without_r,
        kind="RUnavailableError",
        said='models are fitted by engine="numpy"',
        remedy=_lmer,
    ),
    "reml": _numpy("OptionError", "True", {"reml": True}, reml="yes"),
    "check": _numpy("OptionError", "True", {"check": False}, check=1),
    "control of the wrong engine": _numpy("OptionError", "lme4", {}, control=pylme.LmerControl()),
    "control of the wrong kind": _numpy("OptionError", "LmerControl", {}, control={"a": 1}),
    "start of a wrong length": _numpy(
        "OptionError", "1 number", {"start": [1.0]}, start=[1.0, 2.0]
    ),
    "start of text": _numpy("OptionError", "finite numbers", {"start": [1.0]}, start=["a"]),
    "start of fixed effects": _numpy(
        "OptionError", "theta alone", {"start": [1.0]}, start={"fixef": [1.0, 2.0]}
    ),
    "start below its bound": _numpy("OptionError", "0 or more", {"start": [3.0]}, start=[-3.0]),
    "start of too many fixed effects": _glmer(
        "OptionError",
        "2 numbers",
        {"start": {"fixef": [0.0, 0.0]}},
        start={"fixef": [0.0, 0.0, 0.0]},
    ),
    "start of another name": _numpy(
        "OptionError", "theta", {"start": {"theta": [1.0]}}, start={"thetta": [1.0]}
    ),
    "start of infinite size": _numpy("OptionError", "million", {"start": [1.0]}, start=[1e300]),
    "no residual": Case(
        trigger=lambda: pylme.lmer(MODEL, DATA.assign(y=2 * DATA["x"]), engine="numpy"),
        kind="ResponseError",
        said="without any residual",
        remedy=_lmer,
    ),
    "response without a square": Case(
        trigger=lambda: pylme.lmer(MODEL, DATA.assign(y=1e200 * DATA["y"]), engine="numpy"),
        kind="ColumnValueError",
        said="data['y'] / 1e+200",
        remedy=_lmer,
    ),
    "observed information by lme4": Case(
        trigger=lambda: pylme.glmer(BINARY, DATA, engine="lme4", laplace="observed"),
        kind="NotAvailableError",
        said="lme4 has no laplace",
        remedy=lambda engine: pylme.glmer(BINARY, DATA, engine=engine, laplace="observed"),
        parsed='engine="(.+)"',
    ),
    "the likelihood of a family without a dispersion": Case(
        trigger=lambda: pylme.glmer(BINARY, DATA, criterion="likelihood"),
        kind="OptionError",
        said="without a dispersion parameter",
        remedy=lambda: pylme.glmer(BINARY, DATA, criterion="lme4", engine="numpy"),
    ),
    "points of quadrature for several effects": Case(
        trigger=lambda: pylme.glmer("two ~ x + (x | g)", DATA, n_agq=5, engine="numpy"),
        kind="OptionError",
        said="single random-effects term",
        remedy=lambda: pylme.glmer("two ~ x + (x | g)", DATA, n_agq=1, engine="numpy"),
    ),
    "no finite criterion": Case(
        trigger=_nowhere_finite,
        kind="ResponseError",
        said="no starting values give a finite criterion",
        remedy=lambda link: _nowhere_finite(link=link),
        parsed='link="(.+)"',
    ),
    "an item of a generalized model": Case(
        trigger=lambda: _binary().getme("LX"),
        kind="UnknownNameError",
        said="getME item",
        remedy=lambda: _binary().getme("RX"),
    ),
    "parameters of the criterion of a generalized model": Case(
        trigger=lambda: _binary().getme("devfun")([1.0]),
        kind="OptionError",
        said="3 finite numbers",
        remedy=lambda: _binary().getme("devfun")([1.0, 0.0, 0.0]),
    ),
    "family": _glmer("OptionError", "Did you mean 'poisson'", None, family="poison"),
    "family of lmer": _glmer("OptionError", "lmer()", None, family="gaussian"),
    "link": _glmer("OptionError", "sqrt", {"link": "probit"}, link="sqrt"),
    "family elsewhere": Case(
        trigger=lambda: pylme.glmer("count ~ x + (1 | g)", DATA, family="nbinom"),
        kind="OptionError",
        said="glmer_nb",
        remedy=lambda name: getattr(pylme, name)("count ~ x + (1 | g)", _SPREAD),
        parsed=r"(glmer_nb)\(",
        needs_r=True,
    ),
    "three levels": Case(
        trigger=lambda: pylme.glmer("three ~ x + (1 | g)", _LEVELS, family="binomial"),
        kind="ResponseError",
        said="it has 3 levels",
        remedy=lambda line: pylme.glmer(line, _LEVELS, family="binomial"),
        parsed=r"Say which level is the success: (.+)",
        needs_r=True,
    ),
    "an ordinal response": Case(
        trigger=lambda: pylme.lmer("three ~ x + (1 | g)", _ORDINAL, engine="numpy"),
        kind="ResponseError",
        said="ordinal",
        remedy=lambda line: pylme.glmer(line, _ORDINAL, family="binomial"),
        parsed=r"glmer\(family='binomial'\): (.+)",
        needs_r=True,
    ),
    "points": _glmer("OptionError", "whole number", {"n_agq": 3}, n_agq=1.5),
    "points of several terms": _glmer(
        "RError",
        "n_agq=1",
        {"formula": "two ~ x + (1 | g) + (1 | h)", "n_agq": 1},
        formula="two ~ x + (1 | g) + (1 | h)",
        n_agq=5,
    ),
    "response out of range": _glmer(
        "ResponseError",
        "whole numbers",
        {"formula": "count ~ x + (1 | g)", "family": "poisson"},
        formula="y ~ x + (1 | g)",
        family="poisson",
    ),
    "both starts": _glmer(
        "OptionError",
        "one of them",
        {"mustart": np.full(80, 0.5)},
        mustart=np.full(80, 0.5),
        etastart=np.zeros(80),
    ),
    "means out of range": _glmer(
        "OptionError", "between 0 and 1", {"mustart": np.full(80, 0.5)}, mustart=np.full(80, 2.0)
    ),
    "start by text": _glmer("OptionError", "numbers", None, mustart="g"),
    "random effect of a start": Case(
        trigger=lambda: _of_r(start=[1.0, 2.0]),
        kind="RError",
        said="as many values of theta as fit.theta",
        remedy=lambda: pylme.lmer(MODEL, DATA, start=pylme.lmer(MODEL, DATA).theta),
        needs_r=True,
    ),
    "structure of lme4 2": Case(
        trigger=lambda: pylme.lmer("y ~ x + cs(1 + x | g)", DATA),
        kind="NotAvailableError",
        said="lme4 2.0",
        remedy=lambda: pylme.lmer("y ~ x + (1 | g)", DATA),
        needs_r=True,
        until="structures",
    ),
    "computed groups": Case(
        trigger=lambda: pylme.lmer("y ~ x + (1 | factor(two))", DATA),
        kind="GroupingFactorError",
        said="y ~ x + (1 | two)",
        remedy=lambda: pylme.lmer("y ~ x + (1 | two)", DATA),
        needs_r=True,
    ),
    "expression out of range": _glmer(
        "ResponseError",
        "above 0",
        {"formula": "w ~ x + (1 | g)", "family": "Gamma", "link": "log"},
        formula="I(w - 3) ~ x + (1 | g)",
        family="Gamma",
    ),
    "counts below 0": _glmer(
        "ResponseError",
        "cbind(successes, total - successes)",
        {"formula": "cbind(count, 20 - count) ~ x + (1 | g)"},
        formula="cbind(count, 2 - count) ~ x + (1 | g)",
    ),
    "no counts": _glmer(
        "ResponseError",
        "no row",
        {"formula": "cbind(count, 20 - count) ~ x + (1 | g)"},
        formula="cbind(0 * count, 0 * count) ~ x + (1 | g)",
    ),
    "start of what is not searched for": _glmer(
        "RError",
        "n_agq=1",
        {"start": {"theta": [1.0]}, "n_agq": 0},
        start={"theta": [1.0], "fixef": [0.0, 0.0]},
        n_agq=0,
    ),
    "arguments of a function of R": Case(
        trigger=lambda: pylme.lmer("y ~ bs(x, degree = 0) + (1 | g)", DATA),
        kind="RError",
        said="Correct the arguments of bs()",
        remedy=lambda: pylme.lmer("y ~ bs(x, degree = 2) + (1 | g)", DATA),
        needs_r=True,
    ),
    "a check of the rank": _stops("y ~ x + I(2 * x) + (1 | g)", check_rankx="stop.deficient"),
    "a check of the scales": _stops("y ~ I(1e9 * x) + w + (1 | g)", check_scalex="stop"),
    "a check of the number of levels": _stops("y ~ x + (1 | f)", check_nlev_gtreq_5="stop"),
    "a check of singular fits": _stops("w ~ x + (1 | g)", check_conv_singular="stop"),
    "two optimizers": _control(
        "two stages", {"optimizer": "bobyqa"}, optimizer=("bobyqa", "bobyqa")
    ),
    "boundary": _control("0 or more", {"boundary_tol": 0.0}, boundary_tol=-1.0),
    "truth": _control("True", {"calc_derivs": True}, calc_derivs="yes"),
    "options": _control("mapping", {"opt_ctrl": {}}, opt_ctrl=[1]),
    "value of an option": _control(
        "number",
        {"optimizer": "bobyqa", "opt_ctrl": {"maxfun": 10}},
        optimizer="bobyqa",
        opt_ctrl={"maxfun": "ten"},
    ),
    "algorithm": _control("algorithm", None, opt_ctrl={"algorithm": 3}),
    "tolerance": _control("positive", {"tol_pwrss": 1e-8}, pylme.GlmerControl, tol_pwrss=0),
    "compdev": _control("True", {"compdev": True}, pylme.GlmerControl, compdev="no"),
    "action": _control("action", None, pylme.Check, action="shout", tol=0.1),
    "tolerance of singularity": _asked(
        lambda fit: fit.is_singular(tol=-1),
        "OptionError",
        "positive",
        lambda fit: fit.is_singular(tol=1e-4),
    ),
    "theta": _asked(
        lambda fit: fit.refit_from([1.0, 2.0]),
        "OptionError",
        "theta",
        lambda fit: fit.refit_from([1.0]),
    ),
    "level": _asked(
        lambda fit: fit.tidy(conf_int=True, conf_level=2),
        "OptionError",
        "between 0 and 1",
        lambda fit: fit.tidy(conf_int=True, conf_level=0.9),
    ),
    "points of the quadrature": _asked(
        lambda fit: fit.cross_check(quadrature=1),
        "OptionError",
        "from 2 to 100",
        lambda fit: fit.cross_check(quadrature=25),
    ),
    "fixed effects of a linear model": _asked(
        lambda fit: fit.refit_from(fit.theta, beta=[1.0, 2.0]),
        "OptionError",
        "fixed effects of a generalized model",
        lambda fit: fit.refit_from(fit.theta),
    ),
    "starts": _asked(
        lambda fit: fit.cross_check(starts=0),
        "OptionError",
        "starts",
        lambda fit: fit.cross_check(starts=1),
    ),
    "blocks": _asked(
        lambda fit: fit.group_correlations(by="f"),
        "NotAvailableError",
        "",
    ),
    "criterion as a function": _asked(
        lambda fit: fit.getme("devfun")([1.0, 2.0]),
        "OptionError",
        "numbers",
        lambda fit: fit.getme("devfun")([1.0]),
    ),
    "criterion at no number": _asked(
        lambda fit: fit.getme("devfun")([np.nan]),
        "OptionError",
        "finite numbers",
        lambda fit: fit.getme("devfun")([1.0]),
    ),
    "criterion too far away": _asked(
        lambda fit: fit.getme("devfun")([1e300]),
        "OptionError",
        "smaller numbers",
        lambda fit: fit.getme("devfun")([100.0]),
    ),
    "saved data": _asked(
        lambda fit: pylme.from_json(fit.to_json()).refit_from([1.0]),
        "NotAvailableError",
        "JSON",
        lambda fit: fit.refit_from([1.0]),
    ),
    "saved frame of data": _asked(
        lambda fit: pylme.from_json(fit.to_json()).data,
        "NotAvailableError",
        "JSON",
        lambda fit: fit.data,
    ),
    "function of R by numpy": Case(
        trigger=_function_of_r,
        kind="NotAvailableError",
        said="R alone can evaluate",
        remedy=lambda: pylme.lmer(MODEL, DATA.assign(z=np.abs(DATA["x"])), engine="numpy"),
    ),
    "no fit in a text": Case(
        trigger=lambda: pylme.from_json("{}"),
        kind="NotAvailableError",
        said="to_json",
        remedy=lambda: pylme.from_json(_lmer().to_json()),
    ),
    "square": Case(
        trigger=lambda: pylme.sdcor2cov([1.0, 2.0]),
        kind="OptionError",
        said="square",
        remedy=lambda: pylme.sdcor2cov([[1.0, 0.5], [0.5, 1.0]]),
    ),
    "grid twice": Case(
        trigger=lambda: pylme.expand_grid({"a": [1]}, a=[2]),
        kind="DataTypeError",
        said="twice",
        remedy=lambda: pylme.expand_grid({"a": [1]}, b=[2]),
    ),
    "grid of nothing": Case(
        trigger=pylme.expand_grid,
        kind="DataTypeError",
        said="expand_grid(",
        remedy=lambda: pylme.expand_grid(school=range(3)),
    ),
    "grid without values": Case(
        trigger=lambda: pylme.expand_grid(a=[]),
        kind="EmptyDataError",
        said="no values",
        remedy=lambda: pylme.expand_grid(a=[1]),
    ),
}
