"""The rows of an iteration: the same numbers as by the general forms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pylme.families import deviance, row_derivatives
from pylme.families.rows import RowFunction
from tests.families.models import FAMILIES, rows


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("plain", [True, False])
def test_rows_are_those_of_the_general_forms(family, plain):
    y, eta, a = rows(family)
    if plain and family.name != "binomial":
        a = np.ones_like(a)
    elif plain:
        y, a = np.round(y), np.ones_like(a)
    found = RowFunction.of(family, y, a)
    values = found.at(eta)
    np.testing.assert_allclose(values.deviance, deviance(family, y, eta, a), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.deviance(eta), values.deviance, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.score(eta), values.derivatives.score, rtol=1e-13, atol=1e-14)
    expected = row_derivatives(family, y, eta, a)
    for field in dataclasses.fields(expected):
        np.testing.assert_allclose(
            getattr(values.derivatives, field.name), getattr(expected, field.name),
            rtol=1e-12, atol=1e-13, err_msg=field.name,
        )  # fmt: skip


def test_large_predictors_overflow_nowhere():
    eta = np.array([-800.0, -40.0, 40.0, 800.0])
    logit = next(f for f in FAMILIES if (f.name, f.link) == ("binomial", "logit"))
    values = RowFunction.of(logit, np.zeros(4), np.ones(4)).at(eta)
    np.testing.assert_allclose(values.deviance, [0.0, 2 * np.exp(-40.0), 80.0, 1600.0], atol=1e-300)
    np.testing.assert_allclose(values.derivatives.score, [0.0, 0.0, -1.0, -1.0], atol=1e-16)


@pytest.mark.parametrize("observed", [False, True], ids=["expected", "observed"])
@pytest.mark.parametrize("of", FAMILIES, ids=str)
def test_second_slope_of_the_information(of, observed):
    y, eta, a = rows(of, seed=8)
    got = RowFunction.of(of, y, a).second_slope(eta, observed=observed)
    step = 1e-4 * np.abs(eta)
    slopes = []
    for k in (-2, -1, 1, 2):
        d = row_derivatives(of, y, eta + k * step, a)
        slopes.append(d.observed_slope if observed else d.expected_slope)
    expected = (slopes[0] - 8.0 * slopes[1] + 8.0 * slopes[2] - slopes[3]) / (12.0 * step)
    # A difference of the first slope, whose own digits limit it.
    d = row_derivatives(of, y, eta, a)
    size = np.abs(slopes[1]) + np.abs(d.expected_slope) + d.expected / np.abs(eta)
    within = 1e-9 * size / np.abs(eta) + 1e-8 * np.abs(expected) + 1e-12
    np.testing.assert_array_less(np.abs(got - expected), within)
