"""Responses without any residual: no finite optimum, in the same words by both engines."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme import Status, Verdict
from pylme.errors import NoFiniteOptimumWarning, ResponseError
from pylme.results.certificate import NO_FINITE_OPTIMUM

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
