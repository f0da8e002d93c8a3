"""The elementwise operators and functions of formulas, for numbers, dates and times.

Dates and times follow R's rules for its classes Date and POSIXct. By itself a date is the number of
days since 1970-01-01, and a time the number of seconds. As a factor it has the labels that R
writes. R adds and subtracts numbers, subtracts dates from one another and compares; it defines
neither products nor functions such as ``log()``.

The difference of two times is refused: R chooses seconds, minutes, hours or days according to the
smallest difference in the data, so that other rows could get other units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import special

from pylme.errors import FormulaError
from pylme.formula import String, deparse
from pylme.model_matrix.evaluation.values import Times

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.formula import Binary, Node
    from pylme.model_matrix.evaluation.calls import Evaluating
    from pylme.model_matrix.evaluation.values import Value, Vector

__all__ = [
    "COMPARISONS",
    "ELEMENTWISE",
    "OPERATORS",
    "SUMMARIES",
    "compared",
    "shifted",
    "undefined",
]


def _spread(x: NDArray[np.float64]) -> Any:
    return np.std(x, ddof=1)


def _variance(x: NDArray[np.float64]) -> Any:
    return np.var(x, ddof=1)


def _power(x: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    return np.float_power(x, y)


OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": _power,
    "%%": np.mod,
    "%/%": np.floor_divide,
}

COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "&": np.logical_and,
    "|": np.logical_or,
}

#: Functions of one number.
ELEMENTWISE: Final[dict[str, Callable[[Any], Any]]] = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "expm1": np.expm1,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceiling": np.ceil,
    "trunc": np.trunc,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "plogis": special.expit,
    "qlogis": special.logit,
    "pnorm": special.ndtr,
    "qnorm": special.ndtri,
}

#: Functions of a whole column.
SUMMARIES: Final[dict[str, Callable[[Vector], Any]]] = {
    "sum": np.sum,
    "mean": np.mean,
    "median": np.median,
    "sd": _spread,
    "var": _variance,
    "min": np.min,
    "max": np.max,
    "length": np.size,
}


_ADDITIVE: Final = frozenset({"+", "-"})


def undefined(node: Node, inner: Node) -> FormulaError:
    """The error for an operation that R does not define for dates and times."""
    text = deparse(inner)
    return FormulaError(
        asked=f"Evaluating {deparse(node)!r}",
        found=f"{text!r} is a date or a time, for which R does not define this",
        remedy=f"Write as.numeric({text}) in its place: days since 1970-01-01 of a date, seconds "
        "of a time.",
    )


def shifted(evaluator: Evaluating, node: Binary, left: Value, right: Value) -> Value:
    """A sum or difference in which at least one side is a date or a time."""
    first = node.left if isinstance(left, Times) else node.right
    if node.operator not in _ADDITIVE:
        raise undefined(node, first)
    if isinstance(left, Times) and isinstance(right, Times):
        return _difference(node, left, right)
    if isinstance(left, Times):
        sign = 1 if node.operator == "+" else -1
        return _moved(left, sign * evaluator.plain(node.right))
    if node.operator == "-":
        raise undefined(node, first)
    assert isinstance(right, Times)  # noqa: S101  (one of both sides is)
    return _moved(right, evaluator.plain(node.left))


def _moved(times: Times, by: NDArray[np.float64]) -> Times:
    return Times(values=np.asarray(times.values + by), days=times.days, tz=times.tz)


def _difference(node: Binary, left: Times, right: Times) -> Value:
    if node.operator == "+" or left.days != right.days:
        raise undefined(node, node.left)
    if left.days:
        return np.asarray(left.values - right.values)
    raise FormulaError(
        asked=f"Evaluating {deparse(node)!r}",
        found="R chooses the unit of a difference of two times by the data, from seconds to days",
        remedy=f"Write as.numeric({deparse(node.left)}) - as.numeric({deparse(node.right)}), "
        "which is in seconds, within I() or another call; or compute the column in Python.",
    )


def compared(
    evaluator: Evaluating, node: Binary, function: Callable[[Any, Any], Any]
) -> Value | None:
    """A comparison with a date or a time; None where neither side is one."""
    sides = [None if isinstance(s, String) else evaluator.value(s) for s in (node.left, node.right)]
    times = next((side for side in sides if isinstance(side, Times)), None)
    if times is None:
        return None
    numbers = [
        _counted(evaluator, node, part, side, times)
        for part, side in zip((node.left, node.right), sides, strict=True)
    ]
    return np.asarray(function(*numbers))


def _counted(
    evaluator: Evaluating, node: Binary, part: Node, side: Value | None, times: Times
) -> NDArray[np.float64]:
    if isinstance(side, Times):
        if side.days != times.days:
            raise evaluator.refusal(node, "it compares a date with a time")
        return side.values
    if not isinstance(part, String):
        return evaluator.plain(part)
    if times.days:
        try:
            return np.asarray(np.datetime64(part.value, "D").astype(np.float64))
        except ValueError:
            raise evaluator.refusal(node, f"{part.value!r} is not a date") from None
    raise FormulaError(
        asked=f"Evaluating {deparse(node)!r}",
        found="R reads the text in the time zone of the machine",
        remedy="Compare in Python, and name the column of truth values in the formula.",
    )
