"""Derivatives of a negative binomial's rows by ln ϑ, against differences of what they derive."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pylme.families import negative_binomial, row_derivatives
from pylme.families.rows import RowFunction
from pylme.families.shape import shape_derivatives

ETA = np.linspace(-3.0, 4.0, 29)
COUNTS = np.random.default_rng(4).poisson(np.exp(ETA)).astype(float)
WEIGHTS = np.linspace(0.5, 2.0, len(ETA))
STEP = 1e-3


def differences(values):
    """The first and the second derivative from values at -2, -1, 0, 1 and 2 steps."""
    a, b, c, d, e = values
    first = (a - 8.0 * b + 8.0 * d - e) / (12.0 * STEP)
    return first, (-a + 16.0 * b - 30.0 * c + 16.0 * d - e) / (12.0 * STEP**2)


@pytest.mark.parametrize("observed", [False, True], ids=["expected", "observed"])
@pytest.mark.parametrize("shape", [0.3, 2.0, 40.0])
def test_are_the_differences_of_row_derivatives(shape, observed):
    rows = RowFunction.of(negative_binomial(shape), COUNTS, WEIGHTS)
    found = shape_derivatives(rows, ETA, observed=observed)
    near = [
        row_derivatives(negative_binomial(shape * np.exp(k * STEP)), COUNTS, ETA, WEIGHTS)
        for k in range(-2, 3)
    ]
    score, score_twice = differences([d.score for d in near])
    kind = "observed" if observed else "expected"
    information, information_twice = differences([getattr(d, kind) for d in near])
    expected = {
        "score": score,
        "score_twice": score_twice,
        "observed": differences([d.observed for d in near])[0],
        "information": information,
        "information_twice": information_twice,
        "information_slope": differences([getattr(d, f"{kind}_slope") for d in near])[0],
    }
    assert set(expected) == {field.name for field in dataclasses.fields(found)}
    for name, value in expected.items():
        within = 1e-8 if "twice" in name else 1e-10
        np.testing.assert_allclose(
            getattr(found, name), value, rtol=0, atol=within * (1 + np.abs(value).max()),
            err_msg=name,
        )  # fmt: skip
