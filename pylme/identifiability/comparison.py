"""Whether two formulas specify the same covariances on the same data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.errors import DataError
from pylme.families.family import has_dispersion
from pylme.identifiability.analysis import block_of, conditioned_terms
from pylme.identifiability.null_space import null_space
from pylme.identifiability.parameters import MOST_PARAMETERS, size_of
from pylme.identifiability.sketch import sketched
from pylme.model_matrix.evaluation.values import distinct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylme.identifiability.sketch import TermBlock
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["Cone", "CovarianceComparison", "compare_covariances", "cone_of", "covered"]


#: A squared length relative to what it is left of, or an eigenvalue of columns of mean square 1,
#: that counts as zero.
_ZERO: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cone:
    """All ⊕_j Z_jΣZ_jᵀ with Σ ⪰ 0.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
    levels : int
    columns : ndarray, shape (k, n)
        Zero outside the cone's own rows.
    """

    codes: NDArray[np.int32]
    levels: int
    columns: NDArray[np.float64]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """The rows that it reaches."""
        return np.asarray(self.columns.any(axis=0))

    def within(self, other: Cone) -> bool:
        """Whether the columns are combinations of the other's, and the groups the same there."""
        if not (np.array_equal(self.codes, other.codes) or self._grouped_as(other)):
            return False
        left = self.columns
        for _ in range(2):
            gram = other.columns @ other.columns.T
            solution = np.linalg.lstsq(gram, other.columns @ left.T, rcond=_ZERO)[0]
            left = left - solution.T @ other.columns
        return bool((np.sum(left**2, axis=1) <= _ZERO * np.sum(self.columns**2, axis=1)).all())

    def _grouped_as(self, other: Cone) -> bool:
        """Whether its own rows fall into the same groups there."""
        rows = self.rows
        here, there = self.codes[rows].astype(np.int64), other.codes[rows]
        pairs, _ = distinct(here * other.levels + there, self.levels * other.levels)
        return len(pairs) == len(np.unique(here)) == len(np.unique(there))

    def is_residual(self) -> bool:
        """Whether it contains only multiples of the identity."""
        alone = len(np.unique(self.codes)) == len(self.codes)
        if not alone or len(self.columns) > 1:
            return False
        sizes = np.abs(self.columns[0])
        return bool(np.ptp(sizes) <= _ZERO * sizes.max())

    def parts(self) -> tuple[Cone, ...]:
        """The independent cones that it consists of; only itself where there are no classes."""
        k = len(self.columns)
        used = _used_combinations(self)
        found, classes = np.unique(
            np.round(used.reshape(len(used), -1), 6), axis=0, return_inverse=True
        )
        bases = [_basis(projector.reshape(k, k)) for projector in found]
        together = np.linalg.matrix_rank(np.hstack(bases), tol=_ZERO**0.5)
        if len(bases) == 1 or sum(basis.shape[1] for basis in bases) > together:
            return (self,)
        of_row = classes.reshape(-1)[self.codes]
        return tuple(
            Cone(
                codes=self.codes,
                levels=self.levels,
                columns=np.where(of_row == number, basis.T @ self.columns, 0.0),
            )
            for number, basis in enumerate(bases)
            if basis.shape[1]
        )


def cone_of(block: TermBlock) -> Cone | None:
    """The covariance matrices that a term allows; None where all its columns are zero."""
    columns = block.columns[block.columns.any(axis=1)]
    if not len(columns):
        return None
    return Cone(codes=block.codes, levels=block.levels, columns=columns)


def covered(cones: Iterable[Cone], by: Sequence[Cone], *, residual: bool = True) -> bool:
    """Whether each matrix of these cones, plus σ²I, is one of the others' plus σ²I.

    Without `residual` there is no σ²I: the matrices are those of a linear predictor.

    It is proven where each of the cones, or each of its parts, lies within one of the others or of
    their parts; sums of matrices stay within a cone. False says that no such proof was found.
    """
    wholes = [*by, *(part for cone in by for part in cone.parts())]

    def lies_within(cone: Cone) -> bool:
        return (residual and cone.is_residual()) or any(cone.within(other) for other in wholes)

    return all(lies_within(cone) or all(map(lies_within, cone.parts())) for cone in cones)


def _used_combinations(cone: Cone) -> NDArray[np.float64]:
    """The projector on the row space of Z_j for each level, shape (levels, k, k)."""
    gram = np.array(
        [
            [np.bincount(cone.codes, weights=a * b, minlength=cone.levels) for a in cone.columns]
            for b in cone.columns
        ]
    )
    values, vectors = np.linalg.eigh(np.moveaxis(gram, 2, 0))
    kept = values > _ZERO * np.maximum(values[:, -1:], np.finfo(float).tiny)
    return np.asarray((vectors * kept[:, None, :]) @ vectors.transpose(0, 2, 1))


