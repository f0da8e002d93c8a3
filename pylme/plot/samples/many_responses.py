"""Many responses at a glance: estimates against p-values, and the distribution of p-values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.errors import OptionError, UnknownNameError
from pylme.frame import to_native
from pylme.options import choice, is_number, whole_number
from pylme.plot.axes import BLUE, GREY, ORANGE, axes, ink, shown
from pylme.plot.charts.samples import p_values_chart, volcano_chart
from pylme.plot.picture import drawn, picture
from pylme.responses.adjustment import Adjust, adjusted
from pylme.responses.result import ManyModels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pylme.inference.many_contrasts import ManyContrasts
    from pylme.plot.picture import Backend

__all__ = ["p_values", "p_values_data", "volcano", "volcano_data"]


def volcano_data(
    models: ManyModels, term: str, *, adjust: Adjust = "bh", level: float = 0.05
) -> Any:
    """Estimates and p-values of one fixed effect: what `volcano` draws.

    Parameters
    ----------
    models : ManyModels
        Of `lmer_many` or `glmer_many`.
    term : str
        R's name of the coefficient.
    adjust : {"bh", "by", "holm", "bonferroni", "none"}
    level : float
        Of the adjusted p-values.

    Returns
    -------
    DataFrame
        A row for each response with an estimate: ``response, estimate, p_value, p_adjusted,
        minus_log10_p, found``, the last of them whether the adjusted p-value is below `level`.

    Raises
    ------
    OptionError, UnknownNameError
        If an argument is not one of those allowed.
    """
    return to_native(_volcano(models, term, adjust, level), _of_many(models).library)


def _of_many(models: object) -> ManyModels:
    if not isinstance(models, ManyModels):
        raise OptionError(
            option="models", value=models, allowed="what pylme.lmer_many or glmer_many returns"
        )
    return models


def _test_of(models: ManyModels, term: object) -> ManyContrasts:
    """The tests of one coefficient of all responses."""
    if not isinstance(term, str) or term not in models.names:
        raise UnknownNameError(what="coefficient", name=str(term), known=models.names)
    contrast = np.eye(len(models.names))[[models.names.index(term)]]
    (test,) = models.estimates.fixed.single(contrast, np.zeros(1))
    return test


def _volcano(models: object, term: object, adjust: Adjust, level: float) -> pd.DataFrame:
    found = _of_many(models)
    if not (is_number(level) and 0 < level < 1):
        raise OptionError(option="level", value=level, allowed="a number between 0 and 1")
    test = _test_of(found, term)
    corrected = adjusted(test.p_value, choice("adjust", adjust, Adjust))
    known = np.isfinite(test.p_value)
    tiny = np.finfo(float).tiny
    return pd.DataFrame(
        {
            "response": np.array(found.responses, dtype=object)[known],
            "estimate": test.estimate[known],
            "p_value": test.p_value[known],
            "p_adjusted": corrected[known],
            "minus_log10_p": -np.log10(np.maximum(test.p_value[known], tiny)),
            "found": corrected[known] < level,
        }
    ).astype({"response": "str"})


@picture(volcano_data)
def volcano(
    models: ManyModels,
    term: str,
    *,
    adjust: Adjust = "bh",
    level: float = 0.05,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw the p-values of one fixed effect of many responses against its estimates.

    Examples
    --------
    >>> import numpy as np, pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> Y = np.random.default_rng(0).standard_normal((180, 50))
    >>> fits = pylme.lmer_many("~ Days + (1 | Subject)", sleepstudy, Y)
    >>> pylme.plot.volcano(fits, "Days").get_xlabel()
    'Estimate of Days'
    """
    data = _volcano(models, term, adjust, level)
    found = int(data["found"].sum())
    title = f"{found:,} of {len(data):,} below {level:g} (adjusted: {adjust})"
    what = f"Estimate of {shown(term)}"
    return drawn(backend, ax, _volcano_on_axes, volcano_chart, data, what=what, title=title)


def _volcano_on_axes(ax: Axes | None, data: pd.DataFrame, *, what: str, title: str) -> Axes:
    ax = axes(ax)
    chosen = data["found"].to_numpy()
    many = len(data) > 1000
    for mask, color in ((~chosen, BLUE), (chosen, ORANGE)):
        ax.scatter(
            data["estimate"][mask], data["minus_log10_p"][mask], s=6 if many else 16, color=color,
            alpha=0.5 if many else 0.8, linewidths=0, rasterized=many,
        )  # fmt: skip
    ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_xlabel(what)
    ax.set_ylabel("−log₁₀ p")
    ax.set_title(title, fontsize="medium")
    return ax


def p_values_data(models: ManyModels, term: str, *, bins: int = 20) -> Any:
    """How p-values of one fixed effect are distributed: what `p_values` draws.

    Parameters
    ----------
    models : ManyModels
    term : str
        R's name of the coefficient.
    bins : int
        The number of intervals between 0 and 1.

    Returns
    -------
    DataFrame
        A row for each interval: ``low, high, count, expected``, the last of them the count if the
        effect were zero in all responses.

    Raises
    ------
    OptionError, UnknownNameError
        If an argument is not one of those allowed.
    """
    return to_native(_histogram(models, term, bins), _of_many(models).library)


def _histogram(models: object, term: object, bins: int) -> pd.DataFrame:
    found = _of_many(models)
    number = whole_number("bins", bins, least=1)
    test = _test_of(found, term)
    known = test.p_value[np.isfinite(test.p_value)]
    counts, edges = np.histogram(known, bins=number, range=(0.0, 1.0))
    return pd.DataFrame(
        {
            "low": edges[:-1], "high": edges[1:], "count": counts,
            "expected": np.full(number, len(known) / number),
        }
    )  # fmt: skip


@picture(p_values_data)
def p_values(
    models: ManyModels,
    term: str,
    *,
    bins: int = 20,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw the distribution of the p-values of one fixed effect of many responses.

    Examples
    --------
    >>> import numpy as np, pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> Y = np.random.default_rng(0).standard_normal((180, 50))
    >>> fits = pylme.lmer_many("~ Days + (1 | Subject)", sleepstudy, Y)
    >>> pylme.plot.p_values(fits, "Days").get_xlabel()
    'p-value of Days'
    """
    data = _histogram(models, term, bins)
    what = f"p-value of {shown(term)}"
    return drawn(backend, ax, _p_values_on_axes, p_values_chart, data, what=what)


def _p_values_on_axes(ax: Axes | None, data: pd.DataFrame, *, what: str) -> Axes:
    ax = axes(ax)
    width = 1.0 / len(data)
    ax.bar(data["low"], data["count"], width=width, align="edge", color=BLUE, edgecolor="white")
    ax.axhline(float(data["expected"].iloc[0]), color=ink(ax), linewidth=1.0, linestyle=":")
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel(what)
    ax.set_ylabel("Responses")
    return ax
