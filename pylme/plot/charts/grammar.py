"""The few parts that charts are made of: rows, channels, marks. The only place that needs altair.

Rows stand in the chart itself, so that it is one file, and neither altair's limit of 5,000 rows nor
its other settings matter.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import MissingPackageError, NotAvailableError
from pylme.plot.axes import GREY, STYLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

__all__ = [
    "altair",
    "category",
    "colour",
    "dashes",
    "guide",
    "layers",
    "number",
    "rows",
    "shapes",
    "slanted",
    "told",
]

#: A browser is slow with more, and a file of them has megabytes.
MOST_ROWS: Final = 20_000
#: Line styles of matplotlib as lengths of dashes.
_DASHES: Final = {"-": [1, 0], "--": [6, 3], "-.": [6, 3, 1, 3], ":": [2, 2]}
#: Vega-Lite's names of matplotlib's markers, or paths of them.
_MARKS: Final = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down",
    "P": "cross", "X": "M-.7,-1L0,-.3L.7,-1L1,-.7L.3,0L1,.7L.7,1L0,.3L-.7,1L-1,.7L-.3,0L-1,-.7Z",
}  # fmt: skip


def altair() -> Any:
    """The module altair.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import altair as alt
    except ImportError as error:
        raise MissingPackageError(
            package="altair", extra="altair", asked='Drawing a plot with backend="altair"'
        ) from error
    return alt


def rows(table: pd.DataFrame, *, asked: str = "rows") -> Any:
    """The rows of a frame as a chart contains them: NaN and infinite numbers are null.

    Raises
    ------
    NotAvailableError
        If there are more than `MOST_ROWS`.
    """
    if len(table) > MOST_ROWS:
        raise NotAvailableError(
            asked=f"Drawing {len(table):,} {asked} by altair",
            found=f"each of them would stand in the chart, and with more than {MOST_ROWS:,} a "
            "browser does not follow the mouse any more",
            remedy='Draw them by backend="matplotlib".',
        )
    columns = {str(name): [_plain(value) for value in table[name]] for name in table}
    return altair().InlineData(
        values=[dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    )


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return None if value is None else str(value)


def _field(name: str) -> str:
    """A column's name as a field: dots and brackets would be paths."""
    return "".join(f"\\{letter}" if letter in "\\.[]'\"" else letter for letter in name)


def number(
    channel: str,
    name: str,
    title: str | None = None,
    *,
    domain: Sequence[float] | None = None,
    log: bool = False,
    ticks: bool = True,
    whole: bool = False,
    zero: bool = False,
) -> Any:
    """A channel ("x", "y") of numbers.

    Of layers upon each other one has the title: with None there is no word of it, as a title that
    is null would delete that of the others.
    """
    alt = altair()
    scale = alt.Scale(
        zero=zero, nice=False,
        padding=alt.Undefined if domain is not None else 10,
        type="log" if log else "linear",
        domain=list(domain) if domain is not None else alt.Undefined,
    )  # fmt: skip
    axis = alt.Axis(
        grid=False, labels=ticks, ticks=ticks, tickMinStep=1 if whole else alt.Undefined
    )
    return getattr(alt, channel.capitalize())(
        field=_field(name),
        type="quantitative",
        scale=scale,
        axis=axis,
        title=alt.Undefined if title is None else title.replace("\n", ", "),
    )


def category(channel: str, name: str, order: Iterable[str], title: str | None = None) -> Any:
    """A channel ("x", "y", "yOffset") of names in their order."""
    alt = altair()
    made = getattr(alt, channel[:1].upper() + channel[1:])
    options = {} if channel.endswith("Offset") else {"axis": alt.Axis(labelLimit=240)}
    return made(
        field=_field(name), type="nominal", title=title, sort=list(dict.fromkeys(order)), **options
    )


def colour(name: str, order: Iterable[Any], title: str | None = None) -> Any:
    """Colours of the levels of a column, those of matplotlib."""
    return _by_level("Color", name, order, title, [style.color for style in STYLES])


def shapes(name: str, order: Iterable[Any], title: str | None = None) -> Any:
    """Shapes of the levels of a column, or dashes of their lines."""
    return _by_level("Shape", name, order, title, [_MARKS[style.marker] for style in STYLES])


def dashes(name: str, order: Iterable[Any], title: str | None = None) -> Any:
    """Dashes of the lines of the levels of a column."""
    return _by_level("StrokeDash", name, order, title, [_DASHES[style.line] for style in STYLES])


def _by_level(
    channel: str, name: str, order: Iterable[Any], title: str | None, styles: Sequence[Any]
) -> Any:
    alt = altair()
    levels = list(dict.fromkeys(map(str, order)))
    legend = alt.Legend(symbolOpacity=1)
    return getattr(alt, channel)(
        field=_field(name), type="nominal", title=title, legend=legend,
        scale=alt.Scale(
            domain=levels, range=[styles[at % len(styles)] for at in range(len(levels))]
        ),
    )  # fmt: skip


def told(table: pd.DataFrame, *left_out: str) -> list[Any]:
    """Tooltips: every column of the frame under its name."""
    alt = altair()
    return [
        alt.Tooltip(field=_field(str(name)), type="quantitative", format=".4~g", title=str(name))
        if table[name].dtype.kind == "f"
        else alt.Tooltip(field=_field(str(name)), type="nominal", title=str(name))
        for name in table
        if name not in left_out
    ]


def guide(channel: str, *values: float) -> Any:
    """Dotted lines at some values of a channel."""
    alt = altair()
    data = alt.InlineData(values=[{"at": float(value)} for value in values])
    return (
        alt.Chart(data)
        .mark_rule(color=GREY, strokeDash=[2, 2])
        .encode(**{channel: getattr(alt, channel.capitalize())(field="at", type="quantitative")})
    )


def slanted(x: Sequence[float], y: Sequence[float]) -> Any:
    """A line from one point to another."""
    alt = altair()
    data = alt.InlineData(
        values=[{"x": float(a), "y": float(b)} for a, b in zip(x, y, strict=True)]
    )
    return (
        alt.Chart(data)
        .mark_line(color=GREY, strokeWidth=1.2)
        .encode(x=alt.X(field="x", type="quantitative"), y=alt.Y(field="y", type="quantitative"))
    )


def layers(
    data: Any,
    *made: Any,
    title: str = "",
    width: int = 420,
    height: int = 320,
    panel: str = "panel",
) -> Any:
    """Charts of the same rows upon each other, which the mouse moves and enlarges.

    Each of several panels beside each other has a name of its own: the mouse moves one of them.
    """
    alt = altair()
    return (
        alt.layer(*made, data=data)
        .properties(title=title, width=width, height=height)
        .interactive(name=f"{panel}_view")
    )
