"""Directions in which a likelihood increases without reaching a maximum, by linear programming.

Such a direction d has s_i x_i'd ≥ 0 in all rows, with > 0 in some, where s_i is the sign that a row
allows and s_i = 0 asks for x_i'd = 0. The linear programme maximises Σ w_i subject to
0 ≤ w_i ≤ 1 and w_i ≤ s_i x_i'd; its value is the number of rows that can be separated, and zero
proves that none can.

The programme uses a few thousand rows at once. Other rows can only remove directions: a set of rows
of full rank that allows no direction is a proof for all rows, and where some rows forbid a
direction that was found, the search is repeated with these rows.

Reference: Konis (2007), Linear programming algorithms for detecting separated data in binary
logistic regression models, DPhil thesis, University of Oxford.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Separated", "UndeterminedError", "separated"]

#: Rows that the programme starts with (at least ten for each column), and that join in a round.
_ROWS: Final = 400
#: Rounds, seconds for each programme, and rows times squared columns, beyond which only columns
#: that separate rows by themselves are looked for.
_ROUNDS: Final = 60
_SECONDS: Final = 5.0
_LARGEST: Final = 4e8
#: A row this near zero, relative to the greatest, is zero: the programme's own tolerance is 1e-7.
_ZERO: Final = 1e-6
#: Directions that a report can name.
_MOST: Final = 10


class UndeterminedError(Exception):
    """The programme found no answer within its bounds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Separated:
    """What is separated.

    Attributes
    ----------
    directions : ndarray, shape (k, p)
        Directions with few nonzero elements, scaled to a greatest element of 1, that together
        separate all rows that can be.
    rows : ndarray of bool, shape (n,)
        The rows that can be separated.
    """

    directions: NDArray[np.float64]
    rows: NDArray[np.bool_]


def separated(X: NDArray[np.float64], signs: NDArray[np.float64]) -> Separated | None:
    """The directions in which the likelihood keeps increasing; None where there is none.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Of full column rank.
    signs : ndarray, shape (n,)
        From `signs_of`.

    Raises
    ------
    UndeterminedError
        If the problem is too large to be decided quickly.
    """
    n, p = X.shape
    if not p or not signs.any():
        return None
    if n * p**2 > _LARGEST:
        return _by_one_column(X, signs)
    R = np.linalg.qr(X, mode="r") / np.sqrt(n)
    Q = solve_triangular(R, X.T, trans="T").T
    free = _null_space(Q[signs == 0], p)
    if not free.shape[1]:
        return None
    places = np.flatnonzero(signs)
    allowed = (signs[places, None] * Q[places]) @ free
    active = _first(allowed)
    for _ in range(_ROUNDS):
        found = _greatest(allowed[active])
        if found is None:
            return None
        reached = allowed @ found
        lost = np.flatnonzero(reached < -_ZERO * np.abs(reached).max())
        if not len(lost):
            break
        worst = lost[np.argsort(reached[lost])[:_ROWS]]
        active = np.union1d(active, worst)
    else:
        raise UndeterminedError
    rows = np.zeros(n, dtype=np.bool_)
    rows[places] = reached > _ZERO * reached.max()
    back = solve_triangular(R, free)
    return Separated(directions=np.array(list(_sparse(X, signs, back, allowed, rows))), rows=rows)


def _by_one_column(X: NDArray[np.float64], signs: NDArray[np.float64]) -> Separated | None:
    """Columns that separate rows by themselves.

    Raises
    ------
    UndeterminedError
        If there is none, which is inconclusive.
    """
    directions = []
    rows = np.zeros(len(X), dtype=np.bool_)
    for place, column in enumerate(X.T):
        seen = column != 0
        here = np.sign(column[seen]) * signs[seen]
        if len(here) and here[0] and (here == here[0]).all():
            directions.append(here[0] * (np.arange(X.shape[1]) == place))
            rows |= seen
    if not directions:
        raise UndeterminedError
    return Separated(directions=np.array(directions[:_MOST]), rows=rows)


def _null_space(Q: NDArray[np.float64], p: int) -> NDArray[np.float64]:
    """An orthonormal basis of the directions that rows with sign 0 allow, shape (p, k)."""
    if not len(Q):
        return np.eye(p)
    _, sizes, Vt = np.linalg.svd(np.linalg.qr(Q, mode="r") if len(Q) > p else Q)
    rank = int(np.count_nonzero(sizes > 1e-9 * np.sqrt(len(Q))))
    return Vt[rank:].T


def _first(allowed: NDArray[np.float64]) -> NDArray[np.intp]:
    """The first rows to look at: all, or some among which every column is seen."""
    m, k = allowed.shape
    few = max(_ROWS, 10 * k)
    if m <= 2 * few:
        return np.arange(m)
    drawn = np.random.default_rng(0).choice(m, few, replace=False)
    if np.linalg.matrix_rank(allowed[drawn]) == k:
        return np.sort(drawn)
    return np.union1d(qr(allowed.T, mode="r", pivoting=True)[1][:k], drawn)


def _greatest(A: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """A direction that separates as many rows as possible; None where there is none."""
    m, k = A.shape
    found = _solved(
        np.concatenate([np.zeros(k), -np.ones(m)]),
        A_ub=hstack([csr_array(-A), eye_array(m)]),
        b_ub=np.zeros(m),
        bounds=[(None, None)] * k + [(0.0, 1.0)] * m,
    )
    # Each row counts 1 where the optimum separates it, 0 elsewhere.
    return found[:k] if found[k:].sum() > 0.5 else None


def _sparse(
    X: NDArray[np.float64],
    signs: NDArray[np.float64],
    back: NDArray[np.float64],
    allowed: NDArray[np.float64],
    rows: NDArray[np.bool_],
) -> Iterator[NDArray[np.float64]]:
    """Directions of few elements, until all rows that can be separated are."""
    p, k = back.shape
    sizes = np.sqrt(np.mean(X * X, axis=0))
    places = np.flatnonzero(signs)
    active = _first(allowed)
    left = rows.copy()
    for _ in range(_MOST):
        counted = left[places]
        if not counted.any():
            return
        total = allowed[counted].sum(axis=0)
        for _ in range(_ROUNDS):
            # The direction is back @ c, and t ≥ |back @ c| in the units of each column.
            scaled = sizes[:, None] * back
            found = _solved(
                np.concatenate([np.zeros(k), np.ones(p)]),
                A_ub=np.block(
                    [
                        [-allowed[active], np.zeros((len(active), p))],
                        [scaled, -np.eye(p)],
                        [-scaled, -np.eye(p)],
                    ]
                ),
                b_ub=np.zeros(len(active) + 2 * p),
                A_eq=np.concatenate([total, np.zeros(p)])[None],
                b_eq=[float(np.count_nonzero(counted))],
                bounds=[(None, None)] * k + [(0.0, None)] * p,
            )
            reached = allowed @ found[:k]
            lost = np.flatnonzero(reached < -_ZERO * np.abs(reached).max())
            if not len(lost):
                break
            active = np.union1d(active, lost[np.argsort(reached[lost])[:_ROWS]])
        direction = back @ found[:k]
        small = np.abs(direction) * sizes <= 1e-7 * np.abs(direction * sizes).max()
        direction[small] = 0.0
        yield direction / np.abs(direction).max()
        left[places[reached > _ZERO * reached.max()]] = False


def _solved(costs: NDArray[np.float64], **problem: Any) -> NDArray[np.float64]:
    answer = linprog(costs, method="highs", options={"time_limit": _SECONDS}, **problem)
    if answer.x is None:
        raise UndeterminedError
    return np.asarray(answer.x, dtype=np.float64)
