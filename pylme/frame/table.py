"""The data as they were given: which columns there are, and the rows that all else must match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.exceptions import DuplicateError

from pylme.errors import (
    ColumnValueError,
    DataTypeError,
    RowCountError,
    RowLabelError,
    UnknownColumnError,
)
from pylme.frame.read_column import length
from pylme.frame.to_native import Library

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Table", "column_names", "open_table"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A table of any library.

    Attributes
    ----------
    nrow : int
    index : pandas.Index or None
        None where rows have no labels.
    labels : mapping
        The table's own label of each column, by the name that a formula knows it by.
    repeated : mapping
        How often there is a name, for those that there are several times.
    take : callable
        From a label to the column.
    library : {"pandas", "polars", "pyarrow"}
    """

    nrow: int
    index: pd.Index[Any] | None
    labels: Mapping[str, Hashable]
    repeated: Mapping[str, int]
    take: Callable[[Any], Any]
    library: Library = "pandas"

    def column(self, name: str, *, where: str = "the formula") -> Any:
        """The column of that name, as the library has it.

        Raises
        ------
        UnknownColumnError
            If there is none.
        ColumnValueError
            If there are several.
        """
        if name not in self.labels:
            raise UnknownColumnError(name=name, available=tuple(self.labels), where=where)
        if name in self.repeated:
            raise ColumnValueError(
                column=name,
                found=f"the data have {self.repeated[name]} columns of that name",
                remedy="Rename or drop all of them but one.",
            )
        return self.take(self.labels[name])

    def matched(self, name: str, native: Any) -> Any:
        """A column that is not of this table, if it has the same rows.

        Rows are matched by position. A pandas index is compared only where the table has one too.

        Raises
        ------
        RowCountError
            If it has more or fewer rows.
        RowLabelError
            If it has other row labels.
        """
        rows = length(name, native)
        if rows != self.nrow:
            raise RowCountError(name=name, length=rows, rows=self.nrow)
        if (
            self.index is not None
            and isinstance(native, pd.Series)
            and not native.index.equals(self.index)
        ):
            raise RowLabelError(name=name)
        return native


def column_names(data: Any) -> tuple[str, ...]:
    """The names of all columns, as a formula knows them.

    Raises
    ------
    DataTypeError
        If `data` is no table.
    """
    return tuple(open_table(data, ()).labels)


def open_table(data: Any, names: Sequence[str]) -> Table:
    """The table that `data` is; of a dict, one whose rows are those of the columns named.

    Raises
    ------
    DataTypeError
        If it is none.
    """
    if isinstance(data, pd.DataFrame):
        return _pandas(data)
    if isinstance(data, Mapping):
        return _mapping(data, names)
    try:
        frame = nw.from_native(data, eager_only=True, pass_through=True)
    except DuplicateError as error:
        raise DataTypeError(
            found="several columns of the table have one name",
            remedy="Rename them, in pyarrow by .rename_columns().",
        ) from error
    if not isinstance(frame, nw.DataFrame):
        raise _no_table(data)
    if frame.implementation.is_pandas_like():
        return _pandas(frame.to_pandas())
    labels, repeated = _by_name(frame.columns)
    kind = frame.implementation
    return Table(
        nrow=len(frame),
        index=None,
        labels=labels,
        repeated=repeated,
        take=frame.get_column,
        library="polars" if kind.is_polars() else "pyarrow" if kind.is_pyarrow() else "pandas",
    )


def _pandas(data: pd.DataFrame) -> Table:
    if data.columns.nlevels > 1:
        raise DataTypeError(
            found=f"the columns have names of {data.columns.nlevels} levels",
            remedy="Join them to one: data.columns = ['_'.join(map(str, c)) for c in data.columns]",
        )
    labels, repeated = _by_name(data.columns)
    return Table(
        nrow=len(data), index=data.index, labels=labels, repeated=repeated, take=data.__getitem__
    )


def _mapping(data: Mapping[Any, Any], names: Sequence[str]) -> Table:
    labels, repeated = _by_name(data)
    used = {name: data[labels[name]] for name in names if name in labels}
    first = next(iter((used or data).items()), None)
    index = next((native.index for native in used.values() if isinstance(native, pd.Series)), None)
    table = Table(
        nrow=0 if first is None else length(str(first[0]), first[1]),
        index=index,
        labels=labels,
        repeated=repeated,
        take=data.__getitem__,
    )
    return replace(table, take=lambda label: table.matched(str(label), data[label]))


def _by_name(columns: Iterable[Hashable]) -> tuple[dict[str, Hashable], dict[str, int]]:
    labels = list(columns)
    by_name = {str(label): label for label in labels}
    if len(by_name) == len(labels):
        return by_name, {}
    counts = Counter(map(str, labels))
    return by_name, {name: count for name, count in counts.items() if count > 1}


def _no_table(data: Any) -> DataTypeError:
    found = f"an object of type {type(data).__module__}.{type(data).__qualname__} is no data frame"
    if callable(getattr(data, "collect", None)):
        return DataTypeError(
            found=found, remedy="It is evaluated lazily: call its .collect() first."
        )
    return DataTypeError(
        found=found,
        remedy="Pass a DataFrame of pandas or polars, a pyarrow Table, or a dict of columns.",
    )
