"""The certificate of the boundary, and the way off a false optimum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import pylme
from pylme.reference.criterion.prepare import prepare
from pylme.reference.optimize.boundary import escape, with_variance
from pylme.reference.optimize.several_starts import fit
from pylme.results.convergence import Status
from tests.campaign.generator import generate

HSB = "math ~ cses*sector + meanses*cses + (cses | sch.id)"


def prepared(formula, name, **options):
    design = pylme.design(formula, pylme.datasets.load(name))
    return prepare(design.X, design.y[None], design.terms, **options)


def at(problem, theta):
    T = problem.layout.matrices(problem.conditioned(np.array([theta], dtype=float)))
    return T, problem.criterion.evaluate(T)


@pytest.mark.parametrize("reml", [True, False])
def test_no_variance_at_all_is_left_where_there_is_some(reml):
    problem = prepared("Reaction ~ Days + (Days | Subject)", "sleepstudy", reml=reml)
    T, evaluation = at(problem, [0, 0, 0])
    found = escape(problem.layout, evaluation.M, evaluation.form)
    assert found.gain[0] > 1
    new = problem.criterion.evaluate(with_variance(problem.layout, T, found, np.array([0.01])))
    assert new.criterion[0] < evaluation.criterion[0]


def test_the_promise_holds_for_small_steps():
    """The quadratic model: -λε + ½ form ε², against the criterion itself."""
    problem = prepared("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    T, evaluation = at(problem, [0.5, 0.1, 0.0])
    found = escape(problem.layout, evaluation.M, evaluation.form)
    slope = found.vector[0] @ evaluation.M[0][0] @ found.vector[0]
    for shrink in (1e-4, 1e-5):
        new = problem.criterion.evaluate(
            with_variance(problem.layout, T, found, np.array([shrink]))
        )
        fall = new.criterion[0] - evaluation.criterion[0]
        assert fall == pytest.approx(slope * shrink * found.variance[0], rel=30 * shrink)


def test_a_true_zero_is_stayed_at():
    """Dyestuff2's variance of batches is zero (Bates et al. 2015, section 1.2)."""
    problem = prepared("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    _, evaluation = at(problem, [0])
    assert escape(problem.layout, evaluation.M, evaluation.form).gain[0] == 0
    assert evaluation.M[0][0, 0, 0] > 0


def test_the_search_leaves_the_false_optimum_of_hsb():
    """At correlation 1 the gradient vanishes, 0.175 above the optimum: a start there must leave."""
    problem = prepared(HSB, "hsb")
    best = fit(problem)
    assert best.criterion[0] == pytest.approx(46503.66287, abs=1e-5)
    pinned, criterion = minimum_at_rank_one(problem)
    assert criterion - best.criterion[0] == pytest.approx(0.175, abs=5e-3)
    started = fit(problem, start=pinned)
    assert started.optimum.escapes[0] >= 1
    assert started.criterion[0] == pytest.approx(best.criterion[0], abs=1e-7)


def minimum_at_rank_one(problem):
    """Theta and criterion of the best covariance matrix of rank one, by SciPy."""

    def value(free):
        return float(at(problem, [free[0], free[1], 0.0])[1].criterion[0])

    found = minimize(value, [0.25, 0.02], method="Nelder-Mead", tol=1e-10)
    return np.array([*found.x, 0.0]), found.fun


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
def test_a_slope_that_a_search_leaves_does_not_hide_the_boundary():
    """Beside a column far from zero, the lost variance of its slope moves the intercept's."""
    model = generate(2318509555867)
    fit = pylme.lmer(model.formula, pd.DataFrame(model.data), weights=model.weights, engine="numpy")
    assert fit.convergence.status is Status.SINGULAR
    assert fit.theta[1] == 0.0
    # By the campaign's searches in extended precision.
    np.testing.assert_allclose(fit.criterion, 122.30236462219142, rtol=1e-12)
