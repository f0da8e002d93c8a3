"""The terms of the fixed effects of a model of lazy data: their columns as combinations of sums.

Hypotheses about terms follow from which combinations of columns are zero in all rows. Any R with
RᵀR = Σ ccᵀ, c the monomials of which all columns are combinations, has these combinations: its b
rows stand for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.errors import NotAvailableError
from pylme.inference.fixed_terms import FixedTerms
from pylme.model_matrix.lazy.columns import LazyColumns
from pylme.model_matrix.lazy.monomials import (
    ONE,
    Monomial,
    coefficients,
    polynomials,
    times,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.model_matrix.lazy.monomials import Polynomial
    from pylme.model_matrix.lazy.summed import Summed
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["LazyFixedTerms", "require_sums", "require_unweighted", "variance_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LazyFixedTerms(FixedTerms):
    """The terms of the fixed effects of a model of lazy data.

    Attributes
    ----------
    columns_of_data : LazyColumns
        How columns are combinations of monomials.
    root : ndarray, shape (b, b)
        R.
    n : int
        The number of rows.
    weighted : bool
        Whether the sums are weighted.
    """

    columns_of_data: LazyColumns
    root: NDArray[np.float64]
    n: int
    weighted: bool

    @classmethod
    def of_sums(cls, design: ModelMatrices, summed: Summed) -> LazyFixedTerms:
        """Those of the sums of a model.

        Raises
        ------
        NotAvailableError
            If the fit was saved without what its columns are made of.
        """
        require_sums(summed)
        columns, recipe = summed.columns, design.recipe
        of_x = coefficients(columns.X, columns.base)[:, recipe.kept]
        return cls(
            terms=recipe.terms.fixed,
            X=summed.root @ of_x,
            assign=np.array(design.assign, dtype=np.intp),
            values=summed.reading.sketch.values,
            codings=recipe.codings,
            columns_of_data=columns,
            root=summed.root,
            n=design.nobs,
            weighted=summed.reading.source.weights is not None,
        )

    def require_rows_alike(self, asked: str) -> None:
        """Raise for hypotheses that take every row alike, where the sums are weighted."""
        if self.weighted:
            raise _weighted(asked)

    def without(self, term: int) -> NDArray[np.float64]:
        """All columns of the model without a term, as its formula would make them."""
        rest = tuple(each for t, each in enumerate(self.terms.terms) if t != term)
        own = self.columns_of_data
        return self._made(
            polynomials(
                replace(self.terms, terms=rest),
                self.values,
                self.codings,
                own.numbers,
                own.reference,
            )
        )

    def indicators(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
        """The columns of a model with an indicator for each level of each factor."""
        used = [(t, term.texts) for t, term in enumerate(self.terms.terms) if len(self.columns(t))]
        blocks = [[{ONE: 1.0}]]
        marks = [np.ones(1, dtype=bool)]
        for _, texts in used:
            parts = [self._whole(text) for text in texts]
            blocks.append(
                reduce(lambda left, right: [times(a, b) for a in left for b in right], parts)
            )
            later = [
                self._after_first(text, len(own)) for text, own in zip(texts, parts, strict=True)
            ]
            marks.append(reduce(lambda left, right: np.outer(left, right).ravel(), later))
        assign = np.repeat(
            np.array([0, *(t + 1 for t, _ in used)]), [len(block) for block in blocks]
        )
        C = self._made([column for block in blocks for column in block])
        return C, assign, np.concatenate(marks)

    def _made(self, columns: Sequence[Polynomial]) -> NDArray[np.float64]:
        return np.asarray(self.root @ coefficients(columns, self.columns_of_data.base))

    def _whole(self, text: str) -> list[Polynomial]:
        """A variable with an indicator for each level, or its numbers in units of their length."""
        if self._is_numeric(text):
            return [self._of_unit_size(own) for own in self.columns_of_data.numbers[text]]
        reference = self.columns_of_data.reference[text]
        levels = len(self.codings[text][0].values)
        others = [Monomial(((text, level),)) for level in range(levels)]
        made: list[Polynomial] = [{other: 1.0} for other in others]
        made[reference] = {ONE: 1.0} | {
            other: -1.0 for level, other in enumerate(others) if level != reference
        }
        return made

    def _after_first(self, text: str, width: int) -> NDArray[np.bool_]:
        later = np.ones(width, dtype=bool)
        later[0] = self._is_numeric(text)
        return later

    def _of_unit_size(self, column: Polynomial) -> Polynomial:
        base = self.columns_of_data.base
        # A number that stands in products alone has no sum of squares of its own; its products
        # have its unit whatever that is.
        if not all(monomial in base for monomial in column):
            return column
        size = float(np.linalg.norm(self._made([column]))) / np.sqrt(self.n)
        return {monomial: value / (size or 1.0) for monomial, value in column.items()}


def require_sums(summed: Summed) -> None:
    """Raise where a fit was saved without what its columns are made of."""
    if summed.columns is None:
        raise NotAvailableError(
            asked="Reading the columns of the fixed effects",
            found="the fit was saved, and how its columns were computed from the data was not",
            remedy="Fit the model again, or ask before the fit is saved.",
        )


def require_unweighted(summed: Summed, asked: str) -> None:
    """Raise for what takes every row alike, where the sums are weighted."""
    if summed.reading.source.weights is not None:
        raise _weighted(asked)


def _weighted(asked: str) -> NotAvailableError:
    return NotAvailableError(
        asked=asked,
        found="it takes every row alike, and the sums of this fit have prior weights in them",
        remedy="Fit the model to the rows in memory: collect the data into pandas or polars first.",
    )


def variance_of(design: ModelMatrices, summed: Summed, beta: NDArray[np.float64]) -> float:
    """The variance of Xβ over the rows of the data.

    Raises
    ------
    NotAvailableError
        If the sums are weighted.
    """
    require_sums(summed)
    require_unweighted(summed, "Computing R² or an intraclass correlation")
    columns, n = summed.columns, design.nobs
    eta = summed.root @ (coefficients(columns.X, columns.base)[:, design.recipe.kept] @ beta)
    one = summed.root[:, list(columns.base).index(ONE)]
    left = eta - (eta @ one / n) * one
    return float(left @ left / (n - 1))
