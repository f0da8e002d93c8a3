"""R's numeric functions with more than one numeric argument, or that learn from their column."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import ColumnValueError
from pylme.formula import Binary, Name, deparse
from pylme.frame import Factor
from pylme.model_matrix.evaluation.bases import OrthogonalPolynomials
from pylme.model_matrix.evaluation.calls import matched, unnamed
from pylme.model_matrix.evaluation.operations import SUMMARIES
from pylme.model_matrix.evaluation.splines import Values, spline_arguments, splines
from pylme.model_matrix.evaluation.values import (
    CodedFactor,
    Matrix,
    as_factor,
    combined,
    used_levels,
)
from pylme.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.formula import Call, Node
    from pylme.model_matrix.evaluation.calls import Evaluating
    from pylme.model_matrix.evaluation.values import Value

__all__ = ["NUMBER_CALLS"]


def _as_it_is(evaluator: Evaluating, call: Call) -> Value:
    return evaluator.value(matched(call, "x")["x"])


def _log(evaluator: Evaluating, call: Call) -> Value:
    found = matched(call, "x", "base")
    value = evaluator.value(found["x"])
    divisor = np.log(evaluator.number(found["base"])) if "base" in found else 1.0
    if isinstance(value, Matrix):
        return Matrix(values=np.log(value.values) / divisor, names=value.names)
    return np.asarray(np.log(evaluator.plain(found["x"])) / divisor)


def _round(evaluator: Evaluating, call: Call) -> Value:
    return np.asarray(np.rint(evaluator.plain(matched(call, "x")["x"])))


def _atan2(evaluator: Evaluating, call: Call) -> Value:
    found = matched(call, "y", "x", needed=2)
    return np.asarray(np.arctan2(evaluator.plain(found["y"]), evaluator.plain(found["x"])))


def _extreme(function: np.ufunc) -> Callable[[Evaluating, Call], Value]:
    def extreme(evaluator: Evaluating, call: Call) -> Value:
        return reduce(function, map(evaluator.plain, unnamed(call)))

    return extreme


def _ifelse(evaluator: Evaluating, call: Call) -> Value:
    found = matched(call, "test", "yes", "no", needed=3)
    test = evaluator.numbers(found["test"])
    yes, no = evaluator.vector(found["yes"]), evaluator.vector(found["no"])
    return np.where(np.isnan(test), np.nan, np.where(test != 0, yes, no))


def _combined(evaluator: Evaluating, call: Call) -> Value:
    if not call.arguments:
        raise evaluator.refusal(call, "it is empty")
    return np.concatenate(
        [np.atleast_1d(evaluator.vector(argument.value)) for argument in call.arguments]
    )


def _bound(evaluator: Evaluating, call: Call) -> Value:
    """``cbind()``: columns are named by their arguments' names, or by the columns that they are."""
    columns: list[NDArray[np.float64]] = []
    names: list[str] = []
    for argument in call.arguments:
        value = evaluator.value(argument.value)
        if isinstance(value, Matrix):
            columns.append(value.values)
            names += value.names or [""] * value.values.shape[1]
        else:
            columns.append(np.atleast_1d(evaluator.numbers(argument.value))[:, None])
            bare = argument.value.name if isinstance(argument.value, Name) else ""
            names.append(argument.name or bare)
    length = max(map(len, columns), default=0)
    if not length or any(len(column) not in (1, length) for column in columns):
        raise evaluator.refusal(call, "its columns are not all of the same length")
    values = np.hstack([np.broadcast_to(c, (length, c.shape[1])) for c in columns])
    return Matrix(values=values, names=tuple(names) if any(names) else None)


def _as_numeric(evaluator: Evaluating, call: Call) -> Value:
    node = matched(call, "x")["x"]
    value = evaluator.value(node)
    if isinstance(value, CodedFactor):
        value = value.factor
    if isinstance(value, Factor):
        return np.where(value.codes < 0, np.nan, value.codes + 1.0)
    numbers = evaluator.numbers(node)
    return np.trunc(numbers) if call.function == "as.integer" else numbers


def _as_logical(evaluator: Evaluating, call: Call) -> Value:
    return np.not_equal(evaluator.numbers(matched(call, "x")["x"]), 0)


def _scale(evaluator: Evaluating, call: Call) -> Value:
    found = matched(call, "x", "center", "scale")
    value = evaluator.value(found["x"])
    matrix = (
        value
        if isinstance(value, Matrix)
        else Matrix(values=evaluator.numbers(found["x"])[:, None])
    )

    def learn() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x = matrix.values
        for node in (found.get("center"), found.get("scale")):
            _require_one_a_column(evaluator, call, node, x.shape[1])
        centre = _asked(evaluator, found.get("center"), lambda: _known_mean(x), neutral=0.0)
        deviations = x - centre
        size = np.maximum(1, np.count_nonzero(~np.isnan(x), axis=0) - 1)
        spread = _asked(
            evaluator,
            found.get("scale"),
            lambda: np.sqrt(np.nansum(deviations**2, axis=0) / size),
            neutral=1.0,
        )
        return centre, spread

    centre, spread = evaluator.memory.recall(call, learn)
    return Matrix(values=(matrix.values - centre) / spread, names=matrix.names)


def _require_one_a_column(evaluator: Evaluating, call: Call, node: Node | None, width: int) -> None:
    """Raise where `scale()` gets numbers, but not one for each column, as R does."""
    if node is None:
        return
    given = evaluator.vector(node)
    if given.dtype.kind != "b" and given.size != width:
        raise evaluator.refusal(
            call, f"{deparse(node)} has {given.size} values, and scale() takes one for each column"
        )


