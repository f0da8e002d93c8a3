"""The profile likelihood of each parameter: ζ against the parameter, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pylme.errors import OptionError
from pylme.frame import to_native
from pylme.inference.profile_likelihood.profile import Profile
from pylme.options import true_or_false
from pylme.plot.axes import BLUE, DARK, GREY, axes, shown
from pylme.plot.fitted import require_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pylme.inference.profile_likelihood.curve import Curve
    from pylme.plot.fitted import Fitted

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


def profile(
    fit: Fitted | Profile,
    parameters: str | Sequence[str] | None = None,
    *,
    absolute: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the profile likelihood of each parameter.

    ζ is the signed square root of the increase of the deviance. A straight line means that the
    estimate is nearly normal; the intervals of five levels are drawn between the curve's ends.

    Parameters
    ----------
    fit, parameters
        As for `profile_data`.
    absolute : bool
        Draw the absolute value of ζ, so that an interval is the width of the curve at its height.
    ax : matplotlib.axes.Axes, optional
        Where to draw a single parameter; by default a new figure has a panel for each.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the first panel: ``ax.figure.axes`` are all.

    Raises
    ------
    NotAvailableError
        If the model is a generalized one, or the fit came from JSON.
    OptionError
        If `ax` is given for several parameters.
    MissingPackageError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
    >>> pylme.plot.profile(fit, ".sigma").get_ylabel()
    'ζ'
    """
    absolute = true_or_false("absolute", absolute)
    found = profiled(fit, parameters)
    if ax is not None and len(found.curves) > 1:
        raise OptionError(option="ax", value=ax, allowed="None where several parameters are drawn")
    count = len(found.curves)
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    first = axes(ax, width=3.4 * columns + 0.6, height=2.8 * rows + 0.2)
    panels = [first]
    if count > 1:
        figure = first.figure
        kind = type(first)
        first.remove()
        panels = [figure.add_subplot(rows, columns, at + 1, axes_class=kind) for at in range(count)]
    for at, (panel, curve) in enumerate(zip(panels, found.curves, strict=True)):
        panel.spines[["top", "right"]].set_visible(False)
        _draw(panel, curve, absolute=absolute)
        if at % columns == 0:
            panel.set_ylabel("|ζ|" if absolute else "ζ")
    return panels[0]


def _draw(ax: Axes, curve: Curve, *, absolute: bool) -> None:
    values = np.linspace(curve.value[0], curve.value[-1], _POINTS)
    zeta = curve.at(values)
    ax.plot(values, np.abs(zeta) if absolute else zeta, color=BLUE, linewidth=1.6)
    for level in LEVELS:
        reach = float(ndtri(0.5 + level / 2))
        low, high = curve.quantile(-reach), curve.quantile(reach)
        # An interval that ends at the boundary has no line there.
        closed = [
            end for end, sign in ((low, -1), (high, 1)) if sign * _at(curve, end) > 0.999 * reach
        ]
        for end in closed:
            height = reach if absolute else _at(curve, end)
            ax.vlines(end, 0.0, height, color=GREY, linewidth=0.8)
        if absolute:
            ax.hlines(reach, low, high, color=GREY, linewidth=0.8)
    ax.axhline(0.0, color=DARK, linewidth=0.8)
    ax.set_xlabel(shown(curve.parameter.label))


def _at(curve: Curve, value: float) -> float:
    return float(curve.at(np.array([value]))[0])
