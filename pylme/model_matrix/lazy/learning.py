"""What calls of a formula learn from a whole column: means, scales, polynomials, knots.

With t = (x - mean)/h, h half the range, the moments Σ tᵏ of two passes give the mean, the standard
deviation, and the polynomials that are orthogonal on the data: the Cholesky factor of the cross
products of the powers of t has their norms on its diagonal (Kennedy & Gentle 1980, Statistical
Computing, pp. 343-344, for the recurrence whose parameters are kept).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from pylme.errors import NotAvailableError
from pylme.formula import Call, Constant, Number, deparse, walk
from pylme.model_matrix.evaluation.bases import OrthogonalPolynomials
from pylme.model_matrix.evaluation.calls import Memory, matched
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.splines import spline_arguments, splines
from pylme.model_matrix.lazy.expressions import Beside, expression
from pylme.model_matrix.lazy.first_pass import require_finite
from pylme.model_matrix.lazy.order_statistics import LazyColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pylme.formula import Node
    from pylme.frame.lazy_table import LazyTable
    from pylme.model_matrix.evaluation.bases import BSplines, NaturalSplines

__all__ = ["LEARNING", "learning_calls", "learnt", "remembered"]

_SUMMARIES: Final = frozenset({"sum", "mean", "sd", "var", "min", "max", "length"})
_SPLINES: Final = frozenset({"bs", "ns"})
#: Calls whose value in one row depends on all rows.
LEARNING: Final = _SUMMARIES | _SPLINES | {"scale", "poly", "median", "ave"}
_HIGHEST: Final = 6


class _Moments(NamedTuple):
    """Of a column: how many values, their range and mean, and Σ tᵏ from k = 0."""

    n: int
    low: float
    high: float
    mean: float
    half: float
    powers: NDArray[np.float64]


def learning_calls(nodes: Iterable[Node]) -> list[Call]:
    """The calls in these variables that learn from whole columns, those within others first."""
    calls = {
        deparse(part): part
        for node in nodes
        for part in walk(node)
        if isinstance(part, Call)
        and part.function in LEARNING
        and not (part.function == "poly" and _is_raw(part))
    }
    return [calls[text] for text in sorted(calls, key=len)]


def learnt(call: Call, table: LazyTable, names: Sequence[str], known: Mapping[str, Any]) -> Any:
    """What a call learns, as `Memory` keeps it.

    Parameters
    ----------
    call : Call
    table : LazyTable
    names : sequence of str
        The columns of the model: calls learn from the rows in which none lacks a value.
    known : mapping
        What calls within this one learnt, by their texts.

    Raises
    ------
    NotAvailableError
        If neither sums nor counts give what it learns.
    """
    if call.function == "ave":
        raise NotAvailableError(
            asked=f"Evaluating {deparse(call)!r} where the rows are",
            found="ave() learns a value for each group of rows",
            remedy="Add its column in the engine of the data and name it in the formula, or "
            "collect the data into memory.",
        )
    if call.function in _SPLINES:
        return _splines(call, table, names, known)
    if call.function == "median":
        rows = _rows_of(matched(call, "x")["x"], table, names, known)
        return np.asarray(LazyColumn.of(rows).median())
    return _of_moments(call, table, names, known)


def remembered(known: Mapping[str, Any], nodes: Iterable[Node]) -> Memory:
    """A memory of what the calls in these variables learnt."""
    memory = Memory()
    for node in nodes:
        for part in walk(node):
            value = known.get(deparse(part)) if isinstance(part, Call) else None
            if value is not None and not isinstance(value, Beside):
                memory.recall(part, partial(_same, value))
    return memory


def _same(value: Any) -> Any:
    return value


def _is_raw(call: Call) -> bool:
    found = matched(call, "x", "degree", "raw", "simple")
    return isinstance(flag := found.get("raw"), Constant) and flag.text == "TRUE"


def _of_moments(
    call: Call, table: LazyTable, names: Sequence[str], known: Mapping[str, Any]
) -> Any:
    if call.function == "scale":
        found = matched(call, "x", "center", "scale")
        centred, scaled = (_flag(call, found.get(part)) for part in ("center", "scale"))
        moments = _moments(found["x"], table, names, known, highest=2)
        centre = moments.mean if centred else 0.0
        # As R has it: the root mean square where no mean is taken.
        squares = _squares(moments, about=centre)
        spread = float(np.sqrt(squares / max(1, moments.n - 1))) if scaled else 1.0
        return np.array([centre]), np.array([spread])
    if call.function == "poly":
        found = matched(call, "x", "degree", "raw", "simple")
        degree = found.get("degree", Number(value=1.0))
        if not isinstance(degree, Number) or not 1 <= degree.value <= _HIGHEST:
            raise _unlearnable(call, f"its degree is not a number from 1 to {_HIGHEST}")
        return _polynomials(
            _moments(found["x"], table, names, known, highest=2 * int(degree.value)),
            int(degree.value),
        )
    moments = _moments(matched(call, "x")["x"], table, names, known, highest=2)
    squares = _squares(moments, about=moments.mean)
    value = {
        "sum": moments.mean * moments.n,
        "mean": moments.mean,
        "var": squares / max(1, moments.n - 1),
        "sd": np.sqrt(squares / max(1, moments.n - 1)),
        "min": moments.low,
        "max": moments.high,
        "length": moments.n,
    }[call.function]
    return np.asarray(value, dtype=np.float64)


def _flag(call: Call, node: Node | None) -> bool:
    if node is None:
        return True
    if isinstance(node, Constant) and node.text in {"TRUE", "FALSE"}:
        return node.text == "TRUE"
    raise _unlearnable(call, f"{deparse(node)} is neither TRUE nor FALSE")


def _unlearnable(call: Call, found: str) -> NotAvailableError:
    return NotAvailableError(
        asked=f"Evaluating {deparse(call)!r} where the rows are",
        found=found,
        remedy="Write the numbers themselves, or add the column in the engine of the data.",
    )


def _moments(
    node: Node, table: LazyTable, names: Sequence[str], known: Mapping[str, Any], *, highest: int
) -> _Moments:
    """The moments of an expression, by two passes over the rows without missing values."""
    rows = _rows_of(node, table, names, known)
    x = nw.col("x")
    n, low, high, total = (
        rows.select(n=nw.len(), low=x.min(), high=x.max(), total=x.sum()).collect().rows()[0]
    )
    if not n:
        return _Moments(0, 0.0, 0.0, 0.0, 1.0, np.zeros(highest + 1))
    mean, half = float(total) / n, 0.5 * (high - low) or 1.0
    t = (x - mean) / half
    powers = [t]
    while len(powers) < highest:
        powers.append(powers[-1] * t)
    made = rows.select(**{f"t{k}": power for k, power in enumerate(powers, 1)})
    sums = made.select(*(nw.col(f"t{k}").sum() for k in range(1, highest + 1))).collect().rows()[0]
    return _Moments(int(n), float(low), float(high), mean, half, np.array([n, *sums], dtype=float))


def _rows_of(
    node: Node, table: LazyTable, names: Sequence[str], known: Mapping[str, Any]
) -> nw.LazyFrame[Any]:
    """The values of an expression as the column ``x``, in the rows without missing values."""
    present = nw.all_horizontal(*(~table.missing(name) for name in names), ignore_nulls=False)
    x = expression(node, table, known).number
    rows = table.frame.filter(present).select(x=x).filter(~nw.col("x").is_null())
    return rows.filter(~nw.col("x").is_nan())


def _splines(
    call: Call, table: LazyTable, names: Sequence[str], known: Mapping[str, Any]
) -> BSplines | NaturalSplines:
    """The basis of a spline, whose knots may be quantiles."""
    argument = spline_arguments(call)["x"]
    column = LazyColumn.of(_rows_of(argument, table, names, known))
    require_finite([(deparse(argument), column.low, column.high)])
    return splines(Evaluator({}, 0, remembered(known, [call])), call, column)


def _squares(moments: _Moments, *, about: float) -> float:
    """Σ (x - about)²."""
    shift = moments.mean - about
    central = moments.half**2 * moments.powers[2] + 2 * shift * moments.half * moments.powers[1]
    return float(central + moments.n * shift**2)


def _polynomials(moments: _Moments, degree: int) -> OrthogonalPolynomials:
    """The polynomials that are orthonormal on the data."""
    powers = moments.powers
    places = np.arange(degree + 1)
    R = np.linalg.cholesky(powers[places[:, None] + places]).T
    # Column j: the coefficients of the polynomial of degree j with leading coefficient 1.
    monic = np.linalg.inv(R) * np.diag(R)
    norms = np.diag(R) ** 2
    alpha = []
    for j in range(degree):
        square = np.convolve(monic[: j + 1, j], monic[: j + 1, j])
        alpha.append(powers[1 : len(square) + 1] @ square / norms[j])
    return OrthogonalPolynomials(
        alpha=moments.mean + moments.half * np.array(alpha),
        norm2=norms * moments.half ** (2.0 * places),
    )
