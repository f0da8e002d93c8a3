"""Residuals by simulation: against uniform quantiles, and against the fitted values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pylme.errors import OptionError
from pylme.frame import to_native
from pylme.inference.quality.simulated_residuals import SimulatedResiduals
from pylme.options import choice
from pylme.plot.axes import BAND, BLUE, GREY, ORANGE, axes, ink
from pylme.plot.charts.rows import simulated_residuals_chart
from pylme.plot.picture import drawn, picture
from pylme.plot.quantiles import envelope, plotting_positions, smooth

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pylme.plot.picture import Backend

__all__ = ["simulated_residuals", "simulated_residuals_data"]

Against = Literal["uniform", "fitted"]


def simulated_residuals_data(fit: Any, against: Against = "uniform") -> Any:
    """Residuals with uniform quantiles or fitted values: what `simulated_residuals` draws.

    Parameters
    ----------
    fit : Fit or SimulatedResiduals
        Of a fit, those of ``fit.simulated_residuals(seed=0)``.
    against : {"uniform", "fitted"}

    Returns
    -------
    DataFrame
        A row for each row used, in ascending order: ``uniform`` or ``fitted``, ``residual``, with
        "fitted" the line ``smooth``, and the ends ``envelope_low``, ``envelope_high`` of a
        pointwise 95 % envelope of uniform residuals.

    Raises
    ------
    OptionError
        If an argument is not one of those allowed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.simulated_residuals_data(fit).columns.to_list()
    ['uniform', 'residual', 'envelope_low', 'envelope_high']
    """
    found = _residuals_of(fit)
    return to_native(_data(found, against), found.library)


def _residuals_of(fit: Any) -> SimulatedResiduals:
    if isinstance(fit, SimulatedResiduals):
        return fit
    make = getattr(fit, "simulated_residuals", None)
    if isinstance(fit, type) or not callable(make):
        raise OptionError(
            option="fit", value=fit,
            allowed="a fitted model, or what its simulated_residuals() returns",
        )  # fmt: skip
    made: SimulatedResiduals = make(seed=0)
    return made


def _data(found: SimulatedResiduals, against: Against) -> pd.DataFrame:
    choice("against", against, Against)
    if against == "fitted":
        table = pd.DataFrame({"fitted": found.fitted, "residual": found.residuals})
        table = table.sort_values("fitted", kind="stable", ignore_index=True)
        x = table["fitted"].to_numpy()
        places, line, norm = smooth(x, table["residual"].to_numpy())
        # The variance of uniform numbers is 1/12.
        reach = ndtri(0.975) / np.sqrt(12.0) * np.interp(x, places, norm)
        return table.assign(
            smooth=np.interp(x, places, line), envelope_low=0.5 - reach, envelope_high=0.5 + reach
        )
    n = len(found.residuals)
    low, high = envelope(n)
    return pd.DataFrame(
        {
            "uniform": plotting_positions(n), "residual": np.sort(found.residuals),
            "envelope_low": low, "envelope_high": high,
        }
    )  # fmt: skip


@picture(simulated_residuals_data)
def simulated_residuals(
    fit: Any,
    against: Against = "uniform",
    *,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw simulated residuals against uniform quantiles, or against the fitted values.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.simulated_residuals(fit).get_xlabel()
    'Uniform quantile'
    """
    found = _residuals_of(fit)
    data = _data(found, against)
    labels = (
        "Uniform quantile" if against == "uniform" else "Fitted value",
        f"Residual, uniform where the model is right ({found.method})",
    )
    p = found.uniformity()["p_value"]
    title = f"Uniformity: p = {p:.3g} (Kolmogorov-Smirnov)"
    return drawn(
        backend, ax, _draw, simulated_residuals_chart, data, against=against, labels=labels,
        title=title,
    )  # fmt: skip


def _draw(
    ax: Axes | None,
    data: pd.DataFrame,
    *,
    against: Against,
    labels: tuple[str, str],
    title: str,
) -> Axes:
    ax = axes(ax)
    many = len(data) > 1000
    x, y = data.iloc[:, 0].to_numpy(), data["residual"].to_numpy()
    alpha = float(np.clip(1500 / len(data), 0.1, 0.7)) if against == "fitted" else 1.0
    ax.fill_between(x, data["envelope_low"], data["envelope_high"], zorder=0, **BAND)
    if against == "uniform":
        ax.axline((0.0, 0.0), slope=1.0, color=ink(ax), linewidth=1.0)
    else:
        for level in (0.25, 0.5, 0.75):
            ax.axhline(level, color=GREY, linewidth=0.8, linestyle=":")
        ax.plot(x, data["smooth"], color=ORANGE, linewidth=1.8, zorder=3)
    ax.scatter(x, y, s=6 if many else 16, alpha=alpha, color=BLUE, linewidths=0, rasterized=many)
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.set_title(title, fontsize="medium")
    return ax
