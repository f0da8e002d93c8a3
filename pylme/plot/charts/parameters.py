"""Charts of parameters: their intervals, their profiles, and the search for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pylme.plot.axes import BLUE, GREY, ORANGE
from pylme.plot.charts.grammar import (
    altair,
    category,
    colour,
    dashes,
    guide,
    layers,
    number,
    rows,
    shapes,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "coefficients_chart",
    "convergence_chart",
    "emmeans_chart",
    "profile_chart",
    "profile_criterion_chart",
    "profile_pairs_chart",
    "varcorr_chart",
]

#: Height of a line of names.
LINE = 22


def varcorr_chart(
    data: pd.DataFrame, labels: Sequence[str], *, component: str, what: str, title: str
) -> Any:
    """A mark and an interval for each component."""
    alt = altair()
    data = data.assign(component=[label.replace("\n", " ") for label in labels])
    base = alt.Chart().encode(y=category("y", "component", data["component"]), tooltip=told(data))
    domain = None if component == "sd" else (-1.0, 1.0)
    at = number("x", "estimate", what, domain=domain, zero=component == "sd")
    return layers(
        rows(data),
        base.mark_rule(color=BLUE, strokeWidth=2).encode(
            x=number("x", "conf_low", zero=component == "sd"), x2="conf_high"
        ),
        base.mark_circle(color=BLUE, size=70, opacity=1).encode(x=at),
        *([guide("x", 0.0)] if component == "corr" else []),
        title=title,
        height=LINE * len(data),
    )


def coefficients_chart(data: pd.DataFrame, *, what: str) -> Any:
    """A forest: terms from the top down, and the fits beside each other."""
    alt = altair()
    models = list(dict.fromkeys(data["model"]))
    base = alt.Chart().encode(
        y=category("y", "term", data["term"]),
        yOffset=category("yOffset", "model", models),
        color=colour("model", models) if len(models) > 1 else alt.value(BLUE),
        tooltip=told(data),
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=number("x", "estimate", what)
    )
    if len(models) > 1:
        points = points.encode(shape=shapes("model", models))
    return layers(
        rows(data),
        base.mark_rule(strokeWidth=1.6).encode(x=number("x", "conf_low"), x2="conf_high"),
        points,
        guide("x", 0.0),
        height=LINE * data["term"].nunique() * (1 + len(models)) // 2,
    )


def emmeans_chart(
    data: pd.DataFrame,
    labels: Sequence[str],
    outer: Sequence[str],
    *,
    bars: bool,
    axes_of: tuple[str, str],
    title: str,
) -> Any:
    """Means with their intervals, and thick bars by which they are compared."""
    alt = altair()
    names = [f"{by} | {label}" if by else label for by, label in zip(outer, labels, strict=True)]
    data = data.assign(mean=names)
    base = alt.Chart().encode(y=category("y", "mean", names, axes_of[1]), tooltip=told(data))
    compared = base.mark_rule(color=BLUE, strokeWidth=9, opacity=0.35).encode(
        x=number("x", "comparison_low"), x2="comparison_high"
    )
    return layers(
        rows(data),
        *([compared] if bars else []),
        base.mark_rule(color=GREY, strokeWidth=1.4).encode(
            x=number("x", "conf_low"), x2="conf_high"
        ),
        base.mark_circle(color=BLUE, size=60, opacity=1).encode(
            x=number("x", "estimate", axes_of[0])
        ),
        title=title,
        height=LINE * len(data),
    )


def profile_chart(
    data: pd.DataFrame, ends: pd.DataFrame, units: dict[str, str], *, absolute: bool
) -> Any:
    """ζ of each parameter, with the ends of intervals."""
    alt = altair()
    height = "zeta"
    if absolute:
        data, ends = (table.assign(zeta=table["zeta"].abs()) for table in (data, ends))
    panels = []
    for at, (name, own) in enumerate(data.groupby("parameter", sort=False)):
        limits = ends[ends["parameter"] == name].assign(none=0.0)
        line = (
            alt.Chart(rows(own))
            .mark_line(color=BLUE)
            .encode(
                x=number("x", "value", units[str(name)]),
                y=number("y", height, "|ζ|" if absolute else "ζ"),
                tooltip=told(own),
            )
        )
        stems = (
            alt.Chart(rows(limits))
            .mark_rule(color=GREY)
            .encode(
                x=number("x", "value"),
                y=number("y", height),
                y2="none",
                tooltip=told(limits, "none"),
            )
        )
        panels.append(
            alt.layer(stems, line, guide("y", 0.0))
            .properties(width=220, height=180)
            .interactive(name=f"panel_{at}_view")
        )
    return panels[0] if len(panels) == 1 else alt.concat(*panels, columns=3)


def profile_pairs_chart(contours: pd.DataFrame, traces: pd.DataFrame, labels: Sequence[str]) -> Any:
    """Contours of each two parameters: their own scales below the diagonal, ζ above it.

    Two lines run through them: the values of one parameter at which the deviance is least with the
    other fixed.
    """
    alt = altair()

    def lines(data: pd.DataFrame, i: int, j: int, detail: str) -> Any:
        low, high = sorted((i, j))
        ours = (data["x_parameter"] == labels[low]) & (data["y_parameter"] == labels[high])
        own = data[ours].assign(place=range(int(ours.sum())))
        across, up = ("x", "y") if i > j else ("zeta_y", "zeta_x")
        return (
            alt.Chart(rows(own))
            .mark_line(color=BLUE, strokeWidth=1, clip=True)
            .encode(
                x=number("x", across, "", domain=reach(across, low, high)),
                y=number("y", up, "", domain=reach(up, low, high)),
                detail=f"{detail}:N",
                order="place:Q",
                tooltip=told(own, "place"),
            )
        )

    def reach(column: str, low: int, high: int) -> tuple[float, float]:
        """As far as the outermost contour, and a little further."""
        ours = (contours["x_parameter"] == labels[low]) & (contours["y_parameter"] == labels[high])
        ends = contours.loc[ours, column].agg(["min", "max"])
        margin = 0.03 * float(ends["max"] - ends["min"])
        return float(ends["min"]) - margin, float(ends["max"]) + margin

    def panel(i: int, j: int) -> Any:
        if i == j:
            name = alt.InlineData(values=[{"name": labels[i].replace(" | ", "\n| ")}])
            cell = alt.Chart(name).mark_text(lineBreak="\n").encode(text="name:N")
        else:
            colours = alt.Color("fixed:N", legend=None).scale(
                domain=[labels[j], labels[i]], range=[ORANGE, GREY]
            )
            least = lines(traces, i, j, "fixed").encode(color=colours)
            cell = alt.layer(lines(contours, i, j, "level"), least)
        return cell.properties(width=110, height=110)

    count = len(labels)
    return alt.vconcat(
        *(alt.hconcat(*(panel(i, j) for j in range(count))) for i in reversed(range(count)))
    )


def profile_criterion_chart(data: pd.DataFrame, at: float, notable: float, *, what: str) -> Any:
    """The criterion along a line."""
    alt = altair()
    fit = pd.DataFrame({"value": [at], "excess": [0.0]})
    inside = data["value"].iloc[0] <= at <= data["value"].iloc[-1]
    top = max(float(data["excess"].max()), 1.2 * notable)
    bottom = min(float(data["excess"].min()), 0.0)
    domain = (bottom - 0.06 * (top - bottom), top + 0.06 * (top - bottom))
    line = (
        alt.Chart()
        .mark_line(color=BLUE)
        .encode(
            x=number("x", "value", what),
            y=number("y", "excess", "Criterion above the fit's", domain=domain),
            tooltip=told(data),
        )
    )
    mark = (
        alt.Chart(rows(fit))
        .mark_point(color=ORANGE, shape="diamond", filled=True, size=80, opacity=1)
        .encode(x=number("x", "value"), y=number("y", "excess"), tooltip=told(fit))
    )
    return layers(rows(data), line, guide("y", notable), *([mark] if inside else []))


def convergence_chart(data: pd.DataFrame, *, of: str, floor: float) -> Any:
    """The criterion, or θ, at each evaluation; hollow where the search did not go on."""
    alt = altair()
    data = data.assign(evaluation=data.index)
    if of == "criterion":
        long = data.assign(drawn=data["excess"].clip(lower=floor), element="criterion")
        height = number("y", "drawn", "Criterion above the optimum", log=True)
    else:
        names = list(data.columns[3:-1])
        long = data.melt(
            ["evaluation", "criterion", "excess", "accepted"], names, "element", "drawn"
        )
        height = number("y", "drawn", "θ")
    elements = list(dict.fromkeys(long["element"]))
    shade = colour("element", elements) if of == "theta" else alt.value(BLUE)
    base = alt.Chart().encode(
        x=number("x", "evaluation", "Evaluation", whole=True),
        y=height,
        color=shade,
        tooltip=told(long),
    )
    line = base.mark_line().transform_filter("datum.accepted").encode(detail="element:N")
    points = base.mark_point(size=50, opacity=1)
    fill = alt.condition("datum.accepted", shade, alt.value("transparent"))
    if of == "theta":
        line = line.encode(strokeDash=dashes("element", elements))
        points = points.encode(shape=shapes("element", elements))
    return layers(rows(long), line, points.encode(fill=fill))
