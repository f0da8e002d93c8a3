"""Second derivatives of a model with several factors: exact, averaged, or by differences.

Each gives the quadratic form of the second differential on the stacked vec(Σ_f), the first two less
the part of profiling σ. With σ and τ perturbations of Σ_f and Σ_g, and N and h as in `crossed`:

    exact         -tr(KσKτ) + Σ_c w_c (σW_c)ᵀK(τW_c) - ρ(NᵀσN)·(NᵀτN) - 2(ν/r²)(Nᵀσh)·(Nᵀτh)
    average       (ν/r²) (σh)ᵀ(K - NNᵀ)(τh)
    differences   ∂M = (4M(Σ + svvᵀ) - M(Σ + 2svvᵀ) - 3M(Σ)) / 2s + O(s²)   along vvᵀ

with W = [N h] and w = 2ρ for N, 2ν/r² for h (the average: Gilmour, Thompson & Cullis 1995,
Biometrics 51(4)). Differences of exact first derivatives serve where the exact form costs too much,
as it needs all of a dense inverse. They only add variance and never take it away, so that there is
no boundary to step across; their errors are about 10⁻⁸ of the form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.roots import triangular
from pylme.reference.criterion.dense_elimination import DenseEliminated
from pylme.reference.criterion.elimination import Eliminated, Elimination
from pylme.reference.criterion.likelihood import Likelihood
from pylme.reference.problem.level_basis import Leading
from pylme.reference.problem.remainder import Remainder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pylme.reference.criterion.dense_elimination import DenseEliminated
    from pylme.reference.criterion.likelihood import ProfiledCriterion

__all__ = ["State", "applied", "average_information", "exact_form", "form_by_differences"]

#: The step, relative to the scale on which M changes.
STEP: Final = 3e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """The blocks of ZᵀV⁻¹Z and ZᵀV⁻¹[X y] at one set of covariances.

    Attributes
    ----------
    likelihood : Likelihood
    remainder : Remainder
        Where the other factors' effects stand.
    elimination : Elimination
        B = Q₁ᵀZ₂ and W₂₂.
    leading : Leading
        The blocks of the leading factor.
    left : Eliminated
        The remainder.
    BDB : ndarray, shape (K, K, J)
        The blocks of BD₂Bᵀ.
    Y : ndarray, shape (K, K, J)
        The blocks of B̃D₂B̃ᵀ.
    W1 : ndarray, shape (p + 1, K, J)
    W2 : ndarray, shape (q₂, p + 1)
        ZᵀV⁻¹[X y], whitened: N and h.
    """

    likelihood: Likelihood
    remainder: Remainder
    elimination: Elimination
    leading: Leading
    left: Eliminated
    BDB: NDArray[np.float64]
    Y: NDArray[np.float64]
    W1: NDArray[np.float64]
    W2: NDArray[np.float64]


def average_information(state: State, solved: ProfiledCriterion) -> NDArray[np.float64]:
    """The average of observed and expected information, shape (V, V)."""
    w1, w2 = _shifted(state, -1)
    k1, k2 = applied(state, w1, w2)
    inner = _products(w1, w2, k1, k2)
    # N is what is left of X: Nᵀw.
    N1, N2 = state.W1[:-1], state.W2[:, :-1]
    fixed = np.einsum("caj,ajv->cv", N1, w1) + N2.T @ w2
    return _symmetric(state, solved.ratio[0] * (inner - fixed.T @ fixed))


def exact_form(
    state: State, left: DenseEliminated, solved: ProfiledCriterion
) -> NDArray[np.float64]:
    """The exact second differential, shape (V, V), from the state's dense remainder."""
    form = -_squares(state, left)
    p = state.likelihood.p
    for c in range(p + 1) if state.likelihood.reml else (p,):
        w1, w2 = _shifted(state, c)
        weight = 2.0 if c < p else 2.0 * solved.ratio[0]
        form += weight * _products(w1, w2, *applied(state, w1, w2))
    crosses = [np.einsum("caj,dbj->cadb", state.W1, state.W1)]
    for f in state.remainder.factors:
        own = state.remainder.of_factor(f, state.W2)
        crosses.append(np.einsum("caj,dbj->cadb", own, own))
    taken = state.likelihood.through_fixed_effects([c[None] for c in crosses], solved.ratio)
    exact: NDArray[np.float64] = _symmetric(state, form) - taken[0]
    return exact


