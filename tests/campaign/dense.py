"""The criterion from its definition: V, n by n, on error contrasts.

In weighted rows V = I + Σ_t (Z_tΣ_tZ_tᵀ) ∘ G_t, where G_t says which rows are of one level. With
K an orthonormal basis of what X leaves, M = KᵀVK and y_K = Kᵀy,

    ML    d = log|V|                + ν(1 + log(2π q/ν)) − Σ log w      ν = n
    REML  d = log|M| + log|XᵀWX|    + ν(1 + log(2π q/ν)) − Σ log w      ν = n − p

with q = y_KᵀM⁻¹y_K (Patterson & Thompson 1971; Harville 1974). No β and no random effect is
computed, X enters through its column space alone, and q is a sum of squares, so that no digits are
lost by a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from .extended import Long, cholesky, lower_solve, orthogonal

if TYPE_CHECKING:
    from .model import Model

__all__ = ["Dense"]

Matrices = list[NDArray]

#: The least eigenvalue of V is 1: beside an element of 1e10 it keeps nine digits, and n times the
#: logarithm eight.
LARGE: Final = 1e10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dense:
    """A model in weighted rows.

    Attributes
    ----------
    reml : bool
    nu : int
    kept : ndarray of bool, shape (p,)
        The columns of X that do not depend on those before them.
    K : ndarray, shape (n, ν for REML)
    y : ndarray, shape (n - p,)
        The contrasts of the response, in extended precision.
    size_of_y : float
        The length of the weighted response, in units of which `y` may be rounding errors.
    constant : float
        What does not depend on theta.
    same : list of ndarray, shape (n, n)
        G_t.
    codes : list of ndarray of int, shape (n,)
    raw : list of ndarray, shape (n, k)
        Z_t in weighted rows.
    sound : list of ndarray, shape (n, k)
        Z_t as columns that are orthogonal and of mean square 1; zero where dependent.
    change : list of ndarray, shape (k, k)
        R of raw = sound R.
    """

    reml: bool
    nu: int
    kept: NDArray[np.bool_]
    K: Long
    y: Long
    size_of_y: float
    constant: np.longdouble
    same: Matrices
    codes: Matrices
    raw: Matrices
    sound: Matrices
    change: Matrices

    @classmethod
    def of(cls, model: Model) -> Dense:
        """The matrices of a model."""
        n = model.n
        weights = model.column(model.weights, 1.0).astype(np.longdouble)
        roots = np.sqrt(weights)
        response = roots * (model.data["y"].astype(np.longdouble) - model.column(model.offset, 0.0))
        Q, R, kept = orthogonal(roots[:, None] * model.X)
        p = len(R)
        reml = model.reml and p > 0
        nu = n - p if reml else n
        constant = nu * (1 + np.log(2 * np.longdouble(np.pi) / nu)) - np.log(weights).sum()
        if reml:
            constant = constant + 2 * np.log(np.abs(np.diag(R))).sum()
        raw = [roots[:, None] * term.columns for term in model.terms]
        sound, change = zip(*map(_sound, raw), strict=True)
        return cls(
            reml=reml, nu=nu, kept=kept, K=Q[:, p:], y=Q[:, p:].T @ response,
            size_of_y=float(np.sqrt(response @ response)), constant=constant,
            same=[(t.codes[:, None] == t.codes).astype(float) for t in model.terms],
            codes=[t.codes for t in model.terms], raw=raw, sound=list(sound), change=list(change),
        )  # fmt: skip

    def covariance(self, halves: Matrices) -> Long:
        """V from A_t = Z_tT_t."""
        V = np.eye(len(self.K), dtype=np.longdouble)
        for half, same in zip(halves, self.same, strict=True):
            V = V + (half @ half.T) * same
        return V

    def exact(self, factors: Matrices, *, sound: bool = False) -> float:
        """The criterion at T_t of the raw columns, or of the sound ones, in extended precision.

        NaN where V is so large that not even extended precision gives it to 1e-8.
        """
        columns = self.sound if sound else self.raw
        halves = [z @ T.astype(np.longdouble) for z, T in zip(columns, factors, strict=True)]
        V = self.covariance(halves)
        if not np.diag(V).max() < LARGE:
            return np.nan
        L = cholesky(self.K.T @ V @ self.K)
        z = lower_solve(L, self.y)
        full = L if self.reml else cholesky(V)
        with np.errstate(divide="ignore"):
            return float(2 * np.log(np.diag(full)).sum() + self.nu * np.log(z @ z) + self.constant)

    def blocks(self) -> Matrices:
        """The sound columns apart by level, shape (n, levels, k)."""
        return [
            columns[:, None, :] * (codes[:, None] == np.arange(codes.max() + 1))[:, :, None]
            for columns, codes in zip(self.sound, self.codes, strict=True)
        ]

    def in_sound(self, factors: Matrices) -> Matrices:
        """T_t of the sound columns from that of the raw ones, lower triangular again."""
        turned = []
        for R, T in zip(self.change, factors, strict=True):
            upper = np.linalg.qr((R @ T).astype(float).T)[1]
            turned.append(upper.T)
        return turned

    def in_raw(self, factors: Matrices) -> Matrices | None:
        """T_t of the raw columns from that of the sound ones; None where they are dependent."""
        if any((np.diag(R) == 0).any() for R in self.change):
            return None
        turned = []
        for R, T in zip(self.change, factors, strict=True):
            upper = np.linalg.qr(_upper_solve(R, T).astype(float).T)[1]
            turned.append(upper.T)
        return turned


def _upper_solve(R: Long, T: NDArray) -> Long:
    return lower_solve(R[::-1, ::-1], T[::-1].astype(np.longdouble))[::-1]


def _sound(Z: Long) -> tuple[Long, Long]:
    """Orthogonal columns of mean square 1 that span Z, and R of Z = (them) R."""
    n, k = Z.shape
    lengths = np.sqrt((Z * Z).sum(axis=0))
    lengths[lengths == 0] = 1
    Q, R = np.zeros_like(Z), np.zeros((k, k), dtype=np.longdouble)
    for j in range(k):
        column = Z[:, j]
        for _ in range(2):  # once more for what rounding left
            part = Q.T @ column
            R[:, j] += part
            column = column - Q @ part
        length = np.sqrt(column @ column)
        if length > 1e-9 * lengths[j]:
            R[j, j] = length
            Q[:, j] = column / length
    return Q * np.sqrt(np.longdouble(n)), R / np.sqrt(np.longdouble(n))
