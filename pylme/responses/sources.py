"""Many responses, read a block of columns at a time, from wherever they are.

A wide frame of pandas, polars or pyarrow, a two-dimensional array or sparse matrix, an AnnData
object, a lazy frame of polars, or a Parquet file. Rows are those of the data of the predictors, in
the same order: a source that has no order of rows is refused.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from pylme.errors import (
    ColumnTypeError,
    ColumnValueError,
    DataTypeError,
    MissingPackageError,
    OptionError,
    RowCountError,
    RowLabelError,
    UnknownNameError,
)
from pylme.options import number_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.frame.table import DataTable

__all__ = ["Columns", "matrix_of", "open_responses"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Columns of numbers with the rows of the data.

    Attributes
    ----------
    names : tuple of str, length R
    take : callable
        Maps two positions, from and to, to these columns: shape (rows, columns), NaN where a value
        is missing.
    """

    names: tuple[str, ...]
    take: Callable[[int, int], NDArray[np.float64]]


def open_responses(
    responses: Any,
    table: DataTable,
    *,
    names: Sequence[str] | None = None,
    layer: str | None = None,
) -> Columns:
    """The responses of whatever kind.

    Parameters
    ----------
    responses : DataFrame, array_like, AnnData, LazyFrame, path or sequence of str
    table : DataTable
        The data of the predictors, whose rows the responses have.
    names : sequence of str, optional
        Of the columns of an array.
    layer : str, optional
        Of an AnnData object; its X by default.

    Raises
    ------
    OptionError
        If they are of no such kind, or there is none.
    RowCountError, RowLabelError
        If the rows are not those of the data.
    ColumnTypeError
        If a column does not contain numbers; blocks are read later.
    """
    found = _opened(responses, table, names, layer)
    if not found.names:
        raise OptionError(
            option="responses", value=responses, allowed="at least one column of numbers"
        )
    repeated = [name for name, count in Counter(found.names).items() if count > 1]
    if repeated:
        raise ColumnValueError(
            column=repeated[0],
            found="several responses have this name",
            remedy="Give each response a name of its own: results are found by it.",
        )
    return found


def _opened(
    responses: Any, table: DataTable, names: Sequence[str] | None, layer: str | None
) -> Columns:
    if all(hasattr(responses, own) for own in ("var_names", "layers", "X")):
        return _of_anndata(responses, table, layer)
    if layer is not None:
        raise OptionError(option="layer", value=layer, allowed="none but for an AnnData object")
    if isinstance(responses, str | os.PathLike):
        return _of_parquet(responses, table)
    if isinstance(responses, pd.DataFrame):
        return _of_pandas(responses, table)
    if isinstance(responses, Mapping):
        return _of_mapping(responses, table)
    if isinstance(responses, list | tuple) and all(isinstance(one, str) for one in responses):
        return _of_data(responses, table)
    frame = nw.from_native(responses, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        if frame.implementation.is_pandas_like():
            return _of_pandas(frame.to_pandas(), table)
        return _of_frame(frame, table, len(frame))
    if isinstance(frame, nw.LazyFrame):
        return _of_lazy(frame, table)
    return matrix_of("responses", responses, table, names=names)


def matrix_of(
    option: str, values: Any, table: DataTable, *, names: Sequence[str] | None = None
) -> Columns:
    """The columns of a two-dimensional array or sparse matrix, one for each response.

    Parameters
    ----------
    option : str
        What the argument is called.
    values : array_like, shape (rows, R)
    table : DataTable
    names : sequence of str, length R, optional
    """
    if sparse.issparse(values):
        columns: Any = sparse.csc_array(cast("Any", values))
        _require_rows(option, columns.shape[0], table)
        return Columns(
            names=_named(names, columns.shape[1]),
            take=lambda first, stop: np.asarray(columns[:, first:stop].toarray(), dtype=np.float64),
        )
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise OptionError(
            option=option, value=values,
            allowed="a frame of numbers, a two-dimensional array of them with a column for each "
            "response, an AnnData object, a lazy frame of polars, the path of a Parquet file, or "
            "names of columns of the data",
        )  # fmt: skip
    _require_rows(option, len(array), table)
    return Columns(
        names=_named(names, array.shape[1]),
        take=lambda first, stop: np.asarray(array[:, first:stop], dtype=np.float64),
    )


def _named(names: object, count: int) -> tuple[str, ...]:
    """The names of the columns of an array: their numbers from 1 where none are given."""
    if names is None:
        return tuple(str(i + 1) for i in range(count))
    made = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else []
    if len(made) != count or not all(isinstance(name, str) for name in made):
        raise OptionError(
            option="response_names", value=names, allowed=f"{count} names, one for each column"
        )
    return tuple(made)


def _of_anndata(adata: Any, table: DataTable, layer: str | None) -> Columns:
    if layer is not None and layer not in adata.layers:
        raise UnknownNameError(what="layer", name=layer, known=list(adata.layers))
    values = adata.X if layer is None else adata.layers[layer]
    _require_labels(adata.obs_names, table)
    return matrix_of("responses", values, table, names=list(map(str, adata.var_names)))


def _of_pandas(frame: pd.DataFrame, table: DataTable) -> Columns:
    _require_rows("responses", len(frame), table)
    _require_labels(frame.index, table)

    def take(first: int, stop: int) -> NDArray[np.float64]:
        part = frame.iloc[:, first:stop]
        for name, kind in zip(part.columns, part.dtypes, strict=True):
            numeric = pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)
            _require_number(str(name), kind, number=numeric)
        return np.asarray(part.to_numpy(dtype=np.float64, na_value=np.nan))

    return Columns(names=tuple(map(str, frame.columns)), take=take)


