"""A table of a frame's first rows, each column formatted by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pylme.render.document import LEFT, Table
from pylme.render.numbers import format_numbers

if TYPE_CHECKING:
    import pandas as pd

    from pylme.render.document import Align

__all__ = ["frame_table"]

#: Rows that are shown.
MOST: Final = 10
DIGITS: Final = 4


def frame_table(
    frame: pd.DataFrame, *, caption: str | None = None, labels: bool = False, most: int = MOST
) -> Table:
    """The first rows of a frame, and the number of the others below.

    Parameters
    ----------
    frame : DataFrame
        Numbers are shown with four digits, truth values as yes and no, all else as text.
    caption : str, optional
    labels : bool
        Whether the index is shown, as the names of the rows.
    most : int
        Rows that are shown.
    """
    shown = frame.iloc[:most]
    left = len(frame) - len(shown)
    columns = [_cells(shown.iloc[:, j]) for j in range(shown.shape[1])]
    return Table(
        columns=tuple(map(str, frame.columns)),
        rows=tuple(zip(*(cells for cells, _ in columns), strict=True)),
        row_names=tuple(map(str, shown.index)) if labels else None,
        align=tuple(align for _, align in columns),
        caption=caption,
        notes=(f"… and {left:,} more row{'s' * (left != 1)}.",) if left else (),
    )


def _cells(column: pd.Series[Any]) -> tuple[list[str], Align]:
    values = column.tolist()
    match column.dtype.kind:
        case "b":
            return ["yes" if value else "no" for value in values], LEFT
        case "i" | "u":
            return [f"{value:,}" for value in values], "right"
        case "f":
            return format_numbers(values, digits=DIGITS), "right"
    return ["" if value is None or value != value else str(value) for value in values], LEFT  # noqa: PLR0124  (NaN)
