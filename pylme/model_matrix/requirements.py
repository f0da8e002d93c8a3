"""What must hold before a model can be fitted, checked before an engine sees the data.

Each check has its own message. What lme4's control allows (more random effects than rows, say) is
allowed here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import (
    ColumnValueError,
    FormulaError,
    GroupingFactorError,
    OptionError,
    ResponseError,
    WeightsError,
)
from pylme.formula import (
    Argument,
    Call,
    Name,
    deparse,
    expand,
    model_terms,
    require_bars,
    translation,
    walk,
)
from pylme.frame import Factor, Integer, Logical, Numeric
from pylme.model_matrix.column_names import require_names
from pylme.model_matrix.counting import columns_of, levels_of
from pylme.model_matrix.groups import (
    group_variables,
    require_levels,
    require_names_of_combinations,
)
from pylme.model_matrix.response_levels import require_no_ordinal, require_two_levels
from pylme.model_matrix.response_range import require_in_range
from pylme.model_matrix.values import of_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.formula import Formula, Node
    from pylme.frame import Column
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["require_fittable"]


def require_fittable(spec: ModelSpec, *, more_effects_than_rows: bool = False) -> None:
    """Raise where no model can be fitted as specified.

    Parameters
    ----------
    spec : ModelSpec
    more_effects_than_rows : bool
        Allow a term with as many random effects as rows, or more.

    Raises
    ------
    FormulaError, ResponseError, GroupingFactorError, WeightsError, OptionError
    """
    require_bars(spec.formula)
    require_names(spec.frame.columns)
    _require_response(spec)
    _require_positive_weights(spec)
    _require_numeric_offset(spec)
    _require_levels_to_compare(spec)
    _require_codable(spec)
    _require_levels(spec, more_effects_than_rows=more_effects_than_rows)


def _numbers(column: Column) -> NDArray[np.float64] | None:
    """The values of a numeric or logical column, else None."""
    if isinstance(column, Numeric | Integer | Logical):
        return column.values.astype(np.float64, copy=False)
    return None


def _require_response(spec: ModelSpec) -> None:
    formula, frame = spec.formula, spec.frame
    text = deparse(formula.response)
    columns = [frame.columns[name] for name in formula.response_columns_in(frame.columns)]
    if not columns:
        raise ResponseError(
            response=text,
            found="it names no column",
            remedy="Put a column of the data on the left of '~'.",
        )
    if isinstance(formula.response, Name):
        _require_type(text, columns[0], spec)
    if frame.nrow > 1 and all(_constant(column) for column in columns):
        raise ResponseError(
            response=text,
            found=f"it has the same value in all {frame.nrow} rows",
            remedy="There is nothing to explain: check the column, or the rows that were kept.",
        )


def _require_type(text: str, column: Column, spec: ModelSpec) -> None:
    family = spec.family.name if spec.family else None
    kind = type(column).__name__.lower()
    if isinstance(column, Factor):
        require_no_ordinal(spec.formula, column)
    if family == "binomial" and isinstance(column, Factor | Logical):
        if isinstance(column, Factor):
            require_two_levels(spec.formula, column)
        return
    values = _numbers(column)
    if values is None or (family is None and isinstance(column, Logical)):
        raise ResponseError(
            response=text,
            found=f"it is not numeric but a {kind} column",
            remedy="Use glmer() with family='binomial' for a response of two values, "
            "or turn the column into numbers."
            if isinstance(column, Factor | Logical)
            else "Turn the column into numbers.",
        )
    require_in_range(spec, values)


def _constant(column: Column) -> bool:
    if isinstance(column, Factor):
        return len(column.levels) < 2
    return bool(np.all(column.values == column.values[0]))


def _require_positive_weights(spec: ModelSpec) -> None:
    if spec.weights is None:
        return
    values = _numbers(spec.frame.columns[spec.weights])
    if values is None:
        raise WeightsError(found=f"the column {spec.weights!r} is not numeric")
    for wrong, words in ((values < 0, "negative"), (values == 0, "zero")):
        if wrong.any():
            raise WeightsError(found=f"{int(wrong.sum())} of {len(values)} weights are {words}")


def _require_numeric_offset(spec: ModelSpec) -> None:
    column = None if spec.offset is None else spec.frame.columns[spec.offset]
    if not isinstance(column, Numeric | Integer | None):
        raise OptionError(
            option="offset", value=spec.offset, allowed="a numeric column or one number a row"
        )


def _require_bare_names(term: str, group: Node, spec: ModelSpec) -> None:
    """lme4 sees a column within a call that groups only if the model names it by itself too."""
    bare = {node.name for node in _variables(spec.formula) if isinstance(node, Name)}
    inside = {node.name for node in walk(group) if isinstance(node, Name)}
    if hidden := sorted(inside - bare):
        raise GroupingFactorError(
            term=term,
            found=f"{deparse(group)} is computed from {hidden[0]!r}, which lme4 does not find "
            "there unless the model names it by itself too",
            remedy=_group_remedy(spec.formula),
        )


def _group_remedy(formula: Formula) -> str:
    line = translation(formula)
    if line is None:
        return "Compute the column of groups in Python and name it."
    return f"A column that groups is a factor whatever its type. Write: {line}"


def _require_codable(spec: ModelSpec) -> None:
    """R's ``C()`` codes a factor, and stops for numbers."""
    columns = spec.frame.columns
    numeric = frozenset(name for name, column in columns.items() if not isinstance(column, Factor))
    for node in walk(spec.formula.right):
        match node:
            case Call(function="C", arguments=(Argument(value=Name(name=name)), *_)) if (
                name in numeric
            ):
                line = translation(spec.formula, as_factors=numeric)
                raise FormulaError(
                    asked=f"Coding the column {name!r} by {deparse(node)}",
                    found=f"it is not a factor but {columns[name]}",
                    remedy=f"Write: {line or f'factor({deparse(Name(name=name))})'}",
                )


