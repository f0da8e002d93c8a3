"""The values of the calls in a formula, checked before R evaluates them.

R's own fit would stop at an infinite value in a late step, with a message about "foreign function
calls". Both engines refuse it here with the same message. Functions that pylme cannot evaluate are
left to R.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import InfiniteValueError, NotAvailableError, PylmeError
from pylme.formula import Call, Number, deparse, walk
from pylme.frame import Factor
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.operations import SUMMARIES
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times, of_column
from pylme.model_matrix.magnitudes import require_magnitudes
from pylme.model_matrix.recipe import total_offset
from pylme.model_matrix.response import require_response
from pylme.model_matrix.variables import complete, infinite_rows, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.formula import Node
    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["require_finite_arguments", "require_transformable", "weights_of"]


#: `cut()` with a number of breaks, and running sums, are R's alone.
_LEARNING: Final = frozenset({"scale", "poly", "bs", "ns", "ave", "cut", "cumsum", "cumprod"})
_WHOLE: Final = _LEARNING | frozenset(SUMMARIES)


def require_finite_arguments(spec: ModelSpec, evaluator: Evaluator) -> None:
    """Raise where a call that learns from its argument has no finite value, as that is infinite.

    Parameters
    ----------
    spec : ModelSpec
    evaluator : Evaluator

    Raises
    ------
    InfiniteValueError
        With the text of the argument and the values that it comes from.
    """
    if _WHOLE.isdisjoint(spec.formula.functions):
        return
    for call in chain.from_iterable(map(walk, spec.terms.variables.values())):
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
            row=spec.frame.rows.used_index[places[:1]].tolist()[0],
            sources=sources(text, places, spec.frame.columns),
        )


def _value(evaluator: Evaluator, node: Node) -> Value | None:
    """The value of a node; None where it has none, which its evaluation reports."""
    try:
        with np.errstate(all="ignore"):
            return evaluator.value(node)
    except (PylmeError, ValueError, np.linalg.LinAlgError):
        return None


def _is_finite(evaluator: Evaluator, call: Call) -> bool:
    """Whether the call nevertheless has a finite value in each row, as a median may have."""
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


def require_transformable(spec: ModelSpec) -> NDArray[np.intp]:
    """Evaluate the variables of a model, as far as pylme can.

    Returns
    -------
    ndarray of int
        Positions among the rows used where a call has no value; a warning was given for them.

    Raises
    ------
    InfiniteValueError
        If a call returns an infinite value.
    MissingValueError
        If one gives a missing value and the specification's `na_action` is "fail".
    EmptyDataError
        If no row is left.
    ColumnValueError
        If sums of the squares of a column overflow or vanish.
    FormulaError
        If a call has no value in R either.
    ResponseError
        If the response is not valid for the model.

    Warns
    -----
    MissingRowsWarning
        If rows are left out.
    """
    values = dict(_known(spec))
    frame = spec.frame
    whole, kept, _ = complete(values, frame.rows, na_action=spec.na_action, columns=frame.columns)
    require_magnitudes(spec.terms, whole, weights_of(spec))
    if (text := spec.terms.response) in whole:
        require_response(spec, whole[text])
    fixed = spec.terms.fixed
    if all(deparse(offset) in whole for offset in fixed.offsets):
        total_offset(fixed, whole, int(np.count_nonzero(kept)))
    return np.flatnonzero(~kept)


def weights_of(spec: ModelSpec) -> tuple[str, Value] | None:
    """The prior weights, by the name of their column."""
    if spec.weights is None:
        return None
    return spec.weights, of_column(spec.frame.columns[spec.weights])


def _known(spec: ModelSpec) -> Iterator[tuple[str, Value]]:
    frame = spec.frame
    evaluator = Evaluator(frame.columns, frame.nrow, Memory())
    require_finite_arguments(spec, evaluator)
    for text, node in spec.terms.variables.items():
        try:
            yield text, evaluator.variable(node)
        except NotAvailableError:
            continue