def _known_mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means of columns over their rows that have a value, as in R's `scale()`."""
    known = ~np.isnan(x)
    # No np.nanmean, which warns of a column without values.
    return np.asarray(np.where(known, x, 0.0).sum(axis=0) / known.sum(axis=0))


def _asked(
    evaluator: Evaluating,
    node: Node | None,
    learn: Callable[[], NDArray[np.float64]],
    *,
    neutral: float,
) -> NDArray[np.float64]:
    """The value from the data for TRUE or no argument, `neutral` for FALSE, else the numbers."""
    given = None if node is None else evaluator.vector(node)
    if given is None or (given.dtype.kind == "b" and given):
        return learn()
    if given.dtype.kind == "b":
        return np.asarray(neutral)
    return given.astype(np.float64)


def _poly(evaluator: Evaluating, call: Call) -> Value:
    found = matched(call, "x", "degree", "raw", "simple")
    names = [argument.name for argument in call.arguments]
    if names.count(None) > 1 + ("degree" not in names):
        raise evaluator.unknown(call, "polynomials in several variables are not known here")
    x = evaluator.numbers(found["x"])
    degree = int(evaluator.number(found["degree"])) if "degree" in found else 1
    powers = tuple(str(power) for power in range(1, degree + 1))
    if evaluator.flag(found.get("raw"), default=False):
        return Matrix(values=x[:, None] ** np.arange(1, degree + 1), names=powers)

    def learn() -> OrthogonalPolynomials:
        if missing := int(np.isnan(x).sum()):
            raise evaluator.refusal(
                call, f"{deparse(found['x'])} has no value in {missing} of {len(x)} rows"
            )
        if len(np.unique(x)) <= degree:
            raise evaluator.refusal(call, f"a degree of {degree} needs {degree + 1} unique values")
        return OrthogonalPolynomials.learn(x, degree)

    return Matrix(values=evaluator.memory.recall(call, learn)(x), names=powers)


def _splines(evaluator: Evaluating, call: Call) -> Value:
    given = evaluator.numbers(spline_arguments(call)["x"])
    x = given[~np.isnan(given)]
    basis = evaluator.memory.recall(call, lambda: splines(evaluator, call, Values(x=x)))
    return _in_rows(given, basis(x))


def _in_rows(x: NDArray[np.float64], known: NDArray[np.float64]) -> Matrix:
    """The columns of a basis; NaN in rows where `x` is NaN, which are left out, as in R."""
    values = np.full((len(x), known.shape[1]), np.nan)
    values[~np.isnan(x)] = known
    return Matrix(values=values, names=tuple(str(i + 1) for i in range(values.shape[1])))


def _average(evaluator: Evaluating, call: Call) -> Value:
    """``ave()``: a summary of each group, in all of its rows; without groups that of the column.

    R would recompute it from new rows. Here a group keeps its value from the data of the model, and
    a new group has no value.
    """
    value, *groups = [a.value for a in call.arguments if a.name is None]
    summary = SUMMARIES[_function_of(call)]
    numbers = evaluator.numbers(value)
    if not groups:
        learnt = evaluator.memory.recall(call, lambda: float(summary(numbers)))
        return np.full(numbers.shape, learnt)
    factor = combined([part for group in groups for part in _crossed(evaluator, group)])

    def learn() -> dict[str, float]:
        order = np.argsort(factor.codes, kind="stable")
        ends = np.cumsum(np.bincount(factor.codes, minlength=len(factor.levels)))
        parts = np.split(numbers[order], ends[:-1])
        return {
            level: float(summary(part)) if part.size else np.nan
            for level, part in zip(factor.levels, parts, strict=True)
        }

    by_level = evaluator.memory.recall(call, learn)
    new = [level for level in used_levels(factor).levels if level not in by_level]
    if new:
        raise ColumnValueError(
            column=deparse(call),
            found=f"the groups {quoted(new)} did not occur in the data of the model",
            remedy="Leave these rows out, or compute the column in Python and fit the model to it.",
        )
    return np.array([by_level.get(level, np.nan) for level in factor.levels])[factor.codes]


def _crossed(evaluator: Evaluating, node: Node) -> list[Factor]:
    """A grouping of `ave()`, or those that ``:`` crosses, which are factors."""
    if not (isinstance(node, Binary) and node.operator == ":"):
        return [used_levels(as_factor(evaluator.value(node)))]
    for side in (node.left, node.right):
        nested = isinstance(side, Binary) and side.operator == ":"
        if not nested and not isinstance(evaluator.value(side), Factor):
            raise evaluator.refusal(
                node, f"':' crosses factors, and {deparse(side)} is none: give ave() both columns"
            )
    return [*_crossed(evaluator, node.left), *_crossed(evaluator, node.right)]


def _function_of(call: Call) -> str:
    named = next((a.value for a in call.arguments if a.name == "FUN"), None)
    return named.name if isinstance(named, Name) else "mean"


NUMBER_CALLS: Final[dict[str, Callable[[Evaluating, Call], Value]]] = {
    "I": _as_it_is,
    "identity": _as_it_is,
    "offset": _as_it_is,
    "log": _log,
    "round": _round,
    "atan2": _atan2,
    "pmin": _extreme(np.minimum),
    "pmax": _extreme(np.maximum),
    "ifelse": _ifelse,
    "c": _combined,
    "cbind": _bound,
    "as.numeric": _as_numeric,
    "as.integer": _as_numeric,
    "as.logical": _as_logical,
    "scale": _scale,
    "poly": _poly,
    "ave": _average,
    "bs": _splines,
    "ns": _splines,
}
