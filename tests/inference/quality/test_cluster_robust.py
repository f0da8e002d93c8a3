"""Cluster-robust standard errors: whole matrices, unbiasedness, closed forms."""

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError, UnknownNameError
from pylme.inference.quality.cluster_robust import cluster_robust
from pylme.inference.quality.groups import groups_of

SLEEPSTUDY = pylme.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(9), rng.integers(3, 9, 9))
    data = pd.DataFrame({"g": [f"g{i}" for i in g], "x": rng.normal(size=len(g)) + 0.3 * g})
    data["y"] = 1 + data["x"] + rng.normal(size=9)[g] + rng.normal(size=len(g)) * (1 + (g > 4))
    data["w"] = rng.uniform(0.5, 2, len(g))
    return pylme.lmer("y ~ x + (1 | g)", data, weights="w", engine="numpy")


def whole(fit):
    """X, y - Xβ̂ and V/σ², written out, and the clusters."""
    design = fit.design
    Z = design.Z.toarray()
    V = np.diag(1 / design.weights) + fit.theta[0] ** 2 * Z @ Z.T
    return design.X, design.y - design.X @ fit.fixef.to_numpy(), V, design.terms[0].codes


def test_the_plain_sandwich_is_that_of_the_whole_matrices(fit):
    X, left, V, codes = whole(fit)
    P = np.linalg.inv(V)
    bread = np.linalg.inv(X.T @ P @ X)
    meat = np.zeros((2, 2))
    for c in range(9):
        score = X.T @ P @ np.where(codes == c, left, 0)
        meat += np.outer(score, score)
    found = fit.robust_test(kind="CR0")
    np.testing.assert_allclose(found.std_error**2, np.diag(bread @ meat @ bread), rtol=1e-9)


def test_the_adjusted_one_is_unbiased_and_its_degrees_of_freedom_are_those_of_its_variance(fit):
    X, _, V, codes = whole(fit)
    L = np.linalg.cholesky(V)
    x = np.linalg.solve(L, X)
    S_inv = np.linalg.inv(x.T @ x)
    rest = np.eye(len(x)) - x @ S_inv @ x.T
    vectors = []
    for c in range(9):
        own = codes == c
        values, axes = np.linalg.eigh(rest[np.ix_(own, own)])
        A = (axes / np.sqrt(values)) @ axes.T
        vectors.append(rest[:, own] @ A @ x[own] @ S_inv)
    unbiased = sum(v.T @ v for v in vectors)
    np.testing.assert_allclose(unbiased, S_inv, rtol=1e-9)
    found = fit.robust_test(kind="CR2")
    for j in range(2):
        P = np.array([v[:, j] for v in vectors])
        G = P @ P.T
        assert found.df[j] == pytest.approx(np.trace(G) ** 2 / (G**2).sum(), rel=1e-8)
    scores = [v.T @ np.linalg.solve(L, whole(fit)[1]) for v in vectors]
    expected = sum(np.outer(s, s) for s in scores)
    np.testing.assert_allclose(found.std_error**2, np.diag(expected), rtol=1e-8)


def test_balanced_groups_have_one_degree_of_freedom_less_than_groups():
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", SLEEPSTUDY, engine="numpy")
    found = fit.robust_test()
    np.testing.assert_allclose(found.df, 17.0)
    # The estimates are means over subjects: their errors are those of means.
    np.testing.assert_allclose(found.std_error, np.sqrt(np.diag(fit.vcov)), rtol=1e-4)
    assert "18 clusters of Subject" in str(found)


def test_clusters_hold_whole_groups():
    pastes = pylme.datasets.load("pastes")
    fit = pylme.lmer("strength ~ 1 + (1 | batch/cask)", pastes, engine="numpy")
    assert "10 clusters of batch" in fit.robust_test().method
    with pytest.raises(OptionError, match="whole levels of batch"):
        fit.robust_test("cask:batch")
    penicillin = pylme.datasets.load("penicillin")
    fit = pylme.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin, engine="numpy")
    with pytest.raises(OptionError, match="independent"):
        fit.robust_test()


def test_a_column_that_is_no_grouping_factor():
    data = SLEEPSTUDY.assign(half=np.repeat(list("abcdef"), 30))
    fit = pylme.lmer("Reaction ~ Days + half + (1 | Subject)", data, engine="numpy")
    assert "6 clusters of half" in fit.robust_test("half").method
    assert fit.robust_test("half").notes
    with pytest.raises(UnknownNameError):
        fit.robust_test("quarter")


@pytest.mark.parametrize("kind", ["CR0", "CR2"])
def test_the_matrix_of_the_tests(fit, kind):
    matrix = fit.vcov_of(kind, by="g")
    np.testing.assert_allclose(np.sqrt(np.diag(matrix)), fit.robust_test(kind=kind).std_error)


def test_one_cluster_is_none(fit):
    groups = groups_of("g", fit._kernels.linear.terms, None, fit._rows)
    one = type(groups)(name="all", levels=("a",), codes=groups.codes * 0, factor=False)
    with pytest.raises(OptionError, match="two clusters"):
        cluster_robust(fit._kernels, one, "CR2")
