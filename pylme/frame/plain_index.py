"""A pandas index as what JSON holds, and back.

Numbers, truth values and strings stand as they are, times as ISO text; labels of any other type
come back as the strings that they print as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["index_from_plain", "index_to_plain"]

_AS_THEY_ARE: Final = (bool, int, float, str)


def index_to_plain(index: pd.Index[Any]) -> dict[str, Any]:
    """The levels of an index, one for most, each with its name, dtype and labels by row."""
    return {
        "levels": [_level(index.get_level_values(level)) for level in range(index.nlevels)],
        "multi": isinstance(index, pd.MultiIndex),
    }


def index_from_plain(plain: Mapping[str, Any]) -> pd.Index[Any]:
    """The index that `index_to_plain` wrote down."""
    levels = [
        pd.Index(level["labels"], dtype=level["dtype"], name=level["name"])
        for level in plain["levels"]
    ]
    return pd.MultiIndex.from_arrays(levels) if plain["multi"] else levels[0]


def _level(index: pd.Index[Any]) -> dict[str, Any]:
    name = (
        index.name
        if index.name is None or isinstance(index.name, _AS_THEY_ARE)
        else str(index.name)
    )
    dtype = index.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        labels = [None if pd.isna(label) else label for label in index.tolist()]
        return {"name": name, "dtype": str(dtype), "labels": labels}
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        labels = [None if label is pd.NaT else label.isoformat() for label in index]
        return {"name": name, "dtype": str(dtype), "labels": labels}
    labels = [
        None if pd.api.types.is_scalar(label) and pd.isna(label) else _label(label)
        for label in index.tolist()
    ]
    return {"name": name, "dtype": "str" if str(dtype) == "str" else "object", "labels": labels}


def _label(label: object) -> object:
    return label if isinstance(label, _AS_THEY_ARE) else str(label)
