"""Which of two models contains the other, and by which parameters it is larger.

A model contains another if its X spans the other's, and if each covariance matrix of the other's
random effects is one of its own. With Z₀ = ZA for the columns of a grouping factor, the other's
covariance matrix Σ₀ becomes AΣ₀Aᵀ. The larger model has it if it is zero between the effects of
different terms, and has the structure of each term within them, for every Σ₀. As both sides are
algebraic in the parameters of Σ₀, some random ones decide it, spread out to their bounds: an
unstructured matrix contains each structure, "cs" and "ar1" contain "diag" (ρ = 0) and a single
effect that all levels of a factor share (ρ = 1), and a structure contains its homogeneous form.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import block_diag

from pylme.covariance.membership import bounds_reached, parameters_of_covariance
from pylme.errors import OptionError
from pylme.inference.likelihood_ratio_tests.reference_distribution import Mixture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Difference", "combinations", "covariances_within", "difference_of", "larger_by"]

#: The largest part of a column, relative to its norm, that may lie outside the span of others.
_OUTSIDE: Final = 1e-8
#: Covariance matrices of the smaller model that are tried.
_SAMPLES: Final = 40
#: Ways to put the terms of the smaller model into those of the larger one that are tried.
_CHOICES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The parameters that a model has in addition to those of a smaller one.

    Attributes
    ----------
    fixed : int
        Additional fixed effects.
    effects : int
        Parameters of the covariance matrices that the smaller model puts at a bound: of an
        unstructured one, random effects of each level that have no variance there.
    thetas : int
        Additional variances and covariances.
    """

    fixed: int
    effects: int
    thetas: int

    @property
    def df(self) -> int:
        """The number of additional parameters."""
        return self.fixed + self.thetas

    @property
    def mixture(self) -> Mixture:
        """What the statistic is compared with, where the information is not known."""
        if self.effects == 1:
            return Mixture.one_variance(self.df)
        return Mixture.plain(self.df, conservative=self.effects > 0)

    def __str__(self) -> str:
        return str(self.mixture)


def larger_by(
    X: NDArray[np.float64],
    terms: Sequence[RandomTerm],
    smaller_X: NDArray[np.float64],
    smaller_terms: Sequence[RandomTerm],
) -> Difference | str:
    """The parameters that a model has in addition to those of a smaller one.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Of full column rank.
    terms : sequence of RandomTerm
    smaller_X : ndarray, shape (n, p₀)
    smaller_terms : sequence of RandomTerm
        Of the same rows; may be empty.

    Returns
    -------
    Difference or str
        What the smaller model has and this one has not; empty where both have the same parameters.
    """
    if not _within(smaller_X, X):
        return "fixed effects"
    bounds = 0
    for group in dict.fromkeys(term.group for term in (*smaller_terms, *terms)):
        held = _bounds_of(group, terms, smaller_terms)
        if isinstance(held, str):
            return held
        bounds += held
    m, m0 = (sum(term.structure.n_free for term in own) for own in (terms, smaller_terms))
    difference = Difference(fixed=X.shape[1] - smaller_X.shape[1], effects=bounds, thetas=m - m0)
    return difference if difference.df > 0 else ""


def covariances_within(terms: Sequence[RandomTerm], others: Sequence[RandomTerm]) -> bool:
    """Whether the covariances of some terms are among those of others, factor by factor.

    Parameters
    ----------
    terms, others : sequence of RandomTerm
        Of the same rows.
    """
    groups = dict.fromkeys(term.group for term in terms)
    return all(isinstance(_bounds_of(group, others, terms), int) for group in groups)


def _bounds_of(
    group: str, terms: Sequence[RandomTerm], smaller_terms: Sequence[RandomTerm]
) -> int | str:
    """How many parameters of a grouping factor are at a bound; else what has no counterpart."""
    own, smaller = ([t for t in some if t.group == group] for some in (terms, smaller_terms))
    if not smaller:
        return sum(bounds_reached(t.structure, np.zeros((len(t.names),) * 2)) for t in own)
    A = combinations(terms, smaller_terms, group)
    if A is None:
        return f"random effects of {group}"
    counts = []
    for sigma in _covariances(smaller):
        held = _bounds_reached(own, A @ sigma @ A.T)
        if held is None:
            return f"covariances of {group}"
        counts.append(held)
    # A few of them may happen to lie on a bound.
    return min(counts)


def combinations(
    terms: Sequence[RandomTerm], smaller: Sequence[RandomTerm], group: str
) -> NDArray[np.float64] | None:
    """A with Z₀ = ZA for the columns of one grouping factor, shape (K, K₀); None without one.

    Where terms overlap, as in ``(1 | g) + ar1(0 + t | g)``, there are several: then each term of
    the smaller model goes into one term of the larger one, if that has its covariances.
    """
    own, own0 = ([term for term in some if term.group == group] for some in (terms, smaller))
    if not own:
        return None
    found = _solve(*(np.hstack([t.columns for t in some]) for some in (own, own0)))
    if found is None:
        return None
    A, unique = found
    if unique:
        return A
    for made in islice(_by_term(own, own0), _CHOICES):
        if all(
            _bounds_reached(own, made @ sigma @ made.T) is not None for sigma in _covariances(own0)
        ):
            return made
    return A


