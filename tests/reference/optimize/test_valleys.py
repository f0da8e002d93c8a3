"""Searches along curved valleys, ends beside the boundary, and criteria without a minimum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.reference.optimize.newton import minimise
from pylme.reference.problem.starting import first_starts, further_starts
from tests.campaign.generator import generate
from tests.reference.models import prepared

GROUPS, ROWS = 10, 80


def data(shift=0.0, seed=1):
    rng = np.random.default_rng(seed)
    g, h = rng.integers(GROUPS, size=ROWS), rng.integers(6, size=ROWS)
    x = np.round(rng.normal(size=ROWS), 3)
    b = rng.normal(size=(GROUPS, 2))
    y = 1 + 0.5 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=ROWS)
    labels = {"g": [f"g{i}" for i in g], "h": [f"h{i}" for i in h]}
    return pd.DataFrame({"y": y, "x": x + shift, **labels})


def searches(formula, frame):
    """The ends of searches from all starts."""
    _, _, problem = prepared(formula, frame)
    layout = problem.layout
    starts = np.concatenate([problem.start(), first_starts(layout), further_starts(layout)])
    criterion = problem.searched().subset(np.zeros(len(starts), dtype=int))
    return minimise(criterion, layout, starts.copy(), 200, 1e-7)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("shift", [1e2, 1e4])
@pytest.mark.parametrize("effects", ["(x || g)", "(x || g) + (1 | h)", "(0 + x | g) + (1 | g)"])
def test_two_variances_that_the_data_hardly_tell_apart(effects, shift, seed):
    """The criterion has a valley along an ellipse of standard deviations.

    Its ends, where either variance is zero, are models of their own.
    """
    frame = data(shift, seed)
    found = searches(f"y ~ x + {effects}", frame)
    others = effects.partition("+ (1 | h)")[1]
    ends = [
        searches(f"y ~ x + {end} {others}", frame).evaluation.criterion.min()
        for end in ("(1 | g)", "(0 + x | g)")
    ]
    values = found.evaluation.criterion
    assert found.converged.all()
    assert found.evaluations.mean() < 30
    # One end is the optimum, or something between them is.
    assert values.min() <= min(ends) + 1e-7
    assert (values <= values.min() + 1e-5).sum() >= 0.8 * len(values)


def one_way(ratio, levels=20, rows=50):
    """Balanced data with a ratio of mean squares between and within, to rounding."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(levels), rows)
    within = rng.normal(size=(levels, rows))
    within -= within.mean(axis=1, keepdims=True)
    within *= np.sqrt(levels * (rows - 1) / (within**2).sum())
    between = rng.normal(size=levels)
    between -= between.mean()
    between *= np.sqrt((levels - 1) * ratio / rows / (between**2).sum())
    y = (within + between[:, None]).ravel()
    return pd.DataFrame({"y": y, "g": [f"g{i}" for i in g]})


@pytest.mark.parametrize("theta", [2e-3, 5e-3, 0.03])
def test_a_small_standard_deviation_is_not_taken_for_zero(theta):
    """Ratio of mean squares 1 + mθ² (Searle, Casella & McCulloch 1992, chapter 4)."""
    fit = pylme.lmer("y ~ 1 + (1 | g)", one_way(1.0 + 50 * theta**2), engine="numpy")
    assert fit.theta[0] == pytest.approx(theta, rel=0.02)
    assert fit.convergence.status.name == "CONVERGED"


@pytest.mark.parametrize("ratio", [1.0 - 1e-6, 1.0 - 1e-4, 0.9])
def test_below_a_ratio_of_one_the_variance_is_zero(ratio):
    with pytest.warns(pylme.errors.SingularFitWarning):
        fit = pylme.lmer("y ~ 1 + (1 | g)", one_way(ratio), engine="numpy")
    assert fit.theta[0] == 0.0


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
@pytest.mark.parametrize("seed", range(6))
def test_an_end_beside_a_variance_of_zero_is_on_the_boundary(seed):
    """Where the criterion is so flat that searches end before it."""
    rng = np.random.default_rng(seed)
    g = rng.integers(3, size=38)
    x = 10000.0 + rng.integers(6, size=38)
    y = 0.2 * rng.normal(size=3)[g] + 0.09 * rng.normal(size=38)
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in g]})
    options = {"reml": False, "engine": "numpy"}
    fit = pylme.lmer("y ~ 1 + (1 | g) + (0 + x | g)", frame, **options)
    ends = [pylme.lmer(f"y ~ 1 + ({e} | g)", frame, **options) for e in ("1", "0 + x")]
    lowest = min(end.criterion for end in ends)
    assert fit.criterion <= lowest + 1e-8
    if fit.criterion > lowest - 1e-8:
        assert 0.0 in fit.theta
        assert fit.convergence.status.name == "SINGULAR"


@pytest.mark.filterwarnings("ignore::pylme.errors.NoFiniteOptimumWarning")
@pytest.mark.parametrize("effects", ["x | g", "1 | g", "x || g"])
def test_without_a_minimum_one_search_is_enough(effects):
    rng = np.random.default_rng(7)
    g, x = np.arange(30) % 6, np.repeat(np.arange(5.0), 6)
    b = rng.integers(-8, 8, size=(6, 2)) / 4
    y = b[g, 0] + (b[g, 1] * x if "x" in effects else 0.0)
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in g]})
    fit = pylme.lmer(f"y ~ 1 + ({effects})", frame, engine="numpy")
    assert fit.convergence.status.name == "DEGENERATE"
    assert fit.optinfo.feval <= 200


@pytest.mark.parametrize("seed", [16014240436056, 5644768474264, 1281924979615])
def test_valleys_of_several_effects_far_above_the_noise(seed):
    """They bend in theta and are straight in the inverse of T."""
    model = generate(seed)
    frame = pd.DataFrame(model.data)
    options = {"reml": model.reml, "weights": model.weights, "offset": model.offset}
    _, _, problem = prepared(model.formula, frame, **options)
    layout = problem.layout
    starts = np.concatenate([problem.start(), first_starts(layout), further_starts(layout)])
    criterion = problem.searched().subset(np.zeros(len(starts), dtype=int))
    found = minimise(criterion, layout, starts.copy(), 100, 1e-7)
    assert found.evaluations.mean() < 35
    values = found.evaluation.criterion
    assert (values <= values.min() + 1e-5).sum() >= 0.8 * len(values)
