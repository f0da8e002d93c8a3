"""The coordinates of a search: the same Σ, exact derivatives, and no valley along a circle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.reference.criterion.prepare import prepare
from pylme.reference.optimize.newton import minimise
from pylme.reference.problem.layout import Chart

FORMULA = "y ~ x + (x + z | g) + (1 | h)"


def problem_of(formula, seed=0, n=60, levels=6):
    rng = np.random.default_rng(seed)
    g = rng.integers(levels, size=n)
    data = {"x": rng.normal(size=n), "z": rng.normal(size=n), "g": g}
    data |= {"h": rng.integers(4, size=n), "y": rng.normal(size=n) + rng.normal(size=levels)[g]}
    design = pylme.design(formula, pd.DataFrame(data))
    return prepare(design.X, design.y[None], design.terms)


def squares(T):
    return [matrix @ matrix.swapaxes(1, 2) for matrix in T]


#: With pivots much smaller than what stands below them.
POORLY_ORDERED = np.array([[0.01, 1.0, 0.5, 0.02, 2.0, 0.3, 1.0], [1.0, 0, 0, 1.0, 0, 1.0, 1.0]])


def test_another_order_has_the_same_covariances():
    layout = problem_of(FORMULA).layout
    chart, theta = Chart(layout=layout).improved(POORLY_ORDERED)
    for own, before in zip(
        squares(chart.matrices(theta)), squares(layout.matrices(POORLY_ORDERED)), strict=True
    ):
        np.testing.assert_allclose(own, before, atol=1e-14)
    np.testing.assert_allclose(np.abs(chart.own_theta(theta)), np.abs(POORLY_ORDERED), atol=1e-14)
    assert chart.order[0].tolist() == [[2, 1, 0], [0, 1, 2]]
    assert chart.improved(theta) is None
    np.testing.assert_allclose(
        np.abs(chart.theta(chart.matrices(theta))), np.abs(theta), atol=1e-14
    )


def test_derivatives_against_differences_of_the_criterion():
    problem = problem_of(FORMULA)
    chart, theta = Chart(layout=problem.layout).improved(POORLY_ORDERED[:1])
    evaluation = problem.criterion.exactly().evaluate(chart.matrices(theta))
    g, H, scale = chart.derivatives(theta, evaluation.M, evaluation.form)

    def value(units):
        return problem.criterion.evaluate(chart.matrices(theta + scale * units)).criterion[0]

    steps = 1e-4 * np.eye(theta.shape[1])
    slopes = [(value(s[None]) - value(-s[None])) / 2e-4 for s in steps]
    np.testing.assert_allclose(g[0], slopes, rtol=1e-5, atol=1e-6)
    bends = [
        [(value((a + b)[None]) - value((a - b)[None])
          - value((b - a)[None]) + value((-a - b)[None])) / 4e-8 for b in steps]
        for a in steps
    ]  # fmt: skip
    np.testing.assert_allclose(H[0], bends, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("seed", range(6))
def test_an_intercept_without_variance_does_not_slow_the_search(seed):
    """Slopes vary and intercepts do not: the optimum has a first pivot of nearly zero."""
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(5), 6), rng.normal(size=30)
    y = rng.normal(size=30) + 2.0 * rng.normal(size=5)[g] * x
    design = pylme.design("y ~ 1 + (x | g)", pd.DataFrame({"y": y, "x": x, "g": g}))
    problem = prepare(design.X, design.y[None], design.terms)
    starts = np.array([[1, 0, 1], [0.1, 0, 0.1], [10, 0, 10], [100, 0, 100], [0.01, 1, 1]], float)
    criterion = problem.criterion.subset(np.zeros(len(starts), dtype=np.intp))
    found = minimise(criterion, problem.layout, starts)
    assert found.converged.all()
    assert found.evaluations.max() <= 40
