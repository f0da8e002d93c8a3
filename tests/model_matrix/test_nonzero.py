"""Random effects that are all multiplied by zero: lme4 ends the process, so they are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import ZeroEffectsError

ROWS = 60


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    y = rng.normal(size=ROWS)
    return pd.DataFrame(
        {
            "y": y,
            "positive": np.where(np.arange(ROWS) == 0, -1.0, np.abs(y)),
            "count": rng.poisson(2, size=ROWS),
            "zero": 0.0,
            "none": np.zeros(ROWS, dtype=int),
            "once": (np.arange(ROWS) == 0).astype(float),
            "z": rng.normal(size=ROWS),
            "f": pd.Categorical(np.tile(["a", "b"], ROWS // 2)),
            "g": np.repeat(np.arange(12), 5).astype(str),
            "h": np.tile(np.arange(6), 10).astype(str),
        }
    )


ZERO = [
    ("y ~ 1 + (0 + zero | g)", {}),
    ("y ~ z + (0 + none | g)", {}),
    ("y ~ 1 + (zero - 1 | g)", {}),
    ("y ~ 1 + (0 + zero + I(2 * zero) | g)", {}),
    ("y ~ 1 + (0 + zero || g)", {}),
    ("y ~ 1 + (0 + zero:z | g)", {}),
    ("y ~ 1 + (0 + zero:f | g)", {}),
    ("y ~ 1 + (0 + I(z * 0) | g)", {}),
    ("y ~ 1 + (0 + log(1 + zero) | g)", {}),
    ("y ~ 1 + (0 + zero | g) + (0 + none | h)", {}),
    ("y ~ 1 + (0 + once | g)", {"subset": np.arange(ROWS) > 0}),
    ("y ~ 1 + (0 + zero | g)", {"weights": np.arange(1, ROWS + 1)}),
]


@pytest.mark.parametrize(("formula", "arguments"), ZERO)
@pytest.mark.parametrize("engine", [pytest.param("lme4", marks=pytest.mark.needs_r), "numpy"])
def test_both_engines_refuse_zeros(formula, arguments, engine, data):
    with pytest.raises(ZeroEffectsError, match="0 in all") as caught:
        pylme.lmer(formula, data, engine=engine, **arguments)
    assert caught.value.terms[0] in str(caught.value)


@pytest.mark.filterwarnings("ignore::pylme.errors.MissingRowsWarning")
@pytest.mark.parametrize("engine", [pytest.param("lme4", marks=pytest.mark.needs_r), "numpy"])
@pytest.mark.parametrize("lost", ["in the data", "by a function"])
def test_rows_that_are_left_out_do_not_count(lost, engine, data):
    if lost == "in the data":
        formula, rows = "y ~ 1 + (0 + once | g)", data.assign(y=data["y"].mask(data["once"] == 1))
    else:
        formula, rows = "log(positive) ~ 1 + (0 + once | g)", data
    with pytest.raises(ZeroEffectsError):
        pylme.lmer(formula, rows, engine=engine)


@pytest.mark.needs_r
@pytest.mark.parametrize("arguments", [{}, {"n_agq": 0}, {"family": "gaussian", "link": "log"}])
def test_generalized_models_too(arguments, data):
    with pytest.raises(ZeroEffectsError):
        pylme.glmer("count ~ 1 + (0 + zero | g)", data, **{"family": "poisson"} | arguments)
    with pytest.raises(ZeroEffectsError):
        pylme.glmer("cbind(count, 20 - count) ~ 1 + (0 + zero | g)", data)
    with pytest.raises(ZeroEffectsError):
        pylme.glmer_nb("count ~ 1 + (0 + zero | g)", data)


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_a_function_that_r_alone_knows(data):
    """R is asked for Z before it is asked for a fit."""
    from rpy2 import rinterface as ri

    from pylme.lme4.session import session

    session()
    ri.evalr("nothing <- function(x) x * 0; twice <- function(x) x * 2")
    try:
        for name in ("nothing", "twice"):
            pylme.allow_function(name)
        with pytest.raises(ZeroEffectsError):
            pylme.lmer("y ~ 1 + (0 + nothing(z) | g)", data)
        with pytest.raises(ZeroEffectsError):
            pylme.glmer_nb("count ~ 1 + (0 + nothing(z) | g)", data)
        doubled = pylme.lmer("y ~ 1 + (0 + twice(z) | h)", data, reml=False)
        plain = pylme.lmer("y ~ 1 + (0 + I(2 * z) | h)", data, reml=False)
        assert doubled.criterion == plain.criterion
    finally:
        ri.evalr("rm(nothing, twice)")


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize(
    ("formula", "without"),
    [
        ("y ~ 1 + (1 | h) + (0 + zero | g)", "y ~ 1 + (1 | h)"),
        ("y ~ 1 + (0 + zero | g) + (1 | h)", "y ~ 1 + (1 | h)"),
        ("y ~ 1 + (zero || h)", "y ~ 1 + (1 | h)"),
        ("y ~ 1 + (0 + z + zero | h)", "y ~ 1 + (0 + z | h)"),
        ("y ~ 1 + (0 + zero + I(2 * zero) + z | h)", "y ~ 1 + (0 + z | h)"),
        ("y ~ 1 + (zero | h) + (0 + zero + z | g)", "y ~ 1 + (1 | h) + (0 + z | g)"),
    ],
)
def test_zeros_beside_other_effects_are_fitted(formula, without, data):
    """A column of zeros has no part in the likelihood, and what it multiplies is not determined."""
    fits = [
        pylme.lmer(text, data, engine=engine)
        for text in (formula, without)
        for engine in ("lme4", "numpy")
    ]
    np.testing.assert_allclose([f.criterion for f in fits], fits[0].criterion, rtol=1e-6)
    assert [f.cross_check().verdict for f in fits[:2]] == [pylme.Verdict.NOT_IDENTIFIED] * 2


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_one_element_is_enough(data):
    assert np.isfinite(pylme.lmer("y ~ 1 + (0 + once | g)", data).criterion)
