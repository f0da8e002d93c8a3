"""What must not change, or must change in a known way, when a model is written otherwise."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylme
from tests.tolerances import SAME_OPTIMUM

FORMULAS = (
    "y ~ x + (x | g)",
    "y ~ x + (x || g)",
    "y ~ x * f + (1 | g)",
    "y ~ x + (1 | g) + (1 | h)",
    "y ~ x + (x | g) + (1 | h)",
    "y ~ f + (0 + f | g)",
    "y ~ x + (1 | g/h)",
)


def data_of(seed, rows=120):
    """Unbalanced data with two grouping factors, a covariate, and a factor of three levels."""
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 9, rows), rng.integers(0, 6, rows)
    x = rng.normal(size=rows)
    effects = rng.normal(size=(9, 2)) @ np.diag([1.5, 0.8])
    y = 3.0 + 2.0 * x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=6)[h]
    return pd.DataFrame(
        {
            "y": y + rng.normal(size=rows),
            "x": x,
            "f": pd.Categorical.from_codes(rng.integers(0, 3, rows), ["a", "b", "c"]),
            "g": pd.Categorical.from_codes(g, [f"g{i}" for i in range(9)]),
            "h": pd.Categorical.from_codes(h, [f"h{i}" for i in range(6)]),
            "w": rng.uniform(0.5, 3.0, rows),
        }
    )


def fitted(formula, data, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        return pylme.lmer(formula, data, engine="numpy", **arguments)


def near(found, expected, slack=1.0):
    assert found == pytest.approx(expected, rel=SAME_OPTIMUM, abs=slack * SAME_OPTIMUM)


varied = settings(deadline=None, max_examples=15)
models = st.sampled_from(FORMULAS)
seeds = st.integers(0, 500)
methods = st.booleans()


def all_close(found, expected):
    """Variances, at optima that differ by the error of a search."""
    for name in expected.columns:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-4)


@varied
@given(formula=models, seed=seeds, reml=methods)
def test_the_order_of_rows(formula, seed, reml):
    data = data_of(seed)
    base, moved = (
        fitted(formula, d, reml=reml) for d in (data, data.sample(frac=1.0, random_state=seed))
    )
    near(moved.criterion, base.criterion)
    np.testing.assert_allclose(moved.fixef, base.fixef, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(moved.fitted.loc[data.index], base.fitted, rtol=1e-4, atol=1e-4)


@varied
@given(formula=models, seed=seeds)
def test_the_names_and_the_order_of_levels(formula, seed):
    data = data_of(seed)
    order = np.random.default_rng(seed).permutation(9)
    renamed = data.assign(
        g=data["g"]
        .cat.rename_categories([f"other {i}" for i in order])
        .cat.reorder_categories([f"other {i}" for i in range(9)])
    )
    base, moved = fitted(formula, data), fitted(formula, renamed)
    near(moved.criterion, base.criterion)
    if "g" in base.ranef:
        names = [f"other {i}" for i in order]
        np.testing.assert_allclose(
            moved.ranef["g"].loc[names], base.ranef["g"], rtol=1e-3, atol=1e-3
        )


@varied
@given(seed=seeds, reml=methods)
def test_the_order_of_terms(seed, reml):
    data = data_of(seed)
    parts = ["(x | g)", "(1 | h)", "(0 + f | h)"]
    base = fitted("y ~ x + " + " + ".join(parts), data, reml=reml)
    moved = fitted("y ~ " + " + ".join(reversed(parts)) + " + x", data, reml=reml)
    near(moved.criterion, base.criterion, slack=10.0)
    np.testing.assert_allclose(moved.fixef, base.fixef, rtol=1e-4, atol=1e-4)


@varied
@given(formula=models, seed=seeds, reml=methods, scale=st.sampled_from([1e-9, 0.01, 100.0, 1e9]))
def test_the_units_of_the_response(formula, seed, reml, scale):
    data = data_of(seed)
    base = fitted(formula, data, reml=reml)
    moved = fitted(formula, data.assign(y=scale * data["y"]), reml=reml)
    nu = base.nobs - (len(base.fixef) if reml else 0)
    near(moved.criterion, base.criterion + 2 * nu * np.log(scale), slack=10.0)
    np.testing.assert_allclose(moved.theta, base.theta, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(moved.fixef, scale * base.fixef, rtol=1e-6)
    assert moved.sigma == pytest.approx(scale * base.sigma, rel=1e-5)


@varied
@given(formula=models, seed=seeds, shift=st.sampled_from([-1e6, -3.0, 100.0, 1e6]))
def test_a_constant_added_to_the_response(formula, seed, shift):
    data = data_of(seed)
    base, moved = fitted(formula, data), fitted(formula, data.assign(y=data["y"] + shift))
    near(moved.criterion, base.criterion, slack=10.0)
    np.testing.assert_allclose(moved.theta, base.theta, rtol=1e-3, atol=1e-4)
    changed = moved.fixef - base.fixef
    np.testing.assert_allclose(changed.iloc[0], shift, rtol=1e-8)
    np.testing.assert_allclose(changed.iloc[1:], 0.0, atol=1e-4)


@varied
@given(
    formula=st.sampled_from([f for f in FORMULAS if "x" in f]),
    seed=seeds,
    reml=methods,
    scale=st.sampled_from([1e-6, -1.0, 40.0, 1e6]),
)
def test_the_units_of_a_covariate(formula, seed, reml, scale):
    """REML knows the units: each column of X that holds the covariate adds 2 log of the scale."""
    data = data_of(seed)
    base = fitted(formula, data, reml=reml)
    moved = fitted(formula, data.assign(x=scale * data["x"]), reml=reml)
    columns = sum("x" in name for name in base.fixef.index)
    near(moved.criterion, base.criterion + reml * 2 * columns * np.log(abs(scale)), slack=10.0)
    assert moved.sigma == pytest.approx(base.sigma, rel=1e-5)
    assert moved.convergence.status is base.convergence.status


@varied
@given(seed=seeds, reml=methods, shift=st.sampled_from([-5.0, 1000.0, 1e6]))
def test_a_shifted_covariate(seed, reml, shift):
    """The intercept takes the shift up, if it varies with the slope."""
    data = data_of(seed)
    for formula in ("y ~ x + (x | g)", "y ~ x + (x | g) + (1 | h)"):
        base = fitted(formula, data, reml=reml)
        moved = fitted(formula, data.assign(x=data["x"] + shift), reml=reml)
        near(moved.criterion, base.criterion, slack=10.0)
        assert moved.fixef["x"] == pytest.approx(base.fixef["x"], rel=1e-5, abs=1e-5)
        assert moved.convergence.status is base.convergence.status


@varied
@given(formula=models, seed=seeds, reml=methods, scale=st.sampled_from([1e-4, 0.5, 7.0, 1e4]))
def test_scaled_weights(formula, seed, reml, scale):
    """Weights times c: σ² becomes cσ², the covariances of effects stay."""
    data = data_of(seed)
    base = fitted(formula, data, reml=reml, weights="w")
    moved = fitted(formula, data.assign(w=scale * data["w"]), reml=reml, weights="w")
    near(moved.criterion, base.criterion, slack=10.0)
    assert moved.sigma**2 == pytest.approx(scale * base.sigma**2, rel=1e-5)
    np.testing.assert_allclose(moved.fixef, base.fixef, rtol=1e-5, atol=1e-5)
    all_close(
        moved.varcorr.to_frame().iloc[:-1][["vcov"]], base.varcorr.to_frame().iloc[:-1][["vcov"]]
    )


@varied
@given(formula=models, seed=seeds)
def test_weights_of_one_are_none(formula, seed):
    data = data_of(seed)
    base = fitted(formula, data, reml=False)
    near(fitted(formula, data.assign(w=1.0), reml=False, weights="w").criterion, base.criterion)


@varied
@given(formula=models, seed=seeds)
def test_an_offset_is_subtracted(formula, seed):
    data = data_of(seed).assign(o=lambda d: 5.0 * d["x"] - 2.0)
    base = fitted(formula, data.assign(y=data["y"] - data["o"]))
    moved = fitted(formula, data, offset="o")
    near(moved.criterion, base.criterion)
    np.testing.assert_allclose(moved.fitted, base.fitted + data["o"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(moved.residuals, base.residuals, rtol=1e-4, atol=1e-4)


@varied
@given(formula=models, seed=seeds, reml=methods, away=st.integers(0, 100))
def test_the_start_of_the_search(formula, seed, reml, away):
    data = data_of(seed)
    base = fitted(formula, data, reml=reml)
    start = np.random.default_rng(away).normal(size=len(base.theta)) * 2.0
    start = np.where(np.isfinite(base.getme("lower")), np.abs(start), start)
    moved = fitted(formula, data, reml=reml, start=start)
    near(moved.criterion, base.criterion, slack=10.0)
