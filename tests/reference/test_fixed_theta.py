"""At a given theta: the criterion against lme4's own, the derivatives against its differences."""

from __future__ import annotations

import numpy as np
import pytest

from pylme.reference.solution import solution_at
from pylme.versions import has
from tests.reference.models import MODELS, both, prepared, table
from tests.tolerances import FINITE_DIFFERENCES, SAME_THETA

pytestmark = pytest.mark.needs_r


def thetas(fit, count):
    """Random thetas round an estimate, on the scale of its elements, diagonals of zero or more."""
    rng = np.random.default_rng(20)
    theta = fit.theta
    scale = np.maximum(np.abs(theta), 0.1 * np.abs(theta).max() + 0.05)
    drawn = theta + scale * rng.normal(size=(count, len(theta)))
    return np.where(fit._estimates.lower == 0, np.abs(drawn), drawn)


@pytest.mark.parametrize("name", MODELS)
def test_the_criterion_is_lme4s(name):
    ours, theirs = both(name)
    mine, reference = ours.getme("devfun"), theirs.getme("devfun")
    nothing = np.zeros_like(ours.theta)
    for theta in (nothing, ours.theta, theirs.theta, *thetas(theirs, 4)):
        assert mine(theta) == pytest.approx(reference(theta), rel=SAME_THETA)


@pytest.mark.parametrize("name", MODELS)
def test_the_derivatives_are_those_of_lme4s_criterion(name):
    model = MODELS[name]
    _, theirs = both(name)
    _, _, problem = prepared(model.formula, table(model.data), **model.arguments)
    criterion = theirs.getme("devfun")
    (theta,) = thetas(theirs, 1)
    theta = theta + 0.1 * (theirs._estimates.lower == 0)
    solution = solution_at(problem, theta)
    step = 1e-4 * np.maximum(np.abs(theta), 0.01)
    gradient = np.empty(len(theta))
    hessian = np.empty((len(theta), len(theta)))
    for k, h in enumerate(step):
        away = np.zeros(len(theta))
        away[k] = h
        above, below = criterion(theta + away), criterion(theta - away)
        gradient[k] = (above - below) / (2 * h)
        ahead, behind = (solution_at(problem, theta + side * away).gradient for side in (1, -1))
        hessian[k] = (ahead - behind) / (2 * h)
    size = np.abs(solution.gradient).max()
    np.testing.assert_allclose(
        solution.gradient, gradient, rtol=FINITE_DIFFERENCES, atol=FINITE_DIFFERENCES * size
    )
    np.testing.assert_allclose(
        solution.hessian,
        hessian,
        rtol=FINITE_DIFFERENCES,
        atol=FINITE_DIFFERENCES * np.abs(hessian).max(),
    )


@pytest.mark.parametrize("name", MODELS)
def test_lme4s_own_derivatives_at_its_optimum(name):
    model = MODELS[name]
    _, theirs = both(name)
    _, _, problem = prepared(model.formula, table(model.data), **model.arguments)
    if theirs.optinfo.hessian is None and has("sparse_derivatives"):
        pytest.skip("lme4 has no derivatives of singular fits and of 10 parameters since 1.1-38")
    solution = solution_at(problem, theirs.theta)
    # lme4 takes one-sided differences at a bound, which say nothing of a derivative there.
    inside = (theirs._estimates.lower != 0) | (theirs.theta > 1e-3)
    size = np.abs(theirs.optinfo.hessian[np.ix_(inside, inside)]).max(initial=0.0)
    np.testing.assert_allclose(
        solution.hessian[np.ix_(inside, inside)],
        theirs.optinfo.hessian[np.ix_(inside, inside)],
        atol=FINITE_DIFFERENCES * size,
    )
    # The error of its gradient grows with the curvature, which is the square of a bad scale.
    np.testing.assert_allclose(
        solution.gradient[inside],
        theirs.optinfo.gradient[inside],
        atol=0.1 * FINITE_DIFFERENCES + 2e-6 * size,
    )
