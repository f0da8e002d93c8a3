"""Standard deviations and correlations by level: estimates, intervals, the test of equality."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pylme
from pylme.by_group.blocks import blocks_by
from pylme.by_group.equality_test import equality_test, pooled_terms
from pylme.errors import FitWarning, NotAvailableError, OptionError
from pylme.inference.wald import delta_intervals
from pylme.reference.ending import optimum_of
from tests.native import native

CORRELATION = "cor (Intercept), x"


def drawn(seed: int = 1, groups: int = 60, rows: int = 12) -> pd.DataFrame:
    """Groups of two kinds whose intercepts and slopes correlate by +.6 and -.5."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(groups) % 2
    covariances = np.array([[[1.0, 0.6], [0.6, 1.0]], [[2.0, -0.5], [-0.5, 0.5]]])
    halves = np.linalg.cholesky(covariances)
    b = np.einsum("gab,gb->ga", halves[kinds], rng.normal(size=(groups, 2)))
    g = np.repeat(np.arange(groups), rows)
    x = rng.normal(size=len(g))
    y = 1 + x + b[g, 0] + b[g, 1] * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g, "kind": np.array(["one", "two"])[kinds[g]]})


@pytest.fixture(scope="module")
def data():
    return drawn()


@pytest.fixture(scope="module")
def formula(data):
    return "y ~ x*kind + " + pylme.group_specific("x", group="g", by="kind", data=data)


@pytest.fixture(scope="module")
def fit(formula, data):
    return pylme.lmer(formula, data, engine="numpy")


@pytest.fixture(scope="module")
def singular():
    """The question itself: on the boundary in both sectors."""
    hsb = pylme.datasets.load("hsb")
    part = pylme.group_specific("ses", group="sch.id", by="sector", data=hsb)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return pylme.lmer(f"math ~ ses*sector + {part}", hsb, engine="numpy")


def test_the_estimates_are_those_of_varcorr(fit):
    found = fit.group_correlations(by="kind")
    assert (found.by, found.group, found.names) == ("kind", "g", ("(Intercept)", "x"))
    frame = found.to_frame()
    assert frame.index.tolist() == ["one", "two"]
    assert frame.index.name == "kind"
    for term, level in zip(fit.varcorr.terms, frame.index, strict=True):
        row = frame.loc[level]
        np.testing.assert_array_equal(row[["sd (Intercept)", "sd x"]], term.sd)
        assert row[CORRELATION] == term.corr[0, 1]


def test_varcorr_shows_the_level_of_each_block(fit):
    lines = str(fit.varcorr).splitlines()
    assert lines[1].split()[:4] == ["g", "(kind:", "one)", "(Intercept)"]
    assert lines[4].split()[0] == "x"
    # What others read stays as lme4 has it.
    assert fit.varcorr.to_frame()["var1"][0] == 'dummy(kind, "one")'
    assert 'dummy(kind, "one")' in str(fit.summary())


def test_intervals_hold_the_estimates_and_are_symmetric_where_they_should_be(fit):
    frame = fit.group_correlations(by="kind").to_frame()
    for name in ("sd (Intercept)", "sd x", CORRELATION):
        low, middle, high = (frame[name + end] for end in (" conf_low", "", " conf_high"))
        assert (low < middle).all()
        assert (middle < high).all()
        scale = np.arctanh if name.startswith("cor") else np.log
        np.testing.assert_allclose(scale(high) + scale(low), 2 * scale(middle), rtol=1e-10)


def test_a_higher_level_gives_wider_intervals(fit):
    narrow = fit.group_correlations(by="kind", conf_level=0.5).to_frame()
    wide = fit.group_correlations(by="kind", conf_level=0.99).to_frame()
    for name in ("sd x", CORRELATION):
        assert (wide[f"{name} conf_low"] < narrow[f"{name} conf_low"]).all()
        assert (wide[f"{name} conf_high"] > narrow[f"{name} conf_high"]).all()


@given(st.floats(-0.999, 0.999), st.floats(0.01, 5.0), st.floats(0.01, 100.0))
def test_no_interval_leaves_the_parameter_space(rho, error, sd):
    estimate = np.array([[sd, rho], [rho, 1.0]])
    low, high = delta_intervals(estimate, np.full((2, 2), error), reach=1.96)
    assert 0 <= low[0, 0] <= sd <= high[0, 0]
    assert -1 <= low[0, 1] <= rho <= high[0, 1] <= 1


