"""The parameters of ``bs()`` and ``ns()``: their knots, given or at quantiles of a column.

The column is known by its range and quantiles alone, so that rows that are not in memory will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.model_matrix.evaluation.bases import BSplines, NaturalSplines, inner_knots
from pylme.model_matrix.evaluation.calls import matched

if TYPE_CHECKING:
    from pylme.formula import Call, Node
    from pylme.model_matrix.evaluation.calls import Evaluating

__all__ = ["Distribution", "Values", "spline_arguments", "splines"]


class Distribution(Protocol):
    """What the knots depend on."""

    def range(self) -> NDArray[np.float64]:
        """The least and the largest value, shape (2,)."""

    def inner_knots(self, boundary: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        """Knots at the quantiles of the values within a boundary."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values:
    """The distribution of values in memory.

    Attributes
    ----------
    x : ndarray, shape (n,)
        Without missing values.
    """

    x: NDArray[np.float64]

    def range(self) -> NDArray[np.float64]:
        """The least and the largest value."""
        return np.array([self.x.min(), self.x.max()])

    def inner_knots(self, boundary: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        """Knots at the quantiles of the values within a boundary."""
        return inner_knots(self.x, boundary, number)


def spline_arguments(call: Call) -> dict[str, Node]:
    """The arguments of ``bs()`` or ``ns()`` by their names."""
    degree = ("degree",) if call.function == "bs" else ()
    return matched(call, "x", "df", "knots", *degree, "intercept", "Boundary.knots")


def splines(evaluator: Evaluating, call: Call, column: Distribution) -> BSplines | NaturalSplines:
    """The basis of a call: knots as given, or as many quantiles as its degrees of freedom ask for.

    Parameters
    ----------
    evaluator : Evaluating
        Of the other arguments.
    call : Call
    column : Distribution
        Of the first argument.
    """
    found = spline_arguments(call)
    degree = int(evaluator.number(found["degree"])) if "degree" in found else 3
    intercept = evaluator.flag(found.get("intercept"), default=False)
    given = found.get("Boundary.knots")
    boundary = column.range() if given is None else np.sort(evaluator.numbers(given))
    # The straight lines of natural splines take two of the cubic ones away.
    free = intercept + (degree if call.function == "bs" else 1)
    if "knots" in found:
        knots = np.atleast_1d(evaluator.numbers(found["knots"]))
    else:
        number = int(evaluator.number(found["df"])) - free if "df" in found else 0
        knots = column.inner_knots(boundary, max(number, 0))
    if call.function == "bs":
        return BSplines.on(knots, boundary, degree=degree, intercept=intercept)
    return NaturalSplines.on(knots, boundary, intercept=intercept)
