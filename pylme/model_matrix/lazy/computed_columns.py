"""Parts of a formula that no engine evaluates, as columns computed from batches of rows.

The rows are read in batches, the parts are evaluated as for rows in memory, with what calls learnt
from all rows before, and the batches are written to Parquet with the new columns beside the others;
the engine of the data reads this file in place of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.errors import NotAvailableError
from pylme.formula import Binary, Call, Name, Node, String, children, deparse, walk
from pylme.frame import read_frame
from pylme.frame.batches import rewritten
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.factor_calls import FACTOR_CALLS
from pylme.model_matrix.evaluation.number_calls import NUMBER_CALLS
from pylme.model_matrix.evaluation.operations import ELEMENTWISE, OPERATORS
from pylme.model_matrix.evaluation.values import Matrix
from pylme.model_matrix.lazy.expressions import ARITHMETIC, CALLS, Beside
from pylme.model_matrix.lazy.learning import learning_calls, learnt, remembered
from pylme.model_matrix.lazy.variables import effects_of
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pylme.formula import FormulaTerms
    from pylme.frame.lazy_table import LazyTable

__all__ = ["ComputedColumns", "beyond_engines", "computed_columns"]

_COMPUTED: Final = (ELEMENTWISE.keys() | NUMBER_CALLS.keys()) - CALLS
_OPERATED: Final = OPERATORS.keys() - ARITHMETIC


def beyond_engines(node: Node) -> list[Node]:
    """The outermost parts of a variable that are computed from batches of rows.

    A factor is made of its column's distinct values, whatever is computed of them.
    """
    if isinstance(node, Call) and node.function in FACTOR_CALLS:
        return []
    if (isinstance(node, Call) and node.function in _COMPUTED) or (
        isinstance(node, Binary) and node.operator in _OPERATED
    ):
        return [node]
    return [part for child in children(node) for part in beyond_engines(child)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComputedColumns:
    """Columns that are computed from batches of rows.

    Attributes
    ----------
    nodes : mapping of str to Node
        What is computed, by its text.
    memory : Memory
        What calls learnt from all rows of the model.
    columns : mapping of str to Beside
        The columns of each, by its text.
    """

    nodes: Mapping[str, Node]
    memory: Memory
    columns: Mapping[str, Beside]

    @classmethod
    def of(cls, nodes: Mapping[str, Node], table: LazyTable, memory: Memory) -> ComputedColumns:
        """The columns of parts of a formula, which one row of zeros shows.

        Raises
        ------
        NotAvailableError
            If a part depends on a column that is neither numeric nor logical, or is no number.
        FormulaError
            If a part has no value in R either.
        """
        for node in nodes.values():
            _require_numbers(node, table)
        if not nodes:
            return cls(nodes={}, memory=memory, columns={})
        names = _names_in(nodes.values(), table)
        one = {name: np.zeros(1, dtype=_dtype(table, name)) for name in names}
        values = _evaluated(nodes, one, names, memory)
        columns = {
            text: Beside(
                names=tuple(f"__r{at}_{place}" for place in range(_matrix(value).shape[1])),
                truth=value.dtype.kind == "b",
            )
            for at, (text, value) in enumerate(values.items())
        }
        return cls(nodes=nodes, memory=memory, columns=columns)

    def of_columns(self, table: LazyTable, names: Sequence[str]) -> ComputedColumns:
        """Those that are computed from some columns of the data of the model."""
        kept = {
            text: node
            for text, node in self.nodes.items()
            if set(_names_in([node], table)) <= set(names)
        }
        return replace(self, nodes=kept, columns={text: self.columns[text] for text in kept})

    def beside(self, table: LazyTable, names: Sequence[str], *, needed: Sequence[str]) -> LazyTable:
        """The table with these columns beside some of its own, in a Parquet file.

        Parameters
        ----------
        table : LazyTable
        names : sequence of str
            The columns that are kept.
        needed : sequence of str
            Those of them without which a row is not used; it then has no value in the new columns.
        """
        if not self.nodes:
            return table
        made = rewritten(table, names, lambda batches: self._with(batches, table, needed))
        added = tuple(name for each in self.columns.values() for name in each.names)
        return replace(table, frame=made.frame, files=None, folder=made.folder, added=added)

    def _with(
        self, batches: Iterator[Any], table: LazyTable, needed: Sequence[str]
    ) -> Iterator[Any]:
        import pyarrow as pa

        names = _names_in(self.nodes.values(), table)
        for batch in batches:
            opened = nw.from_native(batch, eager_only=True)
            gaps = nw.all_horizontal(*(~table.missing(name) for name in needed), ignore_nulls=False)
            used = np.asarray(opened.select(fine=gaps)["fine"].to_numpy(), dtype=bool)
            for name in names:
                if table.is_float(name):
                    # Infinite values are refused with their column, by the pass over all rows.
                    used &= np.isfinite(opened[name].to_numpy())
            rows = batch.filter(pa.array(used))
            made = batch
            values = _evaluated(self.nodes, rows, names, self.memory) if used.any() else {}
            for text, columns in self.columns.items():
                own = _matrix(values[text]) if values else np.empty((0, len(columns.names)))
                for name, column in zip(columns.names, own.T, strict=True):
                    whole = np.zeros(len(used), dtype=bool if columns.truth else np.float64)
                    whole[used] = column
                    made = made.append_column(name, pa.array(whole, mask=~used))
            yield made


def computed_columns(
    table: LazyTable, names: Sequence[str], terms: FormulaTerms
) -> tuple[dict[str, Any], ComputedColumns]:
    """What the calls of a model learn from whole columns, and what no engine evaluates.

    Parameters
    ----------
    table : LazyTable
    names : sequence of str
        The columns of the model.
    terms : FormulaTerms
    """
    nodes = [*effects_of(terms).values(), *terms.fixed.offsets]
    known: dict[str, Any] = {}
    inner = ComputedColumns(nodes={}, memory=Memory(), columns={})
    with_inner = table
    for call in learning_calls(nodes):
        parts = {deparse(n): n for a in call.arguments[:1] for n in beyond_engines(a.value)}
        if not parts.keys() <= inner.nodes.keys():
            # It learns from what no engine evaluates.
            inner = ComputedColumns.of({**inner.nodes, **parts}, table, remembered(known, nodes))
            with_inner = inner.beside(table, names, needed=names)
        known[deparse(call)] = learnt(call, with_inner, names, {**known, **inner.columns})
    parts = {deparse(part): part for node in nodes for part in beyond_engines(node)}
    return known, ComputedColumns.of(parts, table, remembered(known, nodes))


def _evaluated(
    nodes: Mapping[str, Node], rows: Any, names: Sequence[str], memory: Memory
) -> dict[str, Any]:
    """The parts in rows without missing values: vectors or matrices."""
    with silenced():
        frame = read_frame(rows, names)
    evaluator = Evaluator(frame.columns, frame.nrow, memory)
    found: dict[str, Any] = {}
    for text, node in nodes.items():
        value = evaluator.variable(node)
        value = value.values if isinstance(value, Matrix) else value
        if not isinstance(value, np.ndarray):
            raise _refusal(text, "it is no number")
        found[text] = value
    return found


def _matrix(values: Any) -> Any:
    return values[:, None] if values.ndim == 1 else values


def _names_in(nodes: Iterable[Node], table: LazyTable) -> list[str]:
    named = dict.fromkeys(
        part.name for node in nodes for part in walk(node) if isinstance(part, Name)
    )
    return [name for name in named if name in table.types]


def _dtype(table: LazyTable, name: str) -> Any:
    if table.is_truth(name):
        return bool
    return float if table.is_number(name) else "U1"


def _require_numbers(node: Node, table: LazyTable) -> None:
    """Text may be compared; the position of a level among others depends on all rows."""
    compared = {
        side
        for part in walk(node)
        if isinstance(part, Binary) and part.operator in {"==", "!="}
        for side, other in ((part.left, part.right), (part.right, part.left))
        if isinstance(side, Name) and isinstance(other, String)
    }
    for part in walk(node):
        if not isinstance(part, Name) or part.name not in table.types or part in compared:
            continue
        if not (table.is_number(part.name) or table.is_truth(part.name)):
            raise _refusal(deparse(node), f"{part.name!r} is of type {table.types[part.name]}")


def _refusal(text: str, found: str) -> NotAvailableError:
    return NotAvailableError(
        asked=f"Evaluating {text!r} in batches of rows",
        found=found,
        remedy="Add it as a column in the engine of the data and name that column in the formula, "
        "or collect the data into memory.",
    )
