"""Well-conditioned columns: orthonormal, equal to the caller's, and blind to units and origins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.reference.criterion.prepare import prepare

FORMULAS = (
    "y ~ x + z + (x | g)",
    "y ~ x + z + (x + z || g)",
    "y ~ 0 + x + (0 + x | g)",
    "y ~ x + (0 + z | g) + (1 | h)",
    "y ~ 0 + (1 | g)",
    "y ~ x * f + (f | g)",
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    n = 240
    return pd.DataFrame(
        {
            "y": rng.normal(size=n), "x": rng.normal(size=n) + 50, "z": rng.uniform(size=n),
            "g": rng.integers(0, 12, size=n), "h": rng.integers(0, 7, size=n),
            "f": pd.Categorical(rng.choice(["a", "b", "c"], size=n)),
            "w": rng.uniform(0.5, 2, size=n),
        }
    )  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("formula", FORMULAS)
def test_the_callers_columns_come_back(formula, weighted, data):
    design = pylme.design(formula, data, weights="w" if weighted else None)
    weights = design.weights if weighted else None
    problem = prepare(design.X, design.y[None], design.terms, weights=weights)
    columns = problem.columns
    root = np.sqrt(design.weights)[:, None]
    ours = columns.base.T @ columns.x_of_base
    np.testing.assert_allclose(ours.T @ ours, np.eye(design.p), atol=1e-10)
    np.testing.assert_allclose(ours @ columns.RX, design.X * root, atol=1e-9)
    fitted = ours @ columns.beta0[0]
    np.testing.assert_allclose(columns.y[0] + fitted, design.y * root[:, 0], atol=1e-9)
    for f, factor in enumerate(problem.layout.factors):
        block = np.column_stack([design.terms[t].columns for t in factor.terms]) * root
        made = columns.base.T @ columns.z_of_base[f]
        np.testing.assert_allclose(made, block @ columns.C[f], atol=1e-8)
        for place in factor.places:
            own = made[:, place]
            np.testing.assert_allclose(own.T @ own / design.n, np.eye(own.shape[1]), atol=1e-8)


@pytest.mark.parametrize("formula", FORMULAS)
def test_theta_goes_there_and_back(formula, data):
    design = pylme.design(formula, data)
    problem = prepare(design.X, design.y[None], design.terms)
    rng = np.random.default_rng(5)
    theta = np.where(problem.layout.diagonal, 0.5, 0.0) + 0.1 * rng.uniform(
        size=(3, len(design.theta))
    )
    there = problem.conditioned(theta)
    np.testing.assert_allclose(problem.callers(there), theta, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("shift", "scale"), [(1e6, 1.0), (0.0, 1e6), (-300.0, 1e-2)])
def test_origin_and_unit_of_a_covariate_leave_the_columns_as_they_are(shift, scale, data):
    formula = "y ~ x + (x | g)"
    plain = pylme.design(formula, data)
    moved = pylme.design(formula, data.assign(x=scale * data["x"] + shift))
    one, other = (prepare(d.X, d.y[None], d.terms).columns for d in (plain, moved))
    np.testing.assert_allclose(
        one.base.T @ one.x_of_base, other.base.T @ other.x_of_base, atol=1e-7
    )
    np.testing.assert_allclose(
        one.base.T @ one.z_of_base[0], other.base.T @ other.z_of_base[0], atol=1e-6
    )


def test_a_column_that_stands_in_two_places_is_kept_once(data):
    design = pylme.design("y ~ x + (x | g) + (1 | h)", data)
    assert len(prepare(design.X, design.y[None], design.terms).columns.base) == 2