def normal_deviance(parameters: np.ndarray, data: pd.DataFrame) -> float:
    """-2 log L of sleepstudy, written as what it is: normal vectors of ten, one for each subject.

    At the best fixed effects, with (log sd, log sd, Fisher's z, log sigma).
    """
    first, second, z, log_sigma = parameters
    sd = np.exp([first, second])
    covariance = np.outer(sd, sd) * np.array([[1.0, np.tanh(z)], [np.tanh(z), 1.0]])
    X = np.column_stack([np.ones(10), np.arange(10.0)])
    V = X @ covariance @ X.T + np.exp(2 * log_sigma) * np.eye(10)
    Y = data["Reaction"].to_numpy().reshape(18, 10)
    inverse = np.linalg.inv(V)
    beta = np.linalg.solve(X.T @ inverse @ X, X.T @ inverse @ Y.mean(axis=0))
    R = Y - X @ beta
    return 18 * np.linalg.slogdet(V)[1] + np.einsum("ja,ab,jb->", R, inverse, R)


def test_intervals_of_the_delta_method_follow_from_the_normal_likelihood():
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy", reml=False)
    (term,) = fit.varcorr.terms
    sdcor = term.corr.copy()
    np.fill_diagonal(sdcor, term.sd)
    low, high = delta_intervals(sdcor, fit._model.variance_errors().sdcor[0], reach=1.0)
    at = np.array([*np.log(term.sd), np.arctanh(term.corr[0, 1]), np.log(fit.sigma)])
    h = 1e-3
    steps = h * np.eye(4)
    hessian = np.array(
        [
            [
                sum(
                    s * t * normal_deviance(at + s * one + t * other, data)
                    for s in (1, -1)
                    for t in (1, -1)
                )
                / (4 * h**2)
                for one in steps
            ]
            for other in steps
        ]
    )
    errors = np.sqrt(np.diag(2 * np.linalg.inv(hessian)))
    ours = [
        np.log(high[0, 0] / low[0, 0]) / 2,
        np.log(high[1, 1] / low[1, 1]) / 2,
        (np.arctanh(high[0, 1]) - np.arctanh(low[0, 1])) / 2,
    ]
    # Second differences of a criterion of 1752 are known to about 1e-4.
    np.testing.assert_allclose(ours, errors[:3], rtol=1e-3)


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize("reml", [True, False])
def test_the_test_of_equality_is_the_likelihood_ratio_of_two_fits_by_lme4(reml, formula, data):
    separate = pylme.lmer(formula, data, reml=reml)
    one = pylme.lmer("y ~ x*kind + (x | g)", data, reml=reml)
    test = separate.group_correlations(by="kind").test
    assert test.statistic == pytest.approx(one.criterion - separate.criterion, abs=1e-4)
    assert (test.df, test.pooled, test.singular) == (3, "(x | g)", False)
    p = native(f"pchisq({test.statistic!r}, 3, lower.tail = FALSE)")
    assert test.p_value == pytest.approx(p, rel=1e-9)


@pytest.mark.needs_r
def test_both_engines_give_the_same_table(fit, formula, data):
    by_lme4 = pylme.lmer(formula, data).group_correlations(by="kind").to_frame()
    ours = fit.group_correlations(by="kind").to_frame()
    pd.testing.assert_frame_equal(by_lme4, ours, rtol=1e-3)


def test_the_pooled_terms_are_those_of_the_formula_for_all_levels(formula, data):
    separate = pylme.design("y ~ (1 | kind:g) + " + formula.split(" + ", 1)[1], data)
    whole = pylme.design("y ~ (1 | kind:g) + (x | g)", data)
    fitted = pylme.lmer(formula, data, engine="numpy")
    blocks = blocks_by("kind", fitted.varcorr)
    moved = [
        type(b)(**{f: getattr(b, f) for f in b.__slots__} | {"term": b.term + 1}) for b in blocks
    ]
    pooled = pooled_terms(separate.terms, moved)
    assert len(pooled) == len(whole.terms)
    for one, other in zip(pooled, whole.terms, strict=True):
        np.testing.assert_array_equal(one.columns, other.columns)
        assert (one.names, one.rows, one.thetas) == (other.names, other.rows, other.thetas)


def test_a_statistic_below_zero_is_the_optimisers_tolerance(fit):
    blocks = blocks_by("kind", fit.varcorr)
    test = equality_test(blocks, separate=10.0, pooled=10.0 - 1e-7, singular=False)
    assert (test.statistic, test.p_value) == (0.0, 1.0)


