"""Monte Carlo standard errors, against closed forms and a simulation of the simulation."""

from __future__ import annotations

import numpy as np
import pytest

from pylme.simulation.outcome.summary import mean_and_error, rate_and_error, rmse_and_error


def test_means_and_rates_of_known_samples():
    assert mean_and_error([1.0, 2.0, 3.0, np.nan]) == pytest.approx((2.0, 1 / np.sqrt(3)))
    assert rate_and_error([True, False, True, True]) == pytest.approx((0.75, np.sqrt(3) / 8))
    assert rmse_and_error([3.0, -3.0, 3.0]) == pytest.approx((3.0, 0.0))
    assert rmse_and_error([0.0, 0.0]) == (0.0, 0.0)


@pytest.mark.parametrize("function", [mean_and_error, rate_and_error, rmse_and_error])
def test_of_nothing_nothing_is_known(function):
    assert np.isnan(function([np.nan])).all()


@pytest.mark.parametrize("function", [mean_and_error, rmse_and_error])
def test_the_error_is_how_much_the_number_varies(function):
    """Over 4000 samples of 200: the standard deviation of the numbers, to 5 %."""
    samples = np.random.default_rng(1).normal(0.5, 2.0, size=(4000, 200))
    numbers, errors = np.array([function(sample) for sample in samples]).T
    assert errors.mean() == pytest.approx(numbers.std(), rel=0.05)
