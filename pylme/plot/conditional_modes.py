"""The caterpillar: the conditional modes of one effect with their intervals, in ascending order.

The interval of level j is b_j ± z sd(b_j | y), with the conditional variance from `fit.ranef_var`;
θ and σ are treated as known (Bates, Mächler, Bolker & Walker 2015, equation 58).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.errors import UnknownNameError
from pylme.frame import to_native
from pylme.options import optional_text
from pylme.plot.axes import BLUE, DARK, GREY, axes, shown
from pylme.plot.fitted import require_fit
from pylme.results.tidying import half_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted

__all__ = ["caterpillar", "caterpillar_data", "the_group"]

#: The names of more levels than this would overlap.
NAMED: Final = 60


def caterpillar_data(
    fit: Fitted, group: str | None = None, effect: str | None = None, *, conf_level: float = 0.95
) -> Any:
    """The conditional modes of one effect with their intervals: what `caterpillar` draws.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        The grouping factor; the first one where none is named.
    effect : str, optional
        The effect, as a column of ``fit.ranef[group]``; the first one where none is named.
    conf_level : float
        The level of the intervals, which are normal ones that treat θ and σ as known.

    Returns
    -------
    DataFrame
        A row for each level, ascending in the mode: ``group``, ``level``, ``term``, ``estimate``
        (the mode), ``std_error`` (its conditional standard deviation), ``conf_low``, ``conf_high``.

    Raises
    ------
    UnknownNameError
        If there is no such grouping factor or effect.
    OptionError
        If `conf_level` is not between 0 and 1.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.caterpillar_data(fit, "Subject", "Days").columns.to_list()
    ['group', 'level', 'term', 'estimate', 'std_error', 'conf_low', 'conf_high']
    """
    require_fit(fit)
    return to_native(_modes(fit, group, effect, conf_level), fit.library)


def _modes(fit: Fitted, group: str | None, effect: str | None, conf_level: float) -> pd.DataFrame:
    effect = optional_text("effect", effect)
    reach = half_width(conf_level)
    modes = fit.to_pandas().ranef
    group = the_group(modes, group)
    names = list(modes[group].columns)
    if effect is None:
        effect = names[0]
    elif effect not in names:
        raise UnknownNameError(what=f"effect of {group}", name=effect, known=names)
    at = names.index(effect)
    value = modes[group].iloc[:, at].to_numpy()
    sd = np.sqrt(fit.ranef_var[group][:, at, at])
    frame = pd.DataFrame(
        {
            "group": group, "level": modes[group].index, "term": effect,
            "estimate": value, "std_error": sd,
            "conf_low": value - reach * sd, "conf_high": value + reach * sd,
        }
    )  # fmt: skip
    return frame.sort_values("estimate", kind="stable", ignore_index=True)


def caterpillar(
    fit: Fitted,
    group: str | None = None,
    effect: str | None = None,
    *,
    conf_level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the conditional modes of one effect, ascending, with their intervals.

    Levels whose interval does not contain zero are blue. The names of up to 60 levels are shown.

    Parameters
    ----------
    fit, group, effect, conf_level
        As for `caterpillar_data`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if none is given.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or that of the new figure.

    Raises
    ------
    UnknownNameError, OptionError
        As `caterpillar_data`.
    MissingPackageError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.caterpillar(fit, "Subject", "Days").get_xlabel()
    'Days'
    """
    require_fit(fit)
    data = _modes(fit, group, effect, conf_level)
    count = len(data)
    crowded = count > NAMED
    labels = [] if crowded else [shown(label) for label in data["level"]]
    longest = max(map(len, labels), default=0)
    ax = axes(ax, width=5.6 + 0.08 * longest, height=min(max(0.16 * count + 1.2, 2.4), 9.0))
    places = np.arange(count)
    low, high = data["conf_low"].to_numpy(), data["conf_high"].to_numpy()
    colours = [BLUE if clear else GREY for clear in (low > 0) | (high < 0)]
    ax.axvline(0.0, color=DARK, linewidth=0.8, linestyle=":")
    ax.hlines(places, low, high, colors=colours, linewidth=0.6 if crowded else 1.4)
    ax.scatter(
        data["estimate"], places, s=4 if crowded else 18, c=DARK if crowded else colours, zorder=3
    )
    ax.margins(y=0.01 if crowded else 0.03)
    if crowded:
        ax.set_yticks([])
        ax.set_ylabel(f"{count:,} levels in ascending order")
    else:
        ax.set_yticks(places, labels=labels)
    ax.set_xlabel(shown(data["term"][0]))
    name = shown(data["group"][0])
    ax.set_title(f"Modes of {name} with {100 * conf_level:g} % intervals", fontsize="medium")
    return ax


def the_group(modes: dict[str, pd.DataFrame], group: str | None) -> str:
    """The grouping factor named `group`; the first one where none is named.

    Raises
    ------
    UnknownNameError
        If no such grouping factor exists.
    """
    group = optional_text("group", group)
    if group is None:
        return next(iter(modes))
    if group not in modes:
        raise UnknownNameError(what="grouping factor", name=group, known=tuple(modes))
    return group
