"""Estimates of a simulation study by model, with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pandas as pd

from pylme.errors import OptionError, UnknownColumnError, UnknownNameError
from pylme.plot.axes import STYLES, axes, shown
from pylme.plot.charts.samples import study_chart
from pylme.plot.picture import drawn, picture
from pylme.results.parameters import labels_named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pylme.plot.axes import Style
    from pylme.plot.picture import Backend

__all__ = ["study", "study_data"]

#: What is read of a study; the truth may be missing.
COLUMNS: Final = ("model", "parameter", "estimate")
#: Where the bars of each distribution end: 95 % and 50 % of the estimates lie between.
QUANTILES: Final = (0.025, 0.25, 0.75, 0.975)


class Tabled(Protocol):
    """An object that can be made into a frame, such as a study."""

    def to_frame(self) -> pd.DataFrame:
        """A row for each replicate, model and parameter."""
        ...


def study_data(
    results: Tabled | pd.DataFrame, parameter: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """The estimates of one parameter or several by model: what `study` draws.

    Parameters
    ----------
    results : study or DataFrame
        With the columns ``model``, ``parameter``, ``estimate``, and ``truth`` where it is known;
        a row for each replicate.
    parameter : str or sequence of str, optional
        The parameters to draw, on one scale, by their labels or their names in lme4; needed where
        there are several.

    Returns
    -------
    DataFrame
        The rows of these parameters that have an estimate.

    Raises
    ------
    UnknownColumnError
        If a column is missing.
    UnknownNameError
        If no such parameter exists.
    OptionError
        If there are several parameters and none is named, or more than 7 are.

    Examples
    --------
    >>> import pandas as pd
    >>> import pylme
    >>> draws = pd.DataFrame({"estimate": [1.8, 2.1, 2.3, 1.9]})
    >>> draws = draws.assign(model="m", parameter="ses", truth=2.0)
    >>> pylme.plot.study_data(draws).shape
    (4, 4)
    """
    frame = _table(results)
    for name in COLUMNS:
        if name not in frame:
            raise UnknownColumnError(
                name=name, available=[str(column) for column in frame], where="a study"
            )
    known = tuple(frame["parameter"].unique())
    if parameter is None:
        if len(known) > 1:
            raise OptionError(option="parameter", value=None, allowed=known)
        parameter = known
    wanted = (parameter,) if isinstance(parameter, str) else parameter
    if not isinstance(wanted, Sequence) or not all(isinstance(name, str) for name in wanted):
        allowed = "a string, or a sequence of strings"
        raise OptionError(option="parameter", value=parameter, allowed=allowed)
    labels: list[str] = []
    for name in wanted:
        if not (found := labels_named(name, known)):
            raise UnknownNameError(what="parameter", name=name, known=known)
        labels += found
    wanted = list(dict.fromkeys(labels))
    if not 0 < len(wanted) <= len(STYLES):
        raise OptionError(
            option="parameter",
            value=wanted,
            allowed=f"at least one and at most {len(STYLES)} parameters",
        )
    kept = frame[frame["parameter"].isin(wanted) & frame["estimate"].notna()]
    return kept.reset_index(drop=True)


def _table(results: Any) -> pd.DataFrame:
    if isinstance(results, pd.DataFrame):
        return results
    if isinstance(results, type) or not callable(getattr(results, "to_frame", None)):
        allowed = "what pylme.study gives, or its data frame"
        raise OptionError(option="results", value=results, allowed=allowed)
    frame: pd.DataFrame = results.to_frame()
    return frame


@picture(study_data)
def study(
    results: Tabled | pd.DataFrame,
    parameter: str | Sequence[str] | None = None,
    *,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw the distributions of estimates by model, with the truth.

    Each estimate is a point. The bars contain 95 % and 50 % of them, the large mark is the mean,
    and the line through all models is the true value.

    Examples
    --------
    >>> import pandas as pd
    >>> import pylme
    >>> draws = pd.DataFrame({"estimate": [1.8, 2.1, 2.3, 1.9]})
    >>> draws = draws.assign(model="m", parameter="ses", truth=2.0)
    >>> pylme.plot.study(draws).get_xlabel()
    'Estimate of ses'
    """
    data = study_data(results, parameter)
    names = data["parameter"].unique()
    what = "Estimate" + (f" of {shown(names[0])}" if len(names) == 1 else "")
    return drawn(backend, ax, _draw, study_chart, data, QUANTILES, what=what)


def _draw(ax: Axes | None, data: pd.DataFrame, quantiles: Sequence[float], *, what: str) -> Axes:
    models = list(data["model"].unique())
    parameters = list(data["parameter"].unique())
    ax = axes(ax, width=7.2, height=0.7 + 0.55 * len(models) * (0.5 + 0.5 * len(parameters)))
    height = 0.8 / len(parameters)
    for at, (name, style) in enumerate(zip(parameters, STYLES, strict=False)):
        own = data[data["parameter"] == name]
        for row, model in enumerate(models):
            values = own.loc[own["model"] == model, "estimate"].to_numpy(dtype=np.float64)
            if len(values):
                _distribution(
                    ax, values, quantiles, place=-row + 0.4 - (at + 0.5) * height, height=height,
                    style=style,
                )  # fmt: skip
        ax.plot([], [], color=style.color, marker=style.marker, label=shown(name))
        for truth in own["truth"].dropna().unique() if "truth" in own else ():
            ax.axvline(truth, color=style.color, linewidth=1.2, linestyle="--", zorder=0)
    ax.set_yticks(-np.arange(len(models)), labels=[shown(model) for model in models])
    ax.set_ylim(-len(models) + 0.5, 0.5)
    if len(parameters) > 1:
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    ax.set_xlabel(what)
    return ax


def _distribution(
    ax: Axes,
    values: NDArray[np.float64],
    quantiles: Sequence[float],
    *,
    place: float,
    height: float,
    style: Style,
) -> None:
    """One distribution: its points above its bars."""
    # Multiples of the golden ratio fill the height evenly, and the same way each time.
    spread = (np.arange(len(values)) * 0.618033988749895) % 1.0
    ax.scatter(
        values, place + height * (0.05 + 0.4 * spread), s=7, color=style.color, linewidths=0,
        alpha=float(np.clip(60 / len(values), 0.08, 0.6)), rasterized=len(values) > 1000,
    )  # fmt: skip
    low, first, third, high = np.quantile(values, quantiles)
    bar = place - 0.2 * height
    ax.hlines(bar, low, high, color=style.color, linewidth=1.2)
    ax.hlines(bar, first, third, color=style.color, linewidth=4.0)
    ax.scatter(
        [values.mean()], [bar], s=42, color=ax.get_facecolor(), edgecolors=style.color,
        marker=style.marker, linewidths=1.6, zorder=3,
    )  # fmt: skip
