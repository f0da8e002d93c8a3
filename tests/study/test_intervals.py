"""Bootstrap intervals against SciPy's on the same replicates, and Efron's exact example."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pylme.study.intervals import basic, bca, bias_corrections, percentile

RNG = np.random.default_rng(11)
DATA = RNG.gamma(2.0, size=30)
REPLICATES = RNG.choice(DATA, (1999, 30)).mean(axis=1)


def of_scipy(method, level):
    """SciPy's interval from our replicates: none of its own is drawn."""
    given = type("Given", (), {"bootstrap_distribution": REPLICATES})()
    found = stats.bootstrap(
        (DATA,), np.mean, n_resamples=0, bootstrap_result=given, confidence_level=level,
        method=method,
    )  # fmt: skip
    return found.confidence_interval


def jackknife_acceleration(data):
    """Of a mean: a sixth of its influence values' skewness."""
    influence = (len(data) * data.mean() - data) / (len(data) - 1)
    off = influence.mean() - influence
    return (off**3).sum() / (6 * (off**2).sum() ** 1.5)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_all_three_are_scipys(level):
    replicates, estimates = REPLICATES[:, None], np.array([DATA.mean()])
    a = np.array([jackknife_acceleration(DATA)])
    ours = {
        "percentile": percentile(replicates, level),
        "basic": basic(replicates, estimates, level),
        "BCa": bca(replicates, estimates, a, level),
    }
    for method, limits in ours.items():
        np.testing.assert_allclose(limits[:, 0], of_scipy(method, level), rtol=1e-12)


def test_bca_is_the_exact_interval_of_a_variance():
    """Efron's example (1987): 19 degrees of freedom, where the percentile interval is far off."""
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    replicates = stats.chi2.ppf(quantiles, 19)[:, None] / 19
    estimates = np.array([1.0])
    z0 = bias_corrections(replicates, estimates)
    assert z0 == pytest.approx(stats.norm.ppf(stats.chi2.cdf(19, 19)), abs=1e-4)
    limits = bca(replicates, estimates, np.array([np.sqrt(8 / 19) / 6]), 0.9)[:, 0]
    exact = 19 / stats.chi2.ppf([0.95, 0.05], 19)
    np.testing.assert_allclose(limits, exact, rtol=0.006)
    assert percentile(replicates, 0.9)[1, 0] < 0.9 * exact[1]


def test_what_is_no_number_is_left_out():
    gaps = np.full((len(REPLICATES) * 2, 2), np.nan)
    gaps[::2, 0] = REPLICATES
    estimates = np.array([DATA.mean(), 1.0])
    for limits, whole in [
        (percentile(gaps, 0.9), percentile(REPLICATES[:, None], 0.9)),
        (basic(gaps, estimates, 0.9), basic(REPLICATES[:, None], estimates[:1], 0.9)),
        (bca(gaps, estimates, np.full(2, 0.1), 0.9),
         bca(REPLICATES[:, None], estimates[:1], np.full(1, 0.1), 0.9)),
    ]:  # fmt: skip
        np.testing.assert_array_equal(limits[:, :1], whole)
        assert np.isnan(limits[:, 1]).all()


def test_bca_where_the_estimate_is_at_an_end_of_the_replicates():
    replicates = np.repeat(REPLICATES[:, None], 3, axis=1)
    replicates[:, 2] = 4.0
    estimates = np.array([REPLICATES.min() - 1, REPLICATES.max() + 1, 4.0])
    limits = bca(replicates, estimates, np.zeros(3), 0.95)
    assert np.isnan(limits[:, :2]).all()
    assert limits[:, 2].tolist() == [4.0, 4.0]


def test_bca_beyond_its_pole():
    limits = bca(REPLICATES[:, None], np.array([DATA.mean()]), np.array([0.6]), 0.95)
    assert np.isnan(limits).all()
