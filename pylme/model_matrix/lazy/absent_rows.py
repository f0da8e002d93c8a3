"""The frame of a model whose rows stay in the engine that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.frame import Frame, Rows
from pylme.model_matrix.matrices import without_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylme.frame import Column
    from pylme.frame.to_native import Library

__all__ = ["AbsentRows"]


class AbsentRows(Frame):
    """A frame that knows how many rows there are, and has none of them.

    Parameters
    ----------
    used : int
        The number of rows that are used.
    library : {"pandas", "polars", "pyarrow"}
    engine : str
        The engine that holds the rows.
    """

    __slots__ = ("engine",)
    engine: str

    def __init__(self, used: int, library: Library, engine: str) -> None:
        object.__setattr__(self, "rows", Rows(n_given=used, library=library))
        object.__setattr__(self, "missing", {})
        object.__setattr__(self, "engine", engine)

    @property
    def columns(self) -> Mapping[str, Column]:
        """Not available."""
        raise without_rows("Reading the rows of the data", self.engine)

    def __reduce__(self) -> tuple[Any, ...]:
        return AbsentRows, (self.nrow, self.library, self.engine)
