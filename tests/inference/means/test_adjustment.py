"""Adjustments for several contrasts: closed forms, SciPy's distributions, and their relations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pylme.inference.means.adjustment import (
    Family,
    adjusted,
    critical_values,
    effective,
)
from pylme.inference.means.contrasts import contrast_coefficients
from pylme.inference.means.maximum import MaximumModulus
from pylme.inference.means.studentized_range import (
    studentized_range_cdf,
    studentized_range_quantile,
)
from pylme.inference.wald import wald_p

DF = np.array([1.0, 1.5, 3.0, 17.3, 400.0])


def family(k=4, df=9.0, scale=1.0, method="pairwise", variances=None):
    """Contrasts of k independent means."""
    C = contrast_coefficients(method, [str(i) for i in range(k)]).C
    V = np.diag(np.ones(k) if variances is None else variances)
    estimate = C @ np.linspace(0.0, 2.0, k) ** 1.5 * scale
    covariance = C @ V @ C.T
    error = np.sqrt(covariance.diagonal())
    n = len(C)
    return Family(
        statistic=estimate / error, df=np.full(n, df), means=k, pairwise=method == "pairwise",
        correlation=covariance / np.outer(error, error), rank=np.linalg.matrix_rank(C),
    )  # fmt: skip


@pytest.mark.parametrize("k", [2, 3, 7, 20])
def test_the_studentized_range_is_that_of_scipy(k):
    q = np.array([0.3, 2.0, 4.0, 8.0, 60.0])
    np.testing.assert_allclose(
        studentized_range_cdf(q, k, DF), stats.studentized_range.cdf(q, k, DF), atol=1e-10
    )


def test_the_range_of_two_is_a_t_test():
    q = np.array([0.5, 3.0, 9.0])
    for df in (*DF, np.inf):
        np.testing.assert_allclose(
            1.0 - studentized_range_cdf(q, 2, df), wald_p(q / np.sqrt(2.0), df), atol=1e-12
        )


def test_its_quantiles():
    # Tables of the studentized range, upper 5 % points.
    assert studentized_range_quantile(0.95, 3, 10) == pytest.approx(3.877, abs=5e-4)
    assert studentized_range_quantile(0.95, 5, 20) == pytest.approx(4.232, abs=5e-4)
    assert studentized_range_quantile(0.95, 10, np.inf) == pytest.approx(4.474, abs=5e-4)


@pytest.mark.parametrize("k", [3, 4, 6])
@pytest.mark.parametrize("df", [3.0, 12.0, np.inf])
def test_equal_variances_make_the_multivariate_t_tukeys(k, df):
    pairs = family(k)
    t = np.array([0.5, 1.5, 2.5, 4.0])
    np.testing.assert_allclose(
        MaximumModulus(pairs.correlation).cdf(t, df),
        studentized_range_cdf(np.sqrt(2.0) * t, k, df),
        atol=1e-4,
    )


def test_independent_contrasts_make_the_multivariate_normal_sidaks():
    t = np.array([0.7, 1.9, 3.0])
    single = 1.0 - wald_p(t, np.inf)
    np.testing.assert_allclose(MaximumModulus(np.eye(2)).cdf(t, np.inf), single**2, atol=1e-7)
    np.testing.assert_allclose(MaximumModulus(np.eye(5)).cdf(t, np.inf), single**5, atol=2e-4)
    one = MaximumModulus(np.ones((3, 3)))
    np.testing.assert_allclose(one.cdf(t, 8.0), 1.0 - wald_p(t, 8.0), rtol=1e-12)


@pytest.mark.parametrize(
    "adjust", ["none", "tukey", "sidak", "bonferroni", "scheffe", "mvt", "dunnettx"]
)
@pytest.mark.parametrize("df", [9.0, np.inf])
def test_p_values_and_intervals_agree(adjust, df):
    own = family(df=df)
    reach = critical_values(adjust, own, 0.95)
    # A statistic at the critical value has an adjusted p-value of 0.05.
    at = Family(
        statistic=reach, df=own.df, correlation=own.correlation, means=own.means, rank=own.rank,
        pairwise=True,
    )  # fmt: skip
    np.testing.assert_allclose(adjusted(adjust, at), 0.05, atol=1e-8)


def test_stepwise_methods_by_their_definitions():
    p = np.array([0.01, 0.04, 0.03, 0.5])
    statistic = stats.norm.isf(p / 2)
    own = Family(
        statistic=statistic, df=np.full(4, np.inf), correlation=np.eye(4), means=4, rank=4,
        pairwise=False,
    )  # fmt: skip
    np.testing.assert_allclose(adjusted("holm", own), [0.04, 0.09, 0.09, 0.5], rtol=1e-10)
    np.testing.assert_allclose(adjusted("bh", own), stats.false_discovery_control(p), rtol=1e-10)
    bonferroni = critical_values("bonferroni", own, 0.95)
    for adjust in ("holm", "bh"):
        np.testing.assert_array_equal(critical_values(adjust, own, 0.95), bonferroni)


def test_what_is_applied():
    assert effective("tukey", family()) == "tukey"
    assert effective("tukey", family(method="consec")) == "sidak"
    assert effective("mvt", family(2)) == "none"


def test_scheffe_counts_independent_contrasts():
    # Effects are as many as means, but one depends on the others.
    effects = family(4, method="eff")
    assert effects.rank == 3
    np.testing.assert_allclose(
        adjusted("scheffe", effects), stats.f.sf(effects.statistic**2 / 3, 3, 9.0), rtol=1e-12
    )
