"""The path of the optimiser: the criterion above its optimum, and θ, at each evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pylme.errors import NotAvailableError
from pylme.frame import to_native
from pylme.options import choice
from pylme.plot.axes import BLUE, STYLES, axes, shown
from pylme.plot.charts.parameters import convergence_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["convergence", "convergence_data"]

Traced = Literal["criterion", "theta"]

#: What lies less above the optimum than rounding errors is drawn here.
FLOOR: Final = 1e-10


def convergence_data(fit: Fitted) -> Any:
    """Every evaluation of the criterion: what `convergence` draws.

    Parameters
    ----------
    fit : Fit
        By ``engine="numpy"``.

    Returns
    -------
    DataFrame
        Index: the number of the evaluation, from 1. ``criterion``; ``excess``, its difference from
        the smallest value; ``accepted``, whether the search continued from this point; then the
        elements of theta by lme4's names.

    Raises
    ------
    NotAvailableError
        If the fit has no trace: lme4 keeps none.

    Examples
    --------
    >>> import pylme
    >>> data = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy")
    >>> pylme.plot.convergence_data(fit).columns.to_list()[:3]
    ['criterion', 'excess', 'accepted']
    """
    require_fit(fit)
    return to_native(_path(fit), fit.library)


def _path(fit: Fitted) -> pd.DataFrame:
    trace = fit.to_pandas().optinfo.trace
    if trace is None:
        raise NotAvailableError(
            asked="Drawing the path of the optimiser",
            found="the fit has no record of it, because lme4 keeps none",
            remedy='Fit the model with engine="numpy".',
        )
    frame: pd.DataFrame = trace.to_frame()
    frame.columns = ["criterion", "accepted", *fit.varcorr.theta_names]
    frame.insert(1, "excess", frame["criterion"] - frame["criterion"].min())
    return frame


@picture(convergence_data)
def convergence(
    fit: Fitted,
    of: Traced = "criterion",
    *,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw the criterion above the optimum, or theta, at every evaluation of the optimiser.

    Hollow points are steps that were tried and rejected. Values less than 1e-10 above the optimum
    are drawn at 1e-10.

    Parameters
    ----------
    of : {"criterion", "theta"}
        What to draw: the criterion on a logarithmic scale, or the elements of theta.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> pylme.plot.convergence(fit).get_yscale()
    'log'
    """
    of = choice("of", of, Traced)
    require_fit(fit)
    return drawn(backend, ax, _draw, convergence_chart, _path(fit), of=of, floor=FLOOR)


def _draw(ax: Axes | None, data: pd.DataFrame, *, of: Traced, floor: float) -> Axes:
    ax = axes(ax)
    taken = data["accepted"]
    if of == "criterion":
        _steps(ax, data["excess"].clip(lower=floor), taken, color=BLUE, marker="o")
        ax.set_yscale("log")
        ax.set_ylabel("Criterion above the optimum")
    else:
        for at, name in enumerate(data.columns[3:]):
            style = STYLES[at % len(STYLES)]
            label = shown(name, most=60)
            _steps(ax, data[name], taken, color=style.color, marker=style.marker, label=label)
        ax.set_ylabel("θ")
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize="small")
    ax.set_xlabel("Evaluation")
    ax.locator_params(axis="x", integer=True)
    return ax


def _steps(
    ax: Axes,
    values: pd.Series[float],
    taken: pd.Series[bool],
    *,
    color: str,
    marker: str,
    label: str | None = None,
) -> None:
    kept, back = values[taken], values[~taken]
    ax.plot(kept.index, kept, color=color, marker=marker, markersize=5, label=label)
    ax.plot(
        back.index, back, color=color, marker=marker, markersize=5, linestyle="",
        markerfacecolor="none",
    )  # fmt: skip
