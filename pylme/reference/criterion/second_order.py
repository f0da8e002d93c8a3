"""Second derivatives of a model with several factors, exact or by the average information.

Both give the quadratic form of the second differential on the stacked vec(Σ_f), less the part of
profiling σ. With σ and τ perturbations of Σ_f and Σ_g, and N and h as in `crossed`:

    exact     -tr(KσKτ) + Σ_c w_c (σW_c)ᵀK(τW_c) - ρ(NᵀσN)·(NᵀτN) - 2(ν/r²)(Nᵀσh)·(Nᵀτh)
    average   (ν/r²) (σh)ᵀ(K - NNᵀ)(τh)

with W = [N h] and w = 2ρ for N, 2ν/r² for h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.criterion.crossed import Crossed, State
    from pylme.reference.criterion.dense_elimination import DenseEliminated
    from pylme.reference.criterion.likelihood import Solved

__all__ = ["average_information", "exact_form"]


def average_information(problem: Crossed, state: State, solved: Solved) -> NDArray[np.float64]:
    """The average of observed and expected information, shape (V, V)."""
    w1, w2 = _shifted(problem, state, -1)
    k1, k2 = _applied(problem, state, w1, w2)
    inner = _products(w1, w2, k1, k2)
    # N is what is left of X: Nᵀw.
    N1, N2 = state.W1[:-1], state.W2[:, :-1]
    fixed = np.einsum("caj,ajv->cv", N1, w1) + N2.T @ w2
    return _symmetric(problem, solved.ratio[0] * (inner - fixed.T @ fixed))


def exact_form(
    problem: Crossed, state: State, left: DenseEliminated, solved: Solved
) -> NDArray[np.float64]:
    """The exact second differential, shape (V, V), from the state's dense remainder."""
    form = -_squares(problem, state, left)
    p = problem.likelihood.p
    for c in range(p + 1) if problem.likelihood.reml else (p,):
        w1, w2 = _shifted(problem, state, c)
        weight = 2.0 if c < p else 2.0 * solved.ratio[0]
        form += weight * _products(w1, w2, *_applied(problem, state, w1, w2))
    crosses = [np.einsum("caj,dbj->cadb", state.W1, state.W1)]
    for f in problem.others:
        own = problem.remainder.of_factor(f, state.W2)
        crosses.append(np.einsum("caj,dbj->cadb", own, own))
    taken = problem.likelihood.through_fixed_effects([c[None] for c in crosses], solved.ratio)
    exact: NDArray[np.float64] = _symmetric(problem, form) - taken[0]
    return exact


def _shifted(
    problem: Crossed, state: State, c: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """E_ab W_c for each place (a, b) of each factor's Σ, as columns: shapes (K, J, V), (q₂, V)."""
    K, J = state.W1.shape[1:]
    widths = problem.remainder.widths
    V = K * K + sum(k * k for k in widths)
    w1 = np.zeros((K, J, V))
    w2 = np.zeros((problem.remainder.size, V))
    for a in range(K):
        w1[a, :, a * K : (a + 1) * K] = state.W1[c].T
    at = K * K
    for f, k in enumerate(widths):
        own = problem.remainder.rows(f)
        values = problem.remainder.of_factor(f, state.W2)[c].T
        for a in range(k):
            w2[own][a::k, at + a * k : at + (a + 1) * k] = values
        at += k * k
    return w1, w2


def _applied(
    problem: Crossed, state: State, w1: NDArray[np.float64], w2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """K w, of the same shapes."""
    elimination, left = problem.elimination, state.left
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


def _squares(problem: Crossed, state: State, left: DenseEliminated) -> NDArray[np.float64]:
    """tr(KσKτ): Σ over pairs of levels K_(ja)(lc) K_(jb)(ld), shape (V, V)."""
    remainder = problem.remainder
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
    for g in problem.others:
        rows = remainder.rows(g)
        L = remainder.widths[g]
        sums = {pair: remainder.sum_of_blocks(g, G.T[rows], xg.T[rows]) for pair, xg in XG.items()}
        block = np.array([sums[pair].ravel() for pair in pairs])
        at = slice(starts[g + 1], starts[g + 1] + L * L)
        form[: K * K, at], form[at, : K * K] = block, block.T
    K22 = left.S22 @ G
    for f in problem.others:
        for g in problem.others:
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


def _symmetric(problem: Crossed, form: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same quadratic form on symmetric matrices, with symmetric coefficients."""
    places, start = [], 0
    for k in (len(problem.basis.C), *problem.remainder.widths):
        places.append(start + np.arange(k * k).reshape(k, k).T.ravel())
        start += k * k
    swapped = np.concatenate(places)
    form = form + form[swapped]
    form = form + form[:, swapped]
    return 0.125 * (form + form.T)
