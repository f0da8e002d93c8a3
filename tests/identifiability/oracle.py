"""The matrices of the covariance parameters in full, n by n, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme import Design

__all__ = ["agrees", "full_matrices", "projected"]

#: Relative to the largest singular value; the data of these tests are of moderate size.
RANK = 1e-7


def full_matrices(design: Design) -> NDArray[np.float64]:
    """∂V/∂ψ of each parameter in the order of theta, then of σ², in weighted rows: (d + 1, n, n).

    Written down from the definition: V = Σ_t Z_t (I ⊗ Σ_t) Z_tᵀ + σ²W⁻¹, lower triangle by columns.
    """
    Z = design.Z.toarray() * np.sqrt(design.weights)[:, None]
    found = []
    for term in design.terms:
        k = len(term.names)
        block = Z[:, term.rows].reshape(design.n, len(term.levels), k)
        for column in range(k):
            for row in range(column, k):
                half = block[:, :, row] @ block[:, :, column].T
                found.append(half if row == column else half + half.T)
    return np.array([*found, np.eye(design.n)])


def projected(design: Design) -> NDArray[np.float64]:
    """The same matrices on the error contrasts, an orthonormal basis of what X leaves."""
    X = design.X * np.sqrt(design.weights)[:, None]
    contrasts = np.linalg.qr(np.hstack([X, np.eye(design.n)]))[0][:, design.p : design.n]
    return np.array([contrasts.T @ matrix @ contrasts for matrix in full_matrices(design)])


def agrees(design: Design) -> None:
    """Rank and directions of a design are those of its full matrices."""
    found = design.identifiability()
    lengths = np.linalg.norm(full_matrices(design), axis=(1, 2))
    lengths[lengths == 0] = 1.0
    seen = projected(design).reshape(len(lengths), -1)
    rank = int(np.linalg.matrix_rank(seen / lengths[:, None], tol=RANK))
    assert found.n_parameters == len(lengths) - 1
    assert found.rank == max(rank - 1, 0)
    assert len(found.directions) == len(lengths) - rank
    names = [*found.parameters, "sigma^2"]
    assert len(set(names)) == len(names)
    weights = np.zeros((len(found.directions), len(names)))
    for row, direction in zip(weights, found.directions, strict=True):
        row[[names.index(name) for name in direction.names]] = direction.weights
        assert np.abs(row).max() == 1.0
        assert direction.weights[0] > 0
        assert direction.reason
    bound = np.abs(weights) @ lengths
    assert (np.linalg.norm(weights @ seen, axis=1) <= 1e-8 * bound).all()
    assert np.linalg.matrix_rank(weights * lengths) == len(weights)
    # No part of a direction can be left out: what remains of its parameters is independent.
    for row in weights:
        parts = np.flatnonzero(row)
        own = seen[parts] / lengths[parts, None]
        assert np.linalg.matrix_rank(own, tol=RANK) == len(parts) - 1
