"""The columns of a model as a data frame again, in the rows used or in the rows given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.frame.columns import Computed, Date, Factor, Timestamp

if TYPE_CHECKING:
    from pylme.frame.columns import Column
    from pylme.frame.frame import Frame, Rows

__all__ = ["frame_of_given", "frame_of_used"]


def frame_of_given(frame: Frame) -> pd.DataFrame:
    """The columns in the rows of the data given; missing where a row was left out."""
    kept = slice(None) if frame.kept is None else frame.kept
    index = frame.rows.given_index
    columns: dict[str, pd.Series[Any]] = {}
    for name, column in frame.columns.items():
        if isinstance(column, Factor):
            codes = np.full(frame.n_given, -1)
            codes[kept] = column.codes
            columns[name] = pd.Series(_categorical(column, codes), index=index)
        else:
            used = (
                _computed(name, column) if isinstance(column, Computed) else {name: _native(column)}
            )
            for part, values in used.items():
                columns[part] = pd.Series(values, index=index[kept]).reindex(index)
    return pd.DataFrame(columns, index=index)


def frame_of_used(frame: Frame, rows: Rows) -> pd.DataFrame:
    """The columns in the rows that a model used, with the labels of the rows given.

    Parameters
    ----------
    frame : Frame
    rows : Rows
        Those of the frame, or some of them: a transformation may have excluded others.
    """
    columns: dict[str, Any] = {}
    for name, column in frame.columns.items():
        if isinstance(column, Computed):
            columns |= _computed(name, column)
        elif isinstance(column, Factor):
            columns[name] = _categorical(column, column.codes)
        else:
            columns[name] = _native(column)
    table = pd.DataFrame(columns, index=frame.rows.used_index)
    if rows.kept is None or rows.nrow == frame.nrow:
        return table
    return table[rows.kept if frame.kept is None else rows.kept[frame.kept]]


def _categorical(factor: Factor, codes: Any) -> pd.Categorical:
    # Levels as objects: pandas looks for duplicates in strings of its own under
    # `warnings.catch_warnings`, which in several threads loses filters of the process.
    levels: pd.Index[Any] = pd.Index(list(factor.values), dtype=np.dtype(object))
    kind = pd.CategoricalDtype(levels, ordered=factor.ordered)
    return pd.Categorical.from_codes(codes, dtype=kind)


def _computed(name: str, column: Computed) -> dict[str, Any]:
    """An expression by its text; several columns with their names or numbers behind it."""
    values = column.values  # noqa: PD011  (a column of ours)
    if column.factor is not None:
        return {name: _categorical(column.factor, values)}
    if values.ndim == 1 or values.shape[1] == 1:
        return {name: values.reshape(-1)}
    names = column.names or tuple(str(j + 1) for j in range(values.shape[1]))
    return {f"{name}.{part}": values[:, j] for j, part in enumerate(names)}


def _native(column: Column) -> Any:
    """The values as in pandas."""
    if isinstance(column, Date):
        return pd.to_datetime(column.values, unit="D")
    if isinstance(column, Timestamp):
        times = pd.to_datetime(column.values, unit="s", utc=True)
        return times.tz_localize(None) if column.tz is None else times.tz_convert(column.tz)
    return column.values  # noqa: PD011  (a column of ours)
