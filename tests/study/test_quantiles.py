"""Bootstrap intervals, against R's boot package, which lme4 brings along."""

from __future__ import annotations

import numpy as np
import pytest

from pylme.study.quantiles import acceleration, interval, quantiles
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
        own = interval(kind, replicates, 1.0, level=level, influences=influences)
        np.testing.assert_allclose(own, ends, rtol=1e-12)


def test_a_quantile_whose_rank_is_whole_is_an_order_statistic():
    t = np.arange(1.0, 100.0)
    np.testing.assert_array_equal(quantiles(t, [0.05, 0.5, 0.95]), [5.0, 50.0, 95.0])
    np.testing.assert_array_equal(quantiles([1.0, 2.0, np.nan], [0.001, 0.999]), [1.0, 2.0])
    assert np.isnan(quantiles([1.0, np.nan], [0.5])).all()


def test_bca_without_influences_or_with_all_replicates_on_one_side_is_not_known():
    replicates = np.arange(10.0)
    assert np.isnan(interval("bca", replicates, 5.0, level=0.9)).all()
    assert np.isnan(interval("bca", replicates, -1.0, level=0.9, influences=[1.0, -1.0])).all()


def test_the_acceleration_is_a_sixth_of_the_skewness():
    assert acceleration([-1.0, 1.0]) == 0
    values = np.array([-1.0, -1.0, 2.0])
    assert acceleration(values) == pytest.approx(6 / (6 * 6**1.5))
