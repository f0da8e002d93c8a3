"""The variables of a formula as expressions that an engine evaluates in its own rows.

Arithmetic, powers, comparisons and elementary functions of numbers; the same values as those of
`pylme.model_matrix.evaluation.evaluate`, to the rounding of the engine's functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.errors import NotAvailableError
from pylme.formula import Binary, Call, Constant, Name, Number, Paren, String, Unary, deparse
from pylme.model_matrix.evaluation.calls import matched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylme.formula import Node
    from pylme.frame.lazy_table import LazyTable

__all__ = ["ARITHMETIC", "CALLS", "Beside", "Operand", "columns", "expression"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A part of a formula whose values are in columns beside those of the data.

    Attributes
    ----------
    names : tuple of str
        These columns.
    truth : bool
        Whether they have truth values.
    """

    names: tuple[str, ...]
    truth: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operand:
    """A part of an expression.

    Attributes
    ----------
    value : narwhals.Expr or float
        A column, or a number that is the same in all rows.
    truth : bool
        Whether it has truth values.
    """

    value: Any
    truth: bool = False

    @property
    def number(self) -> Any:
        """As numbers: truth is one."""
        return self.value.cast(nw.Float64) if self.truth else self.value

    @property
    def constant(self) -> bool:
        """Whether it is the same in all rows."""
        return not isinstance(self.value, nw.Expr)


def _log(x: Any) -> Any:
    return x.log()


_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "abs": lambda x: x.abs(),
    "exp": lambda x: x.exp(),
    "sqrt": lambda x: x.sqrt(),
    "log2": lambda x: x.log(2.0),
    "log10": lambda x: x.log(10.0),
    "floor": lambda x: x.floor(),
    "ceiling": lambda x: x.ceil(),
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_AS_IT_IS: Final = frozenset({"I", "identity", "as.numeric", "offset"})
#: The functions and operators that engines evaluate; summaries are numbers that were learnt.
CALLS: Final = frozenset({*_FUNCTIONS, *_AS_IT_IS, "log", "ifelse", "scale", "poly"})
ARITHMETIC: Final = frozenset(_OPERATORS)
_CONSTANTS: Final = {"TRUE": 1.0, "FALSE": 0.0, "T": 1.0, "F": 0.0, "pi": float(np.pi)}


def expression(node: Node, table: LazyTable, known: Mapping[str, Any] | None = None) -> Operand:
    """A variable as an expression of columns.

    Parameters
    ----------
    node : Node
    table : LazyTable
    known : mapping, optional
        What calls learnt from whole columns, by their texts.

    Raises
    ------
    NotAvailableError
        If an engine cannot evaluate it, with the part and what to do.
    """
    return _Expressions(node, table, known or {}).of(node)


def columns(node: Node, table: LazyTable, known: Mapping[str, Any]) -> list[Any]:
    """The columns of a numeric variable, which are several for a polynomial or a spline."""
    beside = known.get(deparse(node))
    if isinstance(beside, Beside) and not beside.truth:
        return [nw.col(name) for name in beside.names]
    if not (isinstance(node, Call) and node.function == "poly"):
        return [expression(node, table, known).number]
    found = matched(node, "x", "degree", "raw", "simple")
    x = expression(found["x"], table, known).number
    polynomials = known.get(deparse(node))
    if polynomials is None:
        degree = found.get("degree", Number(value=1.0))
        most = int(degree.value) if isinstance(degree, Number) else 1
        return [x**power if power > 1 else x for power in range(1, most + 1)]
    made: list[Any] = [1.0, x - float(polynomials.alpha[0])]
    ratios = polynomials.norm2[1:] / polynomials.norm2[:-1]
    for alpha, ratio in zip(polynomials.alpha[1:].tolist(), ratios.tolist(), strict=False):
        made.append((x - alpha) * made[-1] - ratio * made[-2])
    sizes = np.sqrt(polynomials.norm2[1:]).tolist()
    return [each / size for each, size in zip(made[1:], sizes, strict=True)]


