"""What tests of types I, II and III say of each term: hypotheses Lβ = 0.

A term contains another if its variables are more and its numeric variables are the same. All
hypotheses come from X without weights.

*Type I*: with X = QR the rows of R that belong to the term: each term after those before it.

*Type II*: each term after all that do not contain it. X with its columns in the order [neither the
term nor what contains it | the term | what contains it] = QR, and the rows of R of the term.

*Type III* does not depend on how factors are coded. With C = [1, for each term the products of
indicators of all levels and of covariates] the estimable functions of the means are the rows of C.
Of those that are zero but for the term and what contains it, the hypotheses are those orthogonal to
the ones that are zero at the term, too. Where no cell is empty these are equal weights of the cells
(Searle 1987, Linear Models for Unbalanced Data, section 9.2; Goodnight 1976, SAS technical report
R-101, for estimable functions). A factor in an interaction with a covariate is tested at zero of
the covariate.

*Single deletion*: whether the columns that the model loses without the term are needed.

F depends on the space of the rows alone; its degrees of freedom by Satterthwaite's method, for
several rows, depend slightly on the rows, too. They are those of lmerTest: unit triangles for types
I and II, and differences from the first level for type III (Kuznetsova, Brockhoff & Christensen
2017, Journal of Statistical Software 82(13)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.fixed_terms import FixedTerms

__all__ = ["TermType", "deletion_hypothesis", "term_hypotheses"]

TermType = Literal[1, 2, 3]
#: A singular value beside the largest that counts as zero.
_NULL: Final = 1e-8


def term_hypotheses(fixed: FixedTerms, kind: TermType) -> list[NDArray[np.float64]]:
    """The hypotheses of each term, shapes (q_t, p).

    Parameters
    ----------
    fixed : FixedTerms
    kind : {1, 2, 3}
    """
    terms = range(len(fixed.labels))
    if kind == 1:
        R = _unit_triangle(fixed.X)
        return [R[fixed.columns(t)] for t in terms]
    if kind == 2:
        return [_second(fixed, t) for t in terms]
    return _third(fixed)


def _second(fixed: FixedTerms, term: int) -> NDArray[np.float64]:
    own = fixed.columns(term)
    containing = fixed.containing(term)
    if not containing:
        return np.eye(fixed.X.shape[1])[own]
    later = np.flatnonzero(np.isin(fixed.assign, np.array(containing) + 1))
    before = np.setdiff1d(np.arange(fixed.X.shape[1]), np.concatenate([own, later]))
    order = np.concatenate([before, own, later])
    L = np.zeros((len(own), len(order)))
    L[:, order] = _unit_triangle(fixed.X[:, order])[len(before) : len(before) + len(own)]
    return L


def _third(fixed: FixedTerms) -> list[NDArray[np.float64]]:
    C, assign, other = fixed.indicators()
    space = _row_space(C)
    # Xβ = Cδ with β = (X⁺C)δ, so that lδ = mβ for m = l(X⁺C)⁺.
    back = np.linalg.pinv(np.linalg.lstsq(fixed.X, C, rcond=None)[0], rcond=_NULL)
    made = []
    for t in range(len(fixed.labels)):
        containing = np.isin(assign, np.array(fixed.containing(t), dtype=np.intp) + 1)
        small = _zero_outside(space, containing)
        big = _zero_outside(space, containing | (assign == t + 1))
        left = big - (big @ small.T) @ small
        rows = _row_space(left, count=len(big) - len(small))
        # The cells without a first level: rows are differences from it.
        made.append(_identity_at(rows, np.flatnonzero((assign == t + 1) & other)) @ back)
    return made


def _identity_at(L: NDArray[np.float64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """The same space by rows that are the identity at some columns, where that is possible."""
    own = L[:, columns]
    if not len(L) or own.shape[0] != own.shape[1] or np.linalg.cond(own) > 1.0 / _NULL:
        return L
    return np.asarray(np.linalg.solve(own, L))


def deletion_hypothesis(fixed: FixedTerms, term: int) -> NDArray[np.float64]:
    """What a model loses without a term, shape (q, p)."""
    reduced = fixed.without(term)
    X = fixed.X
    size = np.linalg.norm(X, axis=0)
    Q = _column_space(reduced)
    left = X - Q @ (Q.T @ X)
    left -= Q @ (Q.T @ left)
    rows = _row_space(left / size, count=X.shape[1] - Q.shape[1]) * size
    return _identity_at(rows, fixed.columns(term))


def _unit_triangle(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """R of X = QR with a diagonal of ones."""
    R = _triangle(X)
    return np.asarray(R / R.diagonal()[:, None])


def _triangle(X: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.qr(X, mode="r"))


def _row_space(A: NDArray[np.float64], count: int | None = None) -> NDArray[np.float64]:
    """An orthonormal basis of the rows, each a row; of `count` dimensions if that is known."""
    if A.size == 0:
        return np.zeros((0, A.shape[1]))
    if len(A) > A.shape[1]:
        A = _triangle(A)
    _, values, Vt = np.linalg.svd(A, full_matrices=False)
    if count is None:
        count = int((values > _NULL * values[0]).sum()) if values[0] > 0 else 0
    return np.asarray(Vt[:count])


def _column_space(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis of the columns, each in units of its length."""
    size = np.linalg.norm(A, axis=0)
    U, values, _ = np.linalg.svd(A / np.where(size > 0, size, 1.0), full_matrices=False)
    return np.asarray(U[:, values > _NULL * values.max(initial=0.0)])


def _zero_outside(space: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The rows of a space that are zero outside of some columns, an orthonormal basis of them."""
    outside = space[:, ~inside]
    if not outside.shape[1]:
        return space
    U, values, _ = np.linalg.svd(outside)
    rank = int((values > _NULL).sum())
    return np.asarray(U[:, rank:].T @ space)
