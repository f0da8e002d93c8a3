"""The operators and functions that work value by value, and those that sum a column up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pylme.model_matrix.values import Vector

__all__ = ["COMPARISONS", "ELEMENTWISE", "OPERATORS", "SUMMARIES"]


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
