"""Data sets as pandas data frames."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import TYPE_CHECKING

from pylme.datasets.description import data_file, describe

if TYPE_CHECKING:
    import pandas as pd

    from pylme.datasets.description import ColumnDescription

__all__ = ["load"]


def load(name: str) -> pd.DataFrame:
    """A data set, as a new data frame at each call.

    Parameters
    ----------
    name : str
        One of `pylme.datasets.names`.

    Returns
    -------
    DataFrame
        With the names, types and level orders of the original in R; a factor is a category, an
        ordered factor an ordered one.

    Raises
    ------
    UnknownNameError
        If no data set of that name exists.

    Examples
    --------
    >>> import pylme
    >>> pylme.datasets.load("hsb")["sector"].cat.categories.tolist()
    ['Public', 'Catholic']
    """
    import pandas as pd

    columns = describe(name).columns
    text = gzip.decompress(data_file(f"{name}.csv.gz").read_bytes())
    return pd.read_csv(
        BytesIO(text),
        dtype={column.name: _dtype(column) for column in columns if column.kind != "float"},
        # Some releases of pandas read numbers faster than to the nearest double; float() never.
        converters={column.name: float for column in columns if column.kind == "float"},
        keep_default_na=False,
    )


def _dtype(column: ColumnDescription) -> pd.CategoricalDtype | str:
    import pandas as pd

    if column.kind == "int":
        return "int64"
    return pd.CategoricalDtype(list(column.levels), ordered=column.kind == "ordered")
