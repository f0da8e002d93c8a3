"""The variables of a model on lazy data: what they are, and their expressions.

What a variable is, is found on a few rows, by the evaluation that rows in memory have; a factor's
levels from the distinct values of its column. The few rows and all levels make a *sketch* of the
data, from which names, codings and everything else that depends on no row is learnt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.arrays import locked
from pylme.errors import NotAvailableError, SortedLevelsWarning
from pylme.formula import Call, Name, walk
from pylme.frame import Column, Factor, Frame, Rows, read_frame
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times, Value, as_factor
from pylme.model_matrix.lazy.expressions import columns, expression
from pylme.model_matrix.lazy.factors import LazyFactor
from pylme.model_matrix.lazy.learning import LEARNING
from pylme.model_matrix.variables import evaluated
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.formula import Formula, FormulaTerms, Node
    from pylme.frame.lazy_table import LazyTable

__all__ = ["Sketch", "effects_of", "sketched"]

#: Rows that show what the columns are.
_FEW: Final = 64
#: Distinct values of a column whose levels have coefficients each.
_MOST_LEVELS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sketch:
    """Few rows with the types and levels of all.

    Attributes
    ----------
    frame : Frame
    values : mapping
        The variables of the model in these rows, by their texts.
    memory : Memory
        What their calls learnt.
    numbers : mapping of str to tuple of narwhals.Expr
        The columns of each numeric variable.
    known : mapping
        What calls learnt from whole columns, and which parts are columns beside the data, by their
        texts.
    factors : mapping of str to LazyFactor
        The variables that are factors and not only group.
    """

    frame: Frame
    values: Mapping[str, Value]
    memory: Memory
    numbers: Mapping[str, tuple[nw.Expr, ...]]
    known: Mapping[str, Any]
    factors: Mapping[str, LazyFactor]


def sketched(
    table: LazyTable,
    names: Sequence[str],
    formula: Formula,
    terms: FormulaTerms,
    *,
    known: Mapping[str, Any],
    memory: Memory,
    absent: Mapping[str, frozenset[Any]],
) -> Sketch | None:
    """A sketch of the data; None where no row is complete.

    Parameters
    ----------
    table : LazyTable
    names : sequence of str
        The columns that the model uses.
    formula : Formula
    terms : FormulaTerms
    known : mapping
        What calls learnt from whole columns, and which parts are columns beside the data.
    memory : Memory
        Of the former.
    absent : mapping
        By column, values that occur in no complete row.
    """
    only_grouping = formula.only_grouping_in(names)
    complete = [~table.missing(name) for name in names]
    few = table.frame.select(*names).filter(*complete).head(_FEW).collect()
    if not len(few):
        return None
    with silenced(SortedLevelsWarning):
        first = read_frame(few.to_native(), names, as_factor=only_grouping)
    effects = effects_of(terms)
    kinds = evaluated(effects, Evaluator(first.columns, first.nrow, memory.copy()))
    local = {name for part in terms.random for name in part.names & set(part.terms.texts)}
    distinct: dict[str, _Distinct] = {}
    for text, node in effects.items():
        if isinstance(kinds[text], Factor | CodedFactor) or text in local:
            for name in _names_in(node, names):
                if name not in distinct:
                    distinct[name] = _distinct(table, name, absent.get(name, frozenset()))
    frame = _with_levels(first, {name: each.column for name, each in distinct.items()})
    memory = memory.copy()
    values = evaluated(terms.variables, Evaluator(frame.columns, frame.nrow, memory))
    numbers: dict[str, tuple[nw.Expr, ...]] = {}
    factors: dict[str, LazyFactor] = {}
    for text, node in effects.items():
        value = values[text]
        match value:
            case Factor() | CodedFactor():
                factors[text] = _factor(text, node, value, distinct, types=table.types)
            case np.ndarray() if value.dtype.kind == "b":
                truth = expression(node, table, known).value
                factors[text] = LazyFactor(column=truth, values=((False,), (True,)))
            case Times():
                raise _unsupported(text)
            case Matrix(values=matrix):
                numbers[text] = tuple(columns(node, table, known))
                if len(numbers[text]) != matrix.shape[1]:
                    raise _unsupported(text)
            case _:
                numbers[text] = tuple(columns(node, table, known))
                if text in local:
                    factors[text] = _factor(
                        text, node, as_factor(values[text]), distinct, types=table.types
                    )
    return Sketch(
        frame=frame, values=values, memory=memory, numbers=numbers, known=known, factors=factors
    )


def effects_of(terms: FormulaTerms) -> dict[str, Node]:
    """The response, and the variables of effects, by their texts."""
    found = {terms.response: terms.variables[terms.response]}
    for side in (terms.fixed, *(part.terms for part in terms.random)):
        used = {text for term in side.terms for text in term.texts}
        used.update(
            text
            for text, node in zip(side.texts, side.variables, strict=True)
            if node in side.offsets
        )
        found |= {
            text: node
            for text, node in zip(side.texts, side.variables, strict=True)
            if text in used
        }
    return found


def _names_in(node: Node, names: Sequence[str]) -> list[str]:
    found = (part.name for part in walk(node) if isinstance(part, Name))
    return [name for name in dict.fromkeys(found) if name in names]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Distinct:
    """The distinct values of a column, and these as a column of R's types."""

    values: list[Any]
    column: Column


