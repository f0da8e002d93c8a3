"""The weights of χ̄² where variances are tested, from the information under the null hypothesis.

In large samples the estimate of the covariance parameters γ under the null hypothesis is
N(0, J⁻¹) projected, in the metric J, on the tangent cone of the parameter space (Self & Liang 1987,
JASA 82). With

    J = ½Î    Î_ij = tr(QB_iQB_j) - c_ic_j/ν    c_i = tr(QB_i)    B_i = ∂Σ/∂γ_i

and N_t a basis of the effects of term t that the null hypothesis gives no variance, the cone is
N_tᵀ D N_t ⪰ 0 for each t, and all else is free. So only the joint normal distribution of the
N_tᵀ D N_t matters, and the free parameters add degrees of freedom:

    one effect                  ½, ½
    one effect of each of two   w₂ = ¼ + asin(ρ)/2π, w₁ = ½, w₀ = ½ - w₂
    one of each of three        w₃ = ⅛ + Σ asin(ρ_ij)/4π, w₀ the same with the correlations of
                                the inverse, w₁ = ½ - w₃, w₂ = ½ - w₀
    one of each of more         the proportions of projections with so many variances, of 200,000
    two effects of one term     w₃ = P(D ⪰ 0), w₀ = P(-JD ⪰ 0), w₁ = ½ - w₃, w₂ = ½ - w₀

(Shapiro 1988, International Statistical Review 56(1); the last by 200,000 draws). Of other cones
(three effects of a term, or two effects of one and further ones of others) no weights are computed:
the statistic itself is drawn, 20,000 times, by projection (`cone_projection`), and the degrees of
freedom of the free parameters are added without drawing. A probability of 0.05 is then right to
0.0015 or better.

Of terms with a covariance structure "diag" is separate terms, and a homogeneous "cs" or "ar1" has
a mixture of its own (`patterned_boundary`). Standard deviations of zero with one correlation make
no convex cone: of these no mixture is known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.linalg import block_diag, null_space

from pylme.covariance.membership import bounds_reached, parameters_of_covariance
from pylme.covariance.names import cells
from pylme.covariance.structure import structure_of
from pylme.inference.likelihood_ratio_tests.cone_projection import drawn_projections
from pylme.inference.likelihood_ratio_tests.nesting import combinations
from pylme.inference.likelihood_ratio_tests.patterned_boundary import (
    is_one_scale,
    one_scale_mixture,
)
from pylme.inference.likelihood_ratio_tests.reference_distribution import Mixture
from pylme.model_matrix.random_term import in_order
from pylme.reference.criterion.likelihood import GivenVariance
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.inference.likelihood_ratio_tests.nesting import Difference
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.linear_problem import LinearProblem

__all__ = ["boundary_mixture"]

_DRAWS: Final = 200_000
#: Of statistics whose weights are not known.
_DRAWN_STATISTICS: Final = 20_000
_FLAT: Final = 1e-10


def boundary_mixture(
    larger: LinearProblem, smaller: LinearProblem, difference: Difference
) -> Mixture:
    """The distribution of the likelihood ratio of two nested linear mixed models.

    Parameters
    ----------
    larger : LinearProblem
    smaller : LinearProblem
        With the theta of its fit; it may have no random effects.
    difference : Difference
    """
    larger, smaller = _without_plain_structures(larger), _without_plain_structures(smaller)
    null = _null_covariances(larger, smaller)
    if any(term.structure.kind != "us" for term in larger.terms):
        return _structured(larger, difference, [covariance for covariance, _ in null])
    bases = [
        null_space(covariance[1].T) if covariance[1].shape[1] else np.eye(len(covariance[0]))
        for covariance in null
    ]
    tested = [t for t, N in enumerate(bases) if N.shape[1]]
    sizes = tuple(sorted(bases[t].shape[1] for t in tested))
    df = difference.df
    if not tested:
        return Mixture.plain(df)
    if sizes == (1,):
        return Mixture.one_variance(df)
    with one_thread():
        covariance = _covariance(larger, null, [(t, bases[t]) for t in tested])
    if covariance is None:
        return Mixture.plain(df, conservative=True)
    if sizes == (1, 1):
        rho = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        both = 0.25 + float(np.arcsin(np.clip(rho, -1.0, 1.0))) / (2.0 * np.pi)
        return Mixture(df=(df - 2, df - 1, df), weights=(0.5 - both, 0.5, both))
    if sizes == (2,):
        none, both = _of_two(covariance)
    elif sizes == (1, 1, 1):
        none, both = _orthant(np.asarray(np.linalg.inv(covariance))), _orthant(covariance)
    elif set(sizes) == {1}:
        return _of_variances(covariance, df)
    else:
        own = [bases[t].shape[1] for t in tested]
        _, _, share = drawn_projections(covariance, own, draws=_DRAWN_STATISTICS)
        return Mixture.simulated(share, df=df, free=df - len(covariance))
    return Mixture(df=(df - 3, df - 2, df - 1, df), weights=(none, 0.5 - both, 0.5 - none, both))


def _without_plain_structures(problem: LinearProblem) -> LinearProblem:
    """The same model, with separate terms for "diag" and (x | g) for what is as good as that."""
    terms: list[RandomTerm] = []
    theta: list[NDArray[np.float64]] = []
    for term in problem.terms:
        structure, k = term.structure, len(term.names)
        own = None if problem.theta is None else term.factor(problem.theta)
        if structure.kind == "diag" and not structure.hom:
            for i, name in enumerate(term.names):
                terms.append(
                    replace(
                        term, names=(name,), columns=term.columns[:, [i]], assign=(),
                        structure=structure_of("us", 1),
                    )
                )  # fmt: skip
            theta += [] if own is None else [own.diagonal()]
            continue
        if structure.n_free == k * (k + 1) // 2:
            structure = structure_of("us", k)
        terms.append(replace(term, structure=structure))
        theta += [] if own is None else [structure.parameters(own)]
    made = problem.with_terms(in_order(terms))
    return made if problem.theta is None or not theta else made.at(np.concatenate(theta))


def _structured(
    larger: LinearProblem,
    difference: Difference,
    null: Sequence[NDArray[np.float64]],
) -> Mixture:
    """The mixture where a term of the larger model has a covariance structure."""
    df = difference.df
    if difference.effects < 2:
        # One parameter at its bound, near which the covariance matrix is smooth in all of them.
        return difference.mixture
    reached = [bounds_reached(t.structure, S) for t, S in zip(larger.terms, null, strict=True)]
    tested = [t for t, count in enumerate(reached) if count and not _is_linear(larger.terms[t])]
    if not tested:
        return difference.mixture
    (t, *others) = tested
    alone = not others and reached[t] == difference.effects == 2 and not null[t].any()
    if not alone or not is_one_scale(larger.terms[t].structure):
        return Mixture.unknown(df)
    with one_thread():
        places, information = _information(problem_of(larger), null)
    own = np.array([place[0] == t for place in places])
    nuisance = _tangents(larger, places, null, skipped=t)
    across = nuisance @ information
    taken = across[:, own].T @ np.linalg.pinv(across @ nuisance.T, hermitian=True) @ across[:, own]
    about = information[np.ix_(own, own)] - taken
    return one_scale_mixture(larger.terms[t].structure, about, df=df)


def _is_linear(term: RandomTerm) -> bool:
    """Whether the covariance matrices of a term are a convex cone, for which χ² is conservative."""
    return term.structure.kind in {"us", "diag"}


def _tangents(
    larger: LinearProblem,
    places: Sequence[tuple[int, int, int]],
    null: Sequence[NDArray[np.float64]],
    *,
    skipped: int,
) -> NDArray[np.float64]:
    """The directions of the other terms' covariances by cells, shape (directions, cells)."""
    rows = []
    for t, term in enumerate(larger.terms):
        if t == skipped:
            continue
        if term.structure.kind == "us":
            matrices = [_unit(len(term.names), i, j) for i, j in cells(len(term.names))]
        else:
            free = parameters_of_covariance(term.structure, null[t])
            if free is None:
                raise ValueError(term)
            matrices = list(term.structure.covariance_derivatives(free)[0])
        rows += [
            [float(matrix[i, j]) if at == t else 0.0 for at, i, j in places] for matrix in matrices
        ]
    return np.array(rows).reshape(len(rows), len(places))


