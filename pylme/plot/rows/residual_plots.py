"""Residuals: against the fitted values, and against the quantiles of a normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from pylme.errors import NotAvailableError
from pylme.frame import to_native
from pylme.options import choice, whole_number
from pylme.plot.axes import BAND, BLUE, GREY, ORANGE, axes, ink, panels, shown
from pylme.plot.charts.rows import residuals_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture
from pylme.plot.quantiles import normal_line
from pylme.plot.rows.residual_panels import against_fitted, against_normal, panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend
    from pylme.plot.rows.residual_panels import Panel
    from pylme.results.fitted_model import ResidualType

__all__ = ["residuals", "residuals_data"]

Against = Literal["fitted", "normal", "scale", "all"]

#: The panels of "all".
_ALL: Final = ("fitted", "normal", "scale")


def residuals_data(
    fit: Fitted, against: Against = "fitted", *, kind: ResidualType = "scaled", labels: int = 3
) -> Any:
    """Residuals with fitted values or normal quantiles: what `residuals` draws.

    Parameters
    ----------
    fit : Fit
    against : {"fitted", "normal", "scale", "all"}
        The fitted values; the quantiles of the standard normal distribution, as in R's ``qqnorm``;
        the fitted values again, and of the residuals the roots of their sizes; or all three.
    kind : {"scaled", "pearson", "response", "deviance", "working"}
        As for ``fit.residuals_of``; scaled residuals are in units of the residual standard
        deviation.
    labels : int
        How many rows are labelled: those whose residuals are the greatest in size.

    Returns
    -------
    DataFrame
        A row for each row used, under its index: ``fitted`` or ``normal``, ``residual``, of "scale"
        also ``spread``, the root of its size; ``row``, its index; ``outlier``, whether it is
        labelled. Against the fitted values ``smooth`` is a smooth line; ``envelope_low`` and
        ``envelope_high`` are the pointwise 95 % envelope of that line, or of as many normal
        numbers. With "all" the rows come three times, and ``panel`` tells them apart.

    Raises
    ------
    OptionError
        If an argument is not one of those allowed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.residuals_data(fit).columns.to_list()
    ['fitted', 'residual', 'smooth', 'envelope_low', 'envelope_high', 'row', 'outlier']
    """
    require_fit(fit)
    frame = _residuals(fit, against, kind, labels)
    if against != "all":
        frame = frame.drop(columns="panel")
    labelled = fit.library == "pandas"
    return to_native(frame if labelled else frame.reset_index(drop=True), fit.library)


def _residuals(fit: Fitted, against: Against, kind: ResidualType, labels: int) -> pd.DataFrame:
    against = choice("against", against, Against)
    most = whole_number("labels", labels, least=0)
    fit = fit.to_pandas()
    values = fit.residuals_of(kind)
    if not isinstance(values, pd.Series):
        raise NotAvailableError(
            asked="Plotting the residuals of a fit to lazy data",
            found="they are not in memory",
            remedy="Collect them, or a sample of them, from fit.residuals, and plot that frame.",
        )
    residual = values.dropna()
    size = residual.abs()
    outlier = size.rank(method="first", ascending=False) <= most
    parts = []
    for name in _ALL if against == "all" else (against,):
        table = (
            against_normal(residual)
            if name == "normal"
            else against_fitted(fit.fitted.dropna(), residual, spread=name == "scale")
        )
        table["row"] = residual.index
        table["outlier"] = outlier
        table["panel"] = name
        parts.append(table)
    return parts[0] if len(parts) == 1 else pd.concat(parts)


@picture(residuals_data)
def residuals(
    fit: Fitted,
    against: Against = "fitted",
    *,
    kind: ResidualType = "scaled",
    labels: int = 3,
    backend: Backend = "matplotlib",
    ax: Axes | Sequence[Axes] | None = None,
) -> Any:
    """Draw residuals against the fitted values, or against normal quantiles.

    A smooth line follows the residuals (Cleveland 1979, local straight lines); it stays within the
    band in 95 % of all places where residuals have one mean and one variance. The line through the
    normal quantiles is R's ``qqline``: through the quartiles; its band is that of as many normal
    numbers. The rows with the greatest residuals are labelled.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, or a sequence of them, optional
        Where matplotlib draws; three with "all". A new figure if none is given.

    Returns
    -------
    matplotlib.axes.Axes, an ndarray of them, or altair's chart
        Three with "all".

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.residuals(fit, "normal").get_ylabel()
    'Scaled residual (Pearson / σ)'
    """
    require_fit(fit)
    data = _residuals(fit, against, kind, labels)
    made = [panel(name, fit, kind) for name in dict.fromkeys(data["panel"])]
    return drawn(backend, ax, _draw, residuals_chart, data, made)


def _draw(ax: Any, data: pd.DataFrame, made: list[Panel]) -> Any:
    if len(made) == 1:
        single = axes(ax)
        _residual_panel(single, data, made[0])
        return single
    grid, _ = panels(ax, len(made), wide=len(made), size=(3.6, 3.2), share=False)
    for place, one in zip(grid, made, strict=True):
        _residual_panel(place, data[data["panel"] == one.name], one)
    return grid


def _residual_panel(ax: Axes, data: pd.DataFrame, one: Panel) -> None:
    data = data.sort_values(one.x, kind="stable")
    x, y = data[one.x].to_numpy(), data[one.y].to_numpy()
    many = len(data) > 1000
    # In a cloud points lie upon each other, on a line they do not.
    alpha = 1.0 if one.name == "normal" else float(np.clip(1500 / len(data), 0.1, 0.7))
    ax.scatter(x, y, s=6 if many else 18, alpha=alpha, color=BLUE, linewidths=0, rasterized=many)
    if one.name == "normal":
        center, slope = normal_line(y)
        ax.axline((0.0, center), slope=slope, color=ink(ax), linewidth=1.0)
    else:
        if one.name == "fitted":
            ax.axhline(0.0, color=GREY, linewidth=1.0)
        ax.plot(x, data["smooth"], color=ORANGE, linewidth=1.8, zorder=3)
    low, high = ax.get_ylim()
    ax.fill_between(x, data["envelope_low"], data["envelope_high"], zorder=0, **BAND)
    # The envelope of the outermost of many normal numbers is wider than the numbers.
    ax.set_ylim(low, high)
    ax.set_xlabel(one.x_label)
    ax.set_ylabel(one.y_label)
    chosen = data[data["outlier"]]
    _label(ax, chosen[one.x].to_numpy(), chosen[one.y].to_numpy(), list(map(str, chosen["row"])))


def _label(ax: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    """Labels beside their points, towards the middle, and none upon another."""
    middle = float(np.mean(ax.get_xlim()))
    taken: dict[bool, float] = {}
    for at in np.argsort(-y):
        left = bool(x[at] > middle)
        place = ax.transData.transform((x[at], y[at]))[1] * 72 / ax.figure.dpi
        free = min(place, taken.get(left, np.inf) - 10.0)
        taken[left] = free
        ax.annotate(
            shown(names[at], most=16), (x[at], y[at]),
            xytext=(-5.0 if left else 5.0, free - place), textcoords="offset points",
            ha="right" if left else "left", va="center", fontsize="small", color=ink(ax),
        )  # fmt: skip
