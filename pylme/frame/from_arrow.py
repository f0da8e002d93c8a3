"""Arrow's chunked arrays as columns.

pyarrow itself is not imported: who has such an array has imported it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.frame.factors import sorted_strings
from pylme.frame.from_narwhals import from_narwhals
from pylme.frame.from_objects import from_objects
from pylme.frame.raw import Coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.frame.raw import Raw

__all__ = ["arrow_strings", "from_arrow"]

_STRINGS: Final = ("string", "large_string", "string_view")


def from_arrow(column: str, chunks: Any) -> Raw:
    """A pyarrow ChunkedArray; a dictionary gives the levels in its own order.

    Raises
    ------
    ColumnTypeError
        If R has no place for its values.
    """
    name = str(chunks.type)
    if name.startswith("dictionary"):
        codes, labels = _codes(chunks)
        return Coded(codes=codes, labels=labels, ordered=bool(chunks.type.ordered))
    if name in _STRINGS:
        return arrow_strings(chunks)
    if name.startswith("decimal"):
        # As objects: Arrow's own cast to doubles is off in the last place.
        return from_objects(column, np.fromiter(chunks.to_pylist(), object, count=len(chunks)))
    if name.startswith("date64"):
        chunks = chunks.cast("date32")
    return from_narwhals(column, nw.from_native(chunks, series_only=True))


def arrow_strings(chunks: Any) -> Coded:
    """A ChunkedArray of strings, sorted by code point."""
    codes, labels = _codes(chunks.dictionary_encode())
    return sorted_strings(codes, labels)


def _codes(chunks: Any) -> tuple[NDArray[np.int32], list[Any]]:
    """Codes, -1 where missing, and labels of a dictionary-encoded ChunkedArray."""
    encoded = chunks.combine_chunks()
    indices = encoded.indices.cast("int32")
    if indices.null_count:
        indices = indices.fill_null(-1)
    codes = indices.to_numpy()
    labels = encoded.dictionary.to_pylist()
    if None in labels:
        codes = np.where(np.isin(codes, np.flatnonzero(encoded.dictionary.is_null())), -1, codes)
    return codes, labels
