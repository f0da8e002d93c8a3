"""Charts of the levels of a grouping factor. Of many levels the axis shows ranks, and no names."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from pylme.plot.axes import BLUE, GREY, ORANGE
from pylme.plot.charts.grammar import (
    altair,
    category,
    colour,
    guide,
    layers,
    number,
    rows,
    shapes,
    slanted,
    told,
)
from pylme.plot.quantiles import normal_line

__all__ = [
    "caterpillar_chart",
    "influence_chart",
    "random_effect_chart",
    "random_effects_chart",
    "random_effects_qq_chart",
    "shrinkage_chart",
]

#: Height of a line with a name, and of a chart without names.
LINE: Final = 14
TALL: Final = 480
#: Of points upon many lines.
DARK: Final = "#222222"


def _levels(data: pd.DataFrame, name: str, *, crowded: bool, upwards: bool = True) -> Any:
    """The channel of the levels, in the order of the rows from the bottom up, or down."""
    if not crowded:
        order = data[name][::-1] if upwards else data[name]
        return category("y", name, order)
    title = f"{len(data):,} levels in {'a' if upwards else 'de'}scending order"
    domain = (-0.5, len(data) - 0.5)
    return number("y", "rank", title, domain=domain if upwards else domain[::-1], ticks=False)


def caterpillar_chart(
    data: pd.DataFrame, *, labels: dict[str, str], title: str, crowded: bool
) -> Any:
    """Modes with their intervals, a panel for each effect."""
    alt = altair()
    first = data[data["term"] == next(iter(labels))]
    panels = []
    for at, (term, label) in enumerate(labels.items()):
        own = data[data["term"] == term]
        clear = (own["conf_low"] > 0) | (own["conf_high"] < 0)
        own = own.assign(rank=np.arange(len(own)), clear=clear)
        base = alt.Chart().encode(
            y=_levels(own if crowded else first, "level", crowded=crowded),
            color=alt.condition("datum.clear", alt.value(BLUE), alt.value(GREY)),
            tooltip=told(own, "clear", "rank"),
        )
        panels.append(
            layers(
                rows(own, asked="levels"),
                base.mark_rule(
                    strokeWidth=0.4 if crowded else 1.4, opacity=0.6 if crowded else 1
                ).encode(x=number("x", "conf_low"), x2="conf_high"),
                base.mark_circle(size=6 if crowded else 34, opacity=1).encode(
                    x=number("x", "estimate", label),
                    **({"color": alt.value(DARK)} if crowded else {}),
                ),
                guide("x", 0.0),
                width=420 if len(labels) == 1 else 280,
                height=TALL if crowded else LINE * len(own),
                panel=f"panel_{at}",
            )
        )
    return (
        panels[0].properties(title=title)
        if len(panels) == 1
        else alt.hconcat(*panels).properties(title=title)
    )


def random_effect_chart(data: pd.DataFrame, *, what: str, title: str, by: str | None) -> Any:
    """The fitted density of a single effect, with the modes below it."""
    alt = altair()
    modes = data[data["layer"] == "mode"].drop(columns=["probability", "density"])
    density = data[data["layer"] == "density"][["estimate", "density"]]
    ends = data[data["layer"] == "interval"][["probability", "estimate", "density"]]
    top = float(density["density"].max()) if len(density) else 1.0
    spread = (np.arange(len(modes)) * 0.618033988749895) % 1.0
    modes = modes.assign(place=-top * (0.04 + 0.26 * spread))
    groups = list(dict.fromkeys(modes["by"]))
    height = "Fitted density, modes below"
    curve = (
        alt.Chart(rows(density))
        .mark_line(color=GREY)
        .encode(x=number("x", "estimate", what), y=number("y", "density", height))
    )
    stems = (
        alt.Chart(rows(ends.assign(none=0.0)))
        .mark_rule(color=GREY, strokeDash=[2, 2])
        .encode(x=number("x", "estimate"), y=number("y", "density"), y2="none", tooltip=told(ends))
    )
    points = (
        alt.Chart()
        .mark_point(filled=True, opacity=0.6, size=float(np.clip(9000 / len(modes), 8, 50)))
        .encode(
            x=number("x", "estimate", what),
            y=number("y", "place", height),
            color=alt.value(BLUE) if by is None else colour("by", groups, by),
            tooltip=told(modes, "layer", "place", *([] if by else ["by"])),
        )
    )
    if by is not None:
        points = points.encode(shape=shapes("by", groups, by))
    return layers(rows(modes, asked="levels"), curve, stems, points, title=title, height=260)


def random_effects_chart(
    data: pd.DataFrame,
    correlations: dict[str, str],
    *,
    common: bool,
    labels: tuple[str, ...],
    title: str,
    by: str | None,
) -> Any:
    """Intercepts against slopes, with ellipses, one for all where the covariance is common."""
    alt = altair()
    modes = data[data["layer"] == "mode"].drop(columns=["probability"])
    border = data[data["layer"] == "ellipse"].drop(columns=["level"])
    border = border.assign(place=range(len(border)))
    groups = list(correlations)
    if common or by is None:
        border = border[border["by"] == groups[0]]
        title += f", {correlations[groups[0]]}"
    else:
        title += "".join(f", {group}: {text}" for group, text in correlations.items())
    shade = alt.value(BLUE) if by is None else colour("by", groups, by)
    lines = (
        alt.Chart(rows(border))
        .mark_line()
        .encode(
            x=number("x", "intercept", labels[0]),
            y=number("y", "slope", labels[1]),
            detail=["probability:Q", "by:N"],
            order="place:Q",
            color=alt.value(GREY) if common else shade,
            tooltip=told(border, "place", "layer", *([] if by and not common else ["by"])),
        )
    )
    points = (
        alt.Chart()
        .mark_point(filled=True, opacity=0.6, size=float(np.clip(9000 / len(modes), 8, 50)))
        .encode(
            x=number("x", "intercept", labels[0]),
            y=number("y", "slope", labels[1]),
            color=shade,
            tooltip=told(modes, "layer", *([] if by else ["by"])),
        )
    )
    if by is not None:
        points = points.encode(shape=shapes("by", groups, by))
    return layers(rows(modes, asked="levels"), lines, points, title=title)


def random_effects_qq_chart(data: pd.DataFrame, *, what: str, title: str) -> Any:
    """Modes against normal quantiles, in their envelope."""
    alt = altair()
    center, slope = normal_line(data["estimate"].to_numpy())
    ends = [float(data["normal"].min()), float(data["normal"].max())]
    base = alt.Chart().encode(x=number("x", "normal", "Standard normal quantile"))
    bars = base.mark_rule(color=GREY, strokeWidth=0.8).encode(
        y=number("y", "conf_low"), y2="conf_high"
    )
    return layers(
        rows(data, asked="levels"),
        base.mark_area(color=GREY, opacity=0.3).encode(
            y=number("y", "envelope_low"), y2="envelope_high"
        ),
        slanted(ends, [center + slope * x for x in ends]),
        *([bars] if len(data) <= 200 else []),
        base.mark_circle(
            color=BLUE, size=float(np.clip(6000 / len(data), 8, 40)), opacity=1
        ).encode(y=number("y", "estimate", what), tooltip=told(data)),
        title=title,
    )


def shrinkage_chart(data: pd.DataFrame, terms: list[str], *, labels: list[str]) -> Any:
    """From the effects of a level's own rows to its modes."""
    alt = altair()
    own = [data[data["term"] == term].reset_index(drop=True) for term in terms]
    count = len(own[0])
    title = f"Shrinkage of {count:,} levels of {data['group'].iloc[0]}"
    style = alt.Color(
        field="kind", type="nominal", title=None,
        scale=alt.Scale(domain=["own rows", "mode"], range=[ORANGE, BLUE]),
    )  # fmt: skip
    mark = {"filled": True, "opacity": 1, "size": float(np.clip(9000 / count, 6, 40))}
    if len(terms) == 1:
        table = own[0].sort_values("estimate", kind="stable", ignore_index=True)
        table["rank"] = np.arange(count)
        crowded = count > 40
        y = _levels(table, "level", crowded=crowded)
        base = alt.Chart().encode(y=y, tooltip=told(table, "rank"))
        return layers(
            rows(table, asked="levels"),
            base.mark_rule(color=GREY, strokeWidth=0.4 if crowded else 1).encode(
                x=number("x", "unpooled"), x2="estimate"
            ),
            *(
                base.transform_calculate(kind=f"'{kind}'")
                .mark_point(**mark)
                .encode(x=number("x", column, labels[0]), color=style)
                for kind, column in (("own rows", "unpooled"), ("mode", "estimate"))
            ),
            guide("x", 0.0),
            title=title,
            height=TALL if crowded else LINE * count,
        )
    x, y = own
    table = pd.DataFrame(
        {
            "level": x["level"], "unpooled_x": x["unpooled"], "unpooled_y": y["unpooled"],
            "estimate_x": x["estimate"], "estimate_y": y["estimate"],
        }
    )  # fmt: skip
    base = alt.Chart().encode(tooltip=told(table))
    return layers(
        rows(table, asked="levels"),
        base.mark_rule(color=GREY, strokeWidth=0.3 if count > 300 else 1).encode(
            x=number("x", "unpooled_x"), x2="estimate_x",
            y=number("y", "unpooled_y"), y2="estimate_y",
        ),
        *(
            base.transform_calculate(kind=f"'{kind}'")
            .mark_point(**mark)
            .encode(
                x=number("x", f"{column}_x", labels[0]),
                y=number("y", f"{column}_y", labels[1]),
                color=style,
            )
            for kind, column in (("own rows", "unpooled"), ("mode", "estimate"))
        ),
        title=title,
    )  # fmt: skip


def influence_chart(data: pd.DataFrame) -> Any:
    """Cook's distance of each level, the greatest first."""
    alt = altair()
    name, count = str(data.columns[0]), len(data)
    crowded = count > 40
    data = data.assign(rank=np.arange(count), none=0.0)
    base = alt.Chart().encode(
        y=_levels(data, name, crowded=crowded, upwards=False), tooltip=told(data, "rank", "none")
    )
    return layers(
        rows(data, asked="levels"),
        base.mark_rule(color=GREY, strokeWidth=0.4 if crowded else 1.2).encode(
            x=number("x", "none", zero=True), x2="cooks_distance"
        ),
        base.mark_circle(size=12 if crowded else 40, opacity=1).encode(
            x=number("x", "cooks_distance", "Cook's distance", zero=True),
            color=alt.condition("datum.converged", alt.value(BLUE), alt.value(ORANGE)),
        ),
        title=f"Influence of {name}",
        height=TALL if crowded else LINE * count,
    )
