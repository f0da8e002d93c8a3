"""The design of a model whose response is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import ResponseError
from pylme.formula import Name, deparse, parse_formula
from pylme.frame.table import open_table
from pylme.model_matrix.build import build
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.specify import ModelArguments, specified
from pylme.simulation.draw.tables import with_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import Contrast

__all__ = ["design_of_predictors", "response_name"]


def response_name(formula: str) -> str:
    """The column that the formula explains.

    Raises
    ------
    ResponseError
        If its left side is an expression: nobody could say which column to fill.
    """
    response = parse_formula(formula).response
    if isinstance(response, Name):
        return response.name
    raise ResponseError(
        response=deparse(response),
        found="it is no column but an expression",
        remedy="Simulate the expression under a name of its own, as in 'logy ~ x + (1 | g)'.",
    )


def design_of_predictors(
    formula: str,
    data: Any,
    *,
    weights: str | ArrayLike | None,
    offset: str | ArrayLike | None,
    contrasts: Mapping[str, Contrast] | None,
    subset: NDArray[np.bool_] | None,
) -> ModelMatrices:
    """The design of a formula on a table that need not have the response.

    A response that is there is not looked at, so that its missing values leave no row out.
    """
    response = response_name(formula)
    named = [name for name in parse_formula(formula).columns if name != response]
    # Any numbers that differ: nothing of the design but `y` depends on them.
    placeholder = np.arange(float(open_table(data, named).nrow))
    arguments = ModelArguments(weights=weights, offset=offset, subset=subset, contrasts=contrasts)
    spec = specified(formula, with_column(data, response, placeholder), arguments)
    require_fittable(spec, more_effects_than_rows=True)
    return build(spec)
