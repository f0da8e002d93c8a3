"""The step against a general-purpose constrained minimiser, and against Newton's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from pylme.reference.optimize.descent import step


def problem(seed, m, *, definite=True):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(m, m))
    H = half @ half.T + 0.1 * np.eye(m) if definite else half + half.T
    return rng.normal(size=m), H


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_within_the_radius_it_is_newtons_step(seed, m):
    g, H = problem(seed, m)
    s, predicted, _ = step(g[None], H[None], np.array([1e6]))
    newton = -np.linalg.solve(H, g)
    np.testing.assert_allclose(s[0], newton, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(predicted[0], 0.5 * g @ np.linalg.solve(H, g), rtol=1e-6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("radius", [1e-3, 0.1, 0.5])
def test_on_the_sphere_it_is_the_constrained_minimum(seed, radius):
    g, H = problem(seed, 3)
    (s,), (predicted,), _ = step(g[None], H[None], np.array([radius]))
    found = minimize(
        lambda x: g @ x + 0.5 * x @ H @ x, np.zeros(3), method="SLSQP", tol=1e-14,
        constraints={"type": "ineq", "fun": lambda x: radius**2 - x @ x},
    )  # fmt: skip
    assert np.linalg.norm(s) <= radius * (1 + 1e-9)
    assert predicted >= -found.fun * (1 - 1e-4)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_it_goes_downhill_whatever_the_curvature(seed, m):
    g, H = problem(seed, m, definite=False)
    s, predicted, _ = step(g[None], H[None], np.array([0.1]))
    assert g @ s[0] < 0
    assert predicted[0] > 0
    assert np.linalg.norm(s[0]) <= 0.1 * (1 + 1e-9)


def test_the_problems_of_a_batch_do_not_touch_each_other():
    pairs = [problem(seed, 3, definite=seed % 2 == 0) for seed in range(6)]
    g, H = (np.stack(part) for part in zip(*pairs, strict=True))
    radius = np.array([0.01, 0.1, 1.0, 10.0, 0.5, 0.2])
    together, predicted, _ = step(g, H, radius)
    for i in range(6):
        alone, expected, _ = step(g[i : i + 1], H[i : i + 1], radius[i : i + 1])
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(predicted[i], expected[0], rtol=1e-9)


def test_noise_along_a_flat_direction_leads_nowhere():
    g, H = np.array([[1.0, 1e-12]]), np.diag([1.0, 0.0])[None]
    s, _, _ = step(g, H, np.array([10.0]))
    assert abs(s[0, 1]) < 0.01


@pytest.mark.parametrize("slope", [1e-200, 1e-9, 1.0, 1e9])
@pytest.mark.parametrize("curvature", [0.0, 1e-320, 1e-30])
def test_without_curvature_it_goes_straight_downhill_to_the_radius(slope, curvature):
    g = slope * np.array([3.0, -4.0])
    H = np.diag([curvature, 0.0])
    with np.errstate(all="raise", under="ignore"):
        (s,), (predicted,), _ = step(g[None], H[None], np.array([2.0]))
    if slope > 1e-100:
        np.testing.assert_allclose(s, [-1.2, 1.6], rtol=1e-6)
        np.testing.assert_allclose(predicted, 10.0 * slope, rtol=1e-6)
    assert np.linalg.norm(s) <= 2.0 * (1 + 1e-9)


def test_where_nothing_is_to_be_gained_it_stays():
    with np.errstate(all="raise"):
        (s,), (predicted,), _ = step(np.zeros((1, 2)), np.zeros((1, 2, 2)), np.ones(1))
    np.testing.assert_array_equal(s, 0.0)
    assert predicted == 0.0
