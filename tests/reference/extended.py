"""The criterion of a linear mixed model in 80 decimal digits, from its definition.

The normal equations of the penalized least squares problem, bordered by X and y, are formed from
the rows and eliminated one variable after the other:

    [ΛᵀZᵀWZΛ + I  ΛᵀZᵀWX  ΛᵀZᵀWy]
    [     .         XᵀWX    XᵀWy ]
    [     .          .      yᵀWy ]

The pivots of the first q variables give log|A|, those of X log|S|, the last one is r² (Bates,
Mächler, Bolker & Walker 2015, section 3). At this precision nothing need be known of cancellation,
centring or the order of the factors.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np

DIGITS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """The model at one theta, rounded to double precision at the end."""

    criterion: float
    beta: np.ndarray
    std_error: np.ndarray
    rss: float


def exact(X, y, terms, factors, *, weights=None, reml=True):
    """The criterion and the fixed effects.

    Parameters
    ----------
    X : array, shape (n, p)
    y : array, shape (n,)
    terms : list of (codes of shape (n,), columns of shape (n, k))
    factors : list of arrays, shapes (k, k)
        The relative covariance factor T of each term.
    weights : array, shape (n,), optional
    reml : bool
    """
    with localcontext() as context:
        context.prec = DIGITS
        return _exact(X, y, terms, factors, weights, reml)


def gradient(X, y, terms, factors, *, weights=None, reml=True):
    """Derivatives by the lower triangles of the factors, by central differences of 1e-25."""
    found = []
    with localcontext() as context:
        context.prec = DIGITS
        for t, T in enumerate(factors):
            for column in range(len(T)):
                for row in range(column, len(T)):
                    ends = []
                    for step in (Decimal("1e-25"), Decimal("-1e-25")):
                        moved = [_decimals(F) for F in factors]
                        moved[t][row, column] += step
                        ends.append(_value(X, y, terms, moved, weights, reml)[0])
                    found.append(float((ends[0] - ends[1]) / Decimal("2e-25")))
    return np.array(found)


def _exact(X, y, terms, factors, *options):
    value, L, p, q, nu = _value(X, y, terms, [_decimals(T) for T in factors], *options)
    # Lower triangular: rows of X and y after those of the random effects.
    LX, Ly = L[q : q + p, q : q + p], L[q + p, q : q + p]
    inverse = _inverse(LX)
    beta = inverse.T @ Ly if p else np.zeros(0)
    rss = L[q + p, q + p] ** 2
    variances = [(inverse[:, j] @ inverse[:, j]) * rss / nu for j in range(p)]
    return Exact(
        criterion=float(value),
        beta=np.array([float(b) for b in beta]),
        std_error=np.array([float(v.sqrt()) for v in variances]),
        rss=float(rss),
    )


def _value(X, y, terms, factors, *options):
    weights, reml = options
    n, p = np.shape(X)
    w = [Decimal(1)] * n if weights is None else [Decimal(float(v)) for v in weights]
    columns = []
    for (codes, raw), T in zip(terms, factors, strict=True):
        rotated = _decimals(raw) @ T
        for level in range(int(np.max(codes)) + 1):
            chosen = np.asarray(codes) == level
            for k in range(rotated.shape[1]):
                column = np.full(n, Decimal(0), dtype=object)
                column[chosen] = rotated[chosen, k]
                columns.append(column)
    q = len(columns)
    columns += [*_decimals(X).T, _decimals(y)]
    G = _products(columns, w)
    for i in range(q):
        G[i, i] += 1
    L = _cholesky(G)
    nu = n - p if reml else n
    logs = [2 * L[i, i].ln() for i in range(q + p)]
    value = sum(logs[:q]) + (sum(logs[q:]) if reml else 0)
    value += nu * (1 + (2 * _PI * L[-1, -1] ** 2 / nu).ln()) - sum(v.ln() for v in w)
    return value, L, p, q, nu


_PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534"
)


def _decimals(values):
    values = np.asarray(values)
    if values.dtype == object:
        return values.copy()
    made = np.empty(values.shape, dtype=object)
    made.flat = [Decimal(float(v)) for v in values.flat]
    return made


def _products(columns, w):
    q = len(columns)
    rows = [{i: v for i, v in enumerate(column) if v != 0} for column in columns]
    G = np.full((q, q), Decimal(0), dtype=object)
    for a in range(q):
        for b in range(a + 1):
            few, many = sorted((rows[a], rows[b]), key=len)
            G[a, b] = G[b, a] = sum(
                (v * many[i] * w[i] for i, v in few.items() if i in many), Decimal(0)
            )
    return G


def _cholesky(G):
    G = G.copy()
    q = len(G)
    L = np.full((q, q), Decimal(0), dtype=object)
    for j in range(q):
        L[j, j] = G[j, j].sqrt()
        L[j + 1 :, j] = G[j + 1 :, j] / L[j, j]
        below = L[j + 1 :, j]
        G[j + 1 :, j + 1 :] = G[j + 1 :, j + 1 :] - np.outer(below, below)
    return L


def _inverse(L):
    p = len(L)
    inverse = np.full((p, p), Decimal(0), dtype=object)
    for j in range(p):
        for i in range(j, p):
            known = sum((L[i, k] * inverse[k, j] for k in range(j, i)), Decimal(0))
            inverse[i, j] = (Decimal(int(i == j)) - known) / L[i, i]
    return inverse
