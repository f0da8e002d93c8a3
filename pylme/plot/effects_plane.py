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
from pylme.options import is_number
from pylme.plot.axes import DARK, LIGHT, STYLES, Style, axes, shown
from pylme.plot.planes import covariance_ellipse, planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from pylme.plot.fitted import Fitted
    from pylme.plot.planes import Plane

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
        The share of all groups expected within each ellipse, by the fitted covariance.

    Returns
    -------
    DataFrame
        ``by`` (empty without one), ``layer`` ("mode" or "ellipse"), ``level`` (None for an
        ellipse), ``probability`` (NaN for a mode), ``intercept``, ``slope``.

    Raises
    ------
    UnknownNameError
        If no such grouping factor exists.
    UnknownColumnError
        If `slope` or `by` is not a column of the model.
    OptionError
        If several covariates have a slope and none is named, or `by` has more than 7 levels.
    NotAvailableError
        If no slope varies, or the data are not available, as in a fit from JSON.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.random_effects_data(fit).columns.to_list()
    ['by', 'layer', 'level', 'probability', 'intercept', 'slope']
    """
    found = planes(fit, group, slope, by)[2]
    return to_native(_frame(found, probabilities), fit.library)


def _frame(found: list[Plane], probabilities: Sequence[float]) -> pd.DataFrame:
    if not isinstance(probabilities, Iterable) or isinstance(probabilities, str | Mapping):
        allowed = "a sequence of numbers between 0 and 1"
        raise OptionError(option="probabilities", value=probabilities, allowed=allowed)
    probabilities = tuple(probabilities)
    for probability in probabilities:
        if not (is_number(probability) and 0 < probability < 1):
            raise OptionError(
                option="probabilities", value=probability, allowed="numbers between 0 and 1"
            )
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


def random_effects(
    fit: Fitted,
    group: str | None = None,
    *,
    slope: str | None = None,
    by: str | None = None,
    probabilities: Sequence[float] = (0.5, 0.95),
    ax: Axes | None = None,
) -> Axes:
    """Draw intercepts against slopes by group, and ellipses of the fitted covariance.

    With `by`, each level has its own colour, and its own ellipse where the model has a separate
    covariance for it, as with blocks by sector. The conditional modes are shrunken towards zero:
    fewer of them lie outside an ellipse than its probability suggests.

    Parameters
    ----------
    fit, group, slope, by, probabilities
        As for `random_effects_data`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if none is given.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or that of the new figure.

    Raises
    ------
    UnknownNameError, UnknownColumnError, OptionError, NotAvailableError
        As `random_effects_data`.
    MissingPackageError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.random_effects(fit).get_ylabel()
    'Days'
    """
    group, names, found = planes(fit, group, slope, by)
    data = _frame(found, probabilities)
    ax = axes(ax, width=6.0, height=5.2)
    ax.axhline(0.0, color=LIGHT, linewidth=0.8, zorder=0)
    ax.axvline(0.0, color=LIGHT, linewidth=0.8, zorder=0)
    common = len(found) > 1 and all(
        np.allclose(plane.covariance, found[0].covariance, rtol=1e-9, atol=0) for plane in found
    )
    entries = []
    for plane, style in zip(found, STYLES, strict=False):
        own = data[data["by"] == plane.by]
        modes = own[own["layer"] == "mode"]
        label, line = shown(plane.by), "none"
        if not common:
            label, line = (
                f"{label} ({_correlation(plane)})" if by else _correlation(plane),
                style.line,
            )
            _draw_ellipses(ax, own, style)
        ax.scatter(
            modes["intercept"], modes["slope"], s=float(np.clip(6000 / len(modes), 8, 30)),
            color=style.color, marker=style.marker, alpha=0.6, linewidths=0,
        )  # fmt: skip
        entries.append(_entry(ax, label, replace(style, line=line)))
    if common:
        style = Style(color=DARK, marker="", line="-")
        _draw_ellipses(ax, data[data["by"] == found[0].by], style)
        entries.append(_entry(ax, f"all ({_correlation(found[0])})", style))
    ax.legend(handles=entries, title=shown(by) if by else None, frameon=False, loc="upper left")
    # Room for the legend above what is drawn.
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.07 * (len(entries) + bool(by)) * (top - bottom))
    ax.set_xlabel(shown(names[0]))
    ax.set_ylabel(shown(names[1]))
    ellipses = " and ".join(f"{100 * p:g} %" for p in probabilities)
    ax.set_title(
        f"Random effects of {shown(group)}, ellipses of {ellipses} as fitted"
        if ellipses
        else f"Random effects of {shown(group)}",
        fontsize="medium",
    )
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
