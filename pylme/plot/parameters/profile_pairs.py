"""Profile pairs: contours of the likelihood for each two parameters, from their profiles.

Where the profile of one parameter has ζ_i = ±τ, the other parameter's value along it is a point of
the contour at height τ, with a tangent parallel to the other axis. Each pair of profiles gives four
such points. With ζ_i = τ cos(a + d/2), ζ_j = τ cos(a - d/2) the contour is a periodic function
d(a), constant for an ellipse, and is interpolated by a periodic cubic spline through the four
points (Bates & Watts 1988, Nonlinear Regression Analysis and Its Applications, section 6.1.2 and
appendix 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline
from scipy.special import chdtri

from pylme.errors import NotAvailableError
from pylme.frame import to_native
from pylme.plot.axes import BLUE, GREY, ORANGE, panels, shown
from pylme.plot.charts.parameters import profile_pairs_chart
from pylme.plot.parameters.profile_curves import LEVELS, profiled
from pylme.plot.picture import picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pylme.inference.profile_likelihood.curve import Curve
    from pylme.inference.profile_likelihood.profile import Profile
    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["profile_pairs", "profile_pairs_data"]

_POINTS: Final = 121


def profile_pairs_data(fit: Fitted | Profile, parameters: str | Sequence[str] | None = None) -> Any:
    """The contours that `profile_pairs` draws.

    Parameters
    ----------
    fit, parameters
        As for `profile_data`.

    Returns
    -------
    DataFrame
        ``x_parameter``, ``y_parameter``, ``level``, ``x``, ``y``, ``zeta_x``, ``zeta_y``.

    Raises
    ------
    NotAvailableError
        If there are fewer than two parameters.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.profile_pairs_data(fit).columns.to_list()
    ['x_parameter', 'y_parameter', 'level', 'x', 'y', 'zeta_x', 'zeta_y']
    """
    found = _several(profiled(fit, parameters))
    return to_native(_contours(found), found.library)


def _contours(found: Profile) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "x_parameter": one.parameter.label,
                "y_parameter": other.parameter.label,
                "level": level,
                "x": [one.quantile(z) for z in zeta[0]],
                "y": [other.quantile(z) for z in zeta[1]],
                "zeta_x": zeta[0],
                "zeta_y": zeta[1],
            }
        )
        for at, one in enumerate(found.curves)
        for other in found.curves[at + 1 :]
        for level in LEVELS
        for zeta in [_contour(found, one, other, level)]
    ]
    return pd.concat(parts, ignore_index=True)


def _traces(found: Profile) -> pd.DataFrame:
    """Along each profile the values of each other parameter, in the columns of the contours."""
    parts = []
    for at, one in enumerate(found.curves):
        for other in found.curves[at + 1 :]:
            pair = {"x_parameter": one.parameter.label, "y_parameter": other.parameter.label}
            across = {
                "fixed": one.parameter.label,
                "x": one.value,
                "y": one.others[:, _position(found, other)],
                "zeta_x": one.zeta,
                "zeta_y": _trace(found, one, other),
            }
            up = {
                "fixed": other.parameter.label,
                "x": other.others[:, _position(found, one)],
                "y": other.value,
                "zeta_x": _trace(found, other, one),
                "zeta_y": other.zeta,
            }
            parts += [pd.DataFrame(pair | across), pd.DataFrame(pair | up)]
    return pd.concat(parts, ignore_index=True)


@picture(profile_pairs_data)
def profile_pairs(
    fit: Fitted | Profile,
    parameters: str | Sequence[str] | None = None,
    *,
    backend: Backend = "matplotlib",
    ax: Sequence[Axes] | None = None,
) -> Any:
    """Draw contours of the likelihood for each two parameters.

    Below the diagonal on the scales of the parameters, above it on those of ζ, on which the
    contours of a normal likelihood are ellipses. The contours bound regions of 50, 80, 90, 95 and
    99 % by χ² with two degrees of freedom; the lines are the values of one parameter at which the
    deviance is least with the other fixed.

    Parameters
    ----------
    ax : sequence of matplotlib.axes.Axes, optional
        Where matplotlib draws: the square of the number of parameters, the upper row of panels
        first; a new figure if none is given.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, or altair's chart
        The upper row of panels first.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
    >>> len(pylme.plot.profile_pairs(fit).figure.axes)
    9
    """
    found = _several(profiled(fit, parameters))
    if backend == "altair":
        labels = [curve.parameter.label for curve in found.curves]
        return profile_pairs_chart(_contours(found), _traces(found), labels)
    curves = found.curves
    count = len(curves)
    made, _ = panels(ax, count * count, wide=count, size=(2.1, 2.0), share=False)
    # A figure has its rows from the top down, the parameters theirs from the bottom up.
    for at, panel in enumerate(made.reshape(count, count)[::-1].ravel()):
        i, j = divmod(at, count)
        panel.tick_params(labelsize="x-small")
        if i == j:
            panel.text(
                0.5, 0.5, _broken(shown(curves[i].parameter.label)), ha="center", va="center",
                transform=panel.transAxes, fontsize="small",
            )  # fmt: skip
            panel.set_xticks([])
            panel.set_yticks([])
            continue
        _contours_of(panel, found, curves[j], curves[i], zeta=i < j)
    return made


def _contours_of(ax: Axes, found: Profile, one: Curve, other: Curve, *, zeta: bool) -> None:
    """One panel: `one` to the right, `other` upwards."""
    for level in LEVELS:
        x, y = _contour(found, one, other, level)
        if not zeta:
            x, y = (
                np.array([curve.quantile(z) for z in values])
                for curve, values in ((one, x), (other, y))
            )
        ax.plot(x, y, color=BLUE, linewidth=0.9)
    trace = _trace(found, one, other)
    back = _trace(found, other, one)
    if zeta:
        ax.plot(one.zeta, trace, color=ORANGE, linewidth=0.8)
        ax.plot(back, other.zeta, color=GREY, linewidth=0.8)
    else:
        at = {id(curve): _position(found, curve) for curve in (one, other)}
        ax.plot(one.value, one.others[:, at[id(other)]], color=ORANGE, linewidth=0.8)
        ax.plot(other.others[:, at[id(one)]], other.value, color=GREY, linewidth=0.8)
    reach = float(np.sqrt(chdtri(2, 1.0 - LEVELS[-1]))) * 1.05
    if zeta:
        ax.set_xlim(-reach, reach)
        ax.set_ylim(-reach, reach)
    else:
        ax.set_xlim(one.quantile(-reach), one.quantile(reach))
        ax.set_ylim(other.quantile(-reach), other.quantile(reach))


def _contour(
    found: Profile, one: Curve, other: Curve, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The contour of a level on the scales of ζ."""
    tau = float(np.sqrt(chdtri(2, 1.0 - level)))
    middles, differences = [], []
    for side in (1.0, -1.0):
        for first, second, swapped in ((one, other, False), (other, one, True)):
            trace = _trace(found, first, second)
            known = np.isfinite(trace)
            along = np.interp(side * tau, first.zeta[known], trace[known])
            angles = np.arccos(side), np.arccos(np.clip(along / tau, -1.0, 1.0))
            if swapped:
                angles = angles[::-1]
            middle, difference = 0.5 * (angles[0] + angles[1]), angles[0] - angles[1]
            if difference < 0:
                middle, difference = -middle, -difference
            middles.append(middle)
            differences.append(difference)
    order = np.argsort(middles)
    a, d = np.array(middles)[order], np.array(differences)[order]
    spline = CubicSpline(np.append(a, a[0] + 2.0 * np.pi), np.append(d, d[0]), bc_type="periodic")
    around = np.linspace(-np.pi, np.pi, _POINTS)
    apart = spline(around)
    return tau * np.cos(around + 0.5 * apart), tau * np.cos(around - 0.5 * apart)


def _trace(found: Profile, one: Curve, other: Curve) -> NDArray[np.float64]:
    """ζ of the other parameter along the profile of one."""
    values = one.others[:, _position(found, other)]
    inside = np.clip(values, other.value[0], other.value[-1])
    return np.where(np.isfinite(values), other.at(inside), np.nan)


def _position(found: Profile, curve: Curve) -> int:
    return found.parameters.index(curve.parameter)


def _several(found: Profile) -> Profile:
    if len(found.curves) < 2:
        raise NotAvailableError(
            asked="Drawing pairs of profiles",
            found=f"there is one parameter, {found.curves[0].parameter.label}",
            remedy="Name two parameters or more, or draw its profile by plot.profile.",
        )
    return found


def _broken(label: str) -> str:
    """A label on two lines: the effect, and its grouping factor."""
    return label.replace(" | ", "\n| ")