def _solve(
    Z: NDArray[np.float64], Z0: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool] | None:
    """A with Z₀ = ZA, and whether it is the only one; None without one."""
    scale, scale0 = (np.linalg.norm(own, axis=0) for own in (Z, Z0))
    scale, scale0 = (np.where(own > 0, own, 1.0) for own in (scale, scale0))
    A, _, rank, _ = np.linalg.lstsq(Z / scale, Z0 / scale0, rcond=None)
    left = np.linalg.norm(Z0 / scale0 - (Z / scale) @ A, axis=0)
    if (left > _OUTSIDE).any():
        return None
    A = np.where(np.abs(A) > _OUTSIDE, A, 0.0)
    return A * scale0 / scale[:, None], int(rank) == Z.shape[1]


def _by_term(
    own: Sequence[RandomTerm], own0: Sequence[RandomTerm]
) -> Iterator[NDArray[np.float64]]:
    """Each way to put each term of a smaller model into one term, those of its structure first."""
    ends = np.cumsum([0, *(len(term.names) for term in own)]).tolist()
    ends0 = np.cumsum([0, *(len(term.names) for term in own0)]).tolist()
    places = []
    for term0 in own0:
        order = sorted(range(len(own)), key=lambda t: own[t].structure.kind != term0.structure.kind)
        solved = [(t, _solve(own[t].columns, term0.columns)) for t in order]
        places.append([(t, found[0]) for t, found in solved if found is not None])
    for choice in product(*places):
        A = np.zeros((ends[-1], ends0[-1]))
        for t0, (t, block) in enumerate(choice):
            A[ends[t] : ends[t + 1], ends0[t0] : ends0[t0 + 1]] = block
        yield A


def _covariances(terms: Sequence[RandomTerm]) -> Iterator[NDArray[np.float64]]:
    """Covariance matrices that the terms of a factor may have, shape (K₀, K₀)."""
    rng = np.random.default_rng(1)
    for _ in range(_SAMPLES):
        made = []
        for term in terms:
            low, high = term.structure.free_bounds()
            low, high = np.maximum(low, -2.0), np.minimum(high, 2.0)
            made.append(term.structure.covariance(rng.uniform(low, high)))
        yield block_diag(*made)


def _bounds_reached(terms: Sequence[RandomTerm], sigma: NDArray[np.float64]) -> int | None:
    """How many parameters are at a bound at a Σ; None where it is none of these terms'."""
    ends = np.cumsum([0, *(len(term.names) for term in terms)]).tolist()
    # Effects may be in units of their own.
    size = np.sqrt(np.maximum(sigma.diagonal(), 0.0))
    size[size == 0.0] = 1.0
    count, between = 0, sigma / np.outer(size, size)
    for term, a, b in zip(terms, ends[:-1], ends[1:], strict=True):
        own = sigma[a:b, a:b]
        between[a:b, a:b] = 0.0
        unstructured = term.structure.kind == "us"
        if not unstructured and parameters_of_covariance(term.structure, own) is None:
            return None
        count += bounds_reached(term.structure, own)
    return None if np.abs(between).max(initial=0.0) > _OUTSIDE else count


def _within(columns: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    Q = np.linalg.qr(others)[0] if others.shape[1] else np.empty((len(others), 0))
    left = np.linalg.norm(columns - Q @ (Q.T @ columns), axis=0)
    return not (left > _OUTSIDE * np.linalg.norm(columns, axis=0)).any()


def difference_of(larger: ModelMatrices, smaller: ModelMatrices) -> Difference:
    """The parameters that a model has in addition to those of a null hypothesis.

    Parameters
    ----------
    larger, smaller : ModelMatrices
        Of the same data. The smaller one may have no random effects.

    Raises
    ------
    OptionError
        If the models are not fitted to the same rows, one does not contain the other, or they are
        the same.
    """
    every = np.ones(larger.rows.n_given, dtype=bool)
    kept = [every if rows.kept is None else rows.kept for rows in (larger.rows, smaller.rows)]
    if (kept[0] != kept[1]).any():
        raise OptionError(
            option="null",
            value=f"{smaller.formula}, fitted to {smaller.n} rows",
            allowed=f"a model of the {larger.n} rows of {larger.formula}: leave out those with "
            "missing values first",
        )
    found = larger_by(larger.X, larger.terms, smaller.X, smaller.terms)
    if isinstance(found, str):
        value, allowed = smaller.formula, "a model with fewer parameters"
        if found:
            value = f"a model with {found} that the larger one does not have"
            allowed = "a model that the larger one contains"
        raise OptionError(option="null", value=value, allowed=allowed)
    return found
