"""Whether two formulas specify the same covariances on the same data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import DataError
from pylme.families.support import has_dispersion
from pylme.identifiability.analysis import block_of, conditioned_terms
from pylme.identifiability.cones import cone_of, covered
from pylme.identifiability.limits import MOST_PARAMETERS, size_of
from pylme.identifiability.null_space import null_space
from pylme.identifiability.sketch import sketched

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["CovarianceComparison", "compare_covariances"]

#: What is left of a column, relative to it, where it is a combination of others.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceComparison:
    """How the covariance matrices of y that two formulas allow lie to each other.

    With covariance matrices Σ_t of its terms a formula allows V = Σ c_i B_i, the c_i being the
    entries of the Σ_t and σ². Two questions are answered apart. Which matrices are *combinations*
    of the B_i, with any c_i? That is decided exactly, by ranks. Which are allowed with Σ_t ⪰ 0? Two
    formulas with the same combinations may differ there: a dummy variable for one of two sectors
    that adds a variance of its own, ``(1 | g) + (0 + d | g)``, can only make that sector's variance
    the larger one, and ``(1 + d | g)`` can do either. `first_in_second` and `second_in_first` are
    true where every matrix of one is proven to be one of the other, term by term: its columns are
    linear combinations of the other's columns, at least within classes of levels that do not share
    parameters, and its groups the other's groups. Where they are false there is no such proof,
    which is no proof that it is not so.

    Attributes
    ----------
    first, second : str
        The formulas.
    ranks : tuple of int or None
        The dimensions of the combinations of the first, of the second and of both together; σ² is
        not counted. None where the parameters are too many, and nothing was compared.
    first_in_second, second_in_first : bool
        Whether each covariance matrix of the one is proven to be one of the other.
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
    """How the covariance matrices that two formulas allow lie to each other.

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
    pictures = sketches.plain / sketches.lengths
    own = sum(len(block.a) for block in blocks[0])
    cones = [[cone for block in each if (cone := cone_of(block))] for each in blocks]
    places = list(range(pictures.shape[1] - 1))
    residual = has_dispersion(first.family) or has_dispersion(second.family)
    sigma = [len(places)] if residual else []

    def rank(some: list[int]) -> int:
        some = some + sigma
        zero = null_space(pictures[:, some], sketches.rounding[some])
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
