"""The caterpillar: the conditional modes of effects with their intervals, in ascending order.

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
from pylme.plot.axes import BLUE, GREY, axes, ink, is_axes, panels, shown
from pylme.plot.charts.levels import caterpillar_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture
from pylme.plot.units import effect_label
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pylme.plot.fitted import Fitted
    from pylme.plot.picture import Backend

__all__ = ["caterpillar", "caterpillar_data", "modes_of", "the_group"]

#: The names of more levels than this would overlap.
NAMED: Final = 60


def caterpillar_data(
    fit: Fitted, group: str | None = None, effect: str | None = None, *, conf_level: float = 0.95
) -> Any:
    """The conditional modes of effects with their intervals: what `caterpillar` draws.

    Parameters
    ----------
    fit : Fit
    group : str, optional
        The grouping factor; the first one where none is named.
    effect : str, optional
        The effect, as a column of ``fit.ranef[group]``; all of them where none is named.
    conf_level : float
        The level of the intervals, which are normal ones that treat θ and σ as known.

    Returns
    -------
    DataFrame
        A row for each level of each effect, ascending in the mode: ``group``, ``level``, ``term``,
        ``estimate`` (the mode), ``std_error`` (its conditional standard deviation), ``conf_low``,
        ``conf_high``.

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
    return to_native(modes_of(fit, group, effect, conf_level), fit.library)


def modes_of(fit: Fitted, group: str | None, effect: str | None, conf_level: float) -> pd.DataFrame:
    effect = optional_text("effect", effect)
    reach = half_width(conf_level)
    modes = fit.to_pandas().ranef
    group = the_group(modes, group)
    names = list(modes[group].columns)
    if effect is not None and effect not in names:
        raise UnknownNameError(what=f"effect of {group}", name=effect, known=names)
    variances = fit.ranef_var[group]
    parts = []
    for at, name in enumerate(names):
        if effect is not None and effect != name:
            continue
        value = modes[group].iloc[:, at].to_numpy()
        sd = np.sqrt(variances[:, at, at])
        part = pd.DataFrame(
            {
                "group": group, "level": modes[group].index, "term": name,
                "estimate": value, "std_error": sd,
                "conf_low": value - reach * sd, "conf_high": value + reach * sd,
            }
        )  # fmt: skip
        parts.append(part.sort_values("estimate", kind="stable", ignore_index=True))
    return pd.concat(parts, ignore_index=True)


@picture(caterpillar_data)
def caterpillar(
    fit: Fitted,
    group: str | None = None,
    effect: str | None = None,
    *,
    conf_level: float = 0.95,
    backend: Backend = "matplotlib",
    ax: Axes | Sequence[Axes] | None = None,
) -> Any:
    """Draw the conditional modes of effects, ascending, with their intervals.

    There is a panel for each effect. Levels whose interval does not contain zero are blue. Up to 60
    levels are named, in the order of the first effect; of more, each panel has its own order.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, or a sequence of them, optional
        Where matplotlib draws, one for each effect; with one alone the first effect is drawn. A new
        figure if none is given.

    Returns
    -------
    matplotlib.axes.Axes, an ndarray of them, or altair's chart
        One for a single effect, else one for each.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.caterpillar(fit, "Subject", "Days").get_xlabel()
    'Mode of Days [Reaction / Days]'
    """
    require_fit(fit)
    data = modes_of(fit, group, effect, conf_level)
    terms = list(dict.fromkeys(data["term"]))
    if effect is None and is_axes(ax):
        terms = terms[:1]
        data = data[data["term"] == terms[0]]
    labels = {term: effect_label("Mode of ", fit, term) for term in terms}
    name = shown(data["group"].iloc[0])
    title = f"Modes of {name} with {100 * conf_level:g} % intervals"
    crowded = len(data) > NAMED * len(terms)
    return drawn(
        backend, ax, _draw, caterpillar_chart, data, labels=labels, title=title, crowded=crowded
    )


def _draw(ax: Any, data: pd.DataFrame, *, labels: dict[str, str], title: str, crowded: bool) -> Any:
    first = data[data["term"] == next(iter(labels))]
    names = [] if crowded else [shown(level) for level in first["level"]]
    width = 0.08 * max(map(len, names), default=0)
    height = float(np.clip(0.16 * len(first) + 1.2, 2.4, 9.0))
    if len(labels) == 1:
        made = np.array([axes(ax, width=5.6 + width, height=height)], dtype=object)
        made[0].set_title(title, fontsize="medium")
    else:
        made, figure = panels(
            ax, len(labels), wide=len(labels), size=(3.4, height - 0.8), share=False
        )
        if figure is not None:
            figure.suptitle(title, fontsize="medium")
    for at, (panel, (term, label)) in enumerate(zip(made, labels.items(), strict=True)):
        own = data[data["term"] == term]
        if not crowded:
            own = own.set_index("level").loc[list(first["level"])]
        _intervals(panel, own, crowded=crowded)
        panel.set_xlabel(label)
        if not crowded:
            panel.set_yticks(range(len(own)), labels=[] if at else names)
        elif at == 0:
            panel.set_ylabel(f"{len(own):,} levels in ascending order")
    return made[0] if len(labels) == 1 else made


def _intervals(ax: Axes, data: pd.DataFrame, *, crowded: bool) -> None:
    """One effect, from the bottom up."""
    count = len(data)
    low, high = data["conf_low"].to_numpy(), data["conf_high"].to_numpy()
    colours = np.where((low > 0) | (high < 0), BLUE, GREY)
    places = np.arange(count)
    ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    ax.hlines(
        places, low, high, colors=list(colours), rasterized=count > 1000,
        linewidth=float(np.clip(240 / count, 0.15, 0.6)) if crowded else 1.4,
    )  # fmt: skip
    ax.scatter(
        data["estimate"], places, s=float(np.clip(1200 / count, 0.5, 6)) if crowded else 18,
        c=ink(ax) if crowded else list(colours), linewidths=0, zorder=3, rasterized=count > 1000,
    )  # fmt: skip
    ax.margins(y=0.01 if crowded else 0.03)
    if crowded:
        ax.set_yticks([])


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
