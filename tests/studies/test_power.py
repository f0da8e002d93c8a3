"""Power, against closed forms of balanced designs, and sizes of tests under the null hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, norm

import pylme
from pylme.errors import OptionError, UnknownNameError
from pylme.study.testing import Difference, likelihood_ratio_p, wald_p


def design(groups, *, slope=0.0, sd=1.0):
    grid = pylme.expand_grid(g=range(groups), x=[-2, -1, 0, 1, 2])
    return pylme.simulator(
        "y ~ x + (1 | g)", grid, beta=[0, slope], sigma=1, covariances={"sd": sd}
    )


def test_of_a_slope_in_a_balanced_design():
    """x varies within groups alone: its standard error is sigma / sqrt(sum x²), z with 119 df."""
    found = pylme.power(design(30, slope=0.15), "y ~ x + (1 | g)", test="x", n=2000, seed=1)
    z = 0.15 * np.sqrt(30 * 10)
    exact = norm.sf(1.96 - z) + norm.cdf(-1.96 - z)
    line = found.table.iloc[0]
    assert abs(line["power"] - exact) < 4 * line["se"] + 0.005
    assert line["low"] < line["power"] < line["high"]
    assert (line["n"], line["failed"]) == (2000, 0)
    assert found.test == "Wald test of x"
    assert "Power at level 0.05: Wald test of x" in str(found)


def test_the_size_of_a_likelihood_ratio_test_of_a_slope_is_its_level():
    found = pylme.power(design(40), "y ~ x + (1 | g)", null="y ~ 1 + (1 | g)", n=2000, seed=2)
    assert found.test == "likelihood ratio test against χ²(1)"
    line = found.table.iloc[0]
    assert abs(line["power"] - 0.05) < 4 * line["se"] + 0.005


def test_the_size_of_a_test_of_a_random_slope_is_near_its_level():
    """The mixture holds for many groups; the naive χ²(2) would reject in less than 3 %."""
    found = pylme.power(design(60), "y ~ x + (x | g)", null="y ~ x + (1 | g)", n=1500, seed=3)
    assert found.test == "likelihood ratio test against ½ χ²(1) + ½ χ²(2)"
    line = found.table.iloc[0]
    assert 0.03 < line["power"] < 0.065


def test_several_designs_are_lines_of_one_table():
    designs = {"few": design(8, slope=0.2), "many": design(40, slope=0.2)}
    found = pylme.power(designs, "y ~ x + (1 | g)", test="x", n=300, seed=1, alpha=0.01)
    assert found.table["design"].tolist() == ["few", "many"]
    assert found.table["power"].is_monotonic_increasing
    np.testing.assert_allclose(found.table["power"], (found.p_values <= 0.01).mean().to_numpy())


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_both_engines_find_the_same():
    options = {"null": "y ~ x + (1 | g)", "n": 12, "seed": 4}
    numpy = pylme.power(design(10), "y ~ x + (x | g)", **options)
    lme4 = pylme.power(design(10), "y ~ x + (x | g)", engine="lme4", **options)
    np.testing.assert_allclose(numpy.p_values, lme4.p_values, atol=1e-4)


def test_p_values_in_closed_form():
    assert wald_p([1.959964, -1.959964], [1, 1]) == pytest.approx(0.05, abs=1e-7)
    two = Difference(fixed=2, effects=0, thetas=0)
    assert likelihood_ratio_p(5.0, two) == pytest.approx(chi2.sf(5.0, 2))
    one = Difference(fixed=0, effects=1, thetas=1)
    assert likelihood_ratio_p([2.0, 0.0, -1e-9], one) == pytest.approx(
        [0.5 * chi2.sf(2.0, 1), 1.0, 1.0]
    )
    slope = Difference(fixed=0, effects=1, thetas=2)
    assert likelihood_ratio_p(3.0, slope) == pytest.approx(
        0.5 * (chi2.sf(3.0, 1) + chi2.sf(3.0, 2))
    )
    assert str(Difference(fixed=0, effects=2, thetas=3)) == "χ²(3), conservative"


def test_what_is_no_test_is_refused():
    model = "y ~ x + (1 | g)"
    for wrong in ({}, {"test": "x", "null": "y ~ 1 + (1 | g)"}):
        with pytest.raises(OptionError, match="either `test`"):
            pylme.power(design(5), model, n=2, seed=1, **wrong)
    with pytest.raises(OptionError, match="between 0 and 1"):
        pylme.power(design(5), model, test="x", alpha=5, n=2, seed=1)
    with pytest.raises(OptionError, match="fewer parameters"):
        pylme.power(design(5), model, null=model, n=2, seed=1)
    with pytest.raises(UnknownNameError, match="fixed effect 'z'"):
        pylme.power(design(5), model, test="z", n=2, seed=1)
