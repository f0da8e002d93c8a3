"""Conditional modes against normal quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from pylme.frame import to_native
from pylme.plot.axes import BAND, BLUE, GREY, axes, ink, shown
from pylme.plot.charts.levels import random_effects_qq_chart
from pylme.plot.fitted import require_fit
from pylme.plot.levels.conditional_modes import modes_of
from pylme.plot.picture import drawn, picture
from pylme.plot.quantiles import envelope, normal_line, plotting_positions
from pylme.plot.units import effect_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["random_effects_qq", "random_effects_qq_data"]

#: Points with bars.
FEW = 200


def random_effects_qq_data(
    fit: Fitted, group: str | None = None, effect: str | None = None, *, conf_level: float = 0.95
) -> Any:
    """Conditional modes of one effect with normal quantiles: what `random_effects_qq` draws.

    Parameters
    ----------
    fit : Fit
    group, effect : str, optional
        As for `caterpillar_data`; the first of each where none is named.
    conf_level : float
        The level of the intervals and of the envelope.

    Returns
    -------
    DataFrame
        As of `caterpillar_data`, with ``normal``, the quantile of the standard normal distribution,
        and ``envelope_low``, ``envelope_high``.

    Raises
    ------
    UnknownNameError, OptionError
        As `caterpillar_data`.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.random_effects_qq_data(fit).shape
    (18, 10)
    """
    require_fit(fit)
    return to_native(_quantiles(fit, group, effect, conf_level), fit.library)


def _quantiles(
    fit: Fitted, group: str | None, effect: str | None, conf_level: float
) -> pd.DataFrame:
    modes = modes_of(fit, group, effect, conf_level)
    table: pd.DataFrame = modes[modes["term"] == modes["term"].iloc[0]].copy()
    n = len(table)
    center, slope = normal_line(table["estimate"].to_numpy())
    low, high = envelope(n, conf_level)
    table["normal"] = ndtri(plotting_positions(n))
    table["envelope_low"] = center + slope * ndtri(low)
    table["envelope_high"] = center + slope * ndtri(high)
    return table


@picture(random_effects_qq_data)
def random_effects_qq(
    fit: Fitted,
    group: str | None = None,
    effect: str | None = None,
    *,
    conf_level: float = 0.95,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw the conditional modes of one effect against normal quantiles.

    The line goes through the quartiles; the band is the pointwise envelope of as many normal
    numbers. Bars, for up to 200 levels, are intervals of the modes.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.random_effects_qq(fit, "Subject", "Days").get_xlabel()
    'Standard normal quantile'
    """
    require_fit(fit)
    data = _quantiles(fit, group, effect, conf_level)
    what = effect_label("Mode of ", fit, data["term"].iloc[0])
    title = f"{len(data):,} levels of {shown(data['group'].iloc[0])}"
    return drawn(backend, ax, _draw, random_effects_qq_chart, data, what=what, title=title)


def _draw(ax: Axes | None, data: pd.DataFrame, *, what: str, title: str) -> Axes:
    ax = axes(ax)
    x, y = data["normal"].to_numpy(), data["estimate"].to_numpy()
    center, slope = normal_line(y)
    ax.fill_between(x, data["envelope_low"], data["envelope_high"], zorder=0, **BAND)
    ax.axline((0.0, center), slope=slope, color=ink(ax), linewidth=1.0)
    if len(data) <= FEW:
        ax.vlines(x, data["conf_low"], data["conf_high"], color=GREY, linewidth=0.8)
    many = len(data) > FEW
    ax.scatter(x, y, s=6 if many else 20, color=BLUE, linewidths=0, zorder=3, rasterized=many)
    ax.set_xlabel("Standard normal quantile")
    ax.set_ylabel(what)
    ax.set_title(title, fontsize="medium")
    span = float(np.ptp(y)) or 1.0
    least, most = float(y.min()), float(y.max())
    if not many:
        least = min(least, float(data["conf_low"].min()))
        most = max(most, float(data["conf_high"].max()))
    ax.set_ylim(least - 0.05 * span, most + 0.05 * span)
    return ax
