"""The criterion at many covariances at once, for models with few random effects.

With several grouping factors `reference.criterion.crossed` takes one set of covariances after the
other. Where all random effects together are some dozens, the arrays are so small that most of its
time goes to calling NumPy. Here all factors are one block, and the sets stand along a leading axis:
of one response from many starts, and of many responses.
With G = ZᵀZ, c the least-squares coefficients of [X y] on Z, and R₀ the cross products of what is
left of [X y],

    A = ΛᵀGΛ + I    U = A⁻¹ΛᵀZᵀ[X y]    Δ = c - ΛU
    [X y]ᵀV⁻¹[X y] = R₀ + ΔᵀGΔ + UᵀU    ZᵀV⁻¹[X y] = Λ⁻ᵀU    K = ZᵀV⁻¹Z = GΛA⁻¹Λ⁻¹

with a Λ whose columns are orthogonal and none of them zero. The derivatives are those of
`reference.criterion.one_factor`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.reference.criterion.elimination import Roots
from pylme.reference.criterion.likelihood import Likelihood

if TYPE_CHECKING:
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.problem.columns import Columns
    from pylme.reference.problem.layout import Layout

__all__ = ["FEW", "FewEffects", "few_effects"]

#: With so many random effects at most, all searches together take about as long as a few apart.
FEW: Final = 64
#: An evaluation makes so many matrices of the size of G.
_MATRICES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FewEffects:
    """What the criterion needs of the data.

    Attributes
    ----------
    likelihood : Likelihood
    shapes : tuple of tuple of int
        K_f and J_f of each factor: its random effects stand level by level.
    G : ndarray, shape (q, q)
        ZᵀZ.
    root : ndarray, shape (min(n, q), q)
        R of Z = QR.
    products : ndarray, shape (R, q, p + 1)
        Zᵀ[X y] of each response; of a single one, R is 1 at any number of covariances.
    coefficients : ndarray, shape (R, q, p + 1)
        c.
    left : ndarray, shape (R, p + 1, p + 1)
        R₀.
    """

    likelihood: Likelihood
    shapes: tuple[tuple[int, int], ...]
    G: NDArray[np.float64]
    root: NDArray[np.float64]
    products: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    left: NDArray[np.float64]

    @property
    def batch_numbers(self) -> int:
        """The numbers in the matrices of one set of covariances."""
        return _MATRICES * int(self.G.size)

    def subset(self, responses: NDArray[np.bool_ | np.intp]) -> FewEffects:
        """The same for some of the responses; itself where it is one response everywhere."""
        if len(self.products) == 1:
            return self
        return replace(
            self,
            products=self.products[responses],
            coefficients=self.coefficients[responses],
            left=self.left[responses],
        )

    def evaluate(self, T: list[NDArray[np.float64]]) -> Evaluation:
        """The criterion and its derivatives.

        Parameters
        ----------
        T : list of ndarray, shapes (R, K_f, K_f)
        """
        R, q = len(T[0]), len(self.G)
        roots = Roots.of(T)
        GL = self._right(np.broadcast_to(self.G, (R, q, q)), roots.regular)
        A = self._right(GL.swapaxes(1, 2), roots.regular)
        A[:, np.arange(q), np.arange(q)] += 1.0
        logdet = 2.0 * np.log(np.linalg.cholesky(A).diagonal(axis1=1, axis2=2)).sum(axis=1)
        inverse = np.linalg.inv(A)
        transposed = [root.swapaxes(1, 2) for root in roots.regular]
        products = np.broadcast_to(self.products, (R, q, self.used))
        U = inverse @ self._times(transposed, products)
        D = self.coefficients - self._times(roots.regular, U)
        RD = self.root @ D
        S = self.left + RD.swapaxes(1, 2) @ RD + U.swapaxes(1, 2) @ U
        solved = self.likelihood.solve(logdet, 0.5 * (S + S.swapaxes(1, 2)))
        scores = self._times([back.swapaxes(1, 2) for back in roots.inverse], U)
        W = scores @ solved.whitening.swapaxes(1, 2)
        K = self._right(GL @ inverse, roots.inverse)
        K = 0.5 * (K + K.swapaxes(1, 2))
        weights = np.full((R, self.used), float(self.likelihood.rho))
        weights[:, -1] = solved.ratio
        taken = (W * weights[:, None]) @ W.swapaxes(1, 2)
        M = [self._sum_of_blocks(K - taken, f) for f in range(len(self.shapes))]
        sums = [np.einsum("rja,rjb->rab", h, h) for h in self._by_level(W[:, :, -1])]
        hh = np.concatenate([part.reshape(R, -1) for part in sums], axis=1)
        form = self._traces(2.0 * taken - K, K)
        form -= self.likelihood.through_fixed_effects(self._crosses(W), solved.ratio)
        form -= (solved.ratio**2 / solved.nu)[:, None, None] * (hh[:, :, None] * hh[:, None])
        return solved.evaluation(tuple(M), form, hh)

    @property
    def used(self) -> int:
        """The columns of [X y]."""
        return int(self.products.shape[2])

    @property
    def _rows(self) -> list[slice]:
        ends = np.cumsum([0, *(K * J for K, J in self.shapes)]).tolist()
        return [slice(a, b) for a, b in itertools.pairwise(ends)]

    def _right(self, S: NDArray[np.float64], T: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """S Λ, shape (R, rows, q)."""
        made = np.empty(S.shape)
        for (K, J), own, matrix in zip(self.shapes, self._rows, T, strict=True):
            part = S[:, :, own].reshape(len(S), -1, K) @ matrix
            made[:, :, own] = part.reshape(len(S), -1, K * J)
        return made

    def _times(self, T: list[NDArray[np.float64]], v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Λ v, of v of shape (R, q, c)."""
        made = np.empty(v.shape)
        for (K, J), own, matrix in zip(self.shapes, self._rows, T, strict=True):
            part = matrix[:, None] @ v[:, own].reshape(len(v), J, K, -1)
            made[:, own] = part.reshape(len(v), K * J, -1)
        return made

    def _by_level(self, h: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Vectors of shape (R, q) by factor, shapes (R, J_f, K_f)."""
        return [
            h[:, own].reshape(len(h), J, K)
            for (K, J), own in zip(self.shapes, self._rows, strict=True)
        ]

    def _sum_of_blocks(self, S: NDArray[np.float64], f: int) -> NDArray[np.float64]:
        """The sum of the diagonal blocks of factor f, shape (R, K_f, K_f)."""
        (K, J), own = self.shapes[f], self._rows[f]
        blocks = S[:, own, own].reshape(len(S), J, K, J, K)
        total = np.asarray(np.einsum("rjajb->rab", blocks))
        return np.asarray(0.5 * (total + total.swapaxes(1, 2)))

    def _crosses(self, W: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Sums of products of whitened [N h] over the levels of each factor."""
        crosses = []
        for (K, J), own in zip(self.shapes, self._rows, strict=True):
            by_level = W[:, own].reshape(len(W), J, K, self.used).transpose(0, 3, 2, 1)
            flat = by_level.reshape(len(W), self.used * K, J)
            product = flat @ flat.swapaxes(1, 2)
            crosses.append(product.reshape(len(W), self.used, K, self.used, K))
        return crosses

    def _traces(self, left: NDArray[np.float64], K: NDArray[np.float64]) -> NDArray[np.float64]:
        """tr(left σ K τ) as a form on the stacked vec(Σ_f), shape (R, V, V)."""
        R = len(K)
        starts = np.cumsum([0, *(k * k for k, _ in self.shapes)])
        form = np.empty((R, starts[-1], starts[-1]))
        for f, ((k, J), rows) in enumerate(zip(self.shapes, self._rows, strict=True)):
            for g, ((m, L), at) in enumerate(zip(self.shapes, self._rows, strict=True)):
                if g < f:
                    continue
                # Indices (a, d) and (b, c) over pairs of levels.
                ad, bc = (
                    part[:, rows, at].reshape(R, J, k, L, m).transpose(0, 2, 4, 1, 3)
                    .reshape(R, k * m, J * L)
                    for part in (left, K)
                )  # fmt: skip
                made = (ad @ bc.swapaxes(1, 2)).reshape(R, k, m, k, m)
                made = made.transpose(0, 1, 3, 4, 2)
                made = made + made.swapaxes(1, 2)
                made = 0.25 * (made + made.swapaxes(3, 4))
                block = made.reshape(R, k * k, m * m)
                form[:, starts[f] : starts[f + 1], starts[g] : starts[g + 1]] = block
                form[:, starts[g] : starts[g + 1], starts[f] : starts[f + 1]] = block.swapaxes(1, 2)
        return 0.5 * (form + form.swapaxes(1, 2))


def few_effects(likelihood: Likelihood, columns: Columns, layout: Layout) -> FewEffects:
    """What the criterion needs, from the columns."""
    factors = layout.factors
    n = columns.base.shape[1]
    parts = []
    for factor, B in zip(factors, columns.z_of_base, strict=True):
        at = factor.codes.astype(np.intp)[:, None] * factor.width + np.arange(factor.width)
        rows = np.repeat(np.arange(n), factor.width)
        values = (columns.base.T @ B).ravel()
        parts.append(sparse.csr_array((values, (rows, at.ravel())), shape=(n, factor.size)))
    Z = sparse.hstack(parts, format="csr")
    Xy = np.column_stack([columns.base.T @ columns.x_of_base, columns.y.T])
    dense = Z.toarray()
    # Of Z and not of G, whose condition is the square.
    coefficients = np.asarray(np.linalg.lstsq(dense, Xy, rcond=1e-13)[0])
    rest = Xy - Z @ coefficients
    p = likelihood.p
    of_x, of_y = rest[:, :p], rest[:, p:]
    left = np.empty((len(columns.y), p + 1, p + 1))
    left[:, :p, :p] = of_x.T @ of_x
    left[:, :p, p] = left[:, p, :p] = of_y.T @ of_x
    left[:, p, p] = np.einsum("nr,nr->r", of_y, of_y)
    return FewEffects(
        likelihood=likelihood,
        shapes=tuple((factor.width, factor.levels) for factor in factors),
        G=(Z.T @ Z).toarray(),
        root=np.asarray(np.linalg.qr(dense, mode="r")),
        products=_by_response(np.asarray(Z.T @ Xy), p),
        coefficients=_by_response(coefficients, p),
        left=left,
    )


def _by_response(of_all: NDArray[np.float64], p: int) -> NDArray[np.float64]:
    """The columns of X and of one y, shape (R, q, p + 1), from those of X and of all."""
    q, columns = of_all.shape
    made = np.empty((columns - p, q, p + 1))
    made[:, :, :p] = of_all[:, :p]
    made[:, :, p] = of_all[:, p:].T
    return made
