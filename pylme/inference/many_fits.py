"""What tests of the fixed effects need of many fits, from the ends of their searches.

With one grouping factor all fits are one batch. With several they follow one another, as their
factorizations do, and so they do for Kenward and Roger's method, which needs ZᵀV⁻¹Z by level.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.inference.kernels import NULL, Kernels
from pylme.inference.many_contrasts import ManyFixedEffects
from pylme.reference.criterion.likelihood import one_of
from pylme.reference.criterion.precision import fixed_crosses
from pylme.reference.optimize.certificate import reduced
from pylme.reference.problem.layout import hessian
from pylme.reference.standard_errors import across
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pylme.inference.ddf import Ddf
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.optimize.newton import Optimum
    from pylme.reference.optimize.several_starts import Optima
    from pylme.reference.problem.layout import Layout
    from pylme.results.linear_problem import LinearProblem

__all__ = ["fixed_effects_of", "pseudo_inverses"]


def fixed_effects_of(
    linear: LinearProblem, problem: Problem, found: Optima, *, ddf: Ddf
) -> ManyFixedEffects:
    """What tests need of R fits.

    Parameters
    ----------
    linear : LinearProblem
        The design; its response is not used.
    problem : Problem
        Of all responses.
    found : Optima
        The ends of their searches.
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    """
    evaluation = found.optimum.evaluation
    nu = problem.likelihood.nu
    R, p = evaluation.beta.shape
    sigma2 = evaluation.rss / nu
    back = np.linalg.inv(problem.columns.RX)
    root = back @ np.linalg.inv(evaluation.RX).swapaxes(1, 2)
    unscaled = root @ root.swapaxes(1, 2)
    plain = ManyFixedEffects(
        ddf=ddf,
        beta=(evaluation.beta + problem.columns.beta0) @ back.T,
        vcov=sigma2[:, None, None] * unscaled,
        unscaled=unscaled,
        sigma2=sigma2,
        nu=np.full(R, float(nu)),
        slopes=np.zeros((R, 0, p, p)),
        drift=np.zeros((R, 0)),
        inverse=np.zeros((R, 0, 0)),
    )
    if ddf == "normal" or p == 0:
        return plain
    if ddf == "kenward-roger":
        kernels = [_kernels(linear, problem, found, r) for r in range(R)]
        return _by_kenward_roger(plain, kernels, root)
    T = problem.layout.matrices(found.optimum.theta)
    crosses = fixed_crosses(problem, T, evaluation.RX)
    if crosses is None:
        kernels = [_kernels(linear, problem, found, r) for r in range(R)]
        return replace(
            plain,
            slopes=np.stack([_slopes_of(one, one.along_theta) for one in kernels]),
            drift=np.stack([one.drift for one in kernels]),
            inverse=np.stack([one.inverse_hessian for one in kernels]),
        )
    return _by_satterthwaite(plain, problem.layout, found.optimum, crosses, root)


def _by_satterthwaite(
    plain: ManyFixedEffects,
    layout: Layout,
    optimum: Optimum,
    crosses: tuple[NDArray[np.float64], ...],
    root: NDArray[np.float64],
) -> ManyFixedEffects:
    R, p = plain.beta.shape
    T, evaluation = layout.matrices(optimum.theta), optimum.evaluation
    T, free, M = _on_the_boundary(layout, T, evaluation.M)
    along, start, drift = [], 0, []
    for own, cross in zip(T, crosses, strict=True):
        K = own.shape[1]
        along.append((2.0 * cross @ own[:, None, None]).reshape(R * p * p, K, K))
        hh = evaluation.hh[:, start : start + K * K].reshape(R, K, K)
        drift.append(2.0 * hh @ own)
        start += K * K
    m = len(layout.row)
    whitened = layout.theta(along).reshape(R, p, p, m).transpose(0, 3, 1, 2)
    whitened = 0.5 * (whitened + whitened.swapaxes(2, 3))
    return replace(
        plain,
        slopes=root[:, None] @ whitened @ root[:, None].swapaxes(2, 3),
        drift=layout.theta(drift) / evaluation.rss[:, None],
        inverse=pseudo_inverses(hessian(layout, T, M, evaluation.form), free),
    )


def _on_the_boundary(
    layout: Layout, T: list[NDArray[np.float64]], M: tuple[NDArray[np.float64], ...]
) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_], tuple[NDArray[np.float64], ...]]:
    """The factors without pivots that are all but zero, what remains of theta, and M beside them.

    What M has along Σ is the error of the search.
    """
    # Searches leave signs as they come.
    T = [own * np.where(own.diagonal(axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None] for own in T]
    pivots = np.stack([own.diagonal(axis1=1, axis2=2).min(axis=1) for own in T]).min(axis=0)
    free = np.ones((len(pivots), len(layout.row)), dtype=np.bool_)
    beside = tuple(np.zeros_like(own) for own in M)
    low = np.flatnonzero(pivots <= SINGULAR)
    if len(low):
        smaller, free[low] = reduced(layout, [own[low] for own in T])
        for f, factor in enumerate(layout.factors):
            T[f][low] = smaller[f]
            beside[f][low] = across(factor, smaller[f], M[f][low])
    return T, free, beside


def pseudo_inverses(A: NDArray[np.float64], free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`equilibrated_inverse` of many matrices on their free rows, zero elsewhere.

    Parameters
    ----------
    A : ndarray, shape (R, m, m)
    free : ndarray of bool, shape (R, m)
    """
    A = np.where(free[:, :, None] & free[:, None], A, 0.0)
    diagonal = A.diagonal(axis1=1, axis2=2)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, np.inf))
    values, vectors = np.linalg.eigh(A / scale[:, :, None] / scale[:, None])
    kept = values > NULL * np.maximum(values.max(axis=1, keepdims=True, initial=0.0), 1.0)
    roots = np.sqrt(np.where(kept, values, np.inf))
    half = vectors / roots[:, None] / scale[:, :, None]
    return np.asarray(half @ half.swapaxes(1, 2))