def _of_mapping(columns: Mapping[Any, Any], table: DataTable) -> Columns:
    names = tuple(map(str, columns))
    arrays = [number_array(values) for values in columns.values()]
    for name, array in zip(names, arrays, strict=True):
        _require_number(name, "object", number=array is not None and array.ndim == 1)
        _require_rows(name, 0 if array is None else len(array), table)
    known = [array for array in arrays if array is not None]
    return Columns(names=names, take=lambda first, stop: np.stack(known[first:stop], axis=1))


def _of_frame(frame: nw.DataFrame[Any], table: DataTable, rows: int) -> Columns:
    _require_rows("responses", rows, table)
    names = frame.columns

    def take(first: int, stop: int) -> NDArray[np.float64]:
        return _numbers(frame.select(names[first:stop]))

    return Columns(names=tuple(names), take=take)


def _of_lazy(frame: nw.LazyFrame[Any], table: DataTable) -> Columns:
    if not frame.implementation.is_polars():
        raise DataTypeError(
            found=f"the rows of a lazy table of {frame.implementation} have no fixed order, and "
            "responses are matched to the rows of the data by position",
            remedy="Write it to Parquet in the order of the data and pass the path, or collect it.",
        )
    names = frame.collect_schema().names()

    def take(first: int, stop: int) -> NDArray[np.float64]:
        part = frame.select(names[first:stop]).collect()
        _require_rows("responses", len(part), table)
        return _numbers(part)

    return Columns(names=tuple(names), take=take)


def _of_parquet(path: str | os.PathLike[str], table: DataTable) -> Columns:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingPackageError(
            package="pyarrow", extra="parquet", asked="Reading responses from a Parquet file"
        ) from error
    file = os.fspath(path)
    if not os.path.isfile(file):  # noqa: PTH113  (texts that are no path)
        raise OptionError(
            option="responses",
            value=path,
            allowed="the path of a Parquet file: no such file exists",
        )
    metadata = pq.ParquetFile(file)
    _require_rows("responses", metadata.metadata.num_rows, table)
    # The labels of pandas rows are no response.
    names = [name for name in metadata.schema_arrow.names if not name.startswith("__index_level_")]

    def take(first: int, stop: int) -> NDArray[np.float64]:
        part = pq.ParquetFile(file).read(columns=names[first:stop])
        return _numbers(nw.from_native(part, eager_only=True))

    return Columns(names=tuple(names), take=take)


def _of_data(names: Sequence[str], table: DataTable) -> Columns:
    for name in names:
        table.column(name, where="`responses`")

    def take(first: int, stop: int) -> NDArray[np.float64]:
        made = np.empty((table.nrow, stop - first))
        for place, name in enumerate(names[first:stop]):
            column = table.column(name, where="`responses`")
            series = nw.from_native(column, series_only=True, pass_through=True)
            if isinstance(series, nw.Series):
                made[:, place] = _numbers(series.to_frame())[:, 0]
            else:
                array = np.asarray(column)
                _require_number(name, array.dtype, number=array.dtype.kind in "biuf")
                made[:, place] = array
        return made

    return Columns(names=tuple(names), take=take)


def _numbers(part: nw.DataFrame[Any]) -> NDArray[np.float64]:
    for name, kind in part.schema.items():
        _require_number(name, kind, number=kind.is_numeric() or kind == nw.Boolean)
    columns = [part[name].cast(nw.Float64).to_numpy() for name in part.columns]
    return np.stack(columns, axis=1).astype(np.float64, copy=False)


def _require_number(name: str, kind: object, *, number: bool) -> None:
    if not number:
        raise ColumnTypeError(
            column=name,
            dtype=str(kind),
            found="each column of the responses is a response, and a response is numbers",
            remedy="Leave the column out of `responses`, or convert it to numbers.",
        )


def _require_rows(option: str, rows: int, table: DataTable) -> None:
    if rows != table.nrow:
        raise RowCountError(name=option, length=rows, rows=table.nrow)


def _require_labels(index: pd.Index[Any], table: DataTable) -> None:
    """The labels of rows must agree where both tables have some."""
    if table.index is None or index.equals(table.index):
        return
    plain = pd.RangeIndex(table.nrow)
    if not (index.equals(plain) or table.index.equals(plain)):
        raise RowLabelError(name="responses")