def _unit(k: int, i: int, j: int) -> NDArray[np.float64]:
    made = np.zeros((k, k))
    made[i, j] = made[j, i] = 1.0
    return made


def _orthant(covariance: NDArray[np.float64]) -> float:
    """The probability that three normal variables of mean zero are all positive."""
    scale = np.sqrt(covariance.diagonal())
    correlation = np.clip(covariance / np.outer(scale, scale), -1.0, 1.0)
    angles = np.arcsin(correlation[[0, 0, 1], [1, 2, 2]]).sum()
    return 0.125 + float(angles) / (4.0 * np.pi)


def _of_variances(covariance: NDArray[np.float64], df: int) -> Mixture:
    """The mixture for variances of one effect each: how many the projections have."""
    size = len(covariance)
    x, _, _ = drawn_projections(covariance, [1] * size, draws=_DRAWS)
    shares = np.bincount((x > 0.0).sum(axis=1), minlength=size + 1) / len(x)
    return Mixture(
        df=tuple(range(df - size, df + 1)), weights=tuple(float(share) for share in shares)
    )


def _null_covariances(
    larger: LinearProblem, smaller: LinearProblem
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Of each term of the larger model: its relative Σ at the null fit, and the range of such."""
    k = [len(term.names) for term in larger.terms]
    made = [(np.zeros((size, size)), np.zeros((size, 0))) for size in k]
    for group in dict.fromkeys(term.group for term in smaller.terms):
        A = combinations(larger.terms, smaller.terms, group)
        own = [term for term in smaller.terms if term.group == group]
        if A is None or smaller.theta is None:
            continue
        sigma = block_diag(*(T @ T.T for T in (term.factor(smaller.theta) for term in own)))
        start = 0
        for t, term in enumerate(larger.terms):
            if term.group == group:
                rows = A[start : start + k[t]]
                made[t] = (rows @ sigma @ rows.T, rows)
                start += k[t]
    return made


def _covariance(
    larger: LinearProblem,
    null: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    tested: Sequence[tuple[int, NDArray[np.float64]]],
) -> NDArray[np.float64] | None:
    """The covariance matrix of the N_tᵀ D N_t by their cells; None where it is not identified."""
    problem = problem_of(larger)
    places, information = _information(problem, [covariance for covariance, _ in null])
    scale = np.sqrt(information.diagonal())
    if not (scale > 0).all():
        return None
    values, axes = np.linalg.eigh(information / np.outer(scale, scale))
    if values[0] < _FLAT:
        return None
    inverse = 2.0 * (axes / values) @ axes.T / np.outer(scale, scale)
    rows = []
    for t, N in tested:
        for i, j in cells(N.shape[1]):
            row = np.zeros(len(places))
            for at, (term, a, b) in enumerate(places):
                if term == t:
                    both = N[a, i] * N[b, j] + N[b, i] * N[a, j]
                    row[at] = both if a != b else N[a, i] * N[a, j]
            rows.append(row)
    functionals = np.array(rows)
    made: NDArray[np.float64] = functionals @ inverse @ functionals.T
    return made


def _information(
    problem: Problem, covariances: Sequence[NDArray[np.float64]]
) -> tuple[list[tuple[int, int, int]], NDArray[np.float64]]:
    """Î by the cells (term, row, column) of the caller's covariance matrices."""
    layout = problem.layout
    T = []
    for factor, C in zip(layout.factors, problem.columns.C, strict=True):
        blocks = [_root(covariances[position]) for position in factor.terms]
        T.append(np.asarray(np.linalg.solve(C, block_diag(*blocks)))[None])
    likelihood = GivenVariance.of(problem.likelihood, np.inf)
    criterion: Any = problem.criterion.exactly()
    found = replace(criterion, likelihood=likelihood).evaluate(T)
    c = np.concatenate([M[0].ravel() for M in found.M])
    form = -found.form[0] - np.outer(c, c) / problem.likelihood.nu
    places: list[tuple[int, int, int]] = []
    directions = []
    starts = np.cumsum([0, *(factor.width**2 for factor in layout.factors)])
    for f, (factor, C) in enumerate(zip(layout.factors, problem.columns.C, strict=True)):
        back = np.linalg.inv(C)
        for position, place in zip(factor.terms, factor.places, strict=True):
            for i, j in cells(place.stop - place.start):
                B = np.zeros((factor.width, factor.width))
                B[place.start + i, place.start + j] = B[place.start + j, place.start + i] = 1.0
                row = np.zeros(len(form))
                row[starts[f] : starts[f + 1]] = (back @ B @ back.T).ravel()
                places.append((position, i, j))
                directions.append(row)
    D = np.array(directions)
    return places, D @ form @ D.T


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    made: NDArray[np.float64] = vectors * np.sqrt(np.maximum(values, 0.0))
    return made


def _of_two(covariance: NDArray[np.float64]) -> tuple[float, float]:
    """The probabilities that the projection of a 2×2 matrix is zero, and that it is the matrix."""
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(3), covariance, size=_DRAWS)
    # The polar cone: ⟨v, Ju⟩ ≤ 0 for all v ⪰ 0, with the off-diagonal cell counted once.
    dual = draws @ np.linalg.inv(covariance)
    dual[:, 1] *= 0.5
    inside, outside = _definite(draws), _definite(-dual)
    return float(outside.mean()), float(inside.mean())


def _definite(matrices: NDArray[np.float64]) -> NDArray[np.bool_]:
    a, b, c = matrices.T
    return np.asarray((a >= 0) & (c >= 0) & (a * c >= b * b))
