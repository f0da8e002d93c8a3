"""p-values of likelihood ratio tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pylme.inference.likelihood_ratio_tests.nesting import Difference
from pylme.inference.likelihood_ratio_tests.reference_distribution import Mixture, simulated_p


def test_likelihood_ratios_in_closed_form():
    two = Difference(fixed=2, effects=0, thetas=0)
    assert two.mixture.p_values(5.0) == pytest.approx(stats.chi2.sf(5.0, 2))
    one = Difference(fixed=0, effects=1, thetas=1)
    expected = [0.5 * stats.chi2.sf(2.0, 1), 1.0, np.nan]
    np.testing.assert_allclose(one.mixture.p_values([2.0, 0.0, np.nan]), expected)
    for slope in (
        Difference(fixed=0, effects=1, thetas=2), Difference(fixed=1, effects=1, thetas=1),
    ):  # fmt: skip
        mixed = 0.5 * (stats.chi2.sf(3.0, 1) + stats.chi2.sf(3.0, 2))
        assert slope.mixture.p_values(3.0) == pytest.approx(mixed)
        assert str(slope) == "½ χ²(1) + ½ χ²(2)"
    assert str(Difference(fixed=0, effects=2, thetas=3)) == "χ²(3), conservative"
    assert str(Difference(fixed=0, effects=0, thetas=1)) == "χ²(1)"


def test_a_simulated_p_counts_itself():
    p = simulated_p([0.0, 2.0, 2.5, 9.0, np.nan], [1.0, 2.0, np.nan, 3.0])
    np.testing.assert_array_equal(p, [1.0, 0.75, 0.5, 0.25, np.nan])


def test_weights_are_shown():
    mixture = Mixture(df=(1, 2, 3), weights=(0.31, 0.5, 0.19))
    assert str(mixture) == "0.31 χ²(1) + ½ χ²(2) + 0.19 χ²(3)"
    assert mixture.p_values(0.0) == pytest.approx(1.0)
