"""The variables of a formula computed from the columns of a frame, without R.

The results equal R's up to rounding errors. A function that formulas may call but that pylme cannot
evaluate (`cut()`, `paste()`, …) is refused by name: only lme4 accepts it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import FormulaError, NotAvailableError, UnknownColumnError
from pylme.formula import (
    Argument,
    Binary,
    Call,
    Constant,
    Name,
    Number,
    Paren,
    String,
    Unary,
    deparse,
)
from pylme.frame import Computed, Factor
from pylme.model_matrix.evaluation.calls import matched
from pylme.model_matrix.evaluation.factor_calls import FACTOR_CALLS
from pylme.model_matrix.evaluation.number_calls import NUMBER_CALLS
from pylme.model_matrix.evaluation.operations import (
    COMPARISONS,
    ELEMENTWISE,
    OPERATORS,
    SUMMARIES,
    compared,
    shifted,
    undefined,
)
from pylme.model_matrix.evaluation.values import (
    CodedFactor,
    Matrix,
    Times,
    as_factor,
    factor_on,
    of_column,
)
from pylme.text import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.formula import Node
    from pylme.frame import Column
    from pylme.model_matrix.evaluation.calls import Memory
    from pylme.model_matrix.evaluation.values import Value, Vector

__all__ = ["Evaluator"]

_CONSTANTS: Final[dict[str, object]] = {
    "TRUE": True,
    "FALSE": False,
    "Inf": np.inf,
    "NaN": np.nan,
    "NA": np.nan,
    "NA_real_": np.nan,
    "NA_integer_": np.nan,
}
#: Summaries of a column of dates that are no dates.
_SPREADS: Final = frozenset({"sd", "var", "length"})
_R_VALUES: Final[dict[str, object]] = {"T": True, "F": False, "pi": np.pi}


class Evaluator:
    """Evaluates nodes on columns.

    Parameters
    ----------
    columns : mapping
        The columns of a frame, by name.
    nrow : int
    memory : Memory
        Parameters that calls learnt from the data of the model. If it is empty, they learn from
        these columns.
    """

    def __init__(self, columns: Mapping[str, Column], nrow: int, memory: Memory) -> None:
        self.columns = columns
        self._nrow = nrow
        self.memory = memory
        self._computed = {
            name: column for name, column in columns.items() if isinstance(column, Computed)
        }

    def variable(self, node: Node) -> Value:
        """The value of a variable of the model, one for each row.

        Raises
        ------
        NotAvailableError
            If it calls a function that pylme cannot evaluate.
        FormulaError
            If its length is not that of the data, or it has no meaning.
        """
        with np.errstate(all="ignore"):
            value = self.value(node)
        match value:
            case Matrix(values=values):
                length = len(values)
            case CodedFactor(factor=factor) | (Factor() as factor):
                length = len(factor.codes)
            case Times(values=numbers):
                length = numbers.size if numbers.ndim else 0
            case vector:
                length = vector.size
        if length != self._nrow or (isinstance(value, np.ndarray) and value.ndim == 0):
            raise self.refusal(
                node, f"it has {length} value{'s' if length != 1 else ''} for {self._nrow} rows"
            )
        if isinstance(value, np.ndarray) and value.dtype.kind == "U":
            raise self.unknown(node, "text in it becomes a factor in R alone")
        return value

    def value(self, node: Node) -> Value:
        """The value of a node, of whatever length."""
        if self._computed and (known := self._computed.get(deparse(node))) is not None:
            return of_column(known)
        value = self._value(node)
        if not isinstance(value, Times) or value.days:
            return value
        # New rows are labelled as those of the model were, which may have had other hours.
        call = Call(function="format", arguments=(Argument(value=node),))
        return replace(value, clock=self.memory.recall(call, lambda: value.has_clock))

    def _value(self, node: Node) -> Value:
        match node:
            case Name(name=name):
                return self._named(name)
            case Number(value=number):
                return np.asarray(number, dtype=np.float64)
            case String(value=text):
                return np.asarray(text)
            case Constant(text=text) if text in _CONSTANTS:
                return np.asarray(_CONSTANTS[text])
            case Paren(inner=inner):
                return self.value(inner)
            case Unary(operator="!", operand=inner):
                return np.logical_not(self.vector(inner))
            case Unary(operator="-", operand=inner):
                return self._each(np.negative, inner)
            case Unary(operator="+", operand=inner):
                return self._each(np.positive, inner)
            case Binary(operator=operator) if operator in OPERATORS:
                return self._operation(node)
            case Binary(operator=operator) if operator in COMPARISONS:
                return self._comparison(node)
            case Binary(operator=":", left=left, right=right):
                first, last = self.number(left), self.number(right)
                step = 1 if last >= first else -1
                return np.arange(first, last + step / 2, step)
            case Call():
                return self._called(node)
        raise self.unknown(node, "pylme cannot evaluate this")

    def numbers(self, node: Node) -> NDArray[np.float64]:
        """A numeric vector; a matrix of one column is one, dates are days and times seconds."""
        value = self.value(node)
        return value.values if isinstance(value, Times) else self._plain(node, value)

    def plain(self, node: Node) -> NDArray[np.float64]:
        """A numeric vector; dates and times are refused."""
        value = self.value(node)
        if isinstance(value, Times):
            raise undefined(node, node)
        return self._plain(node, value)

    def _plain(self, node: Node, value: Value) -> NDArray[np.float64]:
        if isinstance(value, Matrix) and value.values.shape[1] == 1:
            return value.values[:, 0]
        if isinstance(value, np.ndarray) and value.dtype.kind in "fbi":
            return value.astype(np.float64, copy=False)
        raise self.refusal(node, "it is not numeric")

    def vector(self, node: Node) -> Vector:
        """A vector of any type."""
        value = self.value(node)
        if isinstance(value, np.ndarray):
            return value
        raise self.refusal(node, "it is not a vector")

    def number(self, node: Node) -> float:
        """A single number."""
        values = self.numbers(node)
        if values.size != 1:
            raise self.refusal(node, "a single number is needed")
        return float(values.reshape(()))

    def flag(self, node: Node | None, *, default: bool) -> bool:
        """A single truth value; the default where no argument is given."""
        return default if node is None else bool(self.number(node))

    def texts(self, node: Node) -> tuple[str, ...]:
        """Strings, or numbers as the levels that they name."""
        values = np.atleast_1d(self.vector(node))
        if values.dtype.kind == "U":
            return tuple(values.tolist())
        factor = as_factor(values)
        return tuple(factor.levels[code] for code in factor.codes.tolist())

    def factor(self, call: Node, node: Node) -> Factor:
        """A factor with the levels of the first evaluation of the call; new levels come last."""
        factor = as_factor(self.value(node))
        return factor_on(factor, self.memory.recall(call, lambda: factor.levels))

    def unknown(self, node: Node, found: str) -> NotAvailableError:
        """The error for a node that R may evaluate, but pylme cannot."""
        return NotAvailableError(
            asked=f"Evaluating {deparse(node)!r} without R",
            found=found,
            remedy="Compute the column in Python and name it in the formula.",
        )

    def refusal(self, node: Node, found: str) -> FormulaError:
        """The error for a node that has no value in R either."""
        return FormulaError(
            asked=f"Evaluating {deparse(node)!r}",
            found=found,
            remedy="Compute the column in Python and name it in the formula.",
        )

    def _named(self, name: str) -> Value:
        if name in self.columns:
            return of_column(self.columns[name])
        if name in _R_VALUES:
            return np.asarray(_R_VALUES[name])
        raise UnknownColumnError(name=name, available=tuple(self.columns))

    def _numeric(self, node: Node) -> Vector | Matrix:
        value = self.value(node)
        if isinstance(value, Times):
            raise undefined(node, node)
        if isinstance(value, Matrix) or (
            isinstance(value, np.ndarray) and value.dtype.kind in "fbi"
        ):
            return value
        raise self.refusal(node, "it is not numeric")

    def _each(self, function: Any, node: Node) -> Value:
        value = self._numeric(node)
        if isinstance(value, Matrix):
            return Matrix(values=function(value.values), names=value.names)
        return np.asarray(function(value.astype(np.float64, copy=False)))

    def _operation(self, node: Binary) -> Value:
        function = OPERATORS[node.operator]
        sides = self.value(node.left), self.value(node.right)
        if any(isinstance(side, Times) for side in sides):
            return shifted(self, node, *sides)
        operands = self._numeric(node.left), self._numeric(node.right)
        named = next((part for part in operands if isinstance(part, Matrix)), None)
        arrays = [self._aligned(part, matrix=named is not None) for part in operands]
        try:
            result = np.asarray(function(*arrays), dtype=np.float64)
        except ValueError:
            raise self.unknown(node, "the two sides have different lengths") from None
        return result if named is None else Matrix(values=result, names=named.names)

    @staticmethod
    def _aligned(part: Vector | Matrix, *, matrix: bool) -> NDArray[np.float64]:
        if isinstance(part, Matrix):
            return part.values
        numbers = part.astype(np.float64, copy=False)
        return numbers[:, None] if matrix and numbers.ndim else numbers

    def _comparison(self, node: Binary) -> Value:
        if (answer := compared(self, node, COMPARISONS[node.operator])) is not None:
            return answer
        sides = [(self.value(node.left), node.right), (self.value(node.right), node.left)]
        for value, other in sides:
            if isinstance(value, Factor):
                return self._level_test(node, value, other)
        left, right = self.vector(node.left), self.vector(node.right)
        return np.asarray(COMPARISONS[node.operator](left, right))

    def _level_test(self, node: Binary, factor: Factor, other: Node) -> Value:
        """A factor compared with one of its levels; only an ordered one has smaller and larger."""
        levels = self.texts(other)
        if len(levels) != 1:
            raise self.unknown(node, "a factor can be compared with one of its levels")
        same = np.array([*(text == levels[0] for text in factor.levels), False])[factor.codes]
        if node.operator in ("==", "!="):
            return np.asarray(same if node.operator == "==" else ~same)
        if not factor.ordered:
            raise self.refusal(
                node, f"the levels {quoted(factor.levels)} have no order: == and != compare them"
            )
        if levels[0] not in factor.levels:
            raise self.refusal(node, f"{levels[0]!r} is not among {quoted(factor.levels)}")
        compare, place = COMPARISONS[node.operator], factor.levels.index(levels[0])
        sides = (place, factor.codes) if other is node.left else (factor.codes, place)
        return np.where(factor.codes < 0, np.nan, compare(*sides))

    def _called(self, call: Call) -> Value:
        name = call.function
        if name in ELEMENTWISE:
            return self._each(ELEMENTWISE[name], matched(call, "x")["x"])
        if name in SUMMARIES:
            node = matched(call, "x")["x"]
            return self.memory.recall(call, lambda: self._summary(call, node))
        special = NUMBER_CALLS.get(name) or FACTOR_CALLS.get(name)
        if special is None:
            near = nearest(name, [*ELEMENTWISE, *SUMMARIES, *NUMBER_CALLS, *FACTOR_CALLS])
            raise self.unknown(
                call,
                f"{name}() is not among the functions that pylme evaluates without R"
                + (f"; the nearest that is: {near[0]}()" if near else ""),
            )
        return special(self, call)

    def _summary(self, call: Call, node: Node) -> Value:
        """One value of a whole column; the mean or an extreme of dates is a date."""
        summary = SUMMARIES[call.function]
        value = self.value(node)
        if not isinstance(value, Times) or call.function in _SPREADS:
            return np.asarray(summary(self.numbers(node)), float)
        if call.function == "sum":
            raise undefined(call, node)
        return replace(value, values=np.asarray(summary(value.values), float))
