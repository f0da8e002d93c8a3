"""Square roots of covariance matrices, singular ones included."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pylme.covariance.roots import square_root


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6), st.integers(0, 3))
def test_a_square_root_squares_to_the_matrix(numbers, rank):
    A = np.array(numbers).reshape(3, 2) @ np.eye(2, 2)[:, : max(1, min(rank, 2))]
    V = A @ A.T
    L = square_root(V)
    np.testing.assert_allclose(L @ L.T, V, atol=1e-12)
    assert (np.diag(L) >= 0).all()
    assert np.array_equal(L, np.tril(L))
