"""What the calls of a formula make of the data, looked at before R does.

R's own fit would stop on an infinite value deep inside, in words about "foreign function calls".
Both engines refuse it here in the same words. What is not known here is R's alone, and left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import NotAvailableError
from pylme.formula import deparse, model_terms
from pylme.model_matrix.evaluate import Evaluator
from pylme.model_matrix.magnitudes import require_magnitudes
from pylme.model_matrix.memory import Memory
from pylme.model_matrix.recipe import predictor_nodes, total_offset
from pylme.model_matrix.response_range import require_response
from pylme.model_matrix.values import of_column
from pylme.model_matrix.variables import complete
from pylme.model_matrix.whole_columns import require_finite_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.model_matrix.spec import ModelSpec
    from pylme.model_matrix.values import Value

__all__ = ["require_transformable", "weights_of"]


def require_transformable(spec: ModelSpec) -> NDArray[np.intp]:
    """Evaluate the variables of a model, as far as they are known here.

    Returns
    -------
    ndarray of int
        Positions among the rows used that have no value in a call, which were warned of.

    Raises
    ------
    InfiniteValueError
        If a call gives an infinite value.
    MissingValueError
        If one gives a missing value and the specification's `na_action` is "fail".
    EmptyDataError
        If no row is left.
    ColumnValueError
        If sums of the squares of a column overflow or vanish.
    FormulaError
        If a call has no value in R either.
    ResponseError
        If the response is nothing that the model can have.

    Warns
    -----
    MissingRowsWarning
        If rows are left out.
    """
    values = dict(_known(spec))
    frame = spec.frame
    whole, kept, _ = complete(values, frame.rows, na_action=spec.na_action, columns=frame.columns)
    require_magnitudes(spec.formula, whole, weights_of(spec))
    if (text := deparse(spec.formula.response)) in whole:
        require_response(spec, whole[text])
    fixed = model_terms(spec.formula.fixed, response=spec.formula.response)
    if all(deparse(offset) in whole for offset in fixed.offsets):
        total_offset(fixed, whole, int(np.count_nonzero(kept)))
    return np.flatnonzero(~kept)


def weights_of(spec: ModelSpec) -> tuple[str, Value] | None:
    """The prior weights, by the name of their column."""
    if spec.weights is None:
        return None
    return spec.weights, of_column(spec.frame.columns[spec.weights])


def _known(spec: ModelSpec) -> Iterator[tuple[str, Value]]:
    formula, frame = spec.formula, spec.frame
    evaluator = Evaluator(frame.columns, frame.nrow, Memory())
    fixed = model_terms(formula.fixed, response=formula.response)
    nodes = {deparse(n): n for n in (formula.response, *predictor_nodes(formula, fixed))}
    require_finite_arguments(nodes.values(), evaluator, frame.rows, frame.columns)
    for text, node in nodes.items():
        try:
            yield text, evaluator.variable(node)
        except NotAvailableError:
            continue
