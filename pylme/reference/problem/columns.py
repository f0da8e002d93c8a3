"""The columns of a model, made well-conditioned, and the way back to the caller's.

The fitted model does not change when X is replaced by X R⁻¹, y by y - X b, or the columns Z_t of
an unstructured term by Z_t C with T replaced by C⁻¹T; only rounding errors do. So every distinct
column is centred and scaled where the model has an intercept to take the mean up, X and each term
are made orthonormal on these, and y is replaced by its least-squares residual. A covariate that is
shifted by a million or measured in other units then gives the same numbers.

All columns are linear combinations of a few distinct ones, the *base*: x in X and x in a term are
computed with once. Prior weights enter here, as the square roots that multiply each row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from pylme.reference.linalg.independent_columns import orthogonal_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.problem.layout import Layout

__all__ = ["Columns", "well_conditioned"]

#: Pivots of correlation matrices: below the first, cross products lose more than four digits, and
#: the columns are made orthogonal in the rows; below the second they are dependent even so, and a
#: term's are only scaled, and X goes through Householder reflections.
NEARLY: Final = 1e-2
DEPENDENT: Final = 1e-5
#: Where less than this part of a response is left, the projection is repeated on what was left.
LITTLE: Final = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Well-conditioned columns, and the matrices that lead back to the caller's.

    Attributes
    ----------
    base : ndarray, shape (b, n)
        The distinct columns, each a row of this array, times the root of the weights.
    y : ndarray, shape (R, n)
        Least-squares residuals of the responses, times the root of the weights.
    x_of_base : ndarray, shape (b, p)
        X R⁻¹ = baseᵀ @ x_of_base, whose columns are orthonormal.
    RX : ndarray, shape (p, p)
        R, upper triangular or nearly: the caller's weighted X is (X R⁻¹) R.
    beta0 : ndarray, shape (R, p)
        The least-squares coefficients that y was freed of, of X R⁻¹.
    z_of_base : tuple of ndarray, shapes (b, K_f)
        The columns of each factor's block: baseᵀ @ z_of_base.
    C : tuple of ndarray, shapes (K_f, K_f)
        Each factor's columns are the caller's times C.
    log_weights : float
        Σ log w.
    """

    base: NDArray[np.float64]
    y: NDArray[np.float64]
    x_of_base: NDArray[np.float64]
    RX: NDArray[np.float64]
    beta0: NDArray[np.float64]
    z_of_base: tuple[NDArray[np.float64], ...]
    C: tuple[NDArray[np.float64], ...]
    log_weights: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Context:
    """The columns of X or of a term: the caller's are baseᵀ S A.

    Attributes
    ----------
    S : ndarray, shape (b, k)
    A : ndarray, shape (k, k)
    triangle : ndarray, shape (k, k), or None
        The upper Cholesky factor of the cross products of baseᵀ S; None where these are dependent.
    """

    S: NDArray[np.float64]
    A: NDArray[np.float64]
    triangle: NDArray[np.float64] | None

    def padded(self, rows: int) -> _Context:
        """The same of a base with further rows."""
        return replace(self, S=np.pad(self.S, ((0, rows - len(self.S)), (0, 0))))


