"""Charts of the rows of the data: residuals, and predictions over the responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.plot.axes import BLUE, GREY, ORANGE
from pylme.plot.charts.grammar import (
    altair,
    colour,
    dashes,
    guide,
    layers,
    number,
    rows,
    slanted,
    told,
)
from pylme.plot.quantiles import normal_line

if TYPE_CHECKING:
    import pandas as pd

    from pylme.plot.rows.residual_panels import Panel

__all__ = ["predictions_chart", "residuals_chart", "simulated_residuals_chart"]


def residuals_chart(data: pd.DataFrame, drawn: list[Panel]) -> Any:
    """The panels of residuals beside each other."""
    made = [_residuals(data[data["panel"] == panel.name], panel) for panel in drawn]
    return made[0] if len(made) == 1 else altair().hconcat(*made)


def _residuals(data: pd.DataFrame, panel: Panel) -> Any:
    alt = altair()
    data = data.drop(columns="panel").dropna(axis="columns", how="all")
    base = alt.Chart().encode(x=number("x", panel.x, panel.x_label))
    parts = [
        base.mark_area(color=GREY, opacity=0.3).encode(
            y=number("y", "envelope_low"), y2="envelope_high"
        )
    ]
    if panel.name == "normal":
        center, slope = normal_line(data[panel.y].to_numpy())
        ends = [float(data["normal"].min()), float(data["normal"].max())]
        parts.append(slanted(ends, [center + slope * x for x in ends]))
    else:
        parts.append(base.mark_line(color=ORANGE, strokeWidth=1.8).encode(y=number("y", "smooth")))
    parts.append(_cloud(base, data, number("y", panel.y, panel.y_label)))
    # A label is towards the middle of its point.
    right = f"datum.{panel.x} > {(data[panel.x].min() + data[panel.x].max()) / 2:.17g}"
    parts.append(
        base.transform_filter("datum.outlier")
        .mark_text(
            align=alt.expr(f"{right} ? 'right' : 'left'"),
            dx=alt.expr(f"{right} ? -6 : 6"),
            color=GREY,
        )
        .encode(y=number("y", panel.y), text="row:N")
    )
    return layers(rows(data), *parts, width=320, height=280, panel=panel.name)


def _cloud(base: Any, data: pd.DataFrame, y: Any) -> Any:
    size = float(np.clip(9000 / len(data), 6, 30))
    opacity = float(np.clip(1500 / len(data), 0.2, 0.7))
    return base.mark_circle(color=BLUE, size=size, opacity=opacity).encode(y=y, tooltip=told(data))


def simulated_residuals_chart(
    data: pd.DataFrame, *, against: str, labels: tuple[str, str], title: str
) -> Any:
    """Residuals by simulation, with their envelope."""
    alt = altair()
    base = alt.Chart().encode(x=number("x", against, labels[0]))
    parts = [
        base.mark_area(color=GREY, opacity=0.3).encode(
            y=number("y", "envelope_low"), y2="envelope_high"
        )
    ]
    if against == "uniform":
        parts.append(slanted([0.0, 1.0], [0.0, 1.0]))
    else:
        parts += [
            guide("y", 0.25, 0.5, 0.75),
            base.mark_line(color=ORANGE, strokeWidth=1.8).encode(y=number("y", "smooth")),
        ]
    parts.append(_cloud(base, data, number("y", "residual", labels[1], domain=(0.0, 1.0))))
    return layers(rows(data), *parts, title=title)


def predictions_chart(
    table: pd.DataFrame,
    data: pd.DataFrame | None,
    *,
    x: str,
    by: str | None,
    labels: tuple[str, str],
    title: str,
) -> Any:
    """Lines with bands over the responses; a panel for each level of a grouping factor."""
    if "level" not in table:
        return _predictions(table, data, x, by, labels).properties(title=title)
    alt = altair()
    panels = []
    for at, (level, part) in enumerate(table.groupby("level", sort=False, observed=True)):
        own = None if data is None else data[data["level"] == level]
        panel = _predictions(part, own, x, by, labels, panel=f"panel_{at}")
        panels.append(panel.properties(title=str(level), width=130, height=110))
    return (
        alt.concat(*panels, columns=6).resolve_scale(x="shared", y="shared").properties(title=title)
    )


def _predictions(
    table: pd.DataFrame,
    data: pd.DataFrame | None,
    x: str,
    by: str | None,
    labels: tuple[str, str],
    *,
    panel: str = "panel",
) -> Any:
    alt = altair()
    levels = [] if by is None else list(dict.fromkeys(table[by].astype(str)))
    shade = alt.value(BLUE) if by is None else colour(by, levels, by)
    base = alt.Chart().encode(x=number("x", x, labels[0]), color=shade)
    line = base.mark_line().encode(y=number("y", "estimate", labels[1]), tooltip=told(table))
    if by is not None:
        line = line.encode(strokeDash=dashes(by, levels, by))
    parts = [
        base.mark_area(opacity=0.18).encode(y=number("y", "conf_low"), y2="conf_high"),
        line,
    ]
    if "population" in table:
        parts.append(
            base.mark_line(color=GREY, strokeDash=[4, 3], strokeWidth=1).encode(
                y=number("y", "population"), color=alt.value(GREY)
            )
        )
    if data is not None:
        points = (
            alt.Chart(rows(data, asked="responses"))
            .mark_circle(size=float(np.clip(9000 / len(data), 6, 26)), opacity=0.6)
            .encode(
                x=number("x", x, labels[0]),
                y=number("y", "response", labels[1]),
                color=alt.value(GREY) if by is None else shade,
                tooltip=told(data),
            )
        )
        parts.insert(0, points)
    return layers(rows(table), *parts, panel=panel)