def _variables(formula: Formula) -> Iterator[Node]:
    """The variables of the fixed part, of the left sides of bars, and the columns that group."""
    yield from _effects(formula)
    for bar in formula.bars:
        for node in model_terms(bar.group).variables:
            if isinstance(node, Name):
                yield node


def _require_levels_to_compare(spec: ModelSpec) -> None:
    """A factor among the effects needs two levels."""
    for node in (n for n in _effects(spec.formula) if isinstance(n, Name)):
        column = spec.frame.columns.get(node.name)
        if isinstance(column, Factor) and len(column.levels) < 2:
            raise ColumnValueError(
                column=node.name,
                found=f"its only level in the {spec.frame.nrow} rows used is {column.levels[0]!r}",
                remedy="An effect compares levels: leave it out of the formula, or use more rows.",
            )


def _effects(formula: Formula) -> Iterator[Node]:
    for side in (formula.fixed, *(bar.effects for bar in formula.bars)):
        yield from model_terms(side).variables


def _require_levels(spec: ModelSpec, *, more_effects_than_rows: bool) -> None:
    nrow = spec.frame.nrow
    for bar in expand(spec.formula).bars:
        term = f"({deparse(bar.effects)} | {deparse(bar.group)})"
        levels = levels_of(bar.group, spec.frame)
        if levels is None:
            _require_bare_names(term, bar.group, spec)
            continue
        require_levels(term, deparse(bar.group), levels)
        values = {
            deparse(part): of_column(spec.frame.columns[part.name])
            for part in group_variables(bar.group)
            if isinstance(part, Name)
        }
        require_names_of_combinations(term, bar.group, values)
        columns = columns_of(bar.effects, spec.frame)
        effects = levels * columns
        limit = nrow if spec.family is None else nrow + 1
        if effects >= limit and not more_effects_than_rows:
            raise GroupingFactorError(
                term=term,
                found=f"{levels} levels, each with {columns}, make {effects} random effects for "
                f"{nrow} rows: their variance cannot be told apart from that of the residuals",
                remedy="Leave effects out of the term, use a coarser grouping factor, and see that "
                "numbers were not read as text. (check_nobs_vs_nre='ignore' and "
                "check_nobs_vs_nlev='ignore' in the control fit it all the same.)",
            )
