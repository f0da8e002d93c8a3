"""Bootstrap intervals, against R's boot package, which lme4 brings along."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from pylme.inference.bootstrap_interval import interval, quantiles
from tests.native import native


def vector(values):
    return f"c({', '.join(repr(float(v)) for v in values)})"


@pytest.mark.needs_r
@pytest.mark.parametrize("R", [199, 999, 250])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_ends_are_those_of_boot(R, level):
    rng = np.random.default_rng(R)
    replicates = np.exp(rng.normal(0.1, 0.4, size=R))
    influences = rng.gamma(2.0, size=20) - 2.0
    of_r = native(
        f"""
        t <- {vector(replicates)}
        fake <- list(t0 = 1, t = matrix(t), R = {R}, call = quote(boot(1)), sim = "parametric")
        class(fake) <- "boot"
        ci <- boot::boot.ci(fake, conf = {level}, type = c("basic", "perc"))
        bca <- boot:::bca.ci(fake, {level}, 1, t0 = 1, t = t, L = {vector(influences)})
        list(percentile = ci$percent[4:5], basic = ci$basic[4:5], bca = bca[4:5])
        """
    )
    for kind, ends in of_r.items():
        a = np.sum(influences**3) / (6 * np.sum(influences**2) ** 1.5)
        own = interval(kind, replicates, 1.0, conf_level=level, acceleration=a)
        np.testing.assert_allclose(own, ends, rtol=1e-12)


def test_a_quantile_whose_rank_is_whole_is_an_order_statistic():
    t = np.arange(1.0, 100.0)
    np.testing.assert_array_equal(quantiles(t, [0.05, 0.5, 0.95]), [5.0, 50.0, 95.0])
    np.testing.assert_array_equal(quantiles([1.0, 2.0, np.nan], [0.001, 0.999]), [1.0, 2.0])
    assert np.isnan(quantiles([1.0, np.nan], [0.5])).all()


def test_bca_where_it_is_not_known():
    """Without an acceleration, with all replicates on one side, and beyond the formula's pole."""
    replicates = np.arange(10.0)
    for estimate, a in ((5.0, np.nan), (-1.0, 0.1), (11.0, 0.1), (5.0, 0.6)):
        ends = interval("bca", replicates, estimate, conf_level=0.95, acceleration=a)
        assert np.isnan(ends).all()
    assert np.isnan(interval("bca", [np.nan], 1.0, conf_level=0.9, acceleration=0.0)).all()


def test_replicates_equal_to_the_estimate_count_half():
    """Where they all are, as those of a constant, the interval is that number."""
    assert interval("bca", np.full(9, 4.0), 4.0, conf_level=0.9, acceleration=0.1) == (4.0, 4.0)
    tied = np.array([0.0] * 40 + list(range(1, 60)))
    ends = interval("bca", tied, 0.0, conf_level=0.9, acceleration=0.0)
    place = ndtr(2 * ndtri(20 / 99) + ndtri([0.05, 0.95]))
    np.testing.assert_allclose(ends, quantiles(tied, place))


def test_bca_is_nearly_exact_for_a_variance():
    """Efron's example (1987): 19 degrees of freedom, where the percentile interval is far off."""
    replicates = stats.chi2.ppf((np.arange(20_000) + 0.5) / 20_000, 19) / 19
    exact = 19 / stats.chi2.ppf([0.95, 0.05], 19)
    ends = interval("bca", replicates, 1.0, conf_level=0.9, acceleration=np.sqrt(8 / 19) / 6)
    np.testing.assert_allclose(ends, exact, rtol=0.006)
    assert interval("percentile", replicates, 1.0, conf_level=0.9)[1] < 0.9 * exact[1]
