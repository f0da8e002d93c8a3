"""Roots of covariance matrices, singular ones included."""

from __future__ import annotations

import numpy as np
import pytest

from pylme.covariance.roots import eigen_root, lower_root, square_root, triangular


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_a_lower_root_has_the_same_product(k, rank):
    B = np.random.default_rng(k + rank).normal(size=(3, k, max(k, rank)))
    L = lower_root(B)
    product = B @ B.swapaxes(1, 2)
    np.testing.assert_allclose(L @ L.swapaxes(1, 2), product, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(L, np.tril(L), atol=1e-12)
    assert (L.diagonal(axis1=1, axis2=2) >= 0).all()
    free = triangular(B)
    np.testing.assert_allclose(free @ free.swapaxes(1, 2), product, rtol=1e-12, atol=1e-12)


def test_the_root_of_a_positive_definite_matrix_is_cholesky_s():
    B = np.random.default_rng(3).normal(size=(4, 4))
    V = B @ B.T
    np.testing.assert_allclose(square_root(V), np.linalg.cholesky(V), rtol=1e-9)
    np.testing.assert_allclose(eigen_root(V) @ eigen_root(V).T, V, rtol=1e-12)


def test_a_singular_matrix_has_a_root():
    V = np.array([[4.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    L = square_root(V)
    np.testing.assert_allclose(L @ L.T, V, atol=1e-12)