def _distinct(table: LazyTable, name: str, absent: frozenset[Any]) -> _Distinct:
    present = table.frame.select(name).filter(~table.missing(name))
    # Engines with SQL number the rows to find unique ones, which takes longer than to count them.
    found = present.group_by(name).agg(nw.len().alias(f"{name} rows")).select(name).collect()
    if absent:
        found = found.filter(~nw.col(name).is_in(list(absent)))
    if len(found) > _MOST_LEVELS:
        raise NotAvailableError(
            asked=f"Making columns of the levels of {name!r} where the rows are",
            found=f"it has {len(found):,} distinct values, each of which would be a column",
            remedy=f"Group by it, as in (1 | {name}), or use a coarser factor. A number must have "
            "a numeric type in the engine.",
        )
    frame = read_frame(found.to_native(), [name])
    return _Distinct(values=found.get_column(name).to_list(), column=frame.columns[name])


def _with_levels(frame: Frame, distinct: Mapping[str, Column]) -> Frame:
    """Rows that repeat, in which all levels occur."""
    lengths = [len(_array(column)) for column in distinct.values()]
    nrow = max([frame.nrow, *lengths])
    columns = {
        name: _repeated(distinct.get(name, column), nrow) for name, column in frame.columns.items()
    }
    return Frame(columns=columns, rows=Rows(n_given=nrow), missing={})


def _array(column: Column) -> Any:
    return column.codes if isinstance(column, Factor) else column.values


def _repeated(column: Column, nrow: int) -> Column:
    longer: Any = locked(np.resize(_array(column), nrow))
    if isinstance(column, Factor):
        return replace(column, codes=longer)
    return replace(column, values=longer)


def _factor(
    text: str,
    node: Node,
    value: Factor | CodedFactor,
    distinct: Mapping[str, _Distinct],
    *,
    types: Mapping[str, Any],
) -> LazyFactor:
    """The levels of a factor by the values of the one column that it is made of."""
    made_of = _names_in(node, list(types))
    learns = any(isinstance(part, Call) and part.function in LEARNING for part in walk(node))
    if len(made_of) != 1 or learns:
        raise _unsupported(text)
    name = made_of[0]
    known = distinct[name]
    own = Evaluator({name: known.column}, len(known.values), Memory()).variable(node)
    here = as_factor(own)
    levels = as_factor(value).levels
    by_level: list[list[Any]] = [[] for _ in levels]
    for raw, code in zip(known.values, here.codes.tolist(), strict=True):
        if code >= 0:
            by_level[levels.index(here.levels[code])].append(raw)
    column = nw.col(name)
    if isinstance(types[name], nw.Categorical | nw.Enum):
        column = column.cast(nw.String)
    return LazyFactor(
        column=column,
        values=tuple(map(tuple, by_level)),
        excluded=bool((here.codes < 0).any()),
    )


def _unsupported(text: str) -> NotAvailableError:
    return NotAvailableError(
        asked=f"Evaluating {text!r} where the rows are",
        found="it is neither a number computed from columns nor a factor made of one column",
        remedy="Add it as columns in the engine of the data and name these columns in the "
        "formula, or collect the data into memory.",
    )
