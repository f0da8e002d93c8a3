"""The search from several starts, and the distance from the optimum that it finds."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.crosscheck.search import search


def model(formula, data, **options):
    return pylme.lmer(formula, pylme.datasets.load(data), engine="numpy", **options)._model


@pytest.mark.parametrize("starts", [1, 2, 5])
def test_every_start_finds_the_one_optimum(starts):
    fitted = model("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    found = search(fitted.problem, fitted.design.terms, np.array([2.0, 0.5, 1.0]), starts)
    assert (found.starts, found.agreed) == (starts, starts)
    assert found.proved
    assert found.criterion == pytest.approx(1743.628271960, abs=1e-7)
    np.testing.assert_allclose(found.theta, fitted.theta, atol=1e-5)


def test_the_distance_is_the_excess_near_the_optimum():
    fitted = model("Reaction ~ Days + (Days | Subject)", "sleepstudy", reml=False)
    rng = np.random.default_rng(3)
    for size in (1e-2, 1e-3):
        theta = fitted.theta + size * rng.standard_normal(3)
        found = search(fitted.problem, fitted.design.terms, theta, 1)
        T = fitted.problem.layout.matrices(fitted.problem.conditioned(theta[None]))
        excess = float(fitted.problem.criterion.evaluate(T).criterion[0]) - found.criterion
        assert found.distance == pytest.approx(excess, rel=30 * size)


def test_the_distance_does_not_depend_on_the_factor_of_a_singular_matrix():
    """Σ = [[0, 0], [0, 1]] is TTᵀ of two lower triangular T."""
    fitted = model("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    distances = [
        search(fitted.problem, fitted.design.terms, np.array(theta), 1).distance
        for theta in ([0.0, 0.6, 0.8], [0.0, 0.0, 1.0])
    ]
    assert distances[0] == pytest.approx(distances[1], rel=1e-10)


def test_several_factors_are_searched_from_as_many_starts_as_one():
    inside = model("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin")
    found = search(inside.problem, inside.design.terms, inside.theta, None)
    assert found.certificate.singular == ()
    assert found.starts == found.agreed >= 5
    with pytest.warns(pylme.errors.SingularFitWarning):
        outside = model("angle ~ temp + (1 | recipe:replicate) + (1 | recipe)", "cake")
    found = search(outside.problem, outside.design.terms, outside.theta, None)
    assert found.certificate.singular
    assert found.starts == found.agreed > 10