def _kernels(linear: LinearProblem, problem: Problem, found: Optima, r: int) -> Kernels:
    own = problem.alone(r)
    exact = own.criterion.exactly() is own.criterion
    evaluation = one_of(found.optimum.evaluation, r) if exact else None
    return Kernels(linear.at(found.theta[r]), own, evaluation)


def _slopes_of(
    kernels: Kernels,
    along: Callable[[Sequence[NDArray[np.float64]]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """∂S⁻¹ by each parameter in the columns of the caller, shape (m, p, p)."""
    p = len(kernels.beta)
    squares = [cross.reshape(p * p, *cross.shape[2:]) for cross in kernels.crosses]
    # The quadratic form of a symmetric pair needs no more than the symmetric part.
    whitened = along([0.5 * (own + own.swapaxes(1, 2)) for own in squares])
    whitened = whitened.T.reshape(-1, p, p)
    root = kernels.whitening.T
    made: NDArray[np.float64] = root @ (0.5 * (whitened + whitened.swapaxes(1, 2))) @ root.T
    return made


def _by_kenward_roger(
    plain: ManyFixedEffects, kernels: list[Kernels], root: NDArray[np.float64]
) -> ManyFixedEffects:
    adjustment = np.stack([one.adjustment for one in kernels])
    adjusted = plain.unscaled + 2.0 * root @ adjustment @ root.swapaxes(1, 2)
    return replace(
        plain,
        vcov=plain.sigma2[:, None, None] * adjusted,
        slopes=np.stack([_slopes_of(one, one.along_cells) for one in kernels]),
        drift=np.stack([one.traces / one.nu for one in kernels]),
        inverse=np.stack([one.inverse_information for one in kernels]),
    )
