"""The weights of mixtures, against projections by SciPy and against simulated models."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize, nnls
from scipy.special import chdtrc
from scipy.stats import multivariate_normal

import pylme
from pylme.inference.likelihood_ratio_tests.boundary_weights import (
    _of_two,
    _of_variances,
    _orthant,
    boundary_mixture,
)
from pylme.inference.likelihood_ratio_tests.cone_projection import drawn_projections
from pylme.inference.likelihood_ratio_tests.nesting import larger_by
from pylme.inference.likelihood_ratio_tests.reference_distribution import Mixture


def data(groups=18, size=10, seed=3):
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(groups), size), np.tile(np.arange(float(size)), groups)
    y = rng.normal(size=groups)[g] + 0.3 * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": np.arange(len(g)) % 7})


def mixture_of(larger, smaller, table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        one = pylme.lmer(larger, table, engine="numpy")._model.linear_problem()
        if "|" in smaller:
            other = pylme.lmer(smaller, table, engine="numpy")._model.linear_problem()
        else:
            other = one.with_terms(())
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


def test_two_variances_of_independent_terms():
    mixture, *_ = mixture_of("y ~ x + (1 | h) + (x || g)", "y ~ x + (0 + x | g)", data())
    assert mixture.df == (0, 1, 2)
    assert mixture.weights[1] == 0.5
    assert sum(mixture.weights) == pytest.approx(1.0)
    # Nearly balanced and crossed, so that the estimates are nearly uncorrelated.
    assert mixture.weights[2] == pytest.approx(0.25, abs=0.03)


def a_covariance(size, seed):
    root = np.random.default_rng(seed).normal(size=(size, 2 * size))
    return root @ root.T / size


def test_three_variances_by_angles_and_by_counting():
    covariance = a_covariance(3, 1)
    both = _orthant(covariance)
    assert both == pytest.approx(multivariate_normal.cdf(np.zeros(3), cov=covariance), abs=1e-4)
    none = _orthant(np.linalg.inv(covariance))
    counted = _of_variances(covariance, 3)
    assert counted.df == (0, 1, 2, 3)
    error = 4 * np.sqrt(0.25 / 200_000)
    exact = (none, 0.5 - both, 0.5 - none, both)
    np.testing.assert_allclose(counted.weights, exact, atol=error)


def test_projections_on_an_orthant_are_scipys():
    covariance = a_covariance(4, 2)
    x, statistic, _ = drawn_projections(covariance, [1, 1, 1, 1], draws=50)
    scale = 1.0 / np.sqrt(np.diag(covariance))
    C = covariance * np.outer(scale, scale)
    z = np.random.default_rng(1).standard_normal((50, 4)) @ np.linalg.cholesky(C).T
    root = np.linalg.cholesky(np.linalg.inv(C)).T
    for own, total, given in zip(x, statistic, z, strict=True):
        best, left = nnls(root, root @ given)
        np.testing.assert_allclose(own, best, atol=1e-5)
        assert total == pytest.approx(given @ root.T @ root @ given - left**2, abs=1e-5)


@pytest.mark.parametrize("sizes", [(2, 1), (3,), (2, 2)])
def test_projections_on_matrices_are_the_nearest(sizes):
    """SciPy's minimiser over the factors of the matrices finds none that is nearer."""
    cells = sum(size * (size + 1) // 2 for size in sizes)
    covariance = a_covariance(cells, 3)
    _, statistic, _ = drawn_projections(covariance, sizes, draws=8)
    places = [
        (at, i, j) for at, size in enumerate(sizes) for j in range(size) for i in range(j, size)
    ]
    sd = {(at, i): covariance[k, k] ** 0.5 for k, (at, i, j) in enumerate(places) if i == j}
    scale = [(1 if i == j else 2**0.5) / (sd[at, i] * sd[at, j]) ** 0.5 for at, i, j in places]
    C = covariance * np.outer(scale, scale)
    J = np.linalg.inv(C)
    z = np.random.default_rng(1).standard_normal((8, cells)) @ np.linalg.cholesky(C).T

    def matrices(t):
        made, start = [], 0
        for size in sizes:
            B = t[start : start + size * size].reshape(size, size)
            start += size * size
            own = B @ B.T
            made += [
                own[i, j] * (1 if i == j else 2**0.5) for j in range(size) for i in range(j, size)
            ]
        return np.array(made)

    starts = np.random.default_rng(4).normal(size=(3, sum(size**2 for size in sizes)))
    for given, total in zip(z, statistic, strict=True):

        def left(t, given=given):
            away = given - matrices(t)
            return away @ J @ away

        best = min(minimize(left, start, method="BFGS").fun for start in starts)
        assert given @ J @ given - total <= best + 1e-5


def test_projections_of_nearly_dependent_effects_fulfil_their_conditions():
    """Of 1, x and x² on 0 … 9: x ⪰ 0, its multiplier J(x - z) ⪰ 0, and xᵀJ(x - z) = 0."""
    i, j = np.array([(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (2, 2)]).T
    times = np.where(i == j, 1.0, np.sqrt(0.5))
    M = np.linalg.inv(np.vander(np.arange(10.0), 3).T @ np.vander(np.arange(10.0), 3))
    pairs = M[np.ix_(i, i)] * M[np.ix_(j, j)] + M[np.ix_(i, j)] * M[np.ix_(j, i)]
    covariance = pairs + 0.05 * np.diag(pairs.diagonal())
    x, statistic, _ = drawn_projections(covariance, [3], draws=200)
    sd = np.sqrt(pairs.diagonal()[[0, 3, 5]] * 1.05)
    scale = 1.0 / np.sqrt(sd[i] * sd[j]) / times
    C = covariance * np.outer(scale, scale)
    z = np.random.default_rng(1).standard_normal((200, 6)) @ np.linalg.cholesky(C).T
    J = np.linalg.inv(C)
    multiplier = (x - z) @ J
    size = np.abs(multiplier).max(axis=1)
    for cells, unit in ((x, np.abs(x).max(axis=1)), (multiplier, size)):
        matrices = np.zeros((200, 3, 3))
        matrices[:, i, j] = matrices[:, j, i] = cells * times
        least = np.linalg.eigvalsh(matrices)[:, 0]
        assert (least > -1e-6 * np.maximum(unit, 1.0)).all()
    assert np.abs((x * multiplier).sum(axis=1)).max() < 1e-5
    np.testing.assert_allclose(
        statistic, ((z @ J) * z - ((z - x) @ J) * (z - x)).sum(axis=1), atol=1e-5
    )


def test_independent_blocks_have_the_convolution_of_their_weights():
    """A block of two effects and one of one whose estimates are independent, and a free one."""
    covariance = np.zeros((4, 4))
    covariance[:3, :3] = a_covariance(3, 5)
    covariance[3, 3] = 2.0
    none, both = _of_two(covariance[:3, :3])
    of_two = (none, 0.5 - both, 0.5 - none, both)
    _, _, share = drawn_projections(covariance, (2, 1), draws=20_000)
    mixture = Mixture.simulated(share, df=5, free=1)
    assert str(mixture) == "χ̄²(5) by 20,000 draws"
    # The last is far beyond all draws.
    for value, part in ((0.5, 0.005), (3.0, 0.01), (6.0, 0.02), (10.0, 0.03), (40.0, 0.1)):
        expected = sum(
            0.5 * weight * chdtrc(1 + i + j, value)
            for i, weight in enumerate(of_two)
            for j in (0, 1)
        )
        assert float(mixture.p_values(value)) == pytest.approx(expected, rel=part)
    assert float(mixture.p_values(0.0)) == 1.0
    assert np.isnan(mixture.p_values(np.nan))


def test_further_cones_in_a_comparison():
    """Three variances; and a term of two effects with a variance of another one."""
    table = data()
    three, *_ = mixture_of("y ~ x + (x || g) + (1 | h)", "y ~ x", table)
    assert (three.df, three.weights[1] + three.weights[3]) == ((0, 1, 2, 3), 0.5)
    drawn, *_ = mixture_of("y ~ x + (x | g) + (1 | h)", "y ~ x", table)
    assert not drawn.conservative
    plain = Mixture.plain(4)
    assert 0.0 < float(drawn.p_values(8.0)) < float(plain.p_values(8.0))