def _basis(projector: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis of what a projector keeps, shape (k, rank)."""
    values, vectors = np.linalg.eigh(projector)
    kept: NDArray[np.float64] = vectors[:, values > 0.5]
    return kept


#: What is left of a column, relative to it, where it is a combination of others.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceComparison:
    """How the sets of covariance matrices of y that two formulas allow are related.

    With covariance matrices Σ_t of its terms a formula allows V = Σ c_i B_i, the c_i being the
    entries of the Σ_t and σ². Two separate questions are answered. Which matrices are
    *combinations* of the B_i, with any c_i? This is decided exactly, by ranks. Which are allowed
    with Σ_t ⪰ 0? Here two formulas with the same combinations may differ: a dummy variable for one
    of two sectors that adds a separate variance, ``(1 | g) + (0 + d | g)``, can only increase that
    sector's variance, and ``(1 + d | g)`` can increase or decrease it. `first_in_second` and
    `second_in_first` are true where every matrix of one is proven to be one of the other, term by
    term: its columns are linear combinations of the other's columns, at least within classes of
    levels that do not share parameters, and its groups are the other's groups. False means that no
    such proof was found; it does not prove the opposite.

    Attributes
    ----------
    first, second : str
        The formulas.
    ranks : tuple of int or None
        The dimensions of the combinations of the first, of the second and of both together; σ² is
        not counted. None where there are too many parameters, and nothing was compared.
    first_in_second, second_in_first : bool
        Whether each covariance matrix of one is proven to be one of the other.
    same_fixed : bool
        Whether the fixed effects span the same means.
    """

    first: str
    second: str
    ranks: tuple[int, int, int] | None
    first_in_second: bool
    second_in_first: bool
    same_fixed: bool

    @property
    def same_combinations(self) -> bool:
        """Whether the B_i of both have the same linear combinations."""
        return self.ranks is not None and len(set(self.ranks)) == 1

    @property
    def equivalent(self) -> bool:
        """Whether both allow the same covariance matrices, proven."""
        return self.first_in_second and self.second_in_first

    def __str__(self) -> str:
        return f"First:  {self.first}\nSecond: {self.second}\n{self._verdict()}"

    def _verdict(self) -> str:
        if self.ranks is None:
            return "They have too many covariance parameters to be compared."
        if self.equivalent:
            what = "Both allow the same covariance matrices in these data"
            return what + (
                ", and the same means: they are the same model."
                if self.same_fixed
                else "; their fixed effects differ."
            )
        for inside, outside, proven in (
            ("first", "second", self.first_in_second),
            ("second", "first", self.second_in_first),
        ):
            if proven:
                return (
                    f"Each covariance matrix that the {inside} allows is one that the {outside} "
                    "allows"
                    + (
                        ". Both are combinations of the same matrices, but the "
                        f"{outside} may allow more values."
                        if self.same_combinations
                        else ", but not the other way round."
                    )
                )
        if self.same_combinations:
            return "Both are combinations of the same matrices, but may allow different values."
        return "They allow different covariance matrices."


def compare_covariances(first: ModelMatrices, second: ModelMatrices) -> CovarianceComparison:
    """Compare the covariance matrices that two formulas allow.

    Parameters
    ----------
    first, second : ModelMatrices
        On the same rows of the same data, with the same weights.

    Returns
    -------
    CovarianceComparison

    Raises
    ------
    DataError
        If the designs use different rows or weights.

    Examples
    --------
    >>> import pylme
    >>> from pylme.identifiability.comparison import compare_covariances
    >>> hsb = pylme.datasets.load("hsb")
    >>> one = pylme.design("math ~ ses + (sector | sch.id)", hsb)
    >>> other = pylme.design("math ~ ses + (0 + sector | sch.id)", hsb)
    >>> compare_covariances(one, other).equivalent
    True
    """
    _require_same_rows(first, second)
    if size_of(first) + size_of(second) > MOST_PARAMETERS:
        return CovarianceComparison(
            first=first.formula,
            second=second.formula,
            ranks=None,
            first_in_second=False,
            second_in_first=False,
            same_fixed=_same_means(first, second),
        )
    blocks = [
        [
            block_of(term, new)
            for term, new in zip(design.terms, conditioned_terms(design), strict=True)
        ]
        for design in (first, second)
    ]
    sketches = sketched([*blocks[0], *blocks[1]], np.empty((first.n, 0)))
    scaled = sketches.plain / sketches.lengths
    own = sum(len(block.a) for block in blocks[0])
    cones = [[cone for block in each if (cone := cone_of(block))] for each in blocks]
    places = list(range(scaled.shape[1] - 1))
    residual = has_dispersion(first.family) or has_dispersion(second.family)
    sigma = [len(places)] if residual else []

    def rank(some: list[int]) -> int:
        some = some + sigma
        zero = null_space(scaled[:, some], sketches.rounding[some])
        return len(some) - len(zero) - len(sigma)

    return CovarianceComparison(
        first=first.formula,
        second=second.formula,
        ranks=(
            rank(places[:own]),
            rank(places[own:]),
            rank(places),
        ),
        first_in_second=covered(cones[0], cones[1], residual=residual),
        second_in_first=covered(cones[1], cones[0], residual=residual),
        same_fixed=_same_means(first, second),
    )


def _same_means(first: ModelMatrices, second: ModelMatrices) -> bool:
    if first.p != second.p:
        return False
    lengths = np.linalg.norm(second.X, axis=0)
    Q, _ = np.linalg.qr(first.X)
    left = second.X - Q @ (Q.T @ second.X)
    return bool((np.linalg.norm(left, axis=0) <= _ROUNDING * lengths).all())


def _require_same_rows(first: ModelMatrices, second: ModelMatrices) -> None:
    asked = f"Comparing the covariances of {first.formula} and {second.formula}"
    one, other = (design.rows.place(np.ones(design.n)) for design in (first, second))
    if not np.array_equal(one, other, equal_nan=True):
        raise DataError(
            asked=asked,
            found=f"the first uses {first.n} rows, the second {second.n}, and not the same ones",
            remedy="Build both designs on the rows that have all the columns of either.",
        )
    if not np.allclose(first.weights * second.weights[0], second.weights * first.weights[0]):
        raise DataError(
            asked=asked,
            found="they have different weights",
            remedy="Build both designs with the same weights.",
        )