class _Base:
    """The distinct columns met so far."""

    def __init__(self, n: int, weights: NDArray[np.float64] | None) -> None:
        self.n = n
        self.weights = weights
        self.raw: list[NDArray[np.float64]] = []
        self.rows: list[NDArray[np.float64]] = []
        #: The caller's column is mean + scale times ours, where there is a constant column.
        self.mean: list[float] = []
        self.scale: list[float] = []
        self.constant: int | None = None

    def positions(self, columns: NDArray[np.float64]) -> list[int]:
        """Where each column of a matrix stands among the distinct ones."""
        return [self._position(columns[:, j]) for j in range(columns.shape[1])]

    def _position(self, column: NDArray[np.float64]) -> int:
        for at, known in enumerate(self.raw):
            if known[0] == column[0] and known[-1] == column[-1] and np.array_equal(known, column):
                return at
        self.raw.append(column)
        if self.constant is None and _is_constant(column):
            self.constant = len(self.raw) - 1
        return len(self.raw) - 1

    def finish(self) -> NDArray[np.float64]:
        """The base, shape (b, n): centred if there is a constant column, scaled, weighted."""
        base = np.empty((len(self.raw), self.n))
        w = self.weights
        for at, column in enumerate(self.raw):
            row = base[at]
            if at == self.constant:
                mean, scale = 0.0, float(column[0])
                row[:] = 1.0
            else:
                mean = 0.0
                if self.constant is not None:
                    mean = float(column.mean() if w is None else np.average(column, weights=w))
                np.subtract(column, mean, out=row)
                scale = float(np.sqrt(row @ row / self.n)) or 1.0
                row /= scale
            self.mean.append(mean)
            self.scale.append(scale)
        if w is not None:
            base *= np.sqrt(w)
        return base

    def independent(
        self, base: NDArray[np.float64], contexts: Sequence[list[int]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], list[_Context]]:
        """A base, its cross products, and each context's columns, made independent.

        Parameters
        ----------
        base : ndarray, shape (b, n)
            As `finish` gives it.
        contexts : sequence of list of int
            The positions of the columns of X, and of each term.

        Returns
        -------
        base : ndarray
            With rows for those that were nearly dependent.
        gram : ndarray, shape (b, b)
        found : list of _Context
        """
        gram = base @ base.T
        known: dict[tuple[int, ...], _Context] = {}
        rows = list(base)
        for positions in contexts:
            if tuple(positions) in known:
                continue
            S, A = self.combinations(positions)
            triangle, least = _triangle(S.T @ gram @ S)
            if len(positions) > 1 and least < NEARLY:
                made, A = orthogonal_columns([self.raw[i] for i in positions], self.weights)
                if self.weights is not None:
                    made *= np.sqrt(self.weights)
                places = [_place(rows, row) for row in made]
                S = np.zeros((len(rows), len(positions)))
                S[places, np.arange(len(positions))] = 1.0
                triangle = _triangle(made @ made.T)[0]
            known[tuple(positions)] = _Context(S=S, A=A, triangle=triangle)
        found = [known[tuple(positions)] for positions in contexts]
        if len(rows) == len(base):
            return base, gram, found
        base = np.array(rows)
        return base, base @ base.T, [context.padded(len(rows)) for context in found]

    def combinations(
        self, positions: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Columns as combinations of the base, and how to come back from what they span.

        Returns ``(S, A)`` of shapes (b, k) and (k, k): the caller's columns are baseᵀ S A. With a
        constant among them S picks rows of the base, and A puts their means back.
        """
        k = len(positions)
        S = np.zeros((len(self.raw), k))
        A = np.diag([self.scale[at] for at in positions])
        S[list(positions), np.arange(k)] = 1.0
        if self.constant is None:
            return S, A
        means = np.array([self.mean[at] for at in positions])
        if self.constant in positions:
            A[list(positions).index(self.constant)] += means
        else:
            S[self.constant] = means / np.diag(A)
        return S, A


def well_conditioned(
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    terms: Sequence[RandomTerm],
    layout: Layout,
    weights: NDArray[np.float64] | None,
    *,
    nobs: int | None = None,
) -> Columns:
    """The columns of a model, made well-conditioned.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Of full column rank.
    Y : ndarray, shape (R, n)
        Responses, less the offset.
    terms : sequence of RandomTerm
    layout : Layout
    weights : ndarray, shape (n,), optional
        Prior weights; None where all are 1.
    nobs : int, optional
        The rows of the data, where these stand for more.
    """
    n = len(X)
    found = _Base(n, weights)
    in_x = found.positions(X)
    in_terms = [found.positions(term.columns) for term in terms]
    base, gram, contexts = found.independent(found.finish(), [in_x, *in_terms])
    x_of_base, RX = _orthonormal(base, contexts[0])
    intercept = _intercept(found, in_x)
    y, beta0, means = _residuals(Y, base, x_of_base, weights, centred=intercept is not None)
    if intercept is not None:
        beta0 += means[:, None] * RX[:, intercept]
    z_of_base, C = [], []
    for factor in layout.factors:
        Z = np.zeros((len(base), factor.width))
        back = np.zeros((factor.width, factor.width))
        for position, place in zip(factor.terms, factor.places, strict=True):
            context = contexts[1 + position]
            Z[:, place], back[place, place] = _on_average_orthonormal(gram, nobs or n, context)
        z_of_base.append(Z)
        C.append(back)
    used = np.any(np.concatenate([x_of_base, *z_of_base], axis=1) != 0, axis=1)
    if not used.all():
        base, x_of_base = base[used], x_of_base[used]
        z_of_base = [Z[used] for Z in z_of_base]
    return Columns(
        base=base,
        y=y,
        x_of_base=x_of_base,
        RX=RX,
        beta0=beta0,
        z_of_base=tuple(z_of_base),
        C=tuple(C),
        log_weights=0.0 if weights is None else float(np.log(weights).sum()),
    )


def _intercept(found: _Base, in_x: list[int]) -> int | None:
    """Which column of X is 1 in all rows."""
    at = found.constant
    return in_x.index(at) if at in in_x and at is not None and found.raw[at][0] == 1.0 else None


def _residuals(
    Y: NDArray[np.float64],
    base: NDArray[np.float64],
    x_of_base: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    centred: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares residuals, the coefficients of X R⁻¹, and what was subtracted before.

    A response far from zero is freed of its mean first, as that subtraction is exact.
    """
    means = np.zeros(len(Y))
    if centred:
        means = Y.mean(axis=1) if weights is None else (Y @ weights) / weights.sum()
    y = Y - means[:, None]
    if weights is not None:
        y *= np.sqrt(weights)
    # Subtracted one column of the base at a time: the products are summed over few columns.
    beta0 = (y @ base.T) @ x_of_base
    before = np.einsum("rn,rn->r", y, y)
    y -= (beta0 @ x_of_base.T) @ base
    if (np.einsum("rn,rn->r", y, y) < LITTLE**2 * before).any():
        more = (y @ base.T) @ x_of_base
        y -= (more @ x_of_base.T) @ base
        beta0 += more
    return y, beta0, means


def _place(rows: list[NDArray[np.float64]], row: NDArray[np.float64]) -> int:
    """Where a row stands among others, after it has been added to them if need be."""
    for at, known in enumerate(rows):
        if np.array_equal(known, row):
            return at
    rows.append(row)
    return len(rows) - 1


def _is_constant(column: NDArray[np.float64]) -> bool:
    first = column[0]
    return bool(first != 0 and (column[:16] == first).all() and (column == first).all())


def _orthonormal(
    base: NDArray[np.float64], context: _Context
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """B and R such that baseᵀ B is orthonormal, and the caller's X is baseᵀ B R."""
    S, A, triangle = context.S, context.A, context.triangle
    if S.shape[1] == 0:
        return S, A
    if triangle is None:
        triangle = np.asarray(np.linalg.qr(base.T @ S, mode="r"))
        triangle *= np.where(np.diag(triangle) < 0, -1.0, 1.0)[:, None]
    B = np.asarray(lapack.dtrtrs(triangle, S.T, trans=1)[0], dtype=np.float64).T
    return B, triangle @ A


def _on_average_orthonormal(
    gram: NDArray[np.float64], n: int, context: _Context
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """B and C such that (baseᵀ B)ᵀ(baseᵀ B) = n I, and these columns are the caller's times C."""
    S, triangle = context.S, context.triangle
    if triangle is None:
        lengths = np.sqrt(np.diag(S.T @ gram @ S))
        triangle = np.diag(np.where(lengths > 0, lengths, np.sqrt(n)))
    inverse = np.sqrt(n) * np.asarray(lapack.dtrtri(triangle)[0], dtype=np.float64)
    back: NDArray[np.float64] = np.asarray(np.linalg.solve(context.A, inverse))
    return S @ inverse, back


def _triangle(gram: NDArray[np.float64]) -> tuple[NDArray[np.float64] | None, float]:
    """The upper Cholesky factor, and the least pivot of its correlations.

    Returns (None, 0) where it has none, or that pivot is too small.
    """
    scale = np.sqrt(gram.diagonal())
    if not (scale > 0).all():
        return None, 0.0
    try:
        lower = np.linalg.cholesky(gram / (scale[:, None] * scale))
    except np.linalg.LinAlgError:
        return None, 0.0
    least = float(lower.diagonal().min(initial=1.0))
    if least < DEPENDENT:
        return None, least
    return np.asarray((lower * scale[:, None]).T), least
