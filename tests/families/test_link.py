"""Links against R's make.link, and their derivatives against 60 digits, also far out."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from pylme.families import link_of
from tests.families.extended import DIGITS, MEANS, mean
from tests.native import native

REAL = ("logit", "probit", "cauchit", "cloglog", "log")
POSITIVE = ("identity", "inverse", "sqrt", "1/mu^2")


def _etas(name: str) -> np.ndarray:
    return np.linspace(0.05, 6.0, 25) if name in POSITIVE else np.linspace(-3.3, 3.1, 25)


@pytest.mark.needs_r
@pytest.mark.parametrize("name", MEANS)
def test_as_r_s_make_link(name: str) -> None:
    eta = _etas(name)
    link = link_of(name)
    text = f"c({', '.join(map(repr, eta.tolist()))})"
    inverse = native(f"stats::make.link('{name}')$linkinv({text})")
    slope = native(f"stats::make.link('{name}')$mu.eta({text})")
    back = native(f"stats::make.link('{name}')$linkfun(stats::make.link('{name}')$linkinv({text}))")
    assert_allclose(link.mean(eta), inverse, rtol=1e-14)
    assert_allclose(link.derivatives(eta)[0], slope, rtol=1e-13)
    assert_allclose(link.eta(link.mean(eta)), back, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", MEANS)
def test_the_inverse_undoes_the_link(name: str) -> None:
    link = link_of(name)
    mean = link.mean(_etas(name))
    # The mean and not η: near 1 a complementary log-log mean holds few digits of η.
    assert_allclose(link.mean(link.eta(mean)), mean, rtol=1e-13)


@pytest.mark.parametrize("name", MEANS)
def test_derivatives_in_60_digits(name: str) -> None:
    far = np.array([-35.0, -12.0, 12.0, 30.0]) if name in REAL else np.array([1e-6, 1e4])
    # A normal tail at 35 is 1e-268: as many digits are needed beside 1.
    with mp.workdps(DIGITS + 300):
        for eta in np.concatenate([_etas(name)[::4], far]):
            wanted = [
                mp.diff(lambda value: mean(name, value), mp.mpf(float(eta)), k, h=mp.mpf(10) ** -20)
                for k in (1, 2, 3)
            ]
            got = link_of(name).derivatives(np.array([eta]))
            for one, other in zip(got, wanted, strict=True):
                assert_allclose(float(one[0]), float(other), rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("name", REAL)
def test_nothing_overflows_within_the_range_of_the_mean(name: str) -> None:
    eta = np.array([-700.0, -40.0, 40.0, 700.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        link_of(name).mean(eta)
        derivatives = link_of(name).derivatives(eta)
    assert all(np.isfinite(one).all() for one in derivatives)
