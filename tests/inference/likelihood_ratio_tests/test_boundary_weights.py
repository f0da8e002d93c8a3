"""The weights of mixtures, against projections by SciPy and against simulated models."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import pylme
from pylme.inference.likelihood_ratio_tests.bootstrap import null_statistics
from pylme.inference.likelihood_ratio_tests.boundary_weights import _of_two, boundary_mixture
from pylme.inference.likelihood_ratio_tests.nesting import larger_by


def data(groups=18, size=10, seed=3):
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(groups), size), np.tile(np.arange(float(size)), groups)
    y = rng.normal(size=groups)[g] + 0.3 * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": np.arange(len(g)) % 7})


def mixture_of(larger, smaller, table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        fits = [pylme.lmer(f, table, engine="numpy") for f in (larger, smaller)]
    one, other = (fit._model.linear_problem() for fit in fits)
    found = larger_by(one.X, one.terms, other.X, other.terms)
    return boundary_mixture(one, other, found), one, other


def test_a_slope_is_one_variance_and_a_covariance():
    mixture, *_ = mixture_of("y ~ x + (x | g)", "y ~ x + (1 | g)", data())
    assert (mixture.df, mixture.weights) == ((1, 2), (0.5, 0.5))
    mixture, *_ = mixture_of("y ~ x + (x | g)", "y ~ x + (x || g)", data())
    assert (mixture.df, mixture.weights) == ((1,), (1.0,))


def test_the_weights_of_two_effects_are_those_of_projections():
    """Each draw projected on the cone by SciPy: the norm has the mean that the weights give."""
    rng = np.random.default_rng(2)
    root = np.array([[1.0, 0.0, 0.0], [0.4, 0.7, 0.0], [0.3, 0.2, 0.9]])
    covariance = root @ root.T
    none, both = _of_two(covariance)
    J = np.linalg.inv(covariance)
    lengths = []
    for u in rng.multivariate_normal(np.zeros(3), covariance, size=100):

        def left(t, u=u):
            v = np.array([t[0] ** 2, t[0] * t[1], t[1] ** 2 + t[2] ** 2])
            return (u - v) @ J @ (u - v)

        best = min(minimize(left, start, method="BFGS").fun for start in np.eye(3) + 0.1)
        lengths.append(u @ J @ u - best)
    expected = (0.5 - both) * 1 + (0.5 - none) * 2 + both * 3
    error = np.std(lengths) / np.sqrt(len(lengths))
    assert np.mean(lengths) == pytest.approx(expected, abs=4 * error)


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        ("y ~ x + (x || g) + (1 | h)", "y ~ x + (1 | g)"),
        ("y ~ x + (1 | h) + (x | g)", "y ~ x + (1 | h)"),
    ],
)
def test_simulated_sizes(larger, smaller):
    """Of tests at 5 %: near that, and never above it by more than the Monte Carlo error."""
    mixture, one, other = mixture_of(larger, smaller, data(40, 10))
    drawn = null_statistics(one, other, 1000, seed=1)
    rate = (mixture.p_values(drawn) < 0.05).mean()
    assert 0.025 < rate < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_two_variances_of_independent_terms():
    mixture, *_ = mixture_of("y ~ x + (1 | h) + (x || g)", "y ~ x + (0 + x | g)", data())
    assert mixture.df == (0, 1, 2)
    assert mixture.weights[1] == 0.5
    assert sum(mixture.weights) == pytest.approx(1.0)
    # Nearly balanced and crossed, so that the estimates are nearly uncorrelated.
    assert mixture.weights[2] == pytest.approx(0.25, abs=0.03)
