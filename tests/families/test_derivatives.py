"""The derivatives of the log-density against 60 digits, and what information is by definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from pylme.families import family, link_of, row_derivatives, variance_of
from tests.families import extended
from tests.families.models import FAMILIES, rows

if TYPE_CHECKING:
    from pylme.families import Family

STEP = mp.mpf(10) ** -15


def _differentiated(of: Family, y: float, eta: float, a: float, order: int) -> float:
    def density(at: mp.mpf) -> mp.mpf:
        return extended.log_density(of.name, of.link, y, at, a, 1.0, of.shape or 0.0)

    return float(mp.diff(density, mp.mpf(eta), order, h=STEP))


@pytest.mark.parametrize("of", FAMILIES, ids=str)
def test_derivatives_up_to_the_third(of: Family) -> None:
    y, eta, a = rows(of, n=6, seed=4)
    got = row_derivatives(of, y, eta, a)
    with mp.workdps(extended.DIGITS):
        for i, row in enumerate(zip(y.tolist(), eta.tolist(), a.tolist(), strict=True)):
            scale = a[i] * (1.0 + abs(y[i]))
            for order, ours in enumerate(
                (got.score[i], -got.observed[i], -got.observed_slope[i]), start=1
            ):
                assert_allclose(
                    ours, _differentiated(of, *row, order), rtol=1e-11, atol=1e-13 * scale
                )


@pytest.mark.parametrize("of", FAMILIES, ids=str)
def test_expected_information_and_its_slope(of: Family) -> None:
    _, eta, a = rows(of, seed=5)
    link = link_of(of.link)
    got = row_derivatives(of, link.mean(eta), eta, a)
    variance = variance_of(of, link.mean(eta))
    first, second, _ = link.derivatives(eta)
    assert_allclose(got.expected, a * first**2 / variance.value, rtol=1e-11)
    # At y = μ the observed information is the expected one, for any link.
    assert_allclose(got.observed, got.expected, rtol=1e-10, atol=1e-14)
    slope = 2.0 * first * second / variance.value - first**3 * variance.first / variance.value**2
    assert_allclose(got.expected_slope, a * slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "link"),
    [("binomial", "logit"), ("poisson", "log"), ("Gamma", "inverse"),
     ("inverse.gaussian", "1/mu^2")],
)  # fmt: skip
def test_observed_is_expected_for_canonical_links(name: str, link: str) -> None:
    of = family(name, link)
    y, eta, a = rows(of, seed=6)
    got = row_derivatives(of, y, eta, a)
    assert_allclose(got.observed, got.expected, rtol=1e-12)
    assert_allclose(got.observed_slope, got.expected_slope, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("link", ["logit", "probit", "cauchit", "cloglog"])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_digits_where_a_probability_rounds_to_one(link: str, y: float) -> None:
    of = family("binomial", link)
    # Beyond 5 the complementary log-log mean differs from 1 by less than e^(-148).
    etas = [-30.0, -9.0, 4.0, 5.0] if link == "cloglog" else [-30.0, -9.0, 9.0, 30.0]
    got = row_derivatives(of, np.full(4, y), np.array(etas))
    with mp.workdps(500):
        for i, eta in enumerate(etas):
            for order, ours in enumerate((got.score, -got.observed, -got.observed_slope), start=1):
                wanted = _differentiated(of, y, eta, 1.0, order)
                # A derivative that is the difference of two terms of the score's size.
                unit = 1e-15 * abs(got.score[i]) * (1.0 + eta * eta)
                assert_allclose(ours[i], wanted, rtol=1e-10, atol=max(unit, 1e-300))
