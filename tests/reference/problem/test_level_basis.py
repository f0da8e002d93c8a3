"""Roots of I + BBᵀ against extended precision."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from pylme.reference.problem.level_basis import forward, root_beside_identity


def exact(B):
    """The Cholesky factor in 60 digits."""
    with mp.workdps(60):
        B = mp.matrix(B.tolist())
        L = mp.cholesky(mp.eye(B.rows) + B * B.T)
        return np.array([[float(L[i, j]) for j in range(B.rows)] for i in range(B.rows)])


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1e4, 1, 1e-3), (1e8, 1e4, 1), (1e12, 1e-8, 1e-8)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_columns_of_every_length_and_levels_of_every_rank(sizes, rank):
    rng = np.random.default_rng(0)
    R = np.triu(rng.normal(size=(3, 3, 5)).T).T.swapaxes(0, 1)
    R = np.where(np.tril(np.ones((3, 3)), -1)[..., None] > 0, 0.0, R)
    R[rank:] = 0.0
    U = np.linalg.qr(rng.normal(size=(3, 3)))[0] * np.array(sizes)
    B = np.einsum("abj,bc->acj", R, U)[None]
    L = root_beside_identity(B)[0]
    for j in range(B.shape[-1]):
        expected = exact(B[0, :, :, j])
        # Each row is right beside its own length, and the pivots in proportion.
        error = np.abs(L[..., j] - expected) / np.linalg.norm(expected, axis=1)[:, None]
        assert error.max() < 1e-14
        assert np.abs(np.diag(L[..., j]) / np.diag(expected) - 1.0).max() < 1e-9
        assert (np.diag(L[..., j]) >= 1.0 - 1e-15).all()


def test_forward_substitution():
    rng = np.random.default_rng(1)
    L = np.tril(rng.normal(size=(2, 7, 3, 3))) + 3.0 * np.eye(3)
    B = rng.normal(size=(2, 7, 3, 4))
    found = forward(np.moveaxis(L, 1, -1), np.moveaxis(B, 1, -1))
    np.testing.assert_allclose(np.moveaxis(found, -1, 1), np.linalg.solve(L, B), rtol=1e-12)
