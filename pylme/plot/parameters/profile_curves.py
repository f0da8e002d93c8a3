"""The profile likelihood of each parameter: ζ against the parameter, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pylme.frame import to_native
from pylme.inference.profile_likelihood.profile import Profile
from pylme.options import true_or_false
from pylme.plot.axes import BLUE, GREY, axes, ink, panels, shown
from pylme.plot.charts.parameters import profile_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture
from pylme.plot.units import label, scale, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pylme.inference.profile_likelihood.parameters import ProfiledParameter
    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["LEVELS", "profile", "profile_data", "profiled"]

#: The levels of the intervals that are drawn, lattice's and lme4's.
LEVELS: Final = (0.5, 0.8, 0.9, 0.95, 0.99)
#: Points of a drawn curve.
_POINTS: Final = 201
#: Panels in a row.
_COLUMNS: Final = 3


def profiled(fit: Fitted | Profile, parameters: str | Sequence[str] | None) -> Profile:
    """The profile that is drawn: that given, or that of the fit."""
    if isinstance(fit, Profile):
        return fit.of(parameters)
    require_fit(fit)
    return fit.profile(parameters)


def profile_data(fit: Fitted | Profile, parameters: str | Sequence[str] | None = None) -> Any:
    """The curves that `profile` draws.

    Parameters
    ----------
    fit : Fit or Profile
        A profile that has been computed (``fit.profile()``) is drawn at once.
    parameters : str or sequence of str, optional
        As for `Fit.confint`; by default all.

    Returns
    -------
    DataFrame
        ``parameter``, ``value``, ``zeta``.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.profile_data(fit).columns.to_list()
    ['parameter', 'value', 'zeta']
    """
    found = profiled(fit, parameters)
    return to_native(_rows(found), found.library)


def _rows(found: Profile) -> pd.DataFrame:
    parts = []
    for curve in found.curves:
        values = np.linspace(curve.value[0], curve.value[-1], _POINTS)
        parts.append(
            pd.DataFrame(
                {"parameter": curve.parameter.label, "value": values, "zeta": curve.at(values)}
            )
        )
    return pd.concat(parts, ignore_index=True)


@picture(profile_data)
def profile(
    fit: Fitted | Profile,
    parameters: str | Sequence[str] | None = None,
    *,
    absolute: bool = False,
    backend: Backend = "matplotlib",
    ax: Axes | Sequence[Axes] | None = None,
) -> Any:
    """Draw the profile likelihood of each parameter.

    ζ is the signed square root of the increase of the deviance. A straight line means that the
    estimate is nearly normal; the intervals of five levels are drawn between the curve's ends.

    Parameters
    ----------
    absolute : bool
        Draw the absolute value of ζ, so that an interval is the width of the curve at its height.
    ax : matplotlib.axes.Axes, or a sequence of them, optional
        Where matplotlib draws, one for each parameter; a new figure if none is given.

    Returns
    -------
    matplotlib.axes.Axes, an ndarray of them, or altair's chart
        One for a single parameter, else one for each.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
    >>> pylme.plot.profile(fit, ".sigma").get_ylabel()
    'ζ'
    """
    absolute = true_or_false("absolute", absolute)
    found = profiled(fit, parameters)
    names = {curve.parameter.label: _named(fit, curve.parameter) for curve in found.curves}
    return drawn(
        backend, ax, _draw, profile_chart, _rows(found), _ends(found), names, absolute=absolute
    )


def _named(fit: Fitted | Profile, parameter: ProfiledParameter) -> str:
    """A parameter with its unit, which a profile without its fit does not tell."""
    name = shown(parameter.label)
    if isinstance(fit, Profile) or parameter.kind == "correlation":
        return name
    if parameter.kind == "sigma":
        return label(name, scale(fit) if fit.family.link == "identity" else None)
    return label(name, unit(fit, parameter.name.term.removeprefix("sd__")))


def _ends(found: Profile) -> pd.DataFrame:
    """The ends of the intervals, with ζ there; one that lies on the boundary is no end."""
    parts = []
    for curve in found.curves:
        for level in LEVELS:
            reach = float(ndtri(0.5 + level / 2))
            for sign in (-1.0, 1.0):
                end = curve.quantile(sign * reach)
                zeta = float(curve.at(np.array([end]))[0])
                parts.append(
                    {
                        "parameter": curve.parameter.label, "level": level, "value": end,
                        "zeta": zeta, "reach": reach, "closed": sign * zeta > 0.999 * reach,
                    }
                )  # fmt: skip
    return pd.DataFrame(parts)


def _draw(
    ax: Any, data: pd.DataFrame, ends: pd.DataFrame, names: dict[str, str], *, absolute: bool
) -> Any:
    count = len(names)
    columns = min(count, _COLUMNS)
    if count == 1:
        made = np.array([axes(ax, width=4.0, height=3.0)], dtype=object)
    else:
        made, _ = panels(ax, count, wide=columns, size=(3.4, 2.6), share=False)
    for at, (panel, name) in enumerate(zip(made, names, strict=True)):
        own, limits = data[data["parameter"] == name], ends[ends["parameter"] == name]
        _curve(panel, own, limits, absolute=absolute)
        panel.set_xlabel(names[name])
        if at % columns == 0:
            panel.set_ylabel("|ζ|" if absolute else "ζ")
    return made[0] if count == 1 else made


def _curve(ax: Axes, data: pd.DataFrame, ends: pd.DataFrame, *, absolute: bool) -> None:
    zeta = data["zeta"].abs() if absolute else data["zeta"]
    ax.plot(data["value"], zeta, color=BLUE, linewidth=1.6)
    closed = ends[ends["closed"]]
    heights = closed["reach"] if absolute else closed["zeta"]
    ax.vlines(closed["value"], 0.0, heights, color=GREY, linewidth=0.8)
    if absolute:
        widths = ends.groupby("reach")["value"].agg(["min", "max"])
        ax.hlines(widths.index, widths["min"], widths["max"], color=GREY, linewidth=0.8)
    ax.axhline(0.0, color=ink(ax), linewidth=0.8)
