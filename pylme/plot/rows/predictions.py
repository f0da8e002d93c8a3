"""Predictions with intervals over the data: for the population, or a panel for each group.

The line is the prediction over a numeric predictor, the band its interval, and points are the
responses. Other predictors are at their means, or their most frequent values; in a panel, those of
its group. In a panel the broken line is the prediction without the random effects of the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.errors import OptionError, UnknownNameError
from pylme.frame import to_native
from pylme.inference.means.reference_grid import predictors
from pylme.inference.prediction.question import Interval
from pylme.options import choice, mapping, optional_text, true_or_false, whole_number
from pylme.plot.axes import GREY, STYLES, axes, ink, panels, shown
from pylme.plot.charts.rows import predictions_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture
from pylme.plot.units import response_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pylme.inference.prediction.question import Kind
    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["predictions", "predictions_data"]

#: Points of a line.
_POINTS: Final = 41


def predictions_data(
    fit: Fitted,
    x: str | None = None,
    group: str | None = None,
    *,
    by: str | None = None,
    levels: Sequence[str] | None = None,
    most: int = 24,
    at: Mapping[str, Any] | None = None,
    interval: Interval = "confidence",
    kind: Kind = "response",
    conf_level: float = 0.95,
) -> Any:
    """Predictions over a predictor: what `predictions` draws.

    Parameters
    ----------
    fit : Fit
    x : str, optional
        The numeric predictor; the first one where none is named.
    group : str, optional
        A column that is a grouping factor: predictions for its levels, with all random effects.
        Without it they are for the population.
    by : str, optional
        A factor with a line for each of its levels.
    levels : sequence of str, optional
        Levels of the grouping factor.
    most : int
        Of more levels, as many are taken at even distances in their order.
    at : mapping, optional
        Values of other predictors, in place of means and most frequent values.
    interval : {"confidence", "prediction"}
        For the mean or for a new observation.
    kind, conf_level
        As for `Fit.predict`.

    Returns
    -------
    DataFrame
        ``group`` and ``level``, where a grouping factor is given; `by`; `x`; ``estimate``,
        ``std_error``, ``df``, ``conf_low``, ``conf_high``; and for levels ``population``, the
        prediction without random effects.

    Raises
    ------
    UnknownNameError
        If the model has no such predictor, grouping column or level.
    OptionError
        If `x` is not numeric, or an argument is not one of those allowed.
    NotAvailableError
        If the fit came from JSON.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.predictions_data(fit, "Days").columns.to_list()
    ['Days', 'estimate', 'std_error', 'df', 'conf_low', 'conf_high']
    """
    require_fit(fit)
    x, rows, order = _rows(fit, x, group, by=by, levels=levels, most=most, at=at)
    found = _predicted(fit, rows, group, interval=interval, kind=kind, conf_level=conf_level)
    table = pd.concat([rows[[*order, x]], found], axis=1)
    if group is not None:
        table = table.rename(columns={group: "level"})
        table.insert(0, "group", group)
    return to_native(table, fit.library)


def _predicted(
    fit: Fitted, rows: pd.DataFrame, group: str | None, *, interval: Interval, **options: Any
) -> pd.DataFrame:
    random = "none" if group is None else "all"
    interval = choice("interval", interval, Interval)
    found: pd.DataFrame = fit.predict(rows, random=random, interval=interval, **options)
    found = found.reindex(columns=["estimate", "std_error", "df", "conf_low", "conf_high"])
    if group is not None:
        found["population"] = fit.predict(rows, random="none", kind=options["kind"])
    return found


def _rows(
    fit: Fitted,
    x: str | None,
    group: str | None,
    *,
    by: str | None,
    levels: Sequence[str] | None,
    most: int,
    at: Mapping[str, Any] | None,
) -> tuple[str, pd.DataFrame, list[str]]:
    """The predictor, the rows to predict, and the columns that tell the lines apart."""
    data = fit.to_pandas().data
    terms = fit.design.recipe.terms
    names = list(predictors(terms.fixed, terms.response, data))
    x, group, by = optional_text("x", x), optional_text("group", group), optional_text("by", by)
    numeric = [name for name in names if data[name].dtype.kind in "iuf"]
    if x is None:
        if not numeric:
            raise OptionError(
                option="x",
                value=None,
                allowed="the name of a numeric predictor; this model has none: draw marginal means",
            )
        x = numeric[0]
    for option, name in (("predictor", x), ("predictor", by)):
        if name is not None and name not in names:
            raise UnknownNameError(what=option, name=name, known=names)
    if data[x].dtype.kind not in "iuf":
        raise OptionError(option="x", value=x, allowed=f"a numeric predictor: {numeric}")
    if group is not None and group not in data:
        raise UnknownNameError(what="grouping column", name=group, known=list(data.columns))
    for option, name, taken in (("group", group, (x,)), ("by", by, (x, group))):
        if name is not None and name in taken:
            raise OptionError(
                option=option, value=name, allowed="a column that has no other part in the plot"
            )
    fixed = {} if at is None else mapping("at", at, allowed="a dict of values by predictor")
    others = [name for name in data.columns if name not in {x, by, group}]
    parts = []
    for level in [None] if group is None else _levels(data[group], levels, most):
        own = data if group is None else data[data[group].astype(str) == level]
        span = np.linspace(own[x].min(), own[x].max(), _POINTS)
        for value in [None] if by is None else list(pd.unique(own[by])):
            part = pd.DataFrame({x: span})
            for name in others:
                part[name] = fixed[name] if name in fixed else _usual(own[name])
            if group is not None:
                part[group] = own[group].iloc[0]
            if by is not None:
                part[by] = value
            parts.append(part)
    rows = pd.concat(parts, ignore_index=True)
    return x, rows, [name for name in (group, by) if name is not None]


def _levels(column: pd.Series[Any], levels: Sequence[str] | None, most: int) -> list[str]:
    """The levels to show, as texts."""
    kind = column.dtype
    known = (
        [str(level) for level in kind.categories if (column == level).any()]
        if isinstance(kind, pd.CategoricalDtype)
        else [str(level) for level in sorted(pd.unique(column))]
    )
    if levels is not None:
        asked = [str(level) for level in levels]
        for level in asked:
            if level not in known:
                raise UnknownNameError(what=f"level of {column.name}", name=level, known=known)
        return asked
    most = whole_number("most", most, least=1)
    if len(known) <= most:
        return known
    places = np.unique(np.linspace(0, len(known) - 1, most).round().astype(int))
    return [known[place] for place in places.tolist()]


def _usual(column: pd.Series[Any]) -> Any:
    """The mean of numbers, the most frequent value of others."""
    return column.mean() if column.dtype.kind in "iuf" else column.mode().iloc[0]


@picture(predictions_data)
def predictions(
    fit: Fitted,
    x: str | None = None,
    group: str | None = None,
    *,
    by: str | None = None,
    levels: Sequence[str] | None = None,
    most: int = 24,
    at: Mapping[str, Any] | None = None,
    interval: Interval = "confidence",
    kind: Kind = "response",
    conf_level: float = 0.95,
    points: bool = True,
    backend: Backend = "matplotlib",
    ax: Axes | Sequence[Axes] | None = None,
) -> Any:
    """Draw predictions with intervals over the data, for the population or in panels by group.

    Parameters
    ----------
    points : bool
        Whether the responses are drawn too.
    ax : matplotlib.axes.Axes, or a sequence of them, optional
        Where matplotlib draws; for panels one for each level. A new figure if none is given.

    Returns
    -------
    matplotlib.axes.Axes, an ndarray of them, or altair's chart
        One for the population, one for each level of the grouping factor otherwise.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.predictions(fit, group="Subject").shape
    (18,)
    """
    require_fit(fit)
    points = true_or_false("points", points)
    given = fit.to_pandas()
    x, rows, _ = _rows(given, x, group, by=by, levels=levels, most=most, at=at)
    found = _predicted(given, rows, group, interval=interval, kind=kind, conf_level=conf_level)
    table = pd.concat([rows, found], axis=1)
    kept = [name for name in (group, by, x) if name is not None]
    table = table[[*kept, *found.columns]].rename(columns={group: "level"})
    data = None
    if points and (response := _response(given, kind)) is not None:
        data = given.data[kept].rename(columns={group: "level"}).assign(response=response)
    what = "mean" if interval == "confidence" else "new observation"
    title = f"{100 * conf_level:g} % intervals of the {what}"
    if group is not None:
        own, total = table["level"].nunique(), given.data[group].nunique()
        number = f"{own} of {total:,} levels" if own < total else f"{total} levels"
        chosen = ", evenly spaced in their order" if own < total and levels is None else ""
        title = f"{shown(group)}, {number}{chosen}: {title}"
    labels = (shown(x), response_label(fit, kind))
    return drawn(
        backend, ax, _draw, predictions_chart, table, data, x=x, by=by, labels=labels, title=title
    )


def _draw(
    ax: Any,
    table: pd.DataFrame,
    data: pd.DataFrame | None,
    *,
    x: str,
    by: str | None,
    labels: tuple[str, str],
    title: str,
) -> Any:
    if "level" not in table:
        single = axes(ax)
        _lines(single, table, data, x, by)
        single.set_xlabel(labels[0])
        single.set_ylabel(labels[1])
        single.set_title(title, fontsize="medium")
        return single
    own = list(table.groupby("level", sort=False, observed=True))
    grid, outer = panels(ax, len(own))
    for panel, (level, part) in zip(grid, own, strict=True):
        _lines(panel, part, None if data is None else data[data["level"] == level], x, by)
        panel.plot(part[x], part["population"], color=ink(panel), linewidth=0.8, linestyle="--")
        panel.set_title(shown(level, most=18), fontsize="small")
        if by is not None and panel is not grid[0]:
            panel.get_legend().remove()
    if outer is not None:
        outer.supxlabel(labels[0])
        outer.supylabel(labels[1])
        outer.suptitle(title, fontsize="medium")
    return grid


def _response(fit: Fitted, kind: Kind) -> NDArray[np.float64] | None:
    """The responses on the scale of the predictions; None on that of a link."""
    y = fit.design.y
    if y.ndim == 2:
        y = y[:, 0] / y.sum(axis=1)
    if fit.design.family is not None and kind == "link":
        return None
    return y


def _lines(
    ax: Axes, table: pd.DataFrame, data: pd.DataFrame | None, x: str, by: str | None
) -> None:
    """Points, bands and lines of one panel."""
    lines = [(None, table)] if by is None else list(table.groupby(by, sort=False, observed=True))
    for place, (level, part) in enumerate(lines):
        style = STYLES[place % len(STYLES)]
        if data is not None:
            own = data if by is None else data[data[by] == level]
            crowded = len(own) > 500
            ax.scatter(
                own[x], own["response"], s=3 if crowded else 14, marker=style.marker,
                color=GREY if by is None else style.color, alpha=0.35 if crowded else 0.7,
                linewidths=0, zorder=1,
            )  # fmt: skip
        ax.fill_between(
            part[x], part["conf_low"], part["conf_high"], color=style.color, alpha=0.18,
            linewidth=0, zorder=2,
        )  # fmt: skip
        ax.plot(
            part[x], part["estimate"], color=style.color, linestyle=style.line, zorder=3,
            label=None if level is None else shown(level),
        )  # fmt: skip
    if by is not None:
        ax.legend(title=shown(by), fontsize="small", frameon=False)
