"""The requirements of a fit, checked before an engine gets the data.

Each check has its own message. Models that lme4's control allows (such as those with more random
effects than rows) are allowed here too.

Levels and columns are counted before any matrix is built. A term of the left side of a bar has as
many columns as the product over its variables: one for a number, the number of levels for a factor,
one less where the term without that factor is also in the model (R's rule of marginality). The
value of a function call is not known before it is evaluated and counts as one column, so that the
count is a lower bound.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.covariance.structure import structure_of
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
    model_terms,
    require_bars,
    translation,
    walk,
)
from pylme.frame import Factor, Integer, Logical, Numeric
from pylme.frame.table import require_names
from pylme.model_matrix.evaluation.values import (
    as_factor,
    of_column,
    require_levels,
    require_names_of_combinations,
)
from pylme.model_matrix.response import require_in_range, require_no_ordinal, require_two_levels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.formula import BarTerms, Formula, FormulaTerms, ModelTerms, Node
    from pylme.frame import Column, Frame
    from pylme.model_matrix.spec import ModelSpec

__all__ = [
    "columns_of",
    "levels_of",
    "parameters_of",
    "require_fittable",
    "require_other_predictors",
]


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
    require_other_predictors(spec)
    _require_response(spec)
    _require_positive_weights(spec)
    _require_numeric_offset(spec)
    _require_levels_to_compare(spec)
    _require_codable(spec)
    _require_levels(spec, more_effects_than_rows=more_effects_than_rows)


def require_other_predictors(spec: ModelSpec) -> None:
    """Raise where the response is a predictor too; R would drop it and go on.

    Raises
    ------
    FormulaError
    """
    response = spec.terms.response
    if any(response in term.texts for term in spec.terms.fixed.terms):
        raise FormulaError(
            asked=f"Building the fixed effects of {spec.formula}",
            found=f"the response {response} stands on the right side too",
            remedy="Remove it from the right-hand side: a response cannot be its own predictor.",
        )


def _numbers(column: Column) -> NDArray[np.float64] | None:
    """The values of a numeric or logical column; otherwise None."""
    if isinstance(column, Numeric | Integer | Logical):
        return column.values.astype(np.float64, copy=False)
    return None


def _require_response(spec: ModelSpec) -> None:
    formula, frame = spec.formula, spec.frame
    text = spec.terms.response
    columns = [frame.columns[name] for name in formula.response_columns_in(frame.columns)]
    if not columns:
        raise ResponseError(
            response=text,
            found="it names no column",
            remedy="Put a column of the data on the left of '~'.",
        )
    if isinstance(formula.response, Name):
        _require_type(text, columns[0], spec)
    if frame.rows.nrow > 1 and all(_constant(column) for column in columns):
        raise ResponseError(
            response=text,
            found=f"it has the same value in all {frame.nrow} rows",
            remedy="A constant response cannot be modelled: check the column, or the rows kept.",
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
    """lme4 finds a column within a call that groups only if the model also names it by itself."""
    bare = {node.name for node in _variables(spec) if isinstance(node, Name)}
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
    if "C" not in spec.formula.functions:
        return
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


def _variables(spec: ModelSpec) -> Iterator[Node]:
    """The variables of the fixed part, of the left sides of bars, and the columns that group."""
    yield from _effects(spec)
    for bar in spec.formula.bars:
        for node in model_terms(bar.group).variables:
            if isinstance(node, Name):
                yield node


def _require_levels_to_compare(spec: ModelSpec) -> None:
    """Raise for a factor among the effects with fewer than two levels."""
    for node in (n for n in _effects(spec) if isinstance(n, Name)):
        column = spec.frame.columns.get(node.name)
        if isinstance(column, Factor) and len(column.levels) < 2:
            raise ColumnValueError(
                column=node.name,
                found=f"its only level in the {spec.frame.nrow} rows used is {column.levels[0]!r}",
                remedy="An effect compares levels: leave it out of the formula, or use more rows.",
            )


def _effects(spec: ModelSpec) -> list[Node]:
    sides = (spec.terms.fixed, *(part.terms for part in spec.terms.random))
    return [
        variable
        for side in sides
        for text, variable in zip(side.texts, side.variables, strict=True)
        if text != spec.terms.response
    ]


def _require_levels(spec: ModelSpec, *, more_effects_than_rows: bool) -> None:
    nrow = spec.frame.rows.nrow
    for part in spec.terms.random:
        term = f"({part.label})"
        levels = levels_of(part, spec.frame)
        if levels is None:
            _require_bare_names(term, part.bar.group, spec)
            continue
        require_levels(term, part.group, levels)
        names = [node.name for _, node in part.factors if isinstance(node, Name)]
        if len(names) > 1:
            combined = [as_factor(of_column(spec.frame.columns[name])) for name in names]
            require_names_of_combinations(term, combined)
        columns = columns_of(part.terms, spec.frame)
        effects = levels * columns
        limit = nrow if spec.family is None else nrow + 1
        # A structure with few parameters is identified with one row for each effect too.
        plain = part.bar.structure in {None, "us"}
        if effects >= limit and plain and not more_effects_than_rows:
            raise GroupingFactorError(
                term=term,
                found=f"{levels} levels, each with {columns}, make {effects} random effects for "
                f"{nrow} rows: their variance cannot be distinguished from that of the residuals",
                remedy="Leave effects out of the term, use a coarser grouping factor, and see that "
                "numbers were not read as text. (check_nobs_vs_nre='ignore' and "
                "check_nobs_vs_nlev='ignore' in the control fit it all the same.)",
            )


def levels_of(part: BarTerms, frame: Frame) -> int | None:
    """The number of levels of a grouping factor; None where it has to be evaluated first.

    Parameters
    ----------
    part : BarTerms
        Grouped by a column or an interaction of columns; only combinations that occur count.
    frame : Frame
    """
    names = [variable.name for _, variable in part.factors if isinstance(variable, Name)]
    if len(names) < len(part.factors):
        return None
    if len(names) == 1 and isinstance(column := frame.columns[names[0]], Factor):
        return len(column.levels)
    codes = np.zeros(frame.nrow, dtype=np.intp)
    for name in names:
        levels, own = np.unique(_codes(frame.columns[name]), return_inverse=True)
        codes = codes * len(levels) + own
    return len(np.unique(codes))


def _codes(column: Column) -> NDArray[Any]:
    return column.codes if isinstance(column, Factor) else column.values


def columns_of(terms: ModelTerms, frame: Frame) -> int:
    """The number of columns of the left side of a bar, or a lower bound.

    Parameters
    ----------
    terms : ModelTerms
    frame : Frame
    """
    present = {frozenset(term.texts) for term in terms.terms}
    if terms.intercept:
        present.add(frozenset())
    return terms.intercept + sum(
        prod(
            _width(variable, frame, coded=frozenset(term.texts) - {text} in present)
            for text, variable in zip(term.texts, term.variables, strict=True)
        )
        for term in terms.terms
    )


def parameters_of(terms: FormulaTerms, frame: Frame) -> int:
    """The number of variances and covariances of the random part, or a lower bound.

    Parameters
    ----------
    terms : FormulaTerms
    frame : Frame
    """
    return sum(
        structure_of(
            part.bar.structure or "us", columns_of(part.terms, frame), hom=part.bar.hom
        ).n_free
        for part in terms.random
    )


def _width(variable: Node, frame: Frame, *, coded: bool) -> int:
    """Columns of one variable: all levels, or one less where it is coded by contrasts."""
    column = frame.columns[variable.name] if isinstance(variable, Name) else None
    if isinstance(column, Factor):
        return max(1, len(column.levels) - coded)
    if isinstance(column, Logical):
        return 2 - coded
    return 1
