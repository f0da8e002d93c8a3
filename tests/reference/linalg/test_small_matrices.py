"""Batched algebra against LAPACK, one matrix at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylme.reference.linalg.small_matrices import inverse_and_logdet, kronecker_square, spread


def drawn(seed, R, K, P, scale=1.0):
    """R by P random positive semidefinite matrices, the place among the P last."""
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(R, K, K + 1, P)) * scale
    return np.einsum("rakp,rbkp->rabp", half, half)


@pytest.mark.parametrize("K", [1, 2, 3, 5, 9])
def test_inverse_and_log_determinant_are_lapacks(K):
    A = drawn(1, 3, K, 4)
    A[:, range(K), range(K)] += 1.0
    inverse, logdet = inverse_and_logdet(A.copy())
    apart = np.moveaxis(A, -1, 1)
    np.testing.assert_allclose(np.moveaxis(inverse, -1, 1), np.linalg.inv(apart), rtol=1e-9)
    np.testing.assert_allclose(logdet, np.linalg.slogdet(apart)[1], rtol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([1e-4, 1.0, 1e4]))
def test_spread_is_the_inverse_of_the_sum_of_inverses(seed, K, scale):
    T = np.random.default_rng(seed).normal(size=(2, K, K))
    C = drawn(seed, 1, K, 3, scale)
    D, logdet = spread(T, C)
    for r in range(2):
        for p in range(3):
            A = T[r].T @ C[0, ..., p] @ T[r] + np.eye(K)
            expected = T[r] @ np.linalg.solve(A, T[r].T)
            # Both sides lose as many digits as A's condition has.
            lost = 1e-14 * np.linalg.cond(A)
            np.testing.assert_allclose(
                D[r, ..., p], expected, rtol=0, atol=lost * np.abs(expected).max()
            )
            np.testing.assert_allclose(logdet[r, p], np.linalg.slogdet(A)[1], atol=lost)


def test_the_kronecker_square_is_numpys():
    T = np.random.default_rng(2).normal(size=(3, 4, 4))
    for square, factor in zip(kronecker_square(T), T, strict=True):
        np.testing.assert_array_equal(square, np.kron(factor, factor))


def test_a_factor_of_zeros_spreads_nothing():
    D, logdet = spread(np.zeros((1, 2, 2)), drawn(3, 1, 2, 5))
    assert not D.any()
    assert not logdet.any()
