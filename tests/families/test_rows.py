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
