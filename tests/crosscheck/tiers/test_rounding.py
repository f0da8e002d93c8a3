"""What rounding does to a fit is told from a defect: bounds that hold, and no false verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme import Verdict
from pylme.crosscheck.tiers.rounding import rounding_of
from pylme.lme4.linear_problem import linear_problem_of, terms_of
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.solution import solution_at
from tests.crosscheck.extended import extended

pytestmark = [pytest.mark.needs_r, pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")]


def sleepstudy(shift):
    data = pylme.datasets.load("sleepstudy")
    return data.assign(Reaction=data["Reaction"] + shift)


def faint(noise):
    """Between-group standard deviation 1, residual `noise`."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 10)
    x, b, e = rng.standard_normal(300), rng.standard_normal(30), rng.standard_normal(300)
    return pd.DataFrame({"y": b[g] + x + noise * e, "x": x, "g": [f"g{i}" for i in g]})


def years(shift, seed=0):
    rng = np.random.default_rng(seed)
    n = 400
    g, h = rng.integers(0, 15, n), rng.integers(0, 8, n)
    t, f = rng.integers(0, 10, n) * 1.0, rng.integers(0, 2, n)
    slopes = 0.1 * rng.standard_normal(15)[g] * t
    y = 0.3 * t + rng.standard_normal(15)[g] + slopes + 0.5 * rng.standard_normal(8)[h]
    return pd.DataFrame(
        {
            "y": y + rng.standard_normal(n),
            "year": t + shift,
            "f": np.array(["u", "v"])[f],
            "g": [f"g{i}" for i in g],
            "h": [f"h{i}" for i in h],
        }
    )


def weighted(decades):
    rng = np.random.default_rng(5)
    data = years(0.0, 5)
    return data.assign(w=10.0 ** rng.uniform(-decades / 2, decades / 2, len(data)))


def far(shift):
    """A covariate far from zero, its optimum on the boundary."""
    rng = np.random.default_rng(24)
    n = 150
    g, f, x = rng.integers(0, 10, n), rng.integers(0, 3, n), rng.standard_normal(n)
    y = x + rng.standard_normal(10)[g] * 0.5 + (f == 1) * rng.standard_normal(10)[g] * 0.5
    return pd.DataFrame(
        {
            "y": y + rng.standard_normal(n),
            "x": x + shift,
            "f": np.array(list("abc"))[f],
            "g": [f"g{i}" for i in g],
        }
    )


SLOPES = "y ~ year + (0 + year:f | g) + (year | h)"
#: Formula, data, weights.
FITS = {
    "response at 1e8": ("Reaction ~ Days + (Days | Subject)", lambda: sleepstudy(1e8), None),
    "response at 1e9": ("Reaction ~ Days + (Days | Subject)", lambda: sleepstudy(1e9), None),
    "noise 1e-3": ("y ~ x + (1 | g)", lambda: faint(1e-3), None),
    "noise 1e-4": ("y ~ x + (1 | g)", lambda: faint(1e-4), None),
    "years": ("y ~ year + (year | g) + (1 | h)", lambda: years(2000.0), None),
    "years, slopes by level": (SLOPES, lambda: years(2000.0), None),
    "years at 10,000": (SLOPES, lambda: years(1e4), None),
    "weights of 8 decades": (SLOPES, lambda: weighted(8), "w"),
    "covariate at 1e6": ("y ~ x + (f | g)", lambda: far(1e6), None),
}


@pytest.mark.parametrize("name", FITS)
def test_the_bounds_hold_for_lme4s_numbers(name):
    """lme4's distance from extended precision is never above them, and they do not excuse all."""
    formula, data, weights = FITS[name]
    system = pylme.lmer(formula, data(), weights=weights)._model.system()
    problem = problem_of(linear_problem_of(system, terms_of(system)))
    solution = solution_at(problem, system.theta)
    bound, true = rounding_of(system, solution), extended(system, system.theta)
    errors = np.sqrt(np.diag(solution.vcov))
    assert abs(system.criterion - true.criterion) <= bound.criterion + 1e-10 * abs(true.criterion)
    assert abs(system.sigma / true.sigma - 1) <= bound.sigma + 1e-10
    assert (np.abs(system.beta - true.beta) / errors <= bound.beta + 1e-8).all()
    assert (np.abs(system.u - true.u) <= bound.u + 1e-8).all()
    assert bound.criterion < 1.0
    assert bound.sigma < 1e-3


@pytest.mark.parametrize("name", FITS)
def test_rounding_is_never_called_a_disagreement(name):
    formula, data, weights = FITS[name]
    fit = pylme.lmer(formula, data(), weights=weights)
    check = fit.cross_check()
    system = fit._model.system()
    here, best = (extended(system, theta).criterion for theta in (fit.theta, check.theta))
    assert check.verdict is not Verdict.DISAGREES
    assert not check.tiers[0].failures
    assert not check.tiers[1].failures
    assert (check.verdict is Verdict.STOPPED_SHORT) == (here - best > 1e-4)
    assert check.excess == pytest.approx(here - best, abs=1e-5, rel=1e-3)


def test_the_excess_does_not_contain_lme4s_rounding_errors():
    """lme4's own criterion is 1e-3 too low here: by it its theta would lie below the optimum."""
    fit = pylme.lmer("y ~ x + (f | g)", far(1e6))
    check = fit.cross_check()
    assert check.criterion == fit.criterion
    assert fit.criterion - extended(fit._model.system(), fit.theta).criterion < -1e-4
    assert check.excess > 1e-4
    assert check.verdict is Verdict.STOPPED_SHORT


@pytest.mark.parametrize("name", ["beta", "sigma", "criterion", "u"])
def test_a_defect_of_ten_thousand_roundings_is_still_found(name):
    """A response at 1e6 takes four digits of lme4's: a fault in the fifth is no rounding."""
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy(1e6))
    system = fit._model.system()
    value = getattr(system, name)
    fit._model.system = lambda: replace(system, **{name: value + 1e-5 * np.abs(value)})
    assert fit.cross_check().verdict is Verdict.DISAGREES
