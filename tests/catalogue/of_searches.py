"""Messages about searches and checks: optima that do not exist, memory, an R that is not there."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.cli import app
from pylme.families import negative_binomial
from pylme.formula import parse_formula
from pylme.lme4 import engine as lme4_engine
from pylme.lme4.installation import availability
from pylme.lme4.linear_problem import terms_of
from pylme.lme4.session import session
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.recipe import Memory
from pylme.reference import ending, engine
from pylme.reference.criterion import crossed, storage
from pylme.reference.generalized.algebra import several_factors_of

from .case import DATA, Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CASES"]

MODEL = "y ~ x + (1 | g)"
_RNG = np.random.default_rng(12)
_NOISELESS = DATA.assign(y=_RNG.normal(size=8).repeat(10) + 2 * DATA["x"])
_WORKERS = pd.DataFrame({"w": np.arange(2_000) // 5, "f": _RNG.integers(0, 300, 2_000)})
_WORKERS["y"] = _RNG.normal(size=2_000)
#: A reason is given once in a process.
_numbers = count()
_CROSSED = "y ~ 1 + (1 | w) + (1 | f)"
#: More levels than a dense matrix is taken for without looking at the memory.
_MANY = np.arange(2_000) * 7 % 601
_COUNTS = pd.DataFrame(
    {"w": np.arange(2_000) % 990, "f": _MANY, "y": np.random.default_rng(3).poisson(2.0, 2_000)}
)


def _lmer(formula: str = MODEL, data: pd.DataFrame = DATA, **named: object) -> pylme.Fit:
    return pylme.lmer(formula, data, **{"engine": "numpy", **named})


def _counts(data: pd.DataFrame) -> pylme.Fit:
    with warnings.catch_warnings():
        # The counts do not depend on either factor, whose variances are zero.
        warnings.simplefilter("ignore", pylme.errors.SingularFitWarning)
        return pylme.glmer(_CROSSED, data, family="poisson", engine="numpy")


@cache
def _by_lme4() -> pylme.Fit:
    return pylme.lmer(MODEL, DATA)


@contextmanager
def _patched(target: object, name: str, value: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, value)
        yield


def _where(
    target: object, name: str, value: object, work: Callable[[], object]
) -> Callable[[], object]:
    """Work where something of the machine, or of a search, is another."""

    def worked() -> object:
        with _patched(target, name, value):
            return work()

    return worked


def _raising(error: Exception) -> Callable[..., object]:
    def raises(*_: object, **__: object) -> object:
        raise error

    return raises


def _still_falling(found: Any) -> object:
    return replace(found, certificate=replace(found.certificate, expected_fall=1.0))


def _with_another_zt() -> object:
    system: Any = _by_lme4()._model.system()
    return terms_of(replace(system, theta=np.ones(3)))


CASES = {
    "no finite optimum": Case(
        trigger=lambda: _lmer(data=_NOISELESS),
        kind="NoFiniteOptimumWarning",
        said="no finite optimum",
        remedy=_lmer,
    ),
    "no finite optimum by lme4": Case(
        trigger=_where(
            lme4_engine,
            "fit_with_lme4",
            _raising(
                pylme.errors.RError(
                    message="Downdated VtV is not positive definite",
                    call=None,
                    asked="Fitting",
                    remedy="None.",
                )
            ),
            lambda: pylme.lmer(MODEL, _NOISELESS),
        ),
        kind="ResponseError",
        said="no finite optimum",
        remedy=lambda: pylme.lmer(MODEL, DATA),
        needs_r=True,
    ),
    "not determined": Case(
        trigger=lambda: _lmer("y ~ g + x + (1 | g)"),
        kind="NotIdentifiedWarning",
        said="do not determine",
        remedy=_lmer,
    ),
    "a search that breaks down": Case(
        trigger=_where(engine, "search", _raising(np.linalg.LinAlgError()), _lmer),
        kind="ResponseError",
        said="double precision",
        remedy=_lmer,
    ),
    "a search without an optimum": Case(
        trigger=_where(
            engine, "search", _raising(np.linalg.LinAlgError()), lambda: _lmer(data=_NOISELESS)
        ),
        kind="ResponseError",
        said="no finite optimum",
        remedy=_lmer,
    ),
    "a search that stops early": Case(
        trigger=_where(
            engine, "search", lambda *given: replace(ending.search(*given), converged=False), _lmer
        ),
        kind="ConvergenceWarning",
        said="the search stopped after",
    ),
    "no minimum": Case(
        trigger=_where(
            engine,
            "search",
            lambda *given: _still_falling(ending.search(*given)),
            lambda: _lmer(data=DATA.assign(y=DATA["w"])),
        ),
        kind="ConvergenceWarning",
        said="still falls",
    ),
    "as many effects as rows": Case(
        trigger=lambda: _lmer("y ~ 1 + (poly(x, 9) | g)"),
        kind="GroupingFactorError",
        said="random effects for 80 rows",
        remedy=lambda: _lmer("y ~ 1 + (poly(x, 2) | g)"),
    ),
    "no memory": Case(
        trigger=_where(
            storage,
            "available_bytes",
            lambda: 5_000,
            lambda: _lmer(_CROSSED, _WORKERS),
        ),
        kind="TooLargeError",
        said="5,000 bytes",
        remedy=lambda: _lmer(_CROSSED, _WORKERS.assign(f=_WORKERS["f"] // 10)),
    ),
    "no memory for a generalized model": Case(
        trigger=_where(
            several_factors_of,
            "available_bytes",
            lambda: 5_000,
            lambda: _counts(_COUNTS),
        ),
        kind="TooLargeError",
        said="Fitting a generalized model with",
        remedy=lambda: _counts(_COUNTS.assign(f=_MANY // 20)),
    ),
    "no memory on the way": Case(
        trigger=_where(
            crossed.Crossed,
            "_evaluate",
            _raising(MemoryError()),
            lambda: _lmer(_CROSSED, _WORKERS),
        ),
        kind="TooLargeError",
        said="Evaluating the criterion",
        remedy=lambda: _lmer(_CROSSED, _WORKERS.assign(f=_WORKERS["f"] // 10)),
    ),
    "a verdict": Case(
        trigger=lambda: _lmer(data=DATA.assign(y=DATA["x"] + DATA["w"]), check=True),
        kind="CrossCheckWarning",
        said="",
    ),
    "terms of another lme4": Case(
        trigger=_with_another_zt,
        kind="NotAvailableError",
        said="Zt in another way",
        remedy=lambda: terms_of(_by_lme4()._model.system()),
        needs_r=True,
    ),
    "auto without R": Case(
        trigger=_where(
            lme4_engine,
            "unavailable",
            lambda: pylme.errors.RUnavailableError(
                asked="Calling R", found=f"no R, case {next(_numbers)}", remedy="Install R."
            ),
            lambda: pylme.lmer(MODEL, DATA),
        ),
        kind="EngineWarning",
        said="lme4 is not used",
        remedy=lambda name: pylme.lmer(MODEL, DATA, engine=name),
        parsed=r"PYLME_ENGINE=(\w+)",
    ),
    "no R": Case(
        trigger=_where(
            availability,
            "find_r",
            lambda: None,
            lambda: (_ for _ in ()).throw(availability.why_unavailable()),
        ),
        kind="RUnavailableError",
        said="R was not found",
        remedy=lambda command: getattr(app, command),
        parsed=r"`pylme (\w+)` checks",
    ),
    "R of a parent": Case(
        trigger=lambda: (
            _where(os, "getpid", lambda: 1, lambda: pylme.lmer(MODEL, DATA))()
            if session()
            else None
        ),
        kind="NotAvailableError",
        said="forked process",
        remedy=lambda: pylme.lmer(MODEL, DATA),
        needs_r=True,
    ),
    "an item of lme4": Case(
        trigger=lambda: _by_lme4().getme("thetta"),
        kind="UnknownNameError",
        said="Did you mean 'theta'",
        remedy=lambda name: _by_lme4().getme(name),
        parsed=r"Did you mean '(\w+)'",
        needs_r=True,
    ),
    "rows that R loses": Case(
        trigger=lambda: pylme.lmer("y ~ factor(f, exclude = 'a') + x + (1 | g)", _THREE),
        kind="MissingRowsWarning",
        said="a transformation in the formula",
        remedy=lambda: pylme.lmer("y ~ f + x + (1 | g)", _THREE[_THREE["f"] != "a"]),
        needs_r=True,
    ),
    "rows that R loses, forbidden": Case(
        trigger=lambda: pylme.lmer(
            "y ~ factor(f, exclude = 'a') + x + (1 | g)", _THREE, na_action="fail"
        ),
        kind="MissingValueError",
        said="a transformation in the formula",
        remedy=lambda action: pylme.lmer(
            "y ~ factor(f, exclude = 'a') + x + (1 | g)", _THREE, na_action=action
        ),
        parsed=r'na_action="(\w+)" to leave',
        needs_r=True,
    ),
    "a shape": Case(
        trigger=lambda: negative_binomial(-1.0),
        kind="OptionError",
        said="a positive finite number",
        remedy=lambda: negative_binomial(2.0),
    ),
    "a link of the negative binomial": Case(
        trigger=lambda: negative_binomial(2.0, "logit"),
        kind="OptionError",
        said="Allowed",
        remedy=lambda link: negative_binomial(2.0, link),
        parsed=r"Allowed: '(\w+)'",
    ),
    "tolerance of a check": Case(
        trigger=lambda: pylme.Check(action="warning", tol=-1.0),
        kind="OptionError",
        said="a positive number",
        remedy=lambda: pylme.Check(action="warning", tol=1.0),
    ),
    "correlations of text": Case(
        trigger=lambda: pylme.sdcor2cov("text"),
        kind="OptionError",
        said="a square matrix",
        remedy=lambda: pylme.sdcor2cov([[1.0, 0.5], [0.5, 1.0]]),
    ),
    "a name without a column": Case(
        trigger=lambda: Evaluator({}, 0, Memory()).value(parse_formula("y ~ X + (1 | g)").response),
        kind="UnknownColumnError",
        said="'y'",
    ),
}
_THREE = DATA.assign(f=[("a", "b", "c")[i % 3] for i in range(80)])
