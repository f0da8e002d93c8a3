"""Random intercepts against random slopes, with the ellipses of the fitted covariance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.covariance.correlation import correlation
from pylme.errors import OptionError
from pylme.frame import to_native
from pylme.options import is_number, optional_text
from pylme.plot.axes import GREY, STYLES, Style, axes, ink, shown
from pylme.plot.charts.levels import random_effect_chart, random_effects_chart
from pylme.plot.fitted import require_fit
from pylme.plot.levels.conditional_modes import the_group
from pylme.plot.levels.effects_line import draw_line, effect_line
from pylme.plot.levels.planes import covariance_ellipse, one_covariance, planes
from pylme.plot.picture import drawn, picture
from pylme.plot.units import effect_label, label, scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from pylme.plot.fitted import Fitted
    from pylme.plot.levels.planes import Plane
    from pylme.plot.picture import Backend

__all__ = ["random_effects", "random_effects_data"]


def random_effects_data(
    fit: Fitted,
    group: str | None = None,
    *,
    slope: str | None = None,
    by: str | None = None,
    probabilities: Sequence[float] = (0.5, 0.95),
) -> Any:
    """Intercepts and slopes by group, and ellipses: what `random_effects` draws.

    Of a factor with a single effect, such as an intercept alone, they are its modes, and the
    density and central regions of the fitted normal distribution.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        The grouping factor; the first one where none is named.
    slope : str, optional
        The covariate whose slope varies, a column of the model; needed only if there are several.
    by : str, optional
        A column of the model, such as a sector, for each level of which intercepts and slopes are
        computed. It need not be constant within the groups.
    probabilities : sequence of float
        The share of all groups expected within each ellipse, or region, by the fitted covariance.

    Returns
    -------
    DataFrame
        ``by`` (empty without one), ``layer`` ("mode" or "ellipse"), ``level`` (None for an
        ellipse), ``probability`` (NaN for a mode), ``intercept``, ``slope``. Of a single effect the
        layers are "mode", "interval" and "density", and the last columns ``estimate``, ``density``.

    Raises
    ------
    UnknownNameError
        If no such grouping factor exists.
    UnknownColumnError
        If `slope` or `by` is not a column of the model.
    OptionError
        If several covariates have a slope and none is named, or `by` has more than 7 levels.
    NotAvailableError
        If several effects vary and none of them is a slope, or the data are not available, as in a
        fit from JSON.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.random_effects_data(fit).columns.to_list()
    ['by', 'layer', 'level', 'probability', 'intercept', 'slope']
    """
    shares = _shares(probabilities)
    if (only := _only(fit, group, slope)) is not None:
        return to_native(effect_line(fit.to_pandas(), only, _text(by), shares), fit.library)
    found = planes(fit, group, slope, by)[2]
    return to_native(_frame(found, shares), fit.library)


def _only(fit: Fitted, group: str | None, slope: str | None) -> str | None:
    """The grouping factor, where it has one effect and no slope is asked for."""
    require_fit(fit)
    modes = fit.to_pandas().ranef
    group = the_group(modes, group)
    return group if slope is None and modes[group].shape[1] == 1 else None


def _text(by: object) -> str | None:
    return optional_text("by", by)


def _shares(probabilities: object) -> tuple[float, ...]:
    if not isinstance(probabilities, Iterable) or isinstance(probabilities, str | Mapping):
        allowed = "a sequence of numbers between 0 and 1"
        raise OptionError(option="probabilities", value=probabilities, allowed=allowed)
    probabilities = tuple(probabilities)
    for probability in probabilities:
        if not (is_number(probability) and 0 < probability < 1):
            raise OptionError(
                option="probabilities", value=probability, allowed="numbers between 0 and 1"
            )
    return probabilities


def _frame(found: list[Plane], probabilities: Sequence[float]) -> pd.DataFrame:
    parts = []
    for plane in found:
        layers: list[tuple[str, float, NDArray[np.float64], list[str | None]]]
        layers = [("mode", np.nan, plane.modes, list(plane.levels))]
        for probability in probabilities:
            border = covariance_ellipse(plane.covariance, probability)
            layers.append(("ellipse", probability, border, [None] * len(border)))
        parts += [
            pd.DataFrame(
                {
                    "by": plane.by,
                    "layer": layer,
                    "level": pd.Series(names, dtype=np.dtype(object)),
                    "probability": probability,
                    "intercept": points[:, 0],
                    "slope": points[:, 1],
                }
            )
            for layer, probability, points, names in layers
        ]
    return pd.concat(parts, ignore_index=True)


@picture(random_effects_data)
def random_effects(
    fit: Fitted,
    group: str | None = None,
    *,
    slope: str | None = None,
    by: str | None = None,
    probabilities: Sequence[float] = (0.5, 0.95),
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw intercepts against slopes by group, and ellipses of the fitted covariance.

    With `by`, each level has its own colour, and its own ellipse where the model has a separate
    covariance for it, as with blocks by sector. The conditional modes are shrunken towards zero:
    fewer of them lie outside an ellipse than its probability suggests. A single effect, such as an
    intercept alone, is drawn under its fitted density.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.random_effects(fit).get_ylabel()
    'Mode of Days [Reaction / Days]'
    """
    shares = _shares(probabilities)
    percents = " and ".join(f"{100 * p:g} %" for p in shares)
    if (only := _only(fit, group, slope)) is not None:
        given = fit.to_pandas()
        line = effect_line(given, only, _text(by), shares)
        term = str(given.ranef[only].columns[0])
        title = f"Random effects of {shown(only)}" + (
            f", regions of {percents} as fitted" if percents else ""
        )
        what = effect_label("Mode of ", fit, term)
        return drawn(
            backend, ax, draw_line, random_effect_chart, line, what=what, title=title, by=by
        )
    group, names, found = planes(fit, group, slope, by)
    title = f"Random effects of {shown(group)}" + (
        f", ellipses of {percents} as fitted" if percents else ""
    )
    labels = tuple(_label(fit, name) for name in names)
    data = _frame(found, shares)
    return drawn(
        backend, ax, _draw, random_effects_chart, data,
        {plane.by: _correlation(plane) for plane in found}, common=one_covariance(found),
        labels=labels, title=title, by=by,
    )  # fmt: skip