def _shifted(state: State, c: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """E_ab W_c for each place (a, b) of each factor's Σ, as columns: shapes (K, J, V), (q₂, V)."""
    K, J = state.W1.shape[1:]
    widths = state.remainder.widths
    V = K * K + sum(k * k for k in widths)
    w1 = np.zeros((K, J, V))
    w2 = np.zeros((state.remainder.size, V))
    for a in range(K):
        w1[a, :, a * K : (a + 1) * K] = state.W1[c].T
    at = K * K
    for f, k in enumerate(widths):
        own = state.remainder.rows(f)
        values = state.remainder.of_factor(f, state.W2)[c].T
        for a in range(k):
            w2[own][a::k, at + a * k : at + (a + 1) * k] = values
        at += k * k
    return w1, w2


def applied(
    state: State, w1: NDArray[np.float64], w2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ZᵀV⁻¹Z w, of the same shapes (K, J, c) and (q₂, c)."""
    elimination, left = state.elimination, state.left
    t = elimination.transposed_times(np.einsum("baj,bjv->ajv", state.leading.F, w1))
    # What is left of w₂, D₂ applied to t + S₂₂w₂ being taken away.
    rest = left.times_G(w2) - left.times_D2(t)
    k1 = np.einsum("abj,bjv->ajv", state.leading.K1, w1)
    k1 += np.einsum("abj,bjv->ajv", state.leading.F, elimination.times(rest))
    return k1, t + left.times_S22(rest)


def _products(
    w1: NDArray[np.float64],
    w2: NDArray[np.float64],
    k1: NDArray[np.float64],
    k2: NDArray[np.float64],
) -> NDArray[np.float64]:
    V = w2.shape[1]
    product: NDArray[np.float64] = w1.reshape(-1, V).T @ k1.reshape(-1, V) + w2.T @ k2
    return product


def _squares(state: State, left: DenseEliminated) -> NDArray[np.float64]:
    """tr(KσKτ): Σ over pairs of levels K_(ja)(lc) K_(jb)(ld), shape (V, V)."""
    remainder = state.remainder
    K = state.W1.shape[1]
    starts = np.cumsum([0, K * K, *(k * k for k in remainder.widths)])
    form = np.empty((starts[-1], starts[-1]))
    own = np.einsum("acj,bdj->abcd", state.leading.K1, state.leading.K1)
    mixed = np.einsum("acj,bdj->abcd", state.leading.K1, state.Y)
    first = (own - mixed - mixed.transpose(1, 0, 3, 2)).reshape(K * K, K * K)
    X = {(a, b): _crossing(state, left, a, b) for a in range(K) for b in range(a, K)}
    pairs = [(min(a, b), max(a, b)) for a in range(K) for b in range(K)]
    D2X = {pair: left.D2 @ x for pair, x in X.items()}
    G = left.G()
    traces = {(x, z): np.vdot(D2X[x], D2X[z].T) for x in X for z in X}
    form[: K * K, : K * K] = first + np.array([[traces[x, z] for z in pairs] for x in pairs])
    # The diagonal blocks of Gᵀ X G are products of K's blocks between the first factor and others.
    XG = {pair: x @ G for pair, x in X.items()}
    for g in state.remainder.factors:
        rows = remainder.rows(g)
        L = remainder.widths[g]
        sums = {pair: remainder.sum_of_blocks(g, G.T[rows], xg.T[rows]) for pair, xg in XG.items()}
        block = np.array([sums[pair].ravel() for pair in pairs])
        at = slice(starts[g + 1], starts[g + 1] + L * L)
        form[: K * K, at], form[at, : K * K] = block, block.T
    K22 = left.S22 @ G
    for f in state.remainder.factors:
        for g in state.remainder.factors:
            block = _of_pairs(K22[remainder.rows(f), remainder.rows(g)], remainder.widths, f, g)
            form[starts[f + 1] : starts[f + 2], starts[g + 1] : starts[g + 2]] = block
    return form


def _crossing(state: State, left: DenseEliminated, a: int, b: int) -> NDArray[np.float64]:
    """½ Σ_j (b̃_ja b̃_jbᵀ + b̃_jb b̃_jaᵀ), b̃ the rows of B̃: shape (q₂, q₂)."""
    outer = state.leading.F[a][:, None] * state.leading.F[b][None]
    return left.of.coupling.eliminate(0.5 * (outer + outer.swapaxes(0, 1)))


def _of_pairs(
    block: NDArray[np.float64], widths: tuple[int, ...], f: int, g: int
) -> NDArray[np.float64]:
    """The Σ K_(ja)(lc) K_(jb)(ld) of one block of K, shape (K_f², K_g²)."""
    k, m = widths[f], widths[g]
    parts = block.reshape(block.shape[0] // k, k, block.shape[1] // m, m)
    if k == m == 1:
        return np.array([[np.vdot(block, block)]])
    squares = np.einsum("jalc,jbld->abcd", parts, parts, optimize=True)
    return np.asarray(squares).reshape(k * k, m * m)


def _symmetric(state: State, form: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same quadratic form on symmetric matrices, with symmetric coefficients."""
    places, start = [], 0
    for k in (len(state.BDB), *state.remainder.widths):
        places.append(start + np.arange(k * k).reshape(k, k).T.ravel())
        start += k * k
    swapped = np.concatenate(places)
    form = form + form[swapped]
    form = form + form[:, swapped]
    return 0.125 * (form + form.T)


def form_by_differences(
    M_at: Callable[[list[NDArray[np.float64]]], list[NDArray[np.float64]]],
    T: Sequence[NDArray[np.float64]],
    M: Sequence[NDArray[np.float64]],
    sizes: Sequence[float],
) -> NDArray[np.float64]:
    """The second differential on the stacked vec(Σ_f), shape (V, V).

    Parameters
    ----------
    M_at : callable
        M of all factors at given T.
    T, M : sequence of ndarray, shapes (K_f, K_f)
        Where, and M there.
    sizes : sequence of float
        About how many rows belong to a level of each factor.
    """
    widths = [len(t) for t in T]
    starts = np.cumsum([0, *(k * k for k in widths)])
    base = _stacked(M)
    form = np.zeros((len(base), len(base)))
    for f, factor in enumerate(T):
        along: dict[tuple[int, int], NDArray[np.float64]] = {}
        for a, b in _pairs(len(factor)):
            v = np.zeros(len(factor))
            v[[a, b]] = 1.0
            # M changes on the scale of Σ + C⁻¹.
            scale = factor @ factor.T + np.eye(len(factor)) / sizes[f]
            step = STEP / float(v @ np.linalg.solve(scale, v))
            one, two = (
                _stacked(M_at([*T[:f], _with_variance(factor, v, size), *T[f + 1 :]]))
                for size in (step, 2.0 * step)
            )
            along[a, b] = (4.0 * one - two - 3.0 * base) / (2.0 * step)
            if a != b:
                # Of E_ab + E_ba alone, and half of it to each.
                along[a, b] = 0.5 * (along[a, b] - along[a, a] - along[b, b])
            for i, k in {(a, b), (b, a)}:
                form[:, starts[f] + i * len(factor) + k] = along[a, b]
    return 0.5 * (form + form.T)


def _pairs(K: int) -> Iterator[tuple[int, int]]:
    """(a, a) for all a, and then the other pairs."""
    yield from ((a, a) for a in range(K))
    yield from ((a, b) for a in range(K) for b in range(a + 1, K))


def _with_variance(
    T: NDArray[np.float64], v: NDArray[np.float64], size: float
) -> NDArray[np.float64]:
    """A lower triangular factor of TTᵀ + size vvᵀ."""
    wide = np.column_stack([T, np.sqrt(size) * v])
    return triangular(wide)


def _stacked(matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([matrix.ravel() for matrix in matrices])
