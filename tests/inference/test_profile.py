"""Profile likelihood intervals against lme4's, and on the boundary."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import chdtri

import pylme
from pylme.errors import FitWarning
from pylme.inference.constrained_fit import ConstrainedCorrelation, ConstrainedDeviation
from pylme.inference.profile import profile_interval
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import optimum_of
from pylme.reference.solution import solution_at
from tests.native import native

#: How far the criterion may lie above its minimum in a 95% interval.
ABOVE = chdtri(1, 0.05)


def intervals(formula, data, *places, term=0, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fit = pylme.lmer(formula, data, engine="numpy", **arguments)
    model = fit._model.linear_problem()
    theta, criterion = optimum_of(model)
    limit = criterion + ABOVE
    return [
        profile_interval(model, theta, term=term, effects=place, limit=limit) for place in places
    ]


def test_sleepstudy_has_the_published_intervals():
    """Bates, Mächler, Bolker & Walker (2015), section 5.1: confint(profile(fm1)), by ML."""
    found = intervals(
        "Reaction ~ Days + (Days | Subject)",
        pylme.datasets.load("sleepstudy"),
        (0, 0), (1, 0), (1, 1), (0, 1),
        reml=False,
    )  # fmt: skip
    # Published to four decimals from a spline through the profile.
    expected = [(14.3815, 37.7160), (-0.4815, 0.6850), (3.8012, 8.7534)]
    np.testing.assert_allclose(found[:3], expected, rtol=1e-3)
    # A correlation is the same from either side.
    np.testing.assert_allclose(found[3], found[1], rtol=1e-3)


@pytest.mark.needs_r
def test_a_variance_of_zero_has_an_interval_from_zero():
    ((low, high),) = intervals(
        "Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"), (0, 0), reml=False
    )
    theirs = native(
        "confint(lmer(Yield ~ 1 + (1 | Batch), Dyestuff2, REML = FALSE), parm = 1,"
        " oldNames = FALSE, quiet = TRUE)"
    )
    assert low == 0.0
    assert high == pytest.approx(np.ravel(theirs)[1], rel=2e-3)


def test_a_correlation_of_one_has_an_interval_up_to_one():
    """The question itself, where the delta method has nothing to say."""
    hsb = pylme.datasets.load("hsb")
    part = pylme.group_specific("ses", group="sch.id", by="sector", data=hsb)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        fit = pylme.lmer(f"math ~ ses*sector + {part}", hsb, engine="numpy")
    frame = fit.group_correlations(by="sector", method="profile").to_frame()
    name = "cor (Intercept), ses"
    assert frame[f"{name} conf_high"].tolist() == [1.0, 1.0]
    # Of Catholic schools the slopes hardly differ, so their correlation is not known at all.
    assert frame[f"{name} conf_low"]["Public"] > 0
    assert frame[f"{name} conf_low"]["Catholic"] == -1.0
    assert frame["sd ses conf_low"]["Catholic"] == 0.0


@pytest.mark.parametrize("theta", [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
def test_there_is_no_correlation_with_what_does_not_vary(theta):
    fit = pylme.lmer(
        "Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"), engine="numpy"
    )
    model = fit._model.linear_problem()
    found = profile_interval(model, np.array(theta), term=0, effects=(1, 0), limit=np.inf)
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    "parameter", [ConstrainedCorrelation(first=0, size=2), ConstrainedDeviation(first=0)]
)
@pytest.mark.parametrize("reml", [True, False])
def test_the_derivatives_are_those_of_the_criterion(parameter, reml):
    fit = pylme.lmer(
        "Reaction ~ Days + (Days | Subject)",
        pylme.datasets.load("sleepstudy"),
        engine="numpy",
        reml=reml,
    )
    problem = problem_of(fit._model.linear_problem())
    solution = solution_at(problem, fit.theta)
    x, free = parameter.estimate(solution), parameter.free(solution)
    # At the estimate it is the criterion itself, and least.
    value, slope = parameter.criterion(problem, free, x)
    assert value == pytest.approx(fit.criterion, abs=1e-8)
    np.testing.assert_allclose(slope, 0, atol=1e-3)
    x += 0.3
    _, slope = parameter.criterion(problem, free, x)
    step = 1e-5
    differences = [
        (
            parameter.criterion(problem, free + d, x)[0]
            - parameter.criterion(problem, free - d, x)[0]
        )
        / (2 * step)
        for d in step * np.eye(len(free))
    ]
    np.testing.assert_allclose(slope, differences, rtol=1e-5, atol=1e-5)
