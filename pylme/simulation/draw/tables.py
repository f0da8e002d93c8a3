"""A column put into a table of any library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["with_column"]


def with_column(data: Any, name: str, values: NDArray[np.float64]) -> Any:
    """The table with a column of that name, in its place where there is one already.

    Parameters
    ----------
    data : DataFrame, Table or mapping of arrays
        Left as it is.
    name : str
    values : ndarray, shape (rows,)

    Returns
    -------
    DataFrame, Table or dict
        Of the same library.
    """
    if isinstance(data, pd.DataFrame):
        return data.assign(**{name: values})
    if isinstance(data, Mapping):
        return {**data, name: values}
    frame = nw.from_native(data, eager_only=True)
    column = nw.new_series(name, values, backend=frame.implementation)
    return frame.with_columns(column).to_native()
