"""Structures with few parameters: closed forms, derivatives by differences, lme4's names."""

from __future__ import annotations

import numpy as np
import pytest

from pylme.covariance.structure import structure_of

SHAPES = [
    (kind, k, hom) for kind in ("diag", "cs", "ar1") for k in (1, 2, 4) for hom in (True, False)
]


@pytest.fixture(params=SHAPES, ids=str)
def structure(request):
    kind, k, hom = request.param
    return structure_of(kind, k, hom=hom)


def some(structure, seed=1):
    """Free parameters inside the bounds."""
    rng = np.random.default_rng(seed)
    low, high = structure.free_bounds()
    return rng.uniform(np.maximum(low, -0.9) + 0.05, np.minimum(high, 2.0) - 0.05)


def test_theta_is_the_cholesky_factor(structure):
    free = some(structure)
    theta = structure.theta_of(free)
    T = structure.factor(theta)
    np.testing.assert_allclose(T, np.linalg.cholesky(structure.covariance(free)), atol=1e-13)
    np.testing.assert_allclose(structure.parameters(T), theta, atol=0)
    np.testing.assert_allclose(structure.free_of(theta), free, atol=1e-13)
    assert len(theta) == structure.n_parameters
    assert len(free) == structure.n_free


def test_derivatives_are_those_of_the_covariance_matrix(structure):
    free, step = some(structure, seed=2), 1e-5
    first, second = structure.covariance_derivatives(free)
    for at, change in enumerate(step * np.eye(len(free))):
        up, down = free + change, free - change
        slope = (structure.covariance(up) - structure.covariance(down)) / (2 * step)
        np.testing.assert_allclose(first[at], slope, atol=1e-9)
        bends = structure.covariance_derivatives(up)[0] - structure.covariance_derivatives(down)[0]
        np.testing.assert_allclose(second[at], bends / (2 * step), atol=1e-9)


def test_correlations_by_their_definition():
    cs = structure_of("cs", 3).covariance(np.array([1.0, 2.0, 3.0, 0.5]))
    np.testing.assert_allclose(cs, [[1.0, 1.0, 1.5], [1.0, 4.0, 3.0], [1.5, 3.0, 9.0]])
    ar1 = structure_of("ar1", 3).covariance(np.array([2.0, 0.5]))
    np.testing.assert_allclose(ar1, [[4.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 4.0]])


@pytest.mark.parametrize(("kind", "rho"), [("cs", 1.0), ("cs", -0.5), ("ar1", 1.0), ("ar1", -1.0)])
def test_the_factor_of_a_singular_matrix(kind, rho):
    structure = structure_of(kind, 3, hom=False)
    free = np.array([1.0, 2.0, 0.5, rho])
    T = structure.factor(structure.theta_of(free))
    np.testing.assert_allclose(T @ T.T, structure.covariance(free), atol=1e-8)


@pytest.mark.parametrize(
    ("kind", "hom", "theta", "free"),
    [
        # Of getME(fit, "theta") and getME(fit, "par") in lme4 2.1-0, for (0 + t | subj).
        ("diag", True, ("subj.*",), ("subj.*",)),
        ("cs", True, ("subj.t1", "subj.*.t1", "subj.t2", "subj.*.t2", "subj.t3"),
         ("subj.*", "subj.rho")),
        ("ar1", True, ("subj.t1", "subj.t2.t1", "subj.t3.t1", "subj.t2", "subj.t3.t2"),
         ("subj.*", "subj.rho")),
        ("ar1", False,
         ("subj.t1", "subj.t2.t1", "subj.t3.t1", "subj.t2", "subj.t3.t2", "subj.t3"),
         ("subj.t1", "subj.t2", "subj.t3", "subj.rho")),
    ],
)  # fmt: skip
def test_names_are_lme4s(kind, hom, theta, free):
    structure = structure_of(kind, 3, hom=hom)
    effects = ["t1", "t2", "t3"]
    assert structure.names("subj", effects) == theta
    assert structure.free_names("subj", effects) == free
