"""The optimum of balanced data in closed form, against the criterion by its definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pylme.reference.criterion.balanced import balanced_optimum
from tests.reference.dense import best_of, criterion_of
from tests.reference.models import prepared

FORMULAS = ("y ~ 1 + (1 | g)", "y ~ x + (x | g)", "y ~ x + z + (x + z | g)")


def data(seed, *, slopes=1.0):
    """Twelve levels with the same seven values of two covariates."""
    rng = np.random.default_rng(seed)
    x, z = (np.tile(np.round(rng.normal(size=7), 2) + 30.0, 12) for _ in range(2))
    g = np.repeat(np.arange(12), 7)
    b = rng.normal(size=(12, 3)) * [2.0, slopes, slopes]
    y = 1.0 + b[g, 0] + (x - 30.0) * b[g, 1] + (z - 30.0) * b[g, 2]
    y += 0.5 * rng.normal(size=84)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": [f"g{i}" for i in g]})


def closed(formula, frame, **arguments):
    _, design, problem = prepared(formula, frame, **arguments)
    return design, problem, balanced_optimum(problem.criterion)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", FORMULAS)
def test_it_is_the_lowest_point_there_is(formula, reml):
    design, problem, found = closed(formula, data(1), reml=reml)
    assert found is not None
    assert found[1].all()
    theta = problem.callers(problem.start())[0]
    value = criterion_of(design, theta, reml=reml)
    assert value <= best_of(design, reml=reml, searches=1) + 1e-7
    for k in range(len(theta)):
        beside = [theta.copy(), theta.copy()]
        beside[0][k] += 1e-3
        beside[1][k] -= 1e-3
        assert all(criterion_of(design, there, reml=reml) > value for there in beside)


def test_it_is_none_where_the_fixed_effects_are_others_than_those_that_vary():
    frame = data(1)
    frame["w"] = np.arange(84) % 5
    for formula in ("y ~ 1 + (x | g)", "y ~ x + z + (x | g)", "y ~ x + w + (x + z | g)"):
        assert closed(formula, frame)[2] is None


def test_it_is_none_where_a_row_is_missing_or_weighs_more():
    frame = data(1)
    assert closed("y ~ x + (x | g)", frame[1:])[2] is None
    frame["wt"] = np.where(np.arange(84) == 3, 2.0, 1.0)
    assert closed("y ~ x + (x | g)", frame, weights="wt")[2] is None


def test_where_levels_do_not_differ_the_moments_are_the_start():
    frame = data(1)
    frame["y"] = np.tile(frame["y"][:7], 12)
    _, _, found = closed("y ~ x + (x | g)", frame)
    assert found is not None
    assert not found[1].any()
