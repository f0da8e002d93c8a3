"""Standard deviations and correlations of the random effects, with intervals where they are known.

Intervals are symmetric on the scale on which estimates are nearly normal, log for a standard
deviation and Fisher's z for a correlation, by the delta method:

    exp(log sd ± z se/sd)        tanh(artanh r ± z se/(1 - r²))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from pylme.errors import NotAvailableError
from pylme.frame import to_native
from pylme.options import choice
from pylme.plot.axes import BLUE, GREY, axes, shown
from pylme.plot.charts.parameters import varcorr_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture
from pylme.plot.units import label, scale
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["varcorr", "varcorr_data"]

Component = Literal["sd", "corr"]

#: The columns of `Fit.varcorr_table` that are drawn, and what they are called here.
_NAMES: Final = {
    "grp": "group",
    "var1": "term",
    "var2": "term2",
    "sdcor": "estimate",
    "sdcor_std_error": "std_error",
}
#: Longer names are written on two lines.
WIDE: Final = 40


def varcorr_data(fit: Fitted, component: Component = "sd", *, conf_level: float = 0.95) -> Any:
    """Standard deviations or correlations with intervals: what `varcorr` draws.

    Parameters
    ----------
    fit : Fit
    component : {"sd", "corr"}
        Standard deviations, the residual one included, or correlations.
    conf_level : float
        The level of the intervals.

    Returns
    -------
    DataFrame
        ``group``, ``term``, ``term2`` (the second effect of a correlation, else None),
        ``estimate``, ``std_error``, ``conf_low``, ``conf_high``; the last three are NaN where no
        standard error is available: on the boundary, and in fits by lme4 that came from JSON.

    Raises
    ------
    OptionError
        If `component` is not one of the two, or `conf_level` not between 0 and 1.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.varcorr_data(fit).columns.to_list()
    ['group', 'term', 'term2', 'estimate', 'std_error', 'conf_low', 'conf_high']
    """
    require_fit(fit)
    return to_native(_components(fit, component, conf_level), fit.library)


def _components(fit: Fitted, component: Component, conf_level: float) -> pd.DataFrame:
    component = choice("component", component, Component)
    reach = half_width(conf_level)
    try:
        frame = fit.to_pandas().varcorr_table
    except NotAvailableError:
        frame = fit.to_pandas().varcorr.to_frame().assign(sdcor_std_error=np.nan)
    wanted = frame["var2"].isna() if component == "sd" else frame["var2"].notna()
    frame = frame[wanted].reset_index(drop=True)
    frame = frame.rename(columns=_NAMES)
    values, errors = frame["estimate"].to_numpy(), frame["std_error"].to_numpy()
    ends = _interval(values, errors, reach, component)
    frame["conf_low"], frame["conf_high"] = ends
    return frame[[*_NAMES.values(), "conf_low", "conf_high"]]


def _interval(
    value: NDArray[np.float64], error: NDArray[np.float64], reach: float, component: Component
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        if component == "sd":
            factor = np.exp(reach * error / value)
            return value / factor, value * factor
        z, half = np.arctanh(value), reach * error / (1.0 - value**2)
        return np.tanh(z - half), np.tanh(z + half)


@picture(varcorr_data)
def varcorr(
    fit: Fitted,
    component: Component = "sd",
    *,
    conf_level: float = 0.95,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw standard deviations or correlations of the random effects, with intervals.

    Intervals are drawn where there are standard errors: in fits by ``engine="numpy"``, off the
    boundary.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.varcorr(fit, "corr").get_xlabel()
    'Correlation'
    """
    require_fit(fit)
    data = _components(fit, component, conf_level)
    if data.empty:
        raise NotAvailableError(
            asked="Drawing correlations of the random effects",
            found=f"there are none in {fit.formula}",
            remedy='Draw the standard deviations: component="sd".',
        )
    labels = [_label(*row) for row in zip(data["group"], data["term"], data["term2"], strict=True)]
    what, title = "Correlation", ""
    if component == "sd":
        slopes = (~data["term"].isin(["(Intercept)", None])).any()
        what = label("Standard deviation", scale(fit)) + (
            "\nof slopes: per unit of the predictor" if slopes else ""
        )
    if data["conf_low"].notna().any():
        title = f"Estimates with {100 * conf_level:g} % intervals"
    return drawn(
        backend, ax, _draw, varcorr_chart, data, labels, component=component, what=what,
        title=title,
    )  # fmt: skip


def _draw(
    ax: Axes | None,
    data: pd.DataFrame,
    labels: Sequence[str],
    *,
    component: Component,
    what: str,
    title: str,
) -> Axes:
    places = np.arange(len(data))[::-1]
    longest = max(len(line) for name in labels for line in name.splitlines())
    ax = axes(ax, width=4.6 + 0.08 * longest, height=0.42 * len(data) + 1.2)
    ax.hlines(places, data["conf_low"], data["conf_high"], color=BLUE, linewidth=2.0)
    # Whole, also at the very end of the scale.
    ax.scatter(data["estimate"], places, s=36, color=BLUE, zorder=3, clip_on=False)
    ax.set_yticks(places, labels=labels)
    ax.set_ylim(-0.6, len(data) - 0.4)
    if component == "sd":
        ax.set_xlim(0.0, 1.05 * float(np.nanmax(data[["estimate", "conf_high"]])) or 1.0)
    else:
        ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
        ax.set_xlim(-1.0, 1.0)
        ax.set_xticks(np.linspace(-1.0, 1.0, 5))
    ax.set_xlabel(what)
    ax.set_title(title, fontsize="medium")
    return ax


def _label(group: str, first: str | None, second: str | None) -> str:
    if first is None:
        return shown(group)
    name = f"{shown(group)}: {shown(first)}"
    if second is None:
        return name
    apart = ",\n" if len(name) + len(second) > WIDE else ", "
    return f"{name}{apart}{shown(second)}"