def test_there_are_no_intervals_on_the_boundary(singular):
    found = singular.group_correlations(by="sector")
    assert np.isnan(found.levels[0].conf_low).all()
    assert found.test.singular
    text = str(found)
    assert "No interval where the fit lies on the boundary" in text
    assert 'method="profile"' in text
    assert "rough, as the fit is singular" in text


def test_the_table_is_shown_in_every_form(fit):
    found = fit.group_correlations(by="kind")
    assert str(found).splitlines()[0] == "Random effects of g by kind"
    for shown in (str(found), found.to_html(), found.to_latex(), found.to_markdown()):
        assert "likelihood ratio" in shown


def test_what_is_refused(fit):
    with pytest.raises(NotAvailableError, match="There are terms by 'kind'"):
        fit.group_correlations(by="kin")
    with pytest.raises(NotAvailableError, match="no term for each of its levels"):
        fit.group_correlations(by="kind", group="other")
    with pytest.raises(OptionError, match="'profile'"):
        fit.group_correlations(by="kind", method="profil")
    with pytest.raises(OptionError, match="conf_level"):
        fit.group_correlations(by="kind", conf_level=95)


def test_without_terms_by_level_group_specific_is_named():
    fit = pylme.lmer(
        "Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"), engine="numpy"
    )
    with pytest.raises(NotAvailableError, match="group_specific"):
        fit.group_correlations(by="sex")


def test_several_grouping_factors_are_asked_for(data):
    nested = data.assign(h=data["g"] // 4 * 2 + data["g"] % 2)
    parts = [pylme.group_specific(None, group=g, by="kind", data=nested) for g in ("g", "h")]
    fit = pylme.lmer(f"y ~ x + {' + '.join(parts)}", nested, engine="numpy")
    with pytest.raises(NotAvailableError, match="several grouping factors"):
        fit.group_correlations(by="kind")
    assert fit.group_correlations(by="kind", group="h").group == "h"


def test_a_fit_from_json_has_estimates_alone(fit):
    found = pylme.from_json(fit.to_json()).group_correlations(by="kind")
    assert found.test is None
    assert found.to_frame()[CORRELATION].tolist() == (
        fit.group_correlations(by="kind").to_frame()[CORRELATION].tolist()
    )


@pytest.mark.needs_r
def test_a_generalized_model_has_estimates_alone(data):
    counts = data.assign(y=(data["y"] > 1).astype(int))
    part = pylme.group_specific(None, group="g", by="kind", data=counts)
    fit = pylme.glmer(f"y ~ x + {part}", counts, family="binomial")
    found = fit.group_correlations(by="kind")
    assert found.test is None
    assert (found.to_frame()["sd (Intercept)"] > 0).all()


def test_the_linear_problem_is_what_was_fitted(fit):
    theta, criterion = optimum_of(fit._model.linear_problem())
    np.testing.assert_allclose(theta, fit.theta, rtol=1e-6)
    assert criterion == pytest.approx(fit.criterion, abs=1e-9)


@pytest.mark.filterwarnings("ignore::pylme.errors.PylmeWarning")
@pytest.mark.needs_r
def test_columns_that_vanish_in_a_level_as_combinations_of_others():
    """Each school has one sector, so that two of four columns are zero in all of its rows."""
    hsb = pylme.datasets.load("hsb")
    part = pylme.group_specific("cses", group="sch.id", by="sector", data=hsb)
    fit = pylme.lmer(f"math ~ cses*sector + {part}", hsb, engine="numpy")
    theirs = pylme.lmer(f"math ~ cses*sector + {part}", hsb)
    assert fit.criterion <= theirs.criterion + 1e-6
    assert fit.criterion == pytest.approx(46634.7359643462, abs=1e-6)


def test_the_table_comes_in_the_library_of_the_data(fit, formula, data):
    in_pandas = fit.group_correlations(by="kind").to_frame()
    own = pylme.lmer(formula, pl.from_pandas(data), engine="numpy").group_correlations(by="kind")
    frame = own.to_frame()
    assert frame.columns == ["kind", *in_pandas.columns]
    assert frame["kind"].to_list() == in_pandas.index.tolist()
    np.testing.assert_allclose(frame.drop("kind").to_numpy(), in_pandas.to_numpy(), rtol=1e-10)
