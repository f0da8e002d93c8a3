"""The step onto the boundary, against SciPy's minimum of the same model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import pylme
from pylme.reference.optimize.boundary_step import onto_the_boundary
from pylme.reference.optimize.newton import minimise
from tests.reference.models import prepared


def model(seed, m):
    """A parabola in v = x² and the other coordinates, and its derivatives by x."""
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(m, m))
    x = rng.uniform(0.5, 2.0, m)
    x[1:] = 0.0
    return B @ B.T + np.eye(m), rng.normal(size=m), x


@pytest.mark.parametrize("m", [1, 2, 4])
@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_minimum_of_the_parabola_where_that_lies_there(seed, m):
    F, f, x = model(seed, m)
    # Δ: of v first, of the others behind it.
    best = minimize(
        lambda d: f @ d + 0.5 * d @ F @ d,
        np.zeros(m),
        jac=lambda d: f + F @ d,
        bounds=[(-(x[0] ** 2), None), *[(None, None)] * (m - 1)],
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    by_x = np.diag([2.0 * x[0], *np.ones(m - 1)])
    gradient = by_x @ f
    hessian = by_x @ F @ by_x
    hessian[0, 0] += 2.0 * f[0]
    steps, fall = onto_the_boundary(gradient[None], hessian[None], x[None])
    on_it = best.x[0] < 1e-6 - x[0] ** 2
    assert np.isfinite(fall[0]) == on_it
    if on_it:
        assert fall[0] == pytest.approx(-best.fun, rel=1e-6)
        assert steps[0] == pytest.approx([-x[0], *best.x[1:]], abs=1e-5)


def test_a_search_reaches_the_boundary_exactly_and_in_few_steps():
    _, _, problem = prepared("math ~ ses*sector + (ses | sch.id)", pylme.datasets.load("hsb"))
    found = minimise(problem.criterion, problem.layout, problem.start())
    assert found.theta[0, -1] == 0.0
    assert found.converged[0]
    assert found.evaluations[0] <= 5
