from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

import pylme
from pylme.plot.levels.planes import columns_by_level, covariance_ellipse, intercept_and_slope
from tests.plot.fits import BLOCKS, two_sectors


@pytest.mark.parametrize("shift", [0.0, 2000.0])
def test_columns_that_are_linear_in_a_covariate_are_taken_apart(shift):
    x = np.arange(10.0) + shift
    A = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -3.0]])
    found = intercept_and_slope(A[0] + np.outer(x, A[1]), x)
    np.testing.assert_allclose(found, A, atol=1e-9)


def test_columns_that_are_not_linear_in_it_are_known_as_such():
    x = np.arange(10.0)
    assert intercept_and_slope(np.column_stack([np.ones(10), x**2]), x) is None
    assert intercept_and_slope(np.ones((10, 1)), np.full(10, 3.0)) is None


@pytest.mark.parametrize("probability", [0.5, 0.95])
def test_an_ellipse_is_where_the_density_has_one_height(probability):
    covariance = np.array([[4.0, 1.2], [1.2, 1.0]])
    border = covariance_ellipse(covariance, probability)
    distance = np.einsum("ij,jk,ik->i", border, np.linalg.inv(covariance), border)
    np.testing.assert_allclose(distance, chi2(2).ppf(probability))
    np.testing.assert_allclose(border[0], border[-1], atol=1e-12)


def test_of_a_singular_covariance_it_is_a_segment():
    border = covariance_ellipse(np.array([[4.0, 2.0], [2.0, 1.0]]), 0.95)
    np.testing.assert_allclose(border[:, 0], 2.0 * border[:, 1], atol=1e-7)
    assert np.abs(border[:, 0]).max() == pytest.approx(2.0 * np.sqrt(chi2(2).ppf(0.95)), rel=1e-3)


def test_the_columns_of_a_term_are_read_off_z():
    design = pylme.design(BLOCKS, two_sectors())
    found = columns_by_level(design.Zt, design.Gp, [2, 2], [0, 1])
    np.testing.assert_array_equal(found, np.hstack([term.columns for term in design.terms]))
