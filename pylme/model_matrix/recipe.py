"""Everything needed to make the columns of a model, from its own rows or from new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import locked
from pylme.errors import ColumnTypeError, FormulaError, OptionError, SortedLevelsWarning
from pylme.formula import BarTerms, Formula, FormulaTerms, Name, deparse, walk
from pylme.frame import Factor, Integer, Numeric, Rows, read_frame
from pylme.frame.typed import relabelled
from pylme.model_matrix.coding import Coding
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import (
    Matrix,
    Value,
    as_factor,
    factor_on,
    group_factor,
    numbers_of,
)
from pylme.model_matrix.model_matrix import codings_of, model_matrix
from pylme.model_matrix.random_term import RandomTerm, random_matrix
from pylme.model_matrix.spec import unused_name
from pylme.model_matrix.variables import complete, evaluated, on_levels, require_variables
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from scipy import sparse

    from pylme.formula import ModelTerms, Node
    from pylme.frame import Column, Frame, NaAction
    from pylme.model_matrix.coding import AskedCoding
    from pylme.model_matrix.model_matrix import ModelMatrix
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["BarRecipe", "NewRows", "Recipe", "bars_of", "column_kind", "on_new_rows"]


Values = dict[str, Value]
Codings = dict[str, tuple[Coding, Coding]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarRecipe:
    """A random-effects term in the order of the formula, with the codings of its factors."""

    part: BarTerms
    levels: tuple[str, ...]
    codings: Codings

    def columns(self, values: Values, nrow: int) -> ModelMatrix:
        """The columns that vary by level."""
        values = local_values(self.part, values)
        return model_matrix(self.part.terms, values, self.codings, nrow)

    def factor(self, values: Values) -> Factor:
        """The grouping factor on the levels of the model; new ones come last."""
        return factor_on(group_factor(self.part.texts, values), self.levels)


def local_values(part: BarTerms, values: Values) -> Values:
    """The variables of a term: its grouping columns are factors on its left side too."""
    grouping = part.names & values.keys()
    return values | {name: as_factor(values[name]) for name in grouping}


def bars_of(spec: ModelSpec, values: Values) -> tuple[BarRecipe, ...]:
    """The expanded random-effects terms, with codings learnt from the data of the model."""
    contrasts = spec.contrasts if spec.contrasts_for == "both" else {}
    recipes = []
    for part in spec.terms.random:
        local = local_values(part, values)
        codings = codings_of({text: local[text] for text in part.terms.texts}, contrasts)
        levels = group_factor(part.texts, values).levels
        recipes.append(BarRecipe(part=part, levels=levels, codings=codings))
    return tuple(recipes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recipe:
    """Everything needed to make the columns of a model again.

    Attributes
    ----------
    formula : Formula
    terms : FormulaTerms
    bars : tuple of BarRecipe
        In the order of the expanded formula.
    order : tuple of int
        The terms in lme4's order, as positions in `bars`.
    memory : Memory
        The parameters that transformations learnt.
    levels : mapping
        The levels of the variables that are factors.
    codings : mapping
        The codings of the factors among the fixed effects.
    kept : ndarray of int, shape (p,)
        The columns of the full model matrix that are not dropped.
    kinds : mapping
        The type of each column of the data, as a word.
    clocks : mapping
        For grouping columns of times, whether labels at midnight include the time of day.
    offset : str or None
        The column given as the argument `offset`; "" where it was an array.
    """

    formula: Formula
    terms: FormulaTerms
    bars: tuple[BarRecipe, ...]
    order: tuple[int, ...]
    memory: Memory
    levels: Mapping[str, tuple[str, ...]]
    codings: Codings
    kept: NDArray[np.intp]
    kinds: Mapping[str, str]
    clocks: Mapping[str, bool]
    offset: str | None


def fixed_codings(
    fixed: ModelTerms, values: Values, contrasts: Mapping[str, AskedCoding]
) -> Codings:
    """How the factors among the fixed effects are coded."""
    used = {text for term in fixed.terms for text in term.texts}
    return codings_of({text: v for text, v in values.items() if text in used}, contrasts)


def total_offset(fixed: ModelTerms, values: Values, nrow: int) -> NDArray[np.float64]:
    """The sum of the ``offset()`` calls in the formula."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NewRows:
    """The same columns as those of a `Design`, for new rows.

    Attributes
    ----------
    X : ndarray, shape (n, p)
    x_names : tuple of str
    dependent : ndarray, shape (n, dropped)
        The columns that the design left out as linearly dependent, in its order.
    terms : tuple of RandomTerm
        Those of the design, with the codes and columns of these rows; the code is -1 where the
        level did not occur in the data of the model.
    new_levels : mapping
        By grouping factor, the levels that did not occur in the data of the model.
    offset : ndarray, shape (n,)
    rows : Rows
        The rows given, and which of them are used.
    """

    X: NDArray[np.float64]
    x_names: tuple[str, ...]
    dependent: NDArray[np.float64]
    terms: tuple[RandomTerm, ...]
    new_levels: Mapping[str, tuple[str, ...]]
    offset: NDArray[np.float64]
    rows: Rows

    @property
    def Zt(self) -> sparse.csc_matrix:
        """Zᵀ, shape (q, n); a new level has no random effect, so its entries are missing."""
        return random_matrix(self.terms, len(self.X))

    @property
    def Z(self) -> sparse.csc_matrix:
        """Z, shape (n, q)."""
        return self.Zt.T.tocsc()

    @property
    def unseen(self) -> dict[str, NDArray[np.bool_]]:
        """By grouping factor, whether a row's level is a new one."""
        return {term.group: np.asarray(term.codes < 0) for term in self.terms}

    def __repr__(self) -> str:
        lines = [f"{len(self.X):,} rows on a design of {len(self.x_names)} fixed effects"]
        for group, levels in self.new_levels.items():
            shown = ", ".join(levels[:5]) + (" …" if len(levels) > 5 else "")
            lines.append(f"  {group}: {len(levels)} new levels, {shown}")
        return "\n".join(lines)


