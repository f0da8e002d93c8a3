"""Counts of levels and columns, before any matrix is built.

A term of the left side of a bar has as many columns as the product over its variables: one for a
number, the number of levels for a factor, one less where the term without that factor is also in
the model (R's rule of marginality). What a function call gives is not known without evaluating it
and counts as one column, so that the count is a lower bound.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.formula import Name, deparse, expand, model_terms
from pylme.frame import Factor, Logical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.formula import Formula, Node, Term
    from pylme.frame import Column, Frame

__all__ = ["columns_of", "levels_of", "parameters_of"]


def levels_of(group: Node, frame: Frame) -> int | None:
    """The number of levels of a grouping factor; None where it has to be evaluated first.

    Parameters
    ----------
    group : Node
        A column or an interaction of columns; only combinations that occur count.
    frame : Frame
    """
    (term,) = model_terms(group).terms
    names = [variable.name for variable in term.variables if isinstance(variable, Name)]
    if len(names) < len(term.variables):
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


def columns_of(effects: Node, frame: Frame) -> int:
    """At least how many columns the left side of a bar has.

    Parameters
    ----------
    effects : Node
    frame : Frame
    """
    terms = model_terms(effects)
    present = {_labels(term) for term in terms.terms}
    if terms.intercept:
        present.add(frozenset())
    return terms.intercept + sum(
        prod(
            _width(variable, frame, coded=_labels(term) - {deparse(variable)} in present)
            for variable in term.variables
        )
        for term in terms.terms
    )


def parameters_of(formula: Formula, frame: Frame) -> int:
    """At least how many variances and covariances the random part has.

    Parameters
    ----------
    formula : Formula
    frame : Frame
    """
    widths = [columns_of(bar.effects, frame) for bar in expand(formula).bars]
    return sum(width * (width + 1) // 2 for width in widths)


def _labels(term: Term) -> frozenset[str]:
    return frozenset(deparse(variable) for variable in term.variables)


def _width(variable: Node, frame: Frame, *, coded: bool) -> int:
    """Columns of one variable: all levels, or one less where it is coded by contrasts."""
    column = frame.columns[variable.name] if isinstance(variable, Name) else None
    if isinstance(column, Factor):
        return max(1, len(column.levels) - coded)
    if isinstance(column, Logical):
        return 2 - coded
    return 1
