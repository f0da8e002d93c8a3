"""How the columns of random-effects terms behave within the levels of their grouping factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.identifiability.analysis import conditioned
from pylme.model_matrix.evaluation.values import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Column", "DesignFacts", "NullCombination"]


#: A column of a term: the positions of the term in the design and of the column in the term.
Column = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NullCombination:
    """A combination of covariance parameters that is not identified.

    Attributes
    ----------
    pairs : tuple
        The columns of each of its parameters; the same one twice for a variance.
    residual : bool
        Whether it involves σ².
    absorbed : tuple of (int, int)
        Those of its columns that the fixed effects contain for every level.
    plain : bool
        Whether it is not identified even without the fixed effects.
    parameters : int
        The number of covariance parameters of the model, σ² included.
    """

    pairs: tuple[tuple[Column, Column], ...]
    residual: bool
    absorbed: tuple[Column, ...]
    plain: bool
    parameters: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, each once."""
        return tuple(sorted({column for pair in self.pairs for column in pair}))

    @property
    def terms(self) -> tuple[int, ...]:
        """The positions of its terms, each once."""
        return tuple(sorted({column[0] for column in self.columns}))


#: A difference this small beside the values that it is taken of is rounding.
_ROUNDING: Final = 1e-9
#: An eigenvalue of columns of mean square 1 that is this small says that they are dependent.
_DEPENDENT: Final = 1e-10


class DesignFacts:
    """Facts about a design; those that need a pass through the rows are computed once.

    Parameters
    ----------
    design : ModelMatrices
    """

    def __init__(self, design: ModelMatrices) -> None:
        self.design = design
        self._ones = np.ones(design.n)
        self._occurs: dict[Column, NDArray[np.bool_]] = {}
        self._multiples: dict[tuple[Column, Column | None], NDArray[np.float64] | None] = {}
        self._alike: dict[tuple[str, str], bool] = {}

    def group(self, term: int) -> str:
        """The grouping factor of a term."""
        return self.design.terms[term].group

    def name(self, column: Column) -> str:
        """R's name of a column."""
        return self._term(column).names[column[1]]

    def variables(self, column: Column) -> tuple[str, ...]:
        """The variables that a column is a product of; none for the intercept."""
        position, place = column
        assign = self._term(column).assign[place]
        if assign == 0:
            return ()
        recipe = self.design.recipe
        bar = recipe.bars[recipe.order[position]]
        return bar.part.terms.terms[assign - 1].texts

    def siblings(self, column: Column) -> tuple[Column, ...]:
        """The columns that the same variables make, as those of a factor, the column among them."""
        position, place = column
        assign = self._term(column).assign
        return tuple((position, i) for i, of in enumerate(assign) if of == assign[place])

    def most_rows(self, term: int) -> int:
        """The number of rows of the level that has most."""
        return int(np.bincount(self.design.terms[term].codes).max())

    def alike(self, one: int, other: int) -> bool:
        """Whether two terms divide the rows into the same groups."""
        left, right = self.design.terms[one], self.design.terms[other]
        if left.group == right.group:
            return True
        key = left.group, right.group
        if key not in self._alike:
            levels = len(left.levels), len(right.levels)
            pairs = left.codes.astype(np.int64) * levels[1] + right.codes
            together = len(distinct(pairs, levels[0] * levels[1])[0])
            self._alike[key] = levels[0] == levels[1] == together
        return self._alike[key]

    def occurs(self, column: Column) -> NDArray[np.bool_]:
        """Whether a level has the column: in some row it is not zero."""
        if column not in self._occurs:
            self._occurs[column] = self._filled(column) > 0
        return self._occurs[column]

    def once(self, column: Column) -> bool:
        """Whether each level has the column in one row at most."""
        return bool((self._filled(column) <= 1).all())

    def in_levels(self, column: Column) -> NDArray[np.float64] | None:
        """The column's value in each level; None if it varies within one."""
        return self._multiple(column, None)

    def multiples(self, column: Column, base: Column) -> NDArray[np.float64] | None:
        """The number for each level that makes one column of another; None if none does.

        The columns are of terms that divide the rows alike.
        """
        return self._multiple(column, base)

    def distinct(self, values: Sequence[NDArray[np.float64] | None]) -> int:
        """How many different rows the columns have that hold a number for each level.

        It is 0 if one of them does not.
        """
        known = [each for each in values if each is not None]
        if len(known) < len(values):
            return 0
        return len(np.unique(np.round(np.column_stack(known), 9), axis=0))

    def dependent(self, columns: Sequence[Column]) -> bool:
        """Whether columns are linearly dependent."""
        return not conditioned(self._matrix(columns)).columns.any(axis=1).all()

    def dependent_within(self, columns: Sequence[Column]) -> bool:
        """Whether columns of terms that group alike are linearly dependent within every level."""
        new = conditioned(self._matrix(columns)).columns
        codes, levels = self._term(columns[0]).codes, len(self._term(columns[0]).levels)
        gram = np.array(
            [[np.bincount(codes, weights=a * b, minlength=levels) for a in new] for b in new]
        )
        lengths = np.sqrt(np.einsum("aaj->aj", gram))
        lengths[lengths == 0] = 1.0
        scaled = np.moveaxis(gram / (lengths[:, None] * lengths), 2, 0)
        return bool((np.linalg.eigvalsh(scaled)[:, 0] < _DEPENDENT).all())

    def _term(self, column: Column) -> RandomTerm:
        return self.design.terms[column[0]]

    def _values(self, column: Column) -> NDArray[np.float64]:
        return self._term(column).columns[:, column[1]]

    def _matrix(self, columns: Sequence[Column]) -> NDArray[np.float64]:
        return np.array([self._values(column) for column in columns])

    def _filled(self, column: Column) -> NDArray[np.intp]:
        """In how many rows of each level the column is not zero."""
        term = self._term(column)
        return np.bincount(term.codes[self._values(column) != 0], minlength=len(term.levels))

    def _multiple(self, column: Column, base: Column | None) -> NDArray[np.float64] | None:
        key = column, base
        if key not in self._multiples:
            self._multiples[key] = _factors(
                self._values(column),
                self._ones if base is None else self._values(base),
                self._term(column).codes if base is None else self._term(base).codes,
            )
        return self._multiples[key]


def _factors(
    values: NDArray[np.float64], base: NDArray[np.float64], codes: NDArray[np.int32]
) -> NDArray[np.float64] | None:
    """The number for each level that makes `values` of `base`; None if none does."""
    squares = np.bincount(codes, weights=base * base)
    products = np.bincount(codes, weights=base * values)
    factors: NDArray[np.float64] = products / np.where(squares > 0, squares, 1.0)
    rest = np.abs(values - factors[codes] * base).max()
    return factors if rest <= _ROUNDING * np.abs(values).max() else None