class _Expressions:
    def __init__(self, whole: Node, table: LazyTable, known: Mapping[str, Any]) -> None:
        self._whole = whole
        self._table = table
        self._known = known

    def of(self, node: Node) -> Operand:
        beside = self._known.get(deparse(node)) if self._known else None
        if isinstance(beside, Beside):
            if len(beside.names) > 1:
                raise self._refusal(node, f"it has {len(beside.names)} columns")
            return Operand(value=nw.col(beside.names[0]), truth=beside.truth)
        match node:
            case Name(name=name):
                return self._column(name)
            case Number(value=number):
                return Operand(value=float(number))
            case Constant(text=text) if text in _CONSTANTS:
                return Operand(value=_CONSTANTS[text])
            case Paren(inner=inner):
                return self.of(inner)
            case Unary(operator="-", operand=inner):
                return Operand(value=-self.of(inner).number)
            case Unary(operator="+", operand=inner):
                return Operand(value=self.of(inner).number)
            case Unary(operator="!", operand=inner) if (whole := self.of(inner)).truth:
                return Operand(value=~whole.value, truth=True)
            case Binary(operator=operator, left=left, right=right) if operator in _OPERATORS:
                return self._arithmetic(operator, self.of(left), self.of(right))
            case Binary(operator="&" | "|" as operator, left=left, right=right):
                return self._both(node, operator, self.of(left), self.of(right))
            case Binary(operator=operator) if operator in _COMPARISONS:
                return self._comparison(node)
            case Call():
                return self._call(node)
        raise self._refusal(node)

    def _column(self, name: str) -> Operand:
        if name not in self._table.types and name in _CONSTANTS:
            return Operand(value=_CONSTANTS[name])
        column = nw.col(name)
        if self._table.is_truth(name):
            return Operand(value=column, truth=True)
        if self._table.is_number(name):
            return Operand(value=column.cast(nw.Float64))
        raise self._refusal(Name(name=name), f"it is of type {self._table.types[name]}")

    @staticmethod
    def _arithmetic(operator: str, left: Operand, right: Operand) -> Operand:
        a, b = left.number, right.number
        if operator == "^" and left.constant and not right.constant:
            # A column in the exponent alone: engines take columns to constant powers.
            return Operand(value=(b * float(np.log(a))).exp())
        return Operand(value=_OPERATORS[operator](a, b))

    def _both(self, node: Node, operator: str, left: Operand, right: Operand) -> Operand:
        if not (left.truth and right.truth):
            raise self._refusal(node, "both sides need truth values")
        value = left.value & right.value if operator == "&" else left.value | right.value
        return Operand(value=value, truth=True)

    def _comparison(self, node: Binary) -> Operand:
        compare = _COMPARISONS[node.operator]
        for one, other, turned in ((node.left, node.right, False), (node.right, node.left, True)):
            if isinstance(one, Name) and isinstance(other, String):
                if node.operator not in {"==", "!="} or one.name not in self._table.types:
                    raise self._refusal(node, "text is compared by == and != alone")
                sides = (nw.col(one.name), nw.lit(other.value))
                return Operand(value=compare(*(sides[::-1] if turned else sides)), truth=True)
        left, right = self.of(node.left), self.of(node.right)
        if left.constant and right.constant:
            raise self._refusal(node, "it names no column")
        return Operand(value=compare(left.number, right.number), truth=True)

    def _call(self, call: Call) -> Operand:
        name = call.function
        learnt = self._known.get(deparse(call))
        if name == "scale" and learnt is not None:
            centre, spread = (float(part[0]) for part in learnt)
            return Operand(
                value=(self.of(matched(call, "x", "center", "scale")["x"]).number - centre) / spread
            )
        if isinstance(learnt, np.ndarray):
            return Operand(value=float(learnt))
        if name in _AS_IT_IS:
            return self.of(matched(call, "x")["x"])
        if name in _FUNCTIONS:
            inner = self.of(matched(call, "x")["x"])
            return Operand(value=_FUNCTIONS[name](_column_of(inner)))
        if name == "log":
            found = matched(call, "x", "base")
            value = _log(_column_of(self.of(found["x"])))
            if "base" in found:
                base = self.of(found["base"])
                if not base.constant:
                    raise self._refusal(call, "its base is a column")
                value = value / float(np.log(base.value))
            return Operand(value=value)
        if name == "ifelse":
            found = matched(call, "test", "yes", "no", needed=3)
            test, yes, no = (self.of(found[part]) for part in ("test", "yes", "no"))
            if test.truth:
                then = nw.when(test.value).then(_column_of(yes)).otherwise(_column_of(no))
                return Operand(value=nw.when(~test.value.is_null()).then(then))
        raise self._refusal(call)

    def _refusal(self, node: Node, found: str = "") -> NotAvailableError:
        part = deparse(node)
        reason = found or f"{part!r} is not among what engines of lazy data evaluate for pylme"
        return NotAvailableError(
            asked=f"Evaluating {deparse(self._whole)!r} where the rows are",
            found=reason if not found else f"{part!r}: {found}",
            remedy="Add it as a column in the engine of the data and name that column in the "
            "formula, or collect the data into memory.",
        )


def _column_of(operand: Operand) -> Any:
    """As an expression, whether it is a column or a constant."""
    return nw.lit(operand.value) if operand.constant else operand.number
