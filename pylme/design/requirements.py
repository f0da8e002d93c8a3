"""What must hold before a model can be fitted, checked before an engine sees the data.

Each check has its own message. What lme4's control allows (more random effects than rows, say) is
allowed here too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.design.contrasts import CONTRASTS
from pylme.design.counting import columns_of, levels_of
from pylme.errors import (
    ColumnValueError,
    GroupingFactorError,
    OptionError,
    ResponseError,
    WeightsError,
)
from pylme.formula import Name, deparse, expand, require_bars
from pylme.frame import Factor, Integer, Logical, Numeric

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.design.spec import ModelSpec
    from pylme.frame import Column

__all__ = ["require_fittable"]

_HINTS: Final = {
    "binomial": "; give counts as cbind(successes, failures)",
    "poisson": "; give an exposure as offset(log(exposure))",
}
_DOTS: Final = re.compile(r"\.\.(\.|\d+)")

#: The values that a family's response may take: test, and its name in words.
_RANGES: Final[dict[str, tuple[Callable[[NDArray[np.float64]], NDArray[np.bool_]], str]]] = {
    "binomial": (lambda y: (y >= 0) & (y <= 1), "between 0 and 1"),
    "poisson": (lambda y: (y >= 0) & (y == np.round(y)), "whole numbers of 0 or more"),
    "Gamma": (lambda y: y > 0, "above 0"),
    "inverse.gaussian": (lambda y: y > 0, "above 0"),
}


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
    _require_names(spec)
    _require_response(spec)
    _require_positive_weights(spec)
    _require_numeric_offset(spec)
    _require_contrasts(spec)
    _require_levels(spec, more_effects_than_rows=more_effects_than_rows)


def _require_names(spec: ModelSpec) -> None:
    """R has names that no quoting makes a column of."""
    for name in spec.frame.columns:
        if _DOTS.fullmatch(name):
            raise ColumnValueError(
                column=name,
                found="R keeps this name for itself, and no quotes change that",
                remedy="Rename the column.",
            )


def _numbers(column: Column) -> NDArray[np.float64] | None:
    """The values of a numeric or logical column, else None."""
    if isinstance(column, Numeric | Integer | Logical):
        return column.values.astype(np.float64, copy=False)
    return None


def _require_response(spec: ModelSpec) -> None:
    formula, frame = spec.formula, spec.frame
    text = deparse(formula.response)
    columns = [frame.columns[name] for name in formula.response_columns]
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
    if family == "binomial" and isinstance(column, Factor | Logical):
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
    if family is not None and family in _RANGES:
        test, words = _RANGES[family]
        outside = ~test(values)
        if outside.any():
            raise ResponseError(
                response=text,
                found=f"{int(outside.sum())} values are not {words}, as {values[outside][0]:g}",
                remedy=f"A {family} response takes values {words}{_HINTS.get(family, '')}.",
            )


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
    if spec.offset is not None and _numbers(spec.frame.columns[spec.offset]) is None:
        raise OptionError(
            option="offset", value=spec.offset, allowed="a numeric column or one number a row"
        )


def _require_contrasts(spec: ModelSpec) -> None:
    factors = {n: c for n, c in spec.frame.columns.items() if isinstance(c, Factor)}
    for name, value in spec.contrasts.items():
        if name not in factors:
            raise OptionError(option="contrasts for", value=name, allowed=tuple(factors))
        if isinstance(value, str):
            if value not in CONTRASTS:
                raise OptionError(
                    option=f"contrasts[{name!r}]", value=value, allowed=tuple(CONTRASTS)
                )
        elif np.ndim(value) != 2 or len(value) != len(factors[name].levels):
            raise OptionError(
                option=f"contrasts[{name!r}]",
                value=np.shape(value),
                allowed=f"a matrix with {len(factors[name].levels)} rows, one for each level",
            )


def _require_levels(spec: ModelSpec, *, more_effects_than_rows: bool) -> None:
    nrow = spec.frame.nrow
    for bar in expand(spec.formula).bars:
        term = f"({deparse(bar.effects)} | {deparse(bar.group)})"
        levels = levels_of(bar.group, spec.frame)
        if levels is None:
            raise GroupingFactorError(
                term=term,
                found=f"{deparse(bar.group)} is computed, and lme4 groups by columns alone",
                remedy="Compute the column of groups in Python and name it.",
            )
        if levels < 2:
            raise GroupingFactorError(
                term=term,
                found=f"the grouping factor {deparse(bar.group)} has one level",
                remedy="A variance between groups needs at least two groups; leave the term out.",
            )
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
