"""Products of indicators and numbers, of which all columns of a model are combinations.

The indicator of a level times that of another level of the same factor is zero, and times itself is
itself. Sums of products of columns are therefore sums of few different monomials: a factor of L
levels needs 2L of them with a response, and not L².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.frame import Factor
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix
from pylme.model_matrix.model_matrix import full_codings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pylme.formula import ModelTerms
    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.model_matrix import Codings

__all__ = ["ONE", "Monomial", "Polynomial", "coefficients", "polynomials", "product", "times"]


@dataclass(frozen=True, slots=True, order=True)
class Monomial:
    """Indicators of levels, each of another factor, times numbers.

    Attributes
    ----------
    levels : tuple of (str, int)
        The text of a factor and the position of its level, in the order of the texts.
    numbers : tuple of str
        Names of numeric columns, in order; one may occur repeatedly.
    """

    levels: tuple[tuple[str, int], ...] = ()
    numbers: tuple[str, ...] = ()


ONE: Final = Monomial()

#: A combination of monomials, by their coefficients.
Polynomial = dict[Monomial, float]


def product(left: Monomial, right: Monomial) -> Monomial | None:
    """The product of two monomials; None where it is zero in every row."""
    levels = dict(left.levels)
    for text, level in right.levels:
        if levels.setdefault(text, level) != level:
            return None
    numbers = tuple(sorted(left.numbers + right.numbers))
    return Monomial(tuple(sorted(levels.items())), numbers)


def times(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product of two combinations of monomials."""
    made: Polynomial = {}
    for one, a in left.items():
        for other, b in right.items():
            if (both := product(one, other)) is not None:
                made[both] = made.get(both, 0.0) + a * b
    return {monomial: value for monomial, value in made.items() if value}


def polynomials(
    terms: ModelTerms,
    values: Mapping[str, Value],
    codings: Mapping[str, Codings],
    numbers: Mapping[str, Sequence[Polynomial]],
    base: Mapping[str, int],
) -> list[Polynomial]:
    """The columns of all terms, in the order of `model_matrix`.

    Parameters
    ----------
    terms : ModelTerms
    values : mapping
        The variables by their texts, in any rows: what they are decides.
    codings : mapping
        Of the factors among them.
    numbers : mapping
        The columns of each numeric variable.
    base : mapping
        For each factor, the level whose indicator is one less all others.
    """
    made: list[Polynomial] = [{ONE: 1.0}] if terms.intercept else []
    for place, full in enumerate(full_codings(terms, codings)):
        columns: list[Polynomial] = [{ONE: 1.0}]
        for text in terms.terms[place].texts:
            own = (
                _coded(text, codings[text][text in full].values, base[text])
                if _is_coded(values[text])
                else numbers[text]
            )
            # The columns of the variables before vary fastest.
            columns = [times(before, each) for each in own for before in columns]
        made += columns
    return made


def _is_coded(value: Value) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "b")
    return isinstance(value, Factor | CodedFactor) and not isinstance(value, Matrix)


def _coded(text: str, coding: NDArray[np.float64], base: int) -> list[Polynomial]:
    """The columns of a factor: of the base's indicator, one less those of the other levels."""
    columns = []
    for numbers in coding.T:
        made = {ONE: float(numbers[base])}
        for level, number in enumerate(numbers):
            if level != base:
                made[Monomial(((text, level),))] = float(number - numbers[base])
        columns.append({monomial: value for monomial, value in made.items() if value})
    return columns


def coefficients(columns: Sequence[Polynomial], base: Sequence[Monomial]) -> NDArray[np.float64]:
    """The columns as combinations of monomials, shape (len(base), len(columns))."""
    places = {monomial: place for place, monomial in enumerate(base)}
    made = np.zeros((len(base), len(columns)))
    for at, column in enumerate(columns):
        for monomial, value in column.items():
            made[places[monomial], at] = value
    return made
