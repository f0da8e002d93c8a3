"""How the columns of a model are made: what the formula says, and what the data taught.

A recipe makes the same columns of any rows: those of the model first, new ones later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.errors import FormulaError
from pylme.formula import Bar, Formula, ModelTerms, deparse, expand, model_terms
from pylme.model_matrix.coding import Coding
from pylme.model_matrix.groups import group_factor, group_names, group_variables
from pylme.model_matrix.memory import Memory
from pylme.model_matrix.model_matrix import codings_of, model_matrix
from pylme.model_matrix.values import Matrix, Value, as_factor, factor_on

if TYPE_CHECKING:
    from pylme.formula import Node
    from pylme.frame import Factor
    from pylme.model_matrix.coding import AskedCoding
    from pylme.model_matrix.model_matrix import ModelMatrix
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["BarRecipe", "Recipe", "bars_of"]

Values = dict[str, Value]
Codings = dict[str, tuple[Coding, Coding]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarRecipe:
    """A random-effects term in the order of the formula, with the codings of its factors."""

    bar: Bar
    terms: ModelTerms
    levels: tuple[str, ...]
    codings: Codings

    @property
    def label(self) -> str:
        """The term without its parentheses."""
        return f"{deparse(self.bar.effects)} | {deparse(self.bar.group)}"

    def columns(self, values: Values, nrow: int) -> ModelMatrix:
        """The columns that vary by level."""
        return model_matrix(self.terms, local_values(self.bar, values), self.codings, nrow)

    def factor(self, values: Values) -> Factor:
        """The grouping factor on the levels of the model; new ones come last."""
        return factor_on(group_factor(self.bar.group, values), self.levels)


def local_values(bar: Bar, values: Values) -> Values:
    """The variables as a term sees them: its grouping columns are factors on its left side too."""
    grouping = group_names(bar.group) & values.keys()
    return values | {name: as_factor(values[name]) for name in grouping}


def bars_of(spec: ModelSpec, values: Values) -> tuple[BarRecipe, ...]:
    """The random-effects terms, `||` and `/` written out, learnt from the data of the model."""
    contrasts = spec.contrasts if spec.contrasts_for == "both" else {}
    recipes = []
    for bar in expand(spec.formula).bars:
        terms = model_terms(bar.effects)
        used = {deparse(variable) for variable in terms.variables}
        local = {text: value for text, value in local_values(bar, values).items() if text in used}
        recipes.append(
            BarRecipe(
                bar=bar,
                terms=terms,
                levels=group_factor(bar.group, values).levels,
                codings=codings_of(local, contrasts),
            )
        )
    return tuple(recipes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recipe:
    """All that is needed to make the columns of a model again.

    Attributes
    ----------
    formula : Formula
    fixed : ModelTerms
    bars : tuple of BarRecipe
        In the order of the expanded formula.
    order : tuple of int
        The terms in lme4's order, as positions in `bars`.
    memory : Memory
        What transformations learnt.
    levels : mapping
        The levels of the variables that are factors.
    codings : mapping
        The codings of the factors among the fixed effects.
    kept : ndarray of int, shape (p,)
        The columns of the full model matrix that are not dropped.
    kinds : mapping
        The type of each column of the data, as a word.
    clocks : mapping
        Of grouping columns of times, whether their labels have the hours of midnight.
    offset : str or None
        The column named as offset beside the formula; "" where it was given as an array.
    """

    formula: Formula
    fixed: ModelTerms
    bars: tuple[BarRecipe, ...]
    order: tuple[int, ...]
    memory: Memory
    levels: Mapping[str, tuple[str, ...]]
    codings: Codings
    kept: NDArray[np.intp]
    kinds: Mapping[str, str]
    clocks: Mapping[str, bool]
    offset: str | None


def predictor_nodes(formula: Formula, fixed: ModelTerms) -> list[Node]:
    """The variables of a model but for its response, each once or more."""
    bars = expand(formula).bars
    return [
        *(node for node in fixed.variables if deparse(node) != deparse(formula.response)),
        *chain.from_iterable(model_terms(bar.effects).variables for bar in bars),
        *chain.from_iterable(group_variables(bar.group) for bar in bars),
    ]


def fixed_codings(
    fixed: ModelTerms, values: Values, contrasts: Mapping[str, AskedCoding]
) -> Codings:
    """How the factors among the fixed effects are coded."""
    used = {deparse(variable) for term in fixed.terms for variable in term.variables}
    return codings_of({text: v for text, v in values.items() if text in used}, contrasts)


def total_offset(fixed: ModelTerms, values: Values, nrow: int) -> NDArray[np.float64]:
    """The sum of what ``offset()`` gives in the formula."""
    total = np.zeros(nrow)
    for node in fixed.offsets:
        value = values[deparse(node)]
        if isinstance(value, Matrix) and value.values.shape[1] == 1:
            value = value.values[:, 0]
        if not isinstance(value, np.ndarray):
            raise FormulaError(
                asked=f"Adding {deparse(node)} to the linear predictor",
                found="it is not one number in each row",
                remedy="Give a numeric column, or an expression of numeric columns.",
            )
        total += value
    return total
