"""The terms of the fixed effects: their variables, their columns, and which contains which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.formula import ModelTerms
from pylme.frame import Factor
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times
from pylme.model_matrix.model_matrix import model_matrix
from pylme.model_matrix.variables import complete, evaluated
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["FixedTerms"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedTerms:
    """The terms of the fixed effects of a model, with the values of their variables.

    Attributes
    ----------
    terms : ModelTerms
    X : ndarray, shape (n, p)
        Of full column rank, without weights.
    assign : ndarray of int, shape (p,)
        The term of each column, from 1; 0 for the intercept.
    values : mapping
        The variables by their texts.
    codings : mapping
        Of the factors.
    """

    terms: ModelTerms
    X: NDArray[np.float64]
    assign: NDArray[np.intp]
    values: Mapping[str, Any]
    codings: Mapping[str, Any]

    @classmethod
    def of_rows(cls, design: ModelMatrices, spec: ModelSpec) -> FixedTerms:
        """Those of a model's matrices, of data in memory.

        Parameters
        ----------
        design : ModelMatrices
        spec : ModelSpec
            That the matrices were made from.
        """
        recipe, frame = design.recipe, spec.frame
        evaluator = Evaluator(frame.columns, frame.rows.nrow, recipe.memory)
        with silenced():
            # Rows that a transformation leaves out were counted when the model was fitted.
            values, _, _ = complete(
                evaluated(recipe.terms.variables, evaluator),
                frame.rows,
                na_action="omit",
                columns=frame.columns,
            )
        return cls(
            terms=recipe.terms.fixed,
            X=design.X,
            assign=np.array(design.assign, dtype=np.intp),
            values=values,
            codings=recipe.codings,
        )

    def require_rows_alike(self, asked: str) -> None:
        """Nothing: these rows are those of the data, and none counts more than another.

        Parameters
        ----------
        asked : str
            What takes every row alike, for a message.
        """

    @property
    def labels(self) -> tuple[str, ...]:
        """R's labels of the terms."""
        return self.terms.labels

    def columns(self, term: int) -> NDArray[np.intp]:
        """The columns of X of a term, counted from 0."""
        return np.flatnonzero(self.assign == term + 1)

    def numeric(self, term: int) -> frozenset[str]:
        """The variables of a term that are numbers, or matrices of them."""
        return frozenset(text for text in self.terms.terms[term].texts if self._is_numeric(text))

    def containing(self, term: int) -> list[int]:
        """The terms that contain another: more variables, and the same numeric ones."""
        own, numbers = frozenset(self.terms.terms[term].texts), self.numeric(term)
        return [
            other
            for other, each in enumerate(self.terms.terms)
            if own < frozenset(each.texts) and self.numeric(other) == numbers
        ]

    def with_more_variables(self, term: int) -> list[int]:
        """The terms that have all variables of another, and more: numbers and factors alike."""
        sets = [frozenset(each.texts) for each in self.terms.terms]
        return [other for other, more in enumerate(sets) if sets[term] < more]

    def marginal(self) -> list[int]:
        """The terms whose variables are no part of those of another term."""
        return [t for t in range(len(self.labels)) if not self.with_more_variables(t)]

    def without(self, term: int) -> NDArray[np.float64]:
        """All columns of the model without a term, as its formula would make them."""
        rest = tuple(each for t, each in enumerate(self.terms.terms) if t != term)
        return model_matrix(
            replace(self.terms, terms=rest), self.values, self.codings, len(self.X)
        ).values

    def indicators(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
        """The columns of a model with an indicator for each level of each factor.

        Returns
        -------
        C : ndarray, shape (n, P)
            The constant, and for each term the products of indicators and numeric variables, the
            numeric ones in units of their length. A term of which X has no column, as all depend on
            those of others, is no part of the model.
        assign : ndarray of int, shape (P,)
            The term of each column, from 1; 0 for the constant.
        later : ndarray of bool, shape (P,)
            Whether a column belongs to no first level of a factor.
        """
        n = len(self.X)
        used = [(t, term.texts) for t, term in enumerate(self.terms.terms) if len(self.columns(t))]
        parts = [[self._full(text) for text in texts] for _, texts in used]
        blocks = [np.ones((n, 1)), *(reduce(_products, part) for part in parts)]
        widths = [block.shape[1] for block in blocks]
        assign = np.repeat(np.array([0, *(t + 1 for t, _ in used)]), widths)
        marks = [[self._later(text) for text in texts] for _, texts in used]
        later = [np.ones((1, 1)), *(reduce(_products, mark) for mark in marks)]
        return np.concatenate(blocks, axis=1), assign, np.concatenate(later, axis=1)[0] > 0

    def _is_numeric(self, text: str) -> bool:
        value = self.values[text]
        if isinstance(value, np.ndarray):
            return bool(value.dtype.kind != "b")
        return isinstance(value, Matrix | Times)

    def _full(self, text: str) -> NDArray[np.float64]:
        """A variable with an indicator for each level, or as it is."""
        value = self.values[text]
        match value:
            case Matrix(values=columns):
                return _of_unit_size(columns)
            case Times(values=numbers):
                return _of_unit_size(numbers[:, None])
            case CodedFactor(factor=factor) | (Factor() as factor):
                return np.asarray(np.eye(len(factor.levels))[factor.codes])
        if value.dtype.kind == "b":
            return np.asarray(np.eye(2)[value.astype(np.intp)])
        return _of_unit_size(value[:, None])

    def _later(self, text: str) -> NDArray[np.float64]:
        """1 for each column of `_full` but that of a first level, shape (1, k)."""
        marks = np.ones((1, self._full(text).shape[1]))
        if not self._is_numeric(text):
            marks[0, 0] = 0.0
        return marks


def _of_unit_size(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    size = np.sqrt((columns * columns).mean(axis=0))
    return np.asarray(columns / np.where(size > 0, size, 1.0))


def _products(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((left[:, :, None] * right[:, None]).reshape(len(left), -1))
