"""Residuals: against the fitted values, and against the quantiles of a normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pylme.errors import NotAvailableError
from pylme.frame import to_native
from pylme.options import choice
from pylme.plot.axes import BLUE, DARK, LIGHT, ORANGE, axes, shown
from pylme.plot.fitted import require_fit
from pylme.plot.quantiles import envelope, normal_line, plotting_positions, smooth

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted
    from pylme.results.fitted_model import ResidualType

__all__ = ["residuals", "residuals_data"]

Against = Literal["fitted", "normal"]

_NAMES: Final[dict[str, str]] = {"scaled": "Scaled residual (Pearson / σ)"}


def residuals_data(
    fit: Fitted, against: Against = "fitted", *, kind: ResidualType = "scaled"
) -> Any:
    """Residuals with fitted values or normal quantiles: what `residuals` draws.

    Parameters
    ----------
    fit : Fit
    against : {"fitted", "normal"}
        The fitted values, or the quantiles of the standard normal distribution, as in R's
        ``qqnorm``.
    kind : {"scaled", "pearson", "response", "deviance", "working"}
        As for ``fit.residuals_of``; scaled residuals are in units of the residual standard
        deviation.

    Returns
    -------
    DataFrame
        A row for each row used, under its index: ``fitted`` or ``normal``, and ``residual``; with
        "normal" also ``envelope_low`` and ``envelope_high``, the pointwise 95 % envelope of as many
        normal numbers.

    Raises
    ------
    OptionError
        If `against` or `kind` is not one of those allowed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.residuals_data(fit).columns.to_list()
    ['fitted', 'residual']
    """
    require_fit(fit)
    frame = _residuals(fit, against, kind)
    labelled = fit.library == "pandas"
    return to_native(frame if labelled else frame.reset_index(drop=True), fit.library)


def _residuals(fit: Fitted, against: Against, kind: ResidualType) -> pd.DataFrame:
    against = choice("against", against, Against)
    fit = fit.to_pandas()
    values = fit.residuals_of(kind)
    if not isinstance(values, pd.Series):
        raise NotAvailableError(
            asked="Plotting the residuals of a fit to lazy data",
            found="they are not in memory",
            remedy="Collect them, or a sample of them, from fit.residuals, and plot that frame.",
        )
    frame = pd.DataFrame({"residual": values})
    if against == "fitted":
        frame.insert(0, "fitted", fit.fitted)
        return frame.dropna()
    frame = frame.dropna()
    rank = frame["residual"].rank(method="first").to_numpy().astype(np.intp) - 1
    frame.insert(0, "normal", ndtri(plotting_positions(len(frame)))[rank])
    center, slope = normal_line(frame["residual"].to_numpy())
    low, high = envelope(len(frame))
    frame["envelope_low"] = center + slope * ndtri(low)[rank]
    frame["envelope_high"] = center + slope * ndtri(high)[rank]
    return frame


def residuals(
    fit: Fitted,
    against: Against = "fitted",
    *,
    kind: ResidualType = "scaled",
    ax: Axes | None = None,
) -> Axes:
    """Draw residuals against the fitted values, or against normal quantiles.

    Against the fitted values a smooth line follows the residuals (Cleveland 1979, local straight
    lines). The line through the normal quantiles is R's ``qqline``: through the quartiles; the band
    is the envelope.

    Parameters
    ----------
    fit, against, kind
        As for `residuals_data`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if none is given.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or that of the new figure.

    Raises
    ------
    OptionError
        As `residuals_data`.
    MissingPackageError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.residuals(fit, "normal").get_ylabel()
    'Scaled residual (Pearson / σ)'
    """
    require_fit(fit)
    data = _residuals(fit, against, kind)
    ax = axes(ax)
    x, y = data.iloc[:, 0].to_numpy(), data["residual"].to_numpy()
    many = len(data) > 1000
    # In a cloud points lie upon each other, on a line they do not.
    alpha = float(np.clip(1500 / len(data), 0.1, 0.7)) if against == "fitted" else 1.0
    ax.scatter(x, y, s=6 if many else 18, alpha=alpha, color=BLUE, linewidths=0, rasterized=many)
    if against == "fitted":
        ax.axhline(0.0, color=DARK, linewidth=1.0)
        if len(data) > 2:
            ax.plot(*smooth(x, y), color=ORANGE, linewidth=1.8, zorder=3)
        ax.set_xlabel(f"Fitted value of {shown(_response(fit.formula))}")
    else:
        ordered = data.sort_values("normal")
        low, high = ordered["envelope_low"], ordered["envelope_high"]
        ax.fill_between(ordered["normal"], low, high, color=LIGHT, linewidth=0, zorder=0)
        center, slope = normal_line(y)
        ax.axline((0.0, center), slope=slope, color=DARK, linewidth=1.0)
        ax.set_xlabel("Standard normal quantile")
    ax.set_ylabel(_NAMES.get(kind, f"{kind.capitalize()} residual"))
    return ax


def _response(formula: str) -> str:
    return formula.split("~", maxsplit=1)[0].strip()
