"""Charts of many fits: of many responses, and of the replicates of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.plot.axes import BLUE, ORANGE
from pylme.plot.charts.grammar import (
    altair,
    category,
    colour,
    guide,
    layers,
    number,
    rows,
    shapes,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["p_values_chart", "study_chart", "volcano_chart"]


def volcano_chart(data: pd.DataFrame, *, what: str, title: str) -> Any:
    """p-values against estimates; those found are orange."""
    alt = altair()
    points = (
        alt.Chart()
        .mark_circle(size=float(np.clip(9000 / max(len(data), 1), 8, 40)), opacity=0.7)
        .encode(
            x=number("x", "estimate", what),
            y=number("y", "minus_log10_p", "−log₁₀ p", zero=True),
            color=alt.condition("datum.found", alt.value(ORANGE), alt.value(BLUE)),
            tooltip=told(data),
        )
    )
    return layers(rows(data, asked="responses"), points, guide("x", 0.0), title=title)


def p_values_chart(data: pd.DataFrame, *, what: str) -> Any:
    """Counts of p-values, with the count that there would be without any effect."""
    alt = altair()
    bars = (
        alt.Chart()
        .mark_bar(color=BLUE, binSpacing=1)
        .encode(
            x=alt.X(
                field="low", type="quantitative", bin="binned", title=what,
                axis=alt.Axis(grid=False, values=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            ),
            x2="high",
            y=number("y", "count", "Responses", zero=True),
            tooltip=told(data),
        )
    )  # fmt: skip
    return layers(rows(data), bars, guide("y", float(data["expected"].iloc[0])))


def study_chart(data: pd.DataFrame, quantiles: Sequence[float], *, what: str) -> Any:
    """Estimates by model with their quantiles and means, and the truth."""
    alt = altair()
    parameters = list(dict.fromkeys(data["parameter"]))
    found = []
    for (model, parameter), own in data.groupby(["model", "parameter"], sort=False):
        ends = np.quantile(own["estimate"].to_numpy(dtype=np.float64), quantiles)
        names = ("low", "first_quartile", "third_quartile", "high")
        found.append(
            {
                "model": model, "parameter": parameter, "mean": own["estimate"].mean(),
                **dict(zip(names, ends, strict=True)),
            }
        )  # fmt: skip
    table = pd.DataFrame(found)
    shade = colour("parameter", parameters) if len(parameters) > 1 else alt.value(BLUE)
    place = {
        "y": category("y", "model", data["model"]),
        "yOffset": category("yOffset", "parameter", parameters),
    }
    base = alt.Chart(rows(table)).encode(color=shade, tooltip=told(table), **place)
    means = base.mark_point(filled=True, size=90, opacity=1).encode(x=number("x", "mean", what))
    if len(parameters) > 1:
        means = means.encode(shape=shapes("parameter", parameters))
    truth = data["truth"].dropna().unique() if "truth" in data else ()
    return layers(
        rows(data, asked="estimates"),
        alt.Chart()
        .mark_tick(opacity=float(np.clip(60 / len(data), 0.05, 0.5)), size=14)
        .encode(x=number("x", "estimate", what), color=shade, tooltip=told(data), **place),
        base.mark_rule(strokeWidth=1.4).encode(x=number("x", "low"), x2="high"),
        base.mark_rule(strokeWidth=5).encode(x=number("x", "first_quartile"), x2="third_quartile"),
        means,
        *([guide("x", *truth)] if len(truth) else []),
        height=36 * data["model"].nunique() * len(parameters),
    )
