"""Responses without any residual: no finite optimum, in the same words by both engines."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme import Status, Verdict
from pylme.errors import NoFiniteOptimumWarning, ResponseError
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL

N = 60
RNG = np.random.default_rng(0)
G = np.repeat(np.arange(6), 10)
H = RNG.integers(0, 5, N)
X = RNG.normal(size=N)
B, C, S = RNG.normal(size=6), RNG.normal(size=5), RNG.normal(size=6)
FRAME = {
    "x": X,
    "g": [f"g{i}" for i in G],
    "h": [f"h{i}" for i in H],
    "between": RNG.normal(size=6)[G],
    "w": 10.0 ** RNG.uniform(-3, 3, N),
}
#: Formula, response, weights.
NOISELESS = {
    "constant within groups": ("y ~ 1 + (1 | g)", B[G], None),
    "constant within groups, a covariate": ("y ~ x + (1 | g)", B[G], None),
    "constant within groups, a covariate between": ("y ~ between + (1 | g)", B[G], None),
    "computed": ("y ~ x + (1 | g)", B[G] + 2 * X, None),
    "weighted": ("y ~ x + (1 | g)", B[G] + 2 * X, "w"),
    "far from zero": ("y ~ x + (1 | g)", B[G] + X + 1e6, None),
    "slopes": ("y ~ x + (x | g)", B[G] + S[G] * X, None),
    "slopes without correlation": ("y ~ x + (x || g)", B[G] + S[G] * X, None),
    "slopes that do not vary": ("y ~ x + (x | g)", B[G] + X, None),
    "two factors": ("y ~ x + (1 | g) + (1 | h)", B[G] + C[H] + X, None),
    "one of two factors": ("y ~ x + (1 | g) + (1 | h)", B[G] + X, None),
}
NOISY = {
    "little noise": ("y ~ x + (1 | g)", B[G] + 2 * X + 1e-5 * RNG.normal(size=N)),
    "much less": ("y ~ x + (1 | g)", B[G] + 2 * X + 1e-9 * RNG.normal(size=N)),
    "far from zero": ("y ~ x + (1 | g)", B[G] + X + 1e6 + 1e-4 * RNG.normal(size=N)),
    "as many effects as rows": ("y ~ x + (1 | g:h) + (x | g) + (x | h)", RNG.normal(size=N)),
}


def data(y):
    return pd.DataFrame({**FRAME, "y": y})


@pytest.mark.parametrize("name", NOISELESS)
def test_by_numpy(name):
    formula, y, weights = NOISELESS[name]
    with pytest.warns(NoFiniteOptimumWarning, match="there is no finite optimum") as told:
        fit = pylme.lmer(formula, data(y), engine="numpy", weights=weights)
    assert len(told) == 1
    assert fit.convergence.status is Status.DEGENERATE
    assert not fit.optinfo.certificate.holds
    assert fit.convergence.messages == (NO_FINITE_OPTIMUM,)
    assert "no finite optimum" in fit.convergence.explain()
    check = fit.cross_check()
    assert (check.verdict, check.reason) == (Verdict.UNCHECKED, NO_FINITE_OPTIMUM)
    assert "computed from the other columns" in check.explain()


@pytest.mark.needs_r
@pytest.mark.parametrize("name", NOISELESS)
def test_by_lme4(name):
    """lme4 ends anywhere, or stops with an error about its own arithmetic."""
    formula, y, weights = NOISELESS[name]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            fit = pylme.lmer(formula, data(y), weights=weights)
        except ResponseError as error:
            stopped = str(error)
        else:
            stopped = ""
    if stopped:
        assert NO_FINITE_OPTIMUM in stopped
        return
    assert [w.category for w in told].count(NoFiniteOptimumWarning) == 1
    assert fit.convergence.status is Status.DEGENERATE
    assert NO_FINITE_OPTIMUM in fit.convergence.messages
    check = fit.cross_check()
    assert (check.verdict, check.reason) == (Verdict.UNCHECKED, NO_FINITE_OPTIMUM)


@pytest.mark.parametrize("name", NOISELESS)
def test_it_is_foreseen(name):
    formula, y, _ = NOISELESS[name]
    assert "There is no finite optimum" in pylme.explain(formula, data(y)).expectations[0]


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize("name", NOISY)
def test_noise_however_little_is_no_such_case(name):
    formula, y = NOISY[name]
    assert "finite optimum" not in " ".join(pylme.explain(formula, data(y)).expectations)
    fit = pylme.lmer(formula, data(y), engine="numpy")
    assert not fit.optinfo.certificate.unbounded


#: The same for fixed effects alone. Formula, response, weights.
EXPLAINED = {
    "a covariate": ("y ~ x + (1 | g)", 1 + 2 * X, None),
    "far from zero": ("y ~ x + (1 | g)", 1e6 + 2 * X, None),
    "slopes": ("y ~ x + (x | g)", 1 + 2 * X, None),
    "two factors": ("y ~ x + (1 | g) + (1 | h)", 1 + 2 * X, None),
    "weighted": ("y ~ x + (1 | g)", 1 + 2 * X, "w"),
    "the groups": ("y ~ g + x + (1 | g)", B[G] + X, None),
}


@pytest.mark.needs_r
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("engine", ["numpy", "lme4"])
@pytest.mark.parametrize("name", EXPLAINED)
def test_fixed_effects_that_explain_everything(name, engine, reml):
    formula, y, weights = EXPLAINED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ResponseError, match=NO_RESIDUAL):
            pylme.lmer(formula, data(y), engine=engine, weights=weights, reml=reml)


@pytest.mark.parametrize("name", EXPLAINED)
def test_it_is_foreseen_of_fixed_effects(name):
    formula, y, weights = EXPLAINED[name]
    assert weights or NO_RESIDUAL in pylme.explain(formula, data(y)).expectations[0]


@pytest.mark.parametrize("noise", [1e-9, 1e-11, 1e-12, 1e-13])
def test_a_residual_of_few_digits_is_a_residual(noise):
    """The response less its fixed part is the noise, as far as the response can hold it."""
    e = np.random.default_rng(3).normal(size=N) + 0.7 * B[G]
    y = 1 + 2 * X + noise * e
    left = y - 1 - 2 * X
    fit = pylme.lmer("y ~ x + (1 | g)", data(y), engine="numpy")
    alone = pylme.lmer("y ~ x + (1 | g)", data(left / noise), engine="numpy")
    rounding = np.finfo(float).eps / noise
    assert fit.sigma == pytest.approx(noise * alone.sigma, rel=1e-9 + 10 * rounding)
    assert fit.theta == pytest.approx(alone.theta, rel=1e-6 + 30 * rounding)


def test_weights_however_small_explain_nothing():
    y = B[G] + X + RNG.normal(size=N)
    fits = [
        pylme.lmer("y ~ x + (1 | g)", data(y), engine="numpy", weights=np.full(N, w))
        for w in (1.0, 1e-26)
    ]
    # The residual standard deviation is per unit of weight, and so are the relative ones.
    assert fits[1].theta / 1e13 == pytest.approx(fits[0].theta, rel=1e-6)
    assert fits[1].sigma * 1e13 == pytest.approx(fits[0].sigma, rel=1e-9)


#: With [X, Z] all of the sample space: no minimum by ML, as rank(Z) = 10 < 11 rows. By REML the
#: criterion tends to a constant.
SATURATED = pd.DataFrame(
    {
        "y": [2.3914, -0.67147, 2.3856, -2.294, -0.28275, -0.80222, 2.7, 2.5635, 1.2788, 1.39, 1.7],
        "g": ["g1", "g3", "g0", "g2", "g0", "g2", "g3", "g1", "g2", "g0", "g2"],
        "h": ["h1", "h0", "h1", "h0", "h0", "h0", "h1", "h1", "h2", "h1", "h2"],
        "x": [5.0, 3.0, 4.0, 1.0, 2.0, 4.0, 3.0, 3.0, 4.0, 3.0, 1.0],
        "w": [0.134, 0.65, 0.666, -0.877, -0.319, 0.222, -0.597, 0.457, 1.565, 0.083, -0.062],
    }
)
#: A response of the groups alone among effects that span all rows.
PART = pd.DataFrame(
    {
        "y": np.repeat([1.0, 3.0, -2.0, 0.5], 3),
        "g": np.repeat(["a", "b", "c", "d"], 3),
        "h": np.tile(["p", "q", "r"], 4),
        "k": ["u", "v", "w", "x", "y", "z"] * 2,
    }
)


def _dense_criterion(data, Z, scale, *, reml):
    """Of the model with all standard deviations `scale` times the residual one, from V itself."""
    n = len(data)
    X = np.column_stack([np.ones(n), data["x"]]) if "x" in data else np.ones((n, 1))
    y = data["y"].to_numpy()
    inverse = np.linalg.inv(np.eye(n) + scale**2 * Z @ Z.T)
    S = X.T @ inverse @ X
    left = y - X @ np.linalg.solve(S, X.T @ inverse @ y)
    nu = n - X.shape[1] if reml else n
    rest = float(left @ inverse @ left)
    value = -np.linalg.slogdet(inverse)[1] + nu * (1 + np.log(2 * np.pi * rest / nu))
    return value + (np.linalg.slogdet(S)[1] if reml else 0.0)


def _saturated_z():
    g, h = (pd.get_dummies(SATURATED[name]).to_numpy(float) for name in ("g", "h"))
    return np.hstack([g, g * SATURATED["w"].to_numpy()[:, None], h])


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
@pytest.mark.needs_r
@pytest.mark.parametrize("engine", ["numpy", "lme4"])
def test_effects_that_span_all_rows_by_ml(engine):
    """A local minimum is no optimum where the criterion falls without bound elsewhere."""
    low = [_dense_criterion(SATURATED, _saturated_z(), t, reml=False) for t in (1e2, 1e3, 1e4)]
    assert np.diff(low) == pytest.approx([-2 * np.log(10)] * 2, rel=0.1)
    with pytest.warns(NoFiniteOptimumWarning):
        fit = pylme.lmer("y ~ x + (w | g) + (1 | h)", SATURATED, reml=False, engine=engine)
    assert fit.convergence.status is Status.DEGENERATE
    assert fit.cross_check().verdict is Verdict.UNCHECKED
    assert fit.cross_check().reason == NO_FINITE_OPTIMUM


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.needs_r
@pytest.mark.parametrize("engine", ["numpy", "lme4"])
def test_effects_that_span_all_rows_by_reml(engine):
    low = [_dense_criterion(SATURATED, _saturated_z(), t, reml=True) for t in (1e3, 1e4)]
    assert np.ptp(low) < 0.01
    fit = pylme.lmer("y ~ x + (w | g) + (1 | h)", SATURATED, engine=engine)
    assert NO_FINITE_OPTIMUM not in fit.convergence.messages
    assert fit.cross_check().verdict is not Verdict.UNCHECKED


@pytest.mark.needs_r
@pytest.mark.parametrize("engine", ["numpy", "lme4"])
def test_a_response_of_some_of_the_effects_among_as_many_as_rows(engine):
    """A warning, or lme4's error about its own arithmetic, in the same words."""
    with pytest.raises((NoFiniteOptimumWarning, ResponseError), match=NO_FINITE_OPTIMUM):
        pylme.lmer("y ~ 1 + (1 | g) + (1 | h) + (1 | k)", PART, engine=engine)
