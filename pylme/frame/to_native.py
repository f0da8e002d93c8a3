"""Results as frames of the library of the data: polars in, polars out."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from pylme.errors import NotAvailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Library", "label_index", "to_native", "to_pandas"]

#: The libraries that results are given in. Data in a dict or in arrays give results in pandas.
Library = Literal["pandas", "polars", "pyarrow"]
Pandas = TypeVar("Pandas", "pd.DataFrame", "pd.Series[Any]")


@lru_cache(maxsize=256)
def _index(names: tuple[str, ...]) -> pd.Index[Any]:
    return pd.Index(list(names))


def label_index(names: tuple[str, ...]) -> pd.Index[Any]:
    """Row or column labels of a frame in pandas.

    To turn texts into pandas' own takes longer than to make a small frame of numbers, and the same
    names come again and again. An Index cannot be changed but for its own name: each caller gets
    one of its own.

    Examples
    --------
    >>> label_index(("(Intercept)", "Days")).tolist()
    ['(Intercept)', 'Days']
    """
    return _index(names).view()


@overload
def to_native(result: Pandas, library: Literal["pandas"], *, labels: str = ...) -> Pandas: ...
@overload
def to_native(
    result: pd.DataFrame | pd.Series[Any], library: Library, *, labels: str = ...
) -> Any: ...
def to_native(
    result: pd.DataFrame | pd.Series[Any], library: Library, *, labels: str = "index"
) -> Any:
    """Convert a frame or a Series of pandas to another library.

    Only pandas has row labels. Those of a frame become its first columns in the other libraries,
    unless they are a plain range from 0; those of a Series are left out.

    Parameters
    ----------
    result : pandas.DataFrame or pandas.Series
    library : {"pandas", "polars", "pyarrow"}
        Of the data: ``rows.library`` of a `Frame`, a design or a fit.
    labels : str
        The name of the column of row labels, where they have none in pandas.

    Returns
    -------
    DataFrame, Series, Table or ChunkedArray
        `result` itself where the library is pandas. Categories keep their order: an Enum in polars,
        a dictionary in pyarrow.

    Raises
    ------
    NotAvailableError
        If the library is not installed, as where a fit made elsewhere was loaded from a file.

    Examples
    --------
    >>> to_native(pd.DataFrame({"estimate": [1.5]}, index=["x"]), "pyarrow").column_names
    ['index', 'estimate']
    """
    if library == "pandas":
        return result
    try:
        # Older versions of narwhals fail otherwise where the library is missing.
        import_module(library)
        if isinstance(result, pd.Series):
            name = "" if result.name is None else str(result.name)
            return _series(name, result, library).to_native()
        return nw.from_dict(
            {name: _series(name, column, library) for name, column in _columns(result, labels)}
        ).to_native()
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            asked=f"Giving a result as a frame of {library}, in which the data came",
            found=f"{library} is not installed",
            remedy=f"Install it with: pip install {library}",
        ) from error


def _columns(frame: pd.DataFrame, unnamed: str) -> Iterator[tuple[str, pd.Series[Any]]]:
    """The labels of rows, where there are any, and the columns."""
    taken = set(map(str, frame.columns))
    index = frame.index
    if not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1):
        for level in range(index.nlevels):
            labels = index.get_level_values(level)
            plain = unnamed if index.nlevels == 1 else f"{unnamed}_{level}"
            name = plain if labels.name is None else str(labels.name)
            while name in taken:
                name += "."
            taken.add(name)
            yield name, pd.Series(labels, name=name)
    for position, name in enumerate(frame.columns):
        yield str(name), frame.iloc[:, position]


def _series(name: str, column: pd.Series[Any], library: Library) -> nw.Series[Any]:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        levels = [str(level) for level in kind.categories]
        if library == "polars":
            texts = [None if value is None else str(value) for value in _objects(column)]
            return nw.new_series(name, texts, nw.Enum(levels), backend=library)
        return _dictionary(name, column.cat.codes.to_numpy(), levels, ordered=bool(kind.ordered))
    if isinstance(kind, np.dtype) and kind.kind in "biufM":
        return nw.new_series(name, column.to_numpy(), backend=library)
    values = _objects(column)
    # Without a value there is nothing to infer the type from.
    empty = nw.Int64() if pd.api.types.is_integer_dtype(kind) else nw.String()
    kinds = None if any(value is not None for value in values) else empty
    return nw.new_series(name, values, kinds, backend=library)


def _dictionary(
    name: str, codes: NDArray[np.integer[Any]], levels: list[str], *, ordered: bool
) -> nw.Series[Any]:
    """A factor in pyarrow; narwhals would order the levels as they occur."""
    import pyarrow as pa

    places = pa.array(codes.astype(np.int32), mask=codes < 0)
    array = pa.DictionaryArray.from_arrays(places, pa.array(levels, pa.string()), ordered=ordered)
    column: nw.Series[Any] = nw.from_native(pa.chunked_array([array]), series_only=True)
    return column.alias(name)


def _objects(column: pd.Series[Any]) -> list[Any]:
    """Python values, None where one is missing."""
    return column.astype(object).where(column.notna(), None).tolist()


def to_pandas(table: object) -> pd.DataFrame | None:
    """A frame of any library as a pandas frame; None where the object is not a frame.

    Where the library has no row labels, they are the first column, as from `to_native`.
    """
    if isinstance(table, pd.DataFrame):
        return table
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return None
    if frame.implementation.is_pandas_like():
        return frame.to_pandas()
    labels, *columns = frame.columns or [""]
    return pd.DataFrame(
        {name: frame[name].to_list() for name in columns},
        index=pd.Index(frame[labels].to_list() if frame.columns else [], dtype=object),
    )
