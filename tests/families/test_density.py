"""Deviance and log-density against R's family objects and densities, and against 60 digits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from pylme.families import Family, deviance, link_of, log_density, negative_binomial, variance_of
from tests.families import extended
from tests.families.models import FAMILIES, rows
from tests.native import native

DENSITIES = {
    "binomial": "stats::dbinom(round(a * y), a, mu, log = TRUE)",
    "poisson": "a * stats::dpois(y, mu, log = TRUE)",
    "Gamma": "stats::dgamma(y, shape = a / phi, scale = mu * phi / a, log = TRUE)",
    "gaussian": "stats::dnorm(y, mu, sqrt(phi / a), log = TRUE)",
    "negative binomial": "a * stats::dnbinom(y, size = shape, mu = mu, log = TRUE)",
}


def _r(of: Family) -> str:
    if of.shape is not None:
        return f"MASS::negative.binomial({of.shape!r}, '{of.link}')"
    return f"stats::{of.name}('{of.link}')"


def _vector(values: np.ndarray) -> str:
    return f"c({', '.join(map(repr, values.tolist()))})"


#: R's formulas of the negative binomial lose digits as ϑ grows; there 60 digits are the oracle.
IN_R = [of for of in FAMILIES if of.shape is None or of.shape < 1e6]


@pytest.mark.needs_r
@pytest.mark.parametrize("of", IN_R, ids=str)
def test_variance_and_deviance_as_r_s_family_objects(of: Family) -> None:
    y, eta, a = rows(of)
    mu = link_of(of.link).mean(eta)
    theirs = native(f"{_r(of)}$dev.resids({_vector(y)}, {_vector(mu)}, {_vector(a)})")
    # Where the response is the mean nearly the terms cancel, in R's formula as well.
    assert_allclose(deviance(of, y, eta, a), theirs, rtol=1e-9, atol=1e-12)
    assert_allclose(
        variance_of(of, mu).value, native(f"{_r(of)}$variance({_vector(mu)})"), rtol=1e-13
    )


@pytest.mark.needs_r
@pytest.mark.parametrize("of", [of for of in IN_R if of.name in DENSITIES], ids=str)
def test_log_density_as_r_s_densities(of: Family) -> None:
    y, eta, a = rows(of)
    mu = link_of(of.link).mean(eta)
    code = f"""local({{ y <- {_vector(y)}; mu <- {_vector(mu)}; a <- {_vector(a)}; phi <- 0.7
        shape <- {of.shape or 1.0!r}; {DENSITIES[of.name]} }})"""
    assert_allclose(log_density(of, y, eta, a, 0.7), native(code), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("of", FAMILIES, ids=str)
def test_log_density_in_60_digits(of: Family) -> None:
    y, eta, a = rows(of, seed=2)
    phi = 1.0 if of.name in {"binomial", "poisson", "negative binomial"} else 0.7
    with mp.workdps(extended.DIGITS):
        wanted = [
            float(
                extended.log_density(
                    of.name, of.link, *(float(value) for value in row), phi, of.shape or 0.0
                )
            )
            for row in zip(y, eta, a, strict=True)
        ]
    assert_allclose(log_density(of, y, eta, a, phi), wanted, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("of", FAMILIES, ids=str)
def test_the_deviance_is_twice_the_log_density_lost(of: Family) -> None:
    y, eta, a = rows(of, seed=3)
    inside = y > 0.0 if of.name != "binomial" else (y > 0.0) & (y < 1.0)
    if of.link == "inverse" and of.name == "gaussian":
        inside = y > 0.1
    y, eta, a = y[inside], eta[inside], a[inside]
    lost = log_density(of, y, link_of(of.link).eta(y), a) - log_density(of, y, eta, a)
    assert_allclose(deviance(of, y, eta, a), 2.0 * lost, rtol=1e-7, atol=1e-9)


def test_the_negative_binomial_keeps_its_digits_on_the_way_to_poisson() -> None:
    y, eta = np.array([0.0, 1.0, 7.0, 400.0]), np.array([0.2, -1.0, 2.0, 6.0])
    for shape in (19.0, 21.0, 1e3, 1e6, 1e12):
        with mp.workdps(extended.DIGITS):
            wanted = [
                float(
                    extended.log_density(
                        "negative binomial", "log", float(k), mp.mpf(float(at)), 1.0, 1.0, shape
                    )
                )
                for k, at in zip(y, eta, strict=True)
            ]
        # ln Γ(401) is 2,000: its last digit is 2e-13.
        ours = log_density(negative_binomial(shape), y, eta)
        assert_allclose(ours, wanted, rtol=1e-14, atol=1e-12)


def test_probabilities_that_round_to_one_have_their_logarithms() -> None:
    for link in ("logit", "probit", "cauchit", "cloglog"):
        of = Family(name="binomial", link=link)
        eta = np.array([-30.0, -8.0, 3.0, 5.0])
        with mp.workdps(400):
            for y in (0.0, 1.0):
                wanted = [
                    float(extended.log_density("binomial", link, y, mp.mpf(float(at)), 1.0))
                    for at in eta
                ]
                assert_allclose(log_density(of, np.full(4, y), eta), wanted, rtol=1e-12)
