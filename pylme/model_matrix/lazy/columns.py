"""The columns of X and Z of a model of lazy data, as combinations of monomials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.errors import NotAvailableError
from pylme.model_matrix.lazy.monomials import ONE, Monomial, Polynomial, polynomials
from pylme.model_matrix.lazy.reading import names_of
from pylme.model_matrix.model_matrix import codings_of
from pylme.model_matrix.recipe import BarRecipe, Codings, fixed_codings, local_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.lazy.reading import Reading
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["LazyColumns", "columns_of"]

#: More monomials than this would be more sums than an engine makes in reasonable time.
_MOST: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LazyColumns:
    """The columns of a model of lazy data.

    Attributes
    ----------
    codings : mapping
        Of the factors among the fixed effects.
    bars : tuple of BarRecipe
        The random-effects terms in the order of the formula, without their levels.
    X : tuple of Polynomial
    Z : tuple of tuple of Polynomial
        By term.
    base : tuple of Monomial
        Those of which the columns are combinations, and 1.
    of_z : ndarray of int
        The places of those of Z.
    numbers : mapping of str to list of Polynomial
        The columns of each numeric variable.
    reference : mapping of str to int
        For each factor, the level whose indicator is one less all others.
    """

    codings: Codings
    bars: tuple[BarRecipe, ...]
    X: tuple[Polynomial, ...]
    Z: tuple[tuple[Polynomial, ...], ...]
    base: tuple[Monomial, ...]
    of_z: NDArray[np.intp]
    numbers: Mapping[str, list[Polynomial]]
    reference: Mapping[str, int]


def columns_of(reading: Reading, spec: ModelSpec) -> LazyColumns:
    """The columns that the formula of a specification makes of lazy data.

    Raises
    ------
    NotAvailableError
        If they are too many.
    """
    sketch, first, terms = reading.sketch, reading.first, reading.source.terms
    values = dict(sketch.values)
    fixed = fixed_codings(terms.fixed, values, spec.contrasts)
    contrasts = spec.contrasts if spec.contrasts_for == "both" else {}
    numbers: dict[str, list[Polynomial]] = {}
    for text, own in sketch.numbers.items():
        named = [name for name in names_of(text, len(own)) if name in first.mean]
        columns = (
            {ONE: first.mean[name], Monomial(numbers=(name,)): first.scale[name]} for name in named
        )
        numbers[text] = [{m: value for m, value in column.items() if value} for column in columns]
    base = {text: first.commonest(text) for text in sketch.factors}
    bars, Z = [], []
    for part in terms.random:
        local = local_values(part, values)
        codings = codings_of({text: local[text] for text in part.terms.texts}, contrasts)
        bars.append(BarRecipe(part=part, levels=(), codings=codings))
        Z.append(tuple(polynomials(part.terms, local, codings, numbers, base)))
    X = tuple(polynomials(terms.fixed, values, fixed, numbers, base))
    in_z = _monomials([column for own in Z for column in own])
    # The mean that the response was freed of is a multiple of the constant.
    found = _monomials([{ONE: 1.0}, *X, *(column for own in Z for column in own)])
    if len(found) > _MOST:
        raise NotAvailableError(
            asked=f"Summing the columns of {reading.source.formula} where the rows are",
            found=f"they are combinations of {len(found)} columns, which have too many products",
            remedy="Use factors of fewer levels, or leave interactions of factors out.",
        )
    return LazyColumns(
        codings=fixed,
        bars=tuple(bars),
        X=X,
        Z=tuple(Z),
        base=tuple(found),
        of_z=np.array([found.index(each) for each in in_z], dtype=np.intp),
        numbers=numbers,
        reference=base,
    )


def _monomials(columns: Sequence[Polynomial]) -> list[Monomial]:
    """The monomials of which columns are combinations, those of fewer variables first."""
    found = {monomial for column in columns for monomial in column}
    return sorted(found, key=lambda each: (len(each.levels) + len(each.numbers), each))
