"""Mixtures for terms with a covariance structure: projections by SciPy, and simulated fits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

import pylme
from pylme.covariance.names import cells
from pylme.covariance.structure import structure_of
from pylme.inference.likelihood_ratio_tests.bootstrap import criteria_of, null_statistics
from pylme.inference.likelihood_ratio_tests.patterned_boundary import one_scale_mixture
from tests.structures import repeated

DRAWS = 10_000


def information(k, seed=4):
    """Of all cells, which no structure makes special."""
    root = np.random.default_rng(seed).normal(size=(len(cells(k)),) * 2)
    return root @ root.T + np.eye(len(root))


def drawn(structure, J, statistic):
    """Statistics of normal draws z, with the columns of LᵀR(ρ) at some ρ."""
    z = np.random.default_rng(5).standard_normal((DRAWS, len(J)))
    L = np.linalg.cholesky(J)
    i, j = np.array(cells(structure.size)).T

    def direction(rho):
        return structure.covariance(np.array([1.0, rho]))[i, j] @ L

    return statistic(z, direction)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_compound_symmetry_is_a_cone_of_two_rays(k):
    structure = structure_of("cs", k, hom=True)
    J = information(k)

    def squared_length(z, direction):
        rays = np.column_stack([direction(-1.0 / (k - 1)), direction(1.0)])
        return np.array([one @ one - nnls(rays, one)[1] ** 2 for one in z[:2000]])

    found = drawn(structure, J, squared_length)
    mixture = one_scale_mixture(structure, J, df=2)
    assert sum(mixture.weights) == pytest.approx(1.0)
    error = np.sqrt(0.25 / len(found))
    assert np.mean(found < 1e-9) == pytest.approx(mixture.weights[0], abs=4 * error)
    for level in (0.3, 0.1, 0.05):
        share = np.mean(mixture.p_values(found) < level)
        assert share == pytest.approx(level, abs=4 * np.sqrt(level / len(found)))


@pytest.mark.parametrize("k", [3, 6])
def test_a_curve_that_bends_is_bounded_by_its_length(k):
    structure = structure_of("ar1", k)
    J = information(k)

    def largest(z, direction):
        rho = np.linspace(-0.999, 0.999, 401)
        u = np.array([direction(one) / np.linalg.norm(direction(one)) for one in rho])
        return np.maximum((z @ u.T).max(axis=1), 0.0) ** 2

    found = drawn(structure, J, largest)
    mixture = one_scale_mixture(structure, J, df=2)
    for level in (0.1, 0.05, 0.01):
        share = np.mean(mixture.p_values(found) < level)
        assert share == pytest.approx(level, abs=0.001 + 4 * np.sqrt(level / DRAWS))


def _without_effect():
    rng = np.random.default_rng(11)
    data = pylme.expand_grid(s=range(30), t=["a", "b", "c", "d"], i=range(2))
    return data.assign(s="s" + data["s"].astype(str), y=rng.normal(size=len(data)))


@pytest.mark.simulation
@pytest.mark.parametrize(
    "random", ["ar1(0 + t | s)", "cs(0 + t | s, hom = TRUE)", "diag(0 + t | s)"]
)
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_the_size_of_a_test_of_all_of_a_term(random):
    fit = pylme.lmer(f"y ~ 1 + {random}", _without_effect(), engine="numpy")
    tests = fit.ranova()
    assert not tests.mixtures[0].conservative
    linear = fit._model.linear_problem()
    null = null_statistics(linear, linear.with_terms(()), 400, seed=3)
    for level in (0.2, 0.1):
        share = np.mean(tests.mixtures[0].p_values(null) < level)
        assert share == pytest.approx(level, abs=4 * np.sqrt(level / 400))


def test_drawn_responses_are_fitted_with_the_structure():
    fit = pylme.lmer("y ~ x + ar1(0 + t | s)", repeated(), engine="numpy")
    linear = fit._model.linear_problem()
    assert criteria_of(linear, linear.y_less_offset[None]) == pytest.approx(fit.criterion, abs=1e-6)


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_where_effects_and_residuals_have_the_same_matrix():
    """With one row a cell R(0) = I is the residual's: compound symmetry is tested on both sides."""
    data = _without_effect().drop_duplicates(["s", "t"])
    data["y"] += 0.3 * (data["s"].str[1:].astype(int) % 7)
    fit = pylme.lmer("y ~ 1 + ar1(0 + t | s)", data, engine="numpy")
    assert str(fit.ranova().mixtures[0]).startswith("at most 1 χ²(1) + ")


@pytest.mark.parametrize("random", ["cs(0 + t | s)", "ar1(0 + t | s, hom = FALSE)"])
def test_no_mixture_is_known_of_several_standard_deviations_with_a_correlation(random):
    tests = pylme.lmer(f"y ~ x + {random}", repeated(), engine="numpy").ranova()
    assert str(tests.mixtures[0]) == "χ²(5), as no mixture is known"
    assert "does not hold" in str(tests)
