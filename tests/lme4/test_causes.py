"""What breaks iterations, as far as the columns show it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pylme.lme4.causes import causes
from tests.reference.models import prepared


def named(mean, sd):
    """Whether the column is called a cause."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=120)
    frame = pd.DataFrame({"x": mean + sd * (z - z.mean()) / z.std(), "g": np.arange(120) % 12})
    frame["y"] = rng.normal(size=120)
    spec, _, _ = prepared("y ~ x + (1 | g)", frame)
    return any("the column x has the mean" in cause.fact for cause in causes(spec))


@pytest.mark.parametrize(("mean", "sd"), [(0, 1), (6, 1), (2010, 5), (70, 10), (-3000, 2)])
def test_years_ages_and_temperatures_break_nothing(mean, sd):
    """A mean of five standard deviations makes intercepts and slopes correlate, and no more."""
    assert not named(mean, sd)


@pytest.mark.parametrize(("mean", "sd"), [(1e5, 1), (-1e6, 1), (0, 1e5), (0, 1e-5), (1.7e9, 3600)])
def test_columns_whose_squares_lose_their_digits_are_named(mean, sd):
    assert named(mean, sd)
