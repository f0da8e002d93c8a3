"""Reading of any data frame into a `Frame`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from pylme.arrays import locked
from pylme.errors import (
    ColumnTypeError,
    ColumnValueError,
    EmptyDataError,
    InfiniteValueError,
    MissingRowsWarning,
    MissingValueError,
    warn,
)
from pylme.frame.frame import Frame, Rows
from pylme.frame.raw import Plain
from pylme.frame.read_column import read_column, read_columns
from pylme.frame.table import open_table
from pylme.frame.typed import typed
from pylme.options import choice

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from pylme.frame.raw import Raw
    from pylme.frame.table import DataTable

__all__ = ["NaAction", "complete_rows", "read_frame"]


def read_frame(
    data: Any,
    names: Sequence[str],
    *,
    extra: Mapping[str, ArrayLike] | None = None,
    subset: ArrayLike | str | None = None,
    as_factor: Container[str] = (),
    na_action: NaAction = "omit",
) -> Frame:
    """The named columns, in the complete rows.

    Parameters
    ----------
    data : DataFrame, DataTable or mapping
        Of pandas, polars or pyarrow, or columns by name.
    names : sequence of str
        The columns to read; no others are read.
    extra : mapping, optional
        Further columns that are not in the data. They are matched to the rows by position; a pandas
        Series must have the index of the data.
    subset : array-like of bool or str, optional
        The rows to use, or the name of a boolean column. A missing value counts as false.
    as_factor : container of str
        The columns that become factors whatever their type. Numbers are sorted as numbers and
        labelled as R's ``as.character`` labels them, integers in full.
    na_action : {"omit", "fail"}
        What to do with rows that have missing values.

    Returns
    -------
    Frame
        Columns that need no conversion share the memory of the data.

    Raises
    ------
    DataTypeError, UnknownColumnError, ColumnTypeError, ColumnValueError
        If the table or a column does not exist, or its values cannot be converted to R.
    RowCountError, RowLabelError
        If the rows of an extra column or the subset are not those of the data.
    InfiniteValueError, MissingValueError, EmptyDataError
        If a row that is used has an infinite value, a value is missing and `na_action` is "fail",
        or no row is left.

    Warns
    -----
    MissingRowsWarning
        If rows are left out for missing values.

    Examples
    --------
    >>> frame = read_frame({"y": [1.5, 2.0, 4.0], "g": ["b", "a", "b"]}, ["y", "g"])
    >>> frame
    Frame of 3 rows and 2 columns
      y  numeric, 1.5 to 4
      g  factor, 2 levels: a, b
    >>> frame.columns["g"].codes
    array([1, 0, 1], dtype=int32)
    """
    choice("na_action", na_action, NaAction)
    table = open_table(data).of(names)
    if table.nrow == 0:
        raise EmptyDataError(given=0, reason="the data have no rows")
    raws = read_columns(table.columns(names))
    for name, values in (extra or {}).items():
        if name in raws:
            raise ColumnValueError(
                column=name,
                found="it is given twice, in the data and beside them",
                remedy="Give one of them another name.",
            )
        raws[name] = read_column(name, table.matched(name, values))
    kept, missing = complete_rows(
        raws, chosen=_chosen(table, subset), given=table.nrow, na_action=na_action
    )
    rows = Rows(
        n_given=table.nrow,
        kept=None if kept is None else locked(kept),
        index=_labels(table.index),
        library=table.library,
    )
    if kept is not None:
        raws = {name: raw.take(kept) for name, raw in raws.items()}
    for name, raw in raws.items():
        _require_finite(name, raw, rows)
    columns = {name: typed(name, raw, as_factor=name in as_factor) for name, raw in raws.items()}
    return Frame(columns=columns, rows=rows, missing=missing)


def _chosen(table: DataTable, subset: ArrayLike | str | None) -> NDArray[np.bool_] | None:
    """The rows that the subset names; None where it names all."""
    if subset is None:
        return None
    by_name = isinstance(subset, str)
    name = subset if isinstance(subset, str) else "subset"
    native = table.column(name, where="`subset`") if by_name else table.matched(name, subset)
    raw = read_column(name, native)
    if not (isinstance(raw, Plain) and raw.array.dtype.kind == "b"):
        raise ColumnTypeError(
            column=name,
            dtype=str(getattr(native, "dtype", type(native).__name__)),
            found="a subset has one truth value for each row, and these values are of another type",
            remedy="Pass a comparison, such as data['age'] > 18.",
        )
    chosen = raw.array if raw.missing is None else raw.array & ~raw.missing
    if not chosen.any():
        raise EmptyDataError(given=table.nrow, reason="`subset` is true in no row")
    return None if chosen.all() else np.asarray(chosen)


def _labels(index: pd.Index[Any] | None) -> pd.Index[Any] | None:
    """The index, unless it is a range from 0 without a name."""
    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return None if index.name is None else index
    return index


def _require_finite(name: str, raw: Raw, rows: Rows) -> None:
    if isinstance(raw, Plain) and raw.infinite:
        places = np.flatnonzero(np.isinf(raw.array))
        if places.size:
            row = rows.used_index[places[:1]].tolist()[0]
            raise InfiniteValueError(column=name, count=places.size, row=row)


NaAction = Literal["omit", "fail"]


def complete_rows(
    columns: Mapping[str, Raw], *, chosen: NDArray[np.bool_] | None, given: int, na_action: NaAction
) -> tuple[NDArray[np.bool_] | None, dict[str, int]]:
    """The rows that are chosen and have a value in every column.

    Parameters
    ----------
    columns : mapping
        Each over all rows given.
    chosen : ndarray of bool, shape (given,), optional
        The rows to check; None for all.
    given : int
        The number of rows given.
    na_action : {"omit", "fail"}

    Returns
    -------
    kept : ndarray of bool, shape (given,), or None
        None where every row is.
    missing : dict
        The number of missing values by column, where there are any.

    Raises
    ------
    MissingValueError
        If `na_action` is "fail" and a value is missing.
    EmptyDataError
        If no row is left.

    Warns
    -----
    MissingRowsWarning
        If rows are left out for missing values.
    """
    kept = np.ones(given, dtype=bool) if chosen is None else chosen
    missing: dict[str, int] = {}
    for name, column in columns.items():
        gaps = column.missing
        if gaps is None:
            continue
        count = np.count_nonzero(gaps if chosen is None else gaps & chosen)
        if count:
            missing[name] = int(count)
            kept = kept & ~gaps
    if not missing:
        return chosen, missing
    if na_action == "fail":
        raise MissingValueError(counts=missing)
    looked_at = given if chosen is None else int(np.count_nonzero(chosen))
    dropped = looked_at - int(np.count_nonzero(kept))
    if dropped == looked_at:
        counts = ", ".join(f"{name!r} ({count})" for name, count in missing.items())
        raise EmptyDataError(given=given, reason=f"each has a missing value, in {counts}")
    warn(MissingRowsWarning(dropped=dropped, given=looked_at, counts=missing))
    return kept, missing
