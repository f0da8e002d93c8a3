"""Covariance structures with few parameters: standard deviations and one correlation.

With S = diag(s) and a correlation matrix R(ρ) the effects of one level have Σ = σ² S R S, and the
free parameters are s, relative to σ, and ρ:

    "diag"   R = I
    "cs"     R_ab = ρ for a ≠ b             compound symmetry      −1/(k−1) ≤ ρ ≤ 1
    "ar1"    R_ab = ρ^|a−b|                 autoregression, 1st order   −1 ≤ ρ ≤ 1

A homogeneous structure has one standard deviation for all effects (Pinheiro & Bates 2000, Mixed-
Effects Models in S and S-PLUS, section 5.3; the names and the parameters are those of lme4 2). θ
are, as in lme4, the distinct entries of the Cholesky factor T of Σ/σ², first met column by column.
R = LLᵀ has a closed form also where it is singular. For compound symmetry column j of L has one
number below its diagonal; with c_j the sum of squares of these numbers left of column j,

    L_jj = (1 − c_j)^½      l_j = (ρ − c_j) / L_jj

and for an autoregression L_i0 = ρ^i and L_ij = (1 − ρ²)^½ ρ^(i−j).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from pylme.covariance.entries import Entries
from pylme.covariance.names import lower_triangle_places, parameter_name, theta_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Patterned"]


@cache
def _pattern(
    kind: str,
    size: int,
    hom: bool,  # noqa: FBT001  (a key of the cache)
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the cells of T that may differ from zero, and each one's θ."""
    if kind == "diag":
        places = np.arange(size)
        return places, places, np.zeros(size, dtype=np.intp) if hom else places
    rows, columns = lower_triangle_places(size)
    if not hom:
        return rows, columns, np.arange(len(rows))
    if kind == "cs":
        return rows, columns, 2 * columns + (rows > columns)
    return rows, columns, np.where(columns == 0, rows, size + rows - columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterned(Entries):
    """A structure of standard deviations and at most one correlation.

    Attributes
    ----------
    kind : {"diag", "cs", "ar1"}
    size : int
        The number of effects, k.
    hom : bool
        Whether all effects have the same standard deviation.
    """

    kind: Literal["diag", "cs", "ar1"]
    hom: bool

    @property
    def correlated(self) -> bool:
        """Whether ρ is among the parameters; a single effect has none."""
        return self.kind != "diag" and self.size > 1

    @property
    def n_sd(self) -> int:
        """The number of standard deviations."""
        return 1 if self.hom else self.size

    @property
    def n_free(self) -> int:
        """The number of free parameters."""
        return self.n_sd + self.correlated

    @property
    def pattern(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the cells of T that may differ from zero, and each one's θ."""
        return _pattern(self.kind, self.size, self.hom)

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the first cell of T of each element of θ, each of shape (m,)."""
        rows, columns, index = self.pattern
        first = np.unique(index, return_index=True)[1]
        return rows[first], columns[first]

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of the elements of θ; * stands for several effects."""
        if self.kind == "diag" and self.hom:
            return (f"{group}.*",)
        shared = self.kind == "cs" and self.hom
        rows, columns = self.cells
        return tuple(
            [
                theta_name(group, "*" if shared and row > column else effects[row], effects[column])
                for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            ]
        )

    def free_names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of the free parameters."""
        sds = ["*"] if self.hom else list(effects)
        return tuple(f"{group}.{name}" for name in [*sds, *["rho"] * self.correlated])

    @property
    def components(self) -> tuple[tuple[int, int], ...]:
        """The first cells of Σ that show each standard deviation and the correlation."""
        return (*((i, i) for i in range(self.n_sd)), *[(1, 0)] * self.correlated)

    def component_names(self, effects: Sequence[str]) -> tuple[str, ...]:
        """Names in the manner of broom.mixed; * stands for all effects, rho for all pairs."""
        sds = ["*"] if self.hom else list(effects)
        names = [parameter_name(name, name, style="broom") for name in sds]
        return (*names, *["cor__rho"] * self.correlated)

    def component_values(
        self, sd: NDArray[np.float64], corr: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Standard deviations and ρ, shape (R, n_free); NaN for ρ where no pair shows it."""
        values = sd[:, : self.n_sd]
        if not self.correlated:
            return values
        rows, columns = np.tril_indices(self.size, -1)
        if self.kind == "ar1":
            rows, columns = np.arange(1, self.size), np.arange(self.size - 1)
        # A pair with a standard deviation of zero does not show it.
        pairs = corr[:, rows, columns]
        first = np.argmax(~np.isnan(pairs), axis=1)
        return np.column_stack([values, pairs[np.arange(len(pairs)), first]])

    def free_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least and the largest values of the free parameters, each of shape (n_free,)."""
        least = -1.0 if self.kind == "ar1" else -1.0 / max(1, self.size - 1)
        lower = [0.0] * self.n_sd + [least] * self.correlated
        upper = [np.inf] * self.n_sd + [1.0] * self.correlated
        return np.array(lower), np.array(upper)

    def theta_of(self, free: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (m,), of the free parameters, shape (n_free,)."""
        sd, rho = self._parts(free)
        return self.parameters(sd[:, None] * self._root(rho))

    def free_of(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The free parameters, shape (n_free,), of θ, shape (m,); ρ = 0 where no pair shows it."""
        T = self.factor(theta)
        sd = np.sqrt((T * T).sum(axis=1))
        free = [sd.mean()] if self.hom else sd.tolist()
        if self.correlated:
            free.append(self._rho(T, sd))
        return np.array(free)

    def _rho(self, T: NDArray[np.float64], sd: NDArray[np.float64]) -> float:
        last = 1 if self.kind == "ar1" else self.size
        for apart in range(1, last + 1):
            for a in range(self.size - apart):
                b = a + apart
                if sd[a] > 0 and sd[b] > 0:
                    return float(np.clip(T[a] @ T[b] / (sd[a] * sd[b]), -1.0, 1.0))
        return 0.0

    def covariance(self, free: NDArray[np.float64]) -> NDArray[np.float64]:
        """Σ/σ², shape (k, k)."""
        sd, rho = self._parts(free)
        return np.asarray(np.outer(sd, sd) * self._correlations(rho)[0])

    def covariance_derivatives(
        self, free: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and second derivatives of Σ/σ², (n_free, k, k) and (n_free, n_free, k, k)."""
        sd, rho = self._parts(free)
        k = self.size
        R, R1, R2 = self._correlations(rho)
        # By each effect's own standard deviation first: e_i is its direction.
        E = np.eye(k)
        first = E[:, :, None] * (R * sd)[:, None, :]
        first = first + first.swapaxes(1, 2)
        mixed = E[:, :, None] * (R1 * sd)[:, None, :]
        mixed = mixed + mixed.swapaxes(1, 2)
        pairs = np.einsum("ia,jb,ab->ijab", E, E, R)
        second = pairs + pairs.swapaxes(2, 3)
        if self.hom:
            first, mixed, second = (
                first.sum(0)[None],
                mixed.sum(0)[None],
                second.sum((0, 1))[None, None],
            )
        if not self.correlated:
            return first, second
        n = self.n_free
        by = np.concatenate([first, (np.outer(sd, sd) * R1)[None]])
        twice = np.zeros((n, n, k, k))
        twice[:-1, :-1] = second
        twice[:-1, -1] = twice[-1, :-1] = mixed
        twice[-1, -1] = np.outer(sd, sd) * R2
        return by, twice

    def _parts(self, free: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        sd = np.full(self.size, free[0]) if self.hom else np.asarray(free[: self.size])
        return sd, float(free[-1]) if self.correlated else 0.0

    def _correlations(
        self, rho: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """R and its first and second derivatives by ρ."""
        k = self.size
        if not self.correlated:
            return np.eye(k), np.zeros((k, k)), np.zeros((k, k))
        if self.kind == "cs":
            other = 1.0 - np.eye(k)
            return np.eye(k) + rho * other, other, np.zeros((k, k))
        d = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
        return (
            float(rho) ** d,
            d * float(rho) ** np.maximum(d - 1, 0),
            d * (d - 1) * float(rho) ** np.maximum(d - 2, 0),
        )

    def _root(self, rho: float) -> NDArray[np.float64]:
        """The Cholesky factor L of R, also where R is singular."""
        k = self.size
        L = np.eye(k)
        if not self.correlated:
            return L
        if self.kind == "ar1":
            apart = np.maximum(np.subtract.outer(np.arange(k), np.arange(k)), 0)
            L = np.tril(float(rho) ** apart)
            L[:, 1:] *= np.sqrt(max(0.0, 1.0 - rho * rho))
            return L
        taken = 0.0
        for j in range(k):
            pivot = np.sqrt(max(0.0, 1.0 - taken))
            below = (rho - taken) / pivot if pivot > 1e-8 else 0.0
            L[j, j], L[j + 1 :, j] = pivot, below
            taken += below * below
        return L
