"""Shrinkage: the effects of each group by its own rows, and their conditional modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from pylme.plot.axes import BLUE, GREY, ORANGE, axes, shown
from pylme.plot.charts.levels import shrinkage_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture
from pylme.plot.units import effect_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["shrinkage", "shrinkage_data"]

#: Levels whose names are shown.
NAMED = 40


class Shrunk(Protocol):
    """A linear mixed model with its data."""

    def shrinkage(self, group: str | None = None) -> Any:
        """The effects of each level by its own rows, and their modes."""
        ...

    def to_pandas(self) -> Shrunk:
        """The same fit with pandas frames."""
        ...


def shrinkage_data(fit: Shrunk, group: str | None = None) -> Any:
    """The effects of each level by its own rows and their modes: what `shrinkage` draws.

    Parameters
    ----------
    fit : Fit
        A linear mixed model.
    group : str, optional
        The grouping factor; by default the first one.

    Returns
    -------
    DataFrame
        A row for each level and effect: ``group, level, term, unpooled, estimate``. Unpooled are
        the least-squares effects of the level's rows, what the other effects explain taken away;
        NaN where the rows do not determine them.

    Raises
    ------
    UnknownNameError
        If no such grouping factor exists.
    NotAvailableError
        If the model is a generalized one, or the fit came from JSON.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.shrinkage_data(fit).columns.to_list()
    ['group', 'level', 'term', 'unpooled', 'estimate']
    """
    require_fit(fit)
    return fit.shrinkage(group)


@picture(shrinkage_data)
def shrinkage(
    fit: Shrunk,
    group: str | None = None,
    *,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw how the effects of each level are shrunk: from those of its own rows to its mode.

    Two effects, the first two of the factor, span a plane; one effect is drawn level by level.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.shrinkage(fit).get_ylabel()
    'Effect of Days [Reaction / Days]'
    """
    require_fit(fit)
    data: pd.DataFrame = fit.to_pandas().shrinkage(group)
    terms = list(dict.fromkeys(data["term"]))[:2]
    labels = [effect_label("Effect of ", cast("Fitted", fit), term) for term in terms]
    return drawn(backend, ax, _draw, shrinkage_chart, data, terms, labels=labels)


def _draw(ax: Axes | None, data: pd.DataFrame, terms: list[str], *, labels: list[str]) -> Axes:
    by_term = [data[data["term"] == term].reset_index(drop=True) for term in terms]
    title = f"Shrinkage of {len(by_term[0]):,} levels of {shown(data['group'][0])}"
    if len(terms) == 1:
        return _line(by_term[0], title, labels[0], ax)
    ax = axes(ax)
    x, y = by_term[0], by_term[1]
    many = len(x) > 300
    ax.plot(
        np.array([x["unpooled"], x["estimate"]]), np.array([y["unpooled"], y["estimate"]]),
        color=GREY, linewidth=0.4 if many else 0.9, alpha=0.5 if many else 1.0, zorder=1,
        rasterized=many,
    )  # fmt: skip
    size = 5 if many else 22
    ax.scatter(
        x["unpooled"], y["unpooled"], s=size, color=ORANGE, marker="s", linewidths=0,
        label="own rows", rasterized=many,
    )  # fmt: skip
    ax.scatter(
        x["estimate"], y["estimate"], s=size, color=BLUE, linewidths=0, label="mode", zorder=3,
        rasterized=many,
    )  # fmt: skip
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.set_title(title, fontsize="medium")
    ax.legend(frameon=False)
    return ax


def _line(data: pd.DataFrame, title: str, label: str, ax: Axes | None) -> Axes:
    """One effect, the levels in the order of their modes."""
    data = data.sort_values("estimate", kind="stable", ignore_index=True)
    count = len(data)
    crowded = count > NAMED
    ax = axes(ax, height=min(max(0.16 * count + 1.2, 2.4), 9.0))
    places = np.arange(count)
    ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    ax.hlines(
        places, data["unpooled"], data["estimate"], color=GREY, linewidth=0.5 if crowded else 1
    )
    size = 4 if crowded else 20
    ax.scatter(
        data["unpooled"], places, s=size, color=ORANGE, marker="s", linewidths=0, label="own rows"
    )
    ax.scatter(data["estimate"], places, s=size, color=BLUE, linewidths=0, label="mode", zorder=3)
    if crowded:
        ax.set_yticks([])
        ax.set_ylabel(f"{count:,} levels in ascending order")
    else:
        ax.set_yticks(places, labels=[shown(level) for level in data["level"]])
    ax.set_xlabel(label)
    ax.set_title(title, fontsize="medium")
    ax.legend(frameon=False)
    return ax
