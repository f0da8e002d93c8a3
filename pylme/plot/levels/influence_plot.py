"""Influence of groups: Cook's distance of each level."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import OptionError
from pylme.frame import to_native
from pylme.inference.quality.influence import Influence
from pylme.plot.axes import BLUE, GREY, ORANGE, axes, shown
from pylme.plot.charts.levels import influence_chart
from pylme.plot.picture import drawn, picture

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from pylme.plot.picture import Backend

__all__ = ["influence", "influence_data"]

#: Levels whose names are shown.
NAMED = 40
#: And so many of more.
FOREMOST = 8


def influence_data(fit: Any, by: str | None = None) -> Any:
    """Cook's distances in descending order: what `influence` draws.

    Parameters
    ----------
    fit : Fit or Influence
        A fit, or what its ``influence(by=group)`` has returned.
    by : str, optional
        Of a fit, the groups; by default its first grouping factor.

    Returns
    -------
    DataFrame
        As of ``Influence.to_frame()``, in descending order of ``cooks_distance``.

    Raises
    ------
    OptionError
        If it is anything else.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.influence_data(fit, "Subject").columns.to_list()
    ['Subject', 'rows', 'cooks_distance', 'dfbetas[(Intercept)]', 'dfbetas[Days]', 'converged']
    """
    found = _influence_of(fit, by)
    return to_native(_ordered(found), found.library)


def _influence_of(fit: Any, by: str | None) -> Influence:
    if isinstance(fit, Influence):
        return fit
    if isinstance(fit, type) or not hasattr(fit, "influence"):
        raise OptionError(
            option="fit",
            value=fit,
            allowed="a fitted model, or what its influence(by=group) returns",
        )
    found: Influence = fit.influence(by=next(iter(fit.ngrps)) if by is None else by)
    return found


def _ordered(influence: Influence) -> pd.DataFrame:
    table: pd.DataFrame = replace(influence, library="pandas").to_frame()
    return table.sort_values(
        "cooks_distance", ascending=False, kind="stable", ignore_index=True, na_position="last"
    )


@picture(influence_data)
def influence(
    fit: Any, by: str | None = None, *, backend: Backend = "matplotlib", ax: Axes | None = None
) -> Any:
    """Draw Cook's distance of each level, the greatest first.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> pylme.plot.influence(fit.influence(by="Subject")).get_xlabel()
    "Cook's distance"
    """
    return drawn(backend, ax, _draw, influence_chart, _ordered(_influence_of(fit, by)))


def _draw(ax: Axes | None, data: pd.DataFrame) -> Axes:
    name, count = str(data.columns[0]), len(data)
    crowded = count > NAMED
    ax = axes(ax, height=min(max(0.18 * count + 1.2, 2.4), 7.0))
    places, x = np.arange(count), data["cooks_distance"].to_numpy()
    ax.hlines(places, 0.0, x, color=GREY, linewidth=0.4 if crowded else 1.2)
    settled = data["converged"].to_numpy()
    ax.scatter(
        x,
        places,
        s=5 if crowded else 22,
        c=[BLUE if each else ORANGE for each in settled],
        zorder=3,
    )
    ax.set_ylim(count - 0.5, -0.5)
    if crowded:
        for i in range(min(FOREMOST, count)):
            if np.isfinite(x[i]):
                ax.annotate(
                    shown(data[name][i]), (x[i], places[i]), xytext=(6, -3 - 9 * i),
                    textcoords="offset points", fontsize="small",
                    arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5},
                )  # fmt: skip
        ax.set_yticks([])
        ax.set_ylabel(f"{count:,} levels of {shown(name)}, the greatest first")
    else:
        ax.set_yticks(places, labels=[shown(level) for level in data[name]])
    ax.set_xlim(0.0, 1.12 * (float(np.nanmax(x, initial=0.0)) or 1.0))
    ax.set_xlabel("Cook's distance")
    ax.set_title(f"Influence of {shown(name)}", fontsize="medium")
    return ax