def column_kind(column: Column) -> str:
    """The type of a column as a word; integers are numbers."""
    return "number" if isinstance(column, Numeric | Integer) else type(column).__name__.lower()


def on_new_rows(
    recipe: Recipe,
    terms: tuple[RandomTerm, ...],
    data: Any,
    *,
    offset: str | ArrayLike | None,
    na_action: NaAction,
    groups: Mapping[int, bool] | None = None,
) -> NewRows:
    """The columns that a recipe makes from new rows; `terms` are those of its design.

    Parameters
    ----------
    recipe : Recipe
    terms : tuple of RandomTerm
        Those of the design.
    data : DataFrame, Table or mapping of arrays
    offset : str or array_like of shape (rows,), optional
    na_action : {"omit", "fail"}
    groups : mapping, optional
        The random-effects terms to make, by position, and whether to read their grouping factors:
        all codes are -1 otherwise. By default all terms and factors.
    """
    groups = dict.fromkeys(range(len(terms)), True) if groups is None else groups
    nodes = _nodes(recipe, groups)
    frame, offset_name = _read(recipe, data, offset, na_action, nodes)
    evaluator = Evaluator(frame.columns, frame.nrow, recipe.memory)
    values, kept, rows = complete(
        evaluated(nodes, evaluator),
        frame.rows,
        na_action=na_action,
        columns=frame.columns,
    )
    values = on_levels(values, recipe.levels)
    matrix = model_matrix(recipe.terms.fixed, values, recipe.codings, rows.nrow)
    total = total_offset(recipe.terms.fixed, values, rows.nrow)
    if offset_name is not None:
        total = total + numbers_of(frame.columns[offset_name], "offset")[kept]
    placed: list[RandomTerm] = []
    new: dict[str, tuple[str, ...]] = {}
    for position, grouped in groups.items():
        term, bar = terms[position], recipe.bars[recipe.order[position]]
        codes = np.full(rows.nrow, -1, dtype=np.int32)
        if grouped:
            factor = bar.factor(values)
            if len(factor.levels) > len(term.levels):
                new[term.group] = factor.levels[len(term.levels) :]
            codes = np.where(factor.codes < len(term.levels), factor.codes, np.int32(-1))
        placed.append(
            replace(
                term, codes=codes, columns=locked(bar.columns(values, rows.nrow).values, order="F")
            )
        )
    dependent = np.setdiff1d(np.arange(len(matrix.names)), recipe.kept)
    return NewRows(
        X=locked(matrix.values[:, recipe.kept], order="F"),
        x_names=tuple(matrix.names[i] for i in recipe.kept.tolist()),
        dependent=locked(matrix.values[:, dependent], order="F"),
        terms=tuple(placed),
        new_levels=new,
        offset=locked(total, order="F"),
        rows=rows,
    )


def _nodes(recipe: Recipe, groups: Mapping[int, bool]) -> dict[str, Node]:
    """The variables that the fixed effects and these terms need, by their texts."""
    fixed = recipe.terms.fixed
    needed = set(fixed.texts)
    for position, grouped in groups.items():
        part = recipe.bars[recipe.order[position]].part
        needed.update(part.terms.texts, part.texts if grouped else ())
    return {text: node for text, node in recipe.terms.predictors.items() if text in needed}


def _read(
    recipe: Recipe,
    data: Any,
    offset: str | ArrayLike | None,
    na_action: NaAction,
    nodes: Mapping[str, Node],
) -> tuple[Frame, str | None]:
    """The columns of the right side, with their original types; and which is the offset."""
    computed = [name for name, kind in recipe.kinds.items() if kind == "computed"]
    require_variables(recipe.formula, recipe.kinds, computed, asked="Making columns of new rows")
    if recipe.offset == "" and offset is None:
        raise OptionError(
            option="offset",
            value=None,
            allowed="the offset of the new rows, since that of the model was given as an array",
        )
    formula = recipe.formula
    named = dict.fromkeys(
        part.name for node in nodes.values() for part in walk(node) if isinstance(part, Name)
    )
    names = [name for name in named if name in recipe.kinds]
    offset = recipe.offset if offset is None else offset
    extra: dict[str, ArrayLike] = {}
    offset_name: str | None = None
    if isinstance(offset, str):
        offset_name = offset
        names += [offset] if offset not in names else []
    elif offset is not None:
        offset_name = unused_name("offset", names)
        extra[offset_name] = offset
    # The levels keep the order that they have in the data of the model.
    with silenced(SortedLevelsWarning):
        frame = read_frame(
            data,
            names,
            extra=extra,
            as_factor=formula.only_grouping_in(recipe.kinds),
            na_action=na_action,
        )
    frame = replace(frame, columns=_relabelled(frame.columns, recipe.clocks))
    for name, column in frame.columns.items():
        expected = recipe.kinds.get(name)
        if expected is not None and name not in extra and column_kind(column) != expected:
            raise ColumnTypeError(
                column=name,
                dtype=column_kind(column),
                found=f"in the data of the model it is of type {expected}",
                remedy="Give it the type that it had there.",
            )
    return frame, offset_name


def _relabelled(columns: Mapping[str, Column], clocks: Mapping[str, bool]) -> dict[str, Column]:
    """Grouping columns of times with the labels that they had in the data of the model."""
    return {
        name: relabelled(column, clock=clocks[name])
        if name in clocks and isinstance(column, Factor)
        else column
        for name, column in columns.items()
    }
