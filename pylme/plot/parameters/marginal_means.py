"""Marginal means with their intervals, and bars by which they are compared.

The thin lines are the intervals of the means. Where the thick bars of two means do not overlap, the
adjusted test of their difference is significant, or nearly so if standard errors differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from pylme.errors import OptionError
from pylme.frame import to_native
from pylme.inference.means.adjustment import Adjust
from pylme.inference.means.comparison_bars import comparison_bars
from pylme.inference.means.marginal_means import MarginalMeans
from pylme.inference.means.table import combination_labels
from pylme.options import choice, true_or_false
from pylme.plot.axes import BLUE, GREY, axes, ink, shown
from pylme.plot.charts.parameters import emmeans_chart
from pylme.plot.picture import drawn, picture
from pylme.plot.units import label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["emmeans", "emmeans_data"]


def emmeans_data(
    means: MarginalMeans | Fitted,
    specs: str | Sequence[str] = (),
    *,
    by: str | Sequence[str] | None = None,
    adjust: Adjust = "tukey",
) -> Any:
    """Marginal means with intervals and bars for comparisons: what `emmeans` draws.

    Parameters
    ----------
    means : MarginalMeans or Fit
        From `Fit.emmeans` or `Fit.emtrends`; or a fit.
    specs, by : str or list of str, optional
        Of a fit, whose means are to be drawn, as for `Fit.emmeans`.
    adjust : str
        The adjustment of the comparisons, as for `MarginalMeans.contrast`.

    Returns
    -------
    DataFrame
        As `MarginalMeans.to_frame`, with ``comparison_low`` and ``comparison_high``: the ends of
        the bars, NaN where there is nothing to compare.

    Raises
    ------
    OptionError
        If `means` are no marginal means, or no such adjustment exists.

    Examples
    --------
    >>> import pylme
    >>> cake = pylme.datasets.load("cake")
    >>> fit = pylme.lmer("angle ~ recipe + (1 | recipe:replicate)", cake, engine="numpy")
    >>> pylme.plot.emmeans_data(fit.emmeans("recipe")).columns.to_list()[:3]
    ['recipe', 'estimate', 'std_error']
    """
    found = _means(means, specs, by)
    return to_native(_compared(found, adjust), found.library)


def _means(means: object, specs: object, by: object) -> MarginalMeans:
    if isinstance(means, MarginalMeans):
        return means
    if not callable(ask := getattr(means, "emmeans", None)) or isinstance(means, type):
        raise OptionError(
            option="means",
            value=means,
            allowed="marginal means, as fit.emmeans() returns them, or a fit",
        )
    return cast("MarginalMeans", ask(specs, by=by))


def _compared(means: MarginalMeans, adjust: Adjust) -> pd.DataFrame:
    low, high = comparison_bars(means, choice("adjust", adjust, Adjust))
    table: pd.DataFrame = replace(means, library="pandas").to_frame()
    return table.assign(comparison_low=low, comparison_high=high)


@picture(emmeans_data)
def emmeans(
    means: MarginalMeans | Fitted,
    specs: str | Sequence[str] = (),
    *,
    by: str | Sequence[str] | None = None,
    adjust: Adjust = "tukey",
    comparisons: bool = True,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw marginal means with their intervals, and bars by which they are compared.

    Means whose bars do not overlap differ by the adjusted test of their difference; where standard
    errors differ much, a pair near the limit can be shown otherwise: read the table of contrasts.
    Bars compare means within one level of `by`.

    Parameters
    ----------
    comparisons : bool
        Whether to draw the bars.

    References
    ----------
    Goldstein & Healy (1995), The graphical presentation of a collection of means, Journal of the
    Royal Statistical Society A 158.

    Examples
    --------
    >>> import pylme
    >>> cake = pylme.datasets.load("cake")
    >>> fit = pylme.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
    >>> pylme.plot.emmeans(fit.emmeans("recipe")).get_xlabel()
    'Marginal mean [angle]'
    """
    means = _means(means, specs, by)
    table = _compared(means, adjust)
    inner = [name for name in means.levels.columns if name not in means.by]
    labels = combination_labels(means.levels[inner])
    outer = [""] * len(labels)
    if means.by:
        heading = ", ".join(means.by)
        outer = [f"{heading}: {own}" for own in combination_labels(means.levels[list(means.by)])]
    bars = true_or_false("comparisons", comparisons) and not np.isnan(table["comparison_low"]).all()
    what = _what(means)
    title = f"{100 * means.conf_level:g} % intervals (lines)"
    if bars:
        title += f"; bars that do not overlap differ ({adjust})"
    return drawn(
        backend, ax, _draw, emmeans_chart, table, labels, outer, bars=bars,
        axes_of=(what, shown(", ".join(inner))), title=title,
    )  # fmt: skip


def _what(means: MarginalMeans) -> str:
    """What is drawn, with its unit: the response, or the name of the link."""
    unit = means.unit
    if means.slope_of:
        what = f"Slope of {shown(means.slope_of)}"
        return label(what, None if unit is None else f"{unit} / {means.slope_of}")
    return label("Marginal mean", unit)


def _draw(
    ax: Axes | None,
    table: pd.DataFrame,
    labels: Sequence[str],
    outer: Sequence[str],
    *,
    bars: bool,
    axes_of: tuple[str, str],
    title: str,
) -> Axes:
    # From the top down, with a gap between the levels of `by`.
    number, headings = pd.factorize(np.array(outer, dtype=object))
    places = np.arange(len(table)) + 0.8 * number
    longest = max(map(len, labels), default=0)
    ax = axes(ax, width=5.6 + 0.07 * longest, height=float(np.clip(1.4 + 0.3 * len(table), 2.4, 9)))
    if bars:
        ax.hlines(
            places, table["comparison_low"], table["comparison_high"], color=BLUE, alpha=0.35,
            linewidth=9, zorder=1,
        )  # fmt: skip
    ax.hlines(places, table["conf_low"], table["conf_high"], color=ink(ax), linewidth=1.2, zorder=2)
    ax.scatter(table["estimate"], places, color=BLUE, s=28, zorder=3)
    ax.set_yticks(places, labels=[shown(label) for label in labels])
    for at, heading in enumerate(headings if outer[0] else ()):
        rows = number == at
        ax.annotate(
            shown(heading), (1.01, places[rows].mean()), xycoords=("axes fraction", "data"),
            va="center", fontsize="small", rotation=270,
        )  # fmt: skip
        ax.axhline(places[rows].max() + 0.9, color=GREY, linewidth=0.8)
    ax.set_ylim(places.max() + 0.7, places.min() - 0.7)
    ax.set_xlabel(axes_of[0])
    ax.set_ylabel(axes_of[1])
    ax.set_title(title, fontsize="medium")
    return ax
