"""The text of the tables of means, slopes and contrasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.frame.labels import label_text
from pylme.render import LEFT, Table
from pylme.render.coefmat import format_pvalue

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from pylme.render import Align

__all__ = ["combination_labels", "estimates_table", "rows_by"]

_DIGITS: Final = 4
#: Columns that share one format.
_ESTIMATES: Final = ("estimate", "std_error", "conf_low", "conf_high")
_SMALLEST_P: Final = 1e-4


def estimates_table(
    frame: pd.DataFrame, *, caption: str, notes: Sequence[str], labels: Sequence[str]
) -> Table:
    """A frame of estimates as text.

    Parameters
    ----------
    frame : DataFrame
    caption : str
    notes : sequence of str
    labels : sequence of str
        The columns that say what is estimated.
    """
    cells: list[list[str]] = []
    align: list[Align] = []
    columns = [name for name in frame.columns if name != "estimable"]
    for name in columns:
        values = frame[name]
        if name in labels:
            cells.append(_texts(values))
            align.append(LEFT)
            continue
        align.append("right")
        if name == "p_value":
            cells.append(_known(values, format_pvalue(values, digits=4, eps=_SMALLEST_P)))
        elif name in _ESTIMATES:
            decimals = _decimals(frame[[each for each in _ESTIMATES if each in frame]])
            cells.append(_known(values, [f"{value:.{decimals}f}" for value in values]))
        elif name == "df":
            cells.append(_known(values, ["Inf" if np.isinf(v) else f"{v:.2f}" for v in values]))
        elif name == "df_num":
            cells.append([str(int(value)) for value in values])
        else:
            cells.append(_known(values, [f"{value:.3f}" for value in values]))
    return Table(
        columns=tuple(columns),
        rows=tuple(zip(*cells, strict=True)),
        align=tuple(align),
        caption=caption,
        notes=tuple(notes),
    )


def combination_labels(levels: pd.DataFrame) -> tuple[str, ...]:
    """The combinations of levels as words; a number has the name of its column before it."""
    columns = []
    for name in levels.columns:
        column = levels[name]
        before = str(name) if column.dtype.kind in "iufb" else ""
        columns.append([before + text for text in _texts(column)])
    return tuple(" ".join(parts) for parts in zip(*columns, strict=True)) or ("",) * len(levels)


def rows_by(levels: pd.DataFrame, by: Sequence[str]) -> list[NDArray[np.intp]]:
    """The rows of each combination of the levels of some columns, in order of appearance."""
    if not by:
        return [np.arange(len(levels))]
    numbers = levels.groupby(list(by), sort=False, observed=True).ngroup().to_numpy()
    return [np.flatnonzero(numbers == group) for group in range(int(numbers.max()) + 1)]


def _texts(values: pd.Series[Any]) -> list[str]:
    if values.dtype.kind == "f":
        return [label_text(float(f"{value:.6g}")) for value in values]
    return [label_text(value) for value in values.tolist()]


def _known(values: pd.Series[Any], texts: Sequence[str]) -> list[str]:
    return [
        "nonEst" if np.isnan(value) else text.strip()
        for value, text in zip(values, texts, strict=True)
    ]


def _decimals(values: pd.DataFrame) -> int:
    """Decimals with which the median of the estimates has four digits."""
    sizes = np.abs(values.to_numpy(dtype=float))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not sizes.size:
        return 1
    return int(np.clip(_DIGITS - 1 - np.floor(np.log10(np.median(sizes))), 0, 10))