def _label(fit: Fitted, name: str) -> str:
    """Of an axis: an effect as it is in the model, or the intercept or slope made of several."""
    slope = name.removeprefix("slope of ")
    if slope != name:
        return effect_label("Mode of the slope of ", fit, slope)
    if name == "intercept":
        return label("Mode of the intercept", scale(fit))
    return effect_label("Mode of ", fit, name)


def _draw(
    ax: Axes | None,
    data: pd.DataFrame,
    correlations: dict[str, str],
    *,
    common: bool,
    labels: tuple[str, ...],
    title: str,
    by: str | None,
) -> Axes:
    ax = axes(ax, width=6.0, height=5.2)
    ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    ax.axvline(0.0, color=GREY, linewidth=0.6, zorder=0)
    entries = []
    for (level, text), style in zip(correlations.items(), STYLES, strict=False):
        own = data[data["by"] == level]
        modes = own[own["layer"] == "mode"]
        name, line = shown(level), "none"
        if not common:
            name = f"{name} ({text})" if by else text
            line = style.line
            _draw_ellipses(ax, own, style)
        ax.scatter(
            modes["intercept"], modes["slope"], s=float(np.clip(6000 / len(modes), 8, 30)),
            color=style.color, marker=style.marker, alpha=0.6, linewidths=0,
        )  # fmt: skip
        entries.append(_entry(ax, name, replace(style, line=line)))
    if common:
        style = Style(color=str(ink(ax)), marker="", line="-")
        first = next(iter(correlations))
        _draw_ellipses(ax, data[data["by"] == first], style)
        entries.append(_entry(ax, f"all ({correlations[first]})", style))
    ax.legend(handles=entries, title=shown(by) if by else None, frameon=False, loc="upper left")
    # Room for the legend above what is drawn.
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.07 * (len(entries) + bool(by)) * (top - bottom))
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.set_title(title, fontsize="medium")
    return ax


def _draw_ellipses(ax: Axes, data: pd.DataFrame, style: Style) -> None:
    for _, border in data[data["layer"] == "ellipse"].groupby("probability"):
        ax.plot(
            border["intercept"], border["slope"], color=style.color, linestyle=style.line,
            linewidth=1.4,
        )  # fmt: skip


def _entry(ax: Axes, label: str, style: Style) -> Line2D:
    """An entry of the legend: the mark of the points and the line of the ellipses."""
    return ax.plot(
        [], [], color=style.color, marker=style.marker, linestyle=style.line, label=label
    )[0]


def _correlation(plane: Plane) -> str:
    value = float(correlation(plane.covariance)[0, 1])
    # With the minus sign that the numbers at the axes have.
    return "no correlation" if np.isnan(value) else f"correlation {value:.2f}".replace("-", "−")
