"""Calls that learn from a whole column, looked at before they are evaluated.

One infinite value in it spoils the result in every row, as a mean or the knots of a spline: the
rows to name are those of the argument, not those of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import InfiniteValueError, PylmeError
from pylme.formula import Call, Number, deparse, walk
from pylme.frame import Factor
from pylme.model_matrix.arithmetic import SUMMARIES
from pylme.model_matrix.values import CodedFactor, Matrix, Times
from pylme.model_matrix.variables import infinite_rows, sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pylme.formula import Node
    from pylme.frame import Column, Rows
    from pylme.model_matrix.evaluate import Evaluator
    from pylme.model_matrix.values import Value

__all__ = ["require_finite_arguments"]

#: `cut()` with a number of breaks, and running sums, are R's alone.
_LEARNING: Final = frozenset({"scale", "poly", "bs", "ns", "ave", "cut", "cumsum", "cumprod"})
_WHOLE: Final = _LEARNING | frozenset(SUMMARIES)


def require_finite_arguments(
    nodes: Iterable[Node], evaluator: Evaluator, rows: Rows, columns: Mapping[str, Column]
) -> None:
    """Raise where an infinite argument leaves a call that learns from it without finite values.

    Parameters
    ----------
    nodes : iterable of Node
        The variables of a model.
    evaluator : Evaluator
    rows : Rows
    columns : mapping
        The columns that the variables are made of, for the message.

    Raises
    ------
    InfiniteValueError
        With the text of the argument and the values that it comes from.
    """
    for call in (part for node in nodes for part in walk(node)):
        if not (isinstance(call, Call) and call.function in _WHOLE and call.arguments):
            continue
        argument = call.arguments[0].value
        places = infinite_rows(_value(evaluator, argument))
        if not places.size or _is_finite(evaluator, call):
            continue
        text = deparse(argument)
        raise InfiniteValueError(
            column=text,
            count=len(places),
            row=rows.used_index[places[:1]].tolist()[0],
            sources=sources(text, places, columns),
        )


def _value(evaluator: Evaluator, node: Node) -> Value | None:
    """The value of a node; None where it has none, which is told of when it is evaluated."""
    try:
        with np.errstate(all="ignore"):
            return evaluator.value(node)
    except (PylmeError, ValueError, np.linalg.LinAlgError):
        return None


def _is_finite(evaluator: Evaluator, call: Call) -> bool:
    """Whether the call has a finite value in each row all the same, as a median may have."""
    if call.function == "cut":
        return len(call.arguments) < 2 or not isinstance(call.arguments[1].value, Number)
    match _value(evaluator, call):
        case None:
            return False
        case Matrix(values=numbers) | Times(values=numbers):
            return bool(np.isfinite(numbers).all())
        case Factor() | CodedFactor():
            return True
        case vector:
            return vector.dtype.kind != "f" or bool(np.isfinite(vector).all())
