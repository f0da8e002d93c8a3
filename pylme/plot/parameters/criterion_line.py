"""The profiled criterion along a line through θ̂: how precisely the data determine a parameter.

β and σ are profiled out at every point; the other elements of θ do not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.errors import NotAvailableError, OptionError
from pylme.frame import to_native
from pylme.options import whole_number
from pylme.plot.axes import BLUE, GREY, ORANGE, axes, shown
from pylme.plot.charts.parameters import profile_criterion_chart
from pylme.plot.parameters.lines import line_along
from pylme.plot.picture import drawn, picture
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pylme.plot.fitted import Fitted
    from pylme.plot.parameters.lines import Along, Line
    from pylme.plot.picture import Backend

__all__ = ["profile_criterion", "profile_criterion_data"]

#: A plot extends to each side until the criterion has risen by this much, or the line ends.
RISE: Final = 10.0
#: The 95 % quantile of χ² with one degree of freedom.
NOTABLE: Final = 3.841458820694124
#: A criterion that changes by less than this is called flat.
FLAT: Final = 1e-3


def profile_criterion_data(
    fit: Fitted,
    along: Along,
    *,
    span: tuple[float, float] | None = None,
    points: int = 101,
) -> Any:
    """The criterion along a line through the estimate: what `profile_criterion` draws.

    Parameters
    ----------
    fit : Fit
        Of a linear mixed model, not from JSON.
    along : str, tuple of str, array_like of shape (m,), or combination
        What changes. An element of theta by lme4's name, such as ``"Subject.Days"``; a standard
        deviation, ``("Subject", "Days")``; a correlation, ``("Subject", "(Intercept)", "Days")``;
        either by its name, such as ``"sd__Days | Subject"`` or lme4's ``"sd_Days|Subject"``;
        a direction of theta; or a combination of covariances, as
        ``pylme.design(...).identifiability().directions`` gives them. β and σ are profiled out;
        nothing else changes.
    span : tuple of two floats, optional
        The ends of the line; by default as far as the criterion rises by no more than 10.
    points : int
        Evaluations of the criterion, at least 3.

    Returns
    -------
    DataFrame
        ``value`` of what changes, ``criterion``, and ``excess`` over the criterion of the fit.

    Raises
    ------
    UnknownNameError
        If no such term, effect or element of theta exists.
    OptionError
        If `along`, `span` or `points` cannot be used.
    NotAvailableError
        For a generalized model, a fit from JSON, or a covariance that cannot change because the fit
        is singular.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.profile_criterion_data(fit, ("Subject", "Days")).columns.to_list()
    ['value', 'criterion', 'excess']
    """
    return to_native(_data(fit, line_along(fit, along), span, points), fit.library)


def _data(fit: Fitted, line: Line, span: tuple[float, float] | None, points: int) -> pd.DataFrame:
    points = whole_number("points", points, least=3)
    excess = _excess(fit, line)
    with one_thread():
        if span is None:
            low, high = (_end(excess, line.at, end) for end in (line.low, line.high))
        else:
            low, high = _required(span, line)
        values = np.linspace(low, high, points)
        rise = np.array([excess(value) for value in values])
    return pd.DataFrame({"value": values, "criterion": fit.criterion + rise, "excess": rise})


def _required(span: tuple[float, float], line: Line) -> tuple[float, float]:
    allowed = f"two ascending numbers from {line.low:g} to {line.high:g}"
    try:
        low, high = map(float, span)
    except (TypeError, ValueError) as error:
        raise OptionError(option="span", value=span, allowed=allowed) from error
    slack = 1e-6 * (line.high - line.low)
    if not line.low - slack <= low < high <= line.high + slack:
        raise OptionError(option="span", value=span, allowed=allowed)
    return low, high


def _excess(fit: Fitted, line: Line) -> Callable[[float], float]:
    if fit.getme("devcomp")["dims"]["GLMM"]:
        raise NotAvailableError(
            asked="Following the criterion of a generalized linear mixed model",
            found="it is a function of θ and β, and no fixed effect is profiled out of it",
            remedy="This plot exists only for linear mixed models.",
        )
    devfun: Callable[[NDArray[np.float64]], float] = fit.getme("devfun")
    return lambda value: devfun(line.theta(value)) - fit.criterion


def _end(excess: Callable[[float], float], at: float, end: float) -> float:
    """The farthest point towards the end of a line at which the criterion has risen by `RISE`."""
    inside = 0.0
    for outside in np.geomspace(1e-4, 1.0, 21):
        if not excess(at + outside * (end - at)) <= RISE:
            break
        inside = float(outside)
    else:
        return end
    for _ in range(8):
        middle = (inside + outside) / 2
        if excess(at + middle * (end - at)) <= RISE:
            inside = middle
        else:
            outside = middle
    return at + inside * (end - at)


@picture(profile_criterion_data)
def profile_criterion(
    fit: Fitted,
    along: Along,
    *,
    span: tuple[float, float] | None = None,
    points: int = 101,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw the criterion along a line through the estimate, against the fit's own.

    The scale always includes a rise of 3.84, the 95 % point of χ² with one degree of freedom, so
    that a direction that the data do not determine appears flat.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.profile_criterion(fit, ("Subject", "Days")).get_xlabel()
    'Standard deviation of Days (Subject)'
    """
    line = line_along(fit, along)
    data = _data(fit, line, span, points)
    return drawn(
        backend, ax, _draw, profile_criterion_chart, data, line.at, NOTABLE,
        what=shown(line.label, most=80),
    )  # fmt: skip


def _draw(ax: Axes | None, data: pd.DataFrame, at: float, notable: float, *, what: str) -> Axes:
    ax = axes(ax)
    rise = data["excess"]
    ax.axhline(notable, color=GREY, linewidth=1.0, linestyle="--")
    ax.annotate(
        f"{notable:.2f}", (1.0, notable), xycoords=("axes fraction", "data"), xytext=(-2, 2),
        textcoords="offset points", ha="right", color=GREY,
    )  # fmt: skip
    ax.plot(data["value"], rise, color=BLUE, linewidth=1.8)
    if data["value"].iloc[0] <= at <= data["value"].iloc[-1]:
        ax.scatter([at], [0.0], color=ORANGE, marker="D", s=36, zorder=3, label="the fit")
        ax.legend(frameon=False)
    bottom, top = min(float(rise.min()), 0.0), max(float(rise.max()), 1.2 * notable)
    margin = 0.06 * (top - bottom)
    ax.set_ylim(bottom - margin, top + margin)
    changed = float(rise.abs().max())
    if changed < FLAT:
        ax.set_title(f"Flat: changes by at most {changed:.0e}", fontsize="medium")
    ax.set_xlabel(what)
    ax.set_ylabel("Criterion above the fit's")
    return ax
