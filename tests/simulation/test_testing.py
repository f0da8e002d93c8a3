"""p-values, exact intervals of rates, and which model contains which."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pylme
from pylme.simulation.outcome.monte_carlo import exact_interval
from pylme.simulation.testing.nested import difference_of
from pylme.simulation.testing.testing import Difference, likelihood_ratio_p, simulated_p, wald_p


def test_walds_in_closed_form():
    assert wald_p([1.959964, -1.959964], None) == pytest.approx(0.05, abs=1e-7)
    assert wald_p([2.0, 0.0], 7.5) == pytest.approx([2 * stats.t.sf(2.0, 7.5), 1.0])
    assert np.isnan(wald_p([np.nan], 3)).all()


def test_likelihood_ratios_in_closed_form():
    two = Difference(fixed=2, effects=0, thetas=0)
    assert likelihood_ratio_p(5.0, two) == pytest.approx(stats.chi2.sf(5.0, 2))
    one = Difference(fixed=0, effects=1, thetas=1)
    expected = [0.5 * stats.chi2.sf(2.0, 1), 1.0, np.nan]
    np.testing.assert_allclose(likelihood_ratio_p([2.0, 0.0, np.nan], one), expected)
    for slope in (
        Difference(fixed=0, effects=1, thetas=2), Difference(fixed=1, effects=1, thetas=1),
    ):  # fmt: skip
        mixed = 0.5 * (stats.chi2.sf(3.0, 1) + stats.chi2.sf(3.0, 2))
        assert likelihood_ratio_p(3.0, slope) == pytest.approx(mixed)
        assert str(slope) == "½ χ²(1) + ½ χ²(2)"
    assert str(Difference(fixed=0, effects=2, thetas=3)) == "χ²(3), conservative"
    assert str(Difference(fixed=0, effects=0, thetas=1)) == "χ²(1)"


def test_a_simulated_p_counts_itself():
    p = simulated_p([0.0, 2.0, 2.5, 9.0, np.nan], [1.0, 2.0, np.nan, 3.0])
    np.testing.assert_array_equal(p, [1.0, 0.75, 0.5, 0.25, np.nan])


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (20, 20), (7, 20), (50, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_of_a_rate_is_scipys(hits, n, level):
    expected = stats.binomtest(hits, n).proportion_ci(level, method="exact")
    np.testing.assert_allclose(exact_interval(hits, n, level=level), expected, rtol=1e-10)


def test_of_no_trials_nothing_is_known():
    assert np.isnan(exact_interval(0, 0)).all()


DATA = pylme.expand_grid(x=range(4), g=range(6)).assign(
    y=np.arange(24.0) ** 1.5, f=lambda d: (d["x"] % 2).astype(str), h=lambda d: d["g"] // 2
)


@pytest.mark.parametrize(
    ("larger", "smaller", "more"),
    [
        ("y ~ x + (1 | g)", "y ~ 1 + (1 | g)", (1, 0, 0)),
        ("y ~ x * f + (1 | g)", "y ~ 0 + f + x + (1 | g)", (1, 0, 0)),
        ("y ~ x + (x | g)", "y ~ x + (1 | g)", (0, 1, 2)),
        ("y ~ x + (x | g)", "y ~ x + (x || g)", (0, 0, 1)),
        ("y ~ x + (x || g)", "y ~ x + (0 + x | g)", (0, 1, 1)),
        ("y ~ x + (1 | g) + (1 | h)", "y ~ x + (1 | g)", (0, 1, 1)),
        ("y ~ x + (x | g)", "y ~ x + (0 + I(x - 2) | g)", (0, 1, 2)),
        ("y ~ x + (x | g)", "y ~ 1", (1, 2, 3)),
    ],
)
def test_what_a_model_has_more(larger, smaller, more):
    fixed, effects, thetas = more
    own = difference_of(*(pylme_design(formula) for formula in (larger, smaller)))
    assert own == Difference(fixed=fixed, effects=effects, thetas=thetas)


def pylme_design(formula):
    """Also of a model without random effects."""
    from pylme.model_matrix.build import build

    return build(pylme.StudyModel(formula=formula).specified(DATA))


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        ("y ~ x + (1 | g)", "y ~ x + (1 | g)"),
        ("y ~ x + (1 | g)", "y ~ f + (1 | g)"),
        ("y ~ x + (1 | g)", "y ~ x + (1 | h)"),
        ("y ~ x + (x || g)", "y ~ 1 + (x | g)"),
        ("y ~ x + (x || g) + (1 | h)", "y ~ x + (x | g)"),
    ],
)
def test_no_smaller_model(larger, smaller):
    with pytest.raises(pylme.errors.OptionError, match="null"):
        difference_of(pylme_design(larger), pylme_design(smaller))
