"""Fixed effects with their intervals, of one or several fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from pylme.errors import OptionError
from pylme.frame import to_native
from pylme.options import headings, true_or_false
from pylme.plot.axes import GREY, STYLES, axes, shown
from pylme.plot.charts.parameters import coefficients_chart
from pylme.plot.fitted import require_fit
from pylme.plot.picture import drawn, picture
from pylme.plot.units import label, scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pylme.families.family import Family
    from pylme.frame import Library
    from pylme.inference.ddf import Ddf
    from pylme.plot.picture import Backend

__all__ = ["coefficients", "coefficients_data"]


class Tested(Protocol):
    """A fit whose fixed effects can be tested."""

    @property
    def library(self) -> Library:
        """The library of the data, in which frames are returned."""
        ...

    @property
    def formula(self) -> str:
        """As R writes it."""
        ...

    @property
    def family(self) -> Family:
        """The conditional distribution of the response and the link."""
        ...

    def coef_test(self, *, ddf: Ddf | None, conf_level: float) -> Any:
        """Tests with intervals."""
        ...


def coefficients_data(
    *fits: Tested,
    names: Sequence[str] | None = None,
    intercept: bool = False,
    ddf: Ddf | None = None,
    conf_level: float = 0.95,
) -> Any:
    """Fixed effects with intervals: what `coefficients` draws.

    Parameters
    ----------
    *fits : Fit
        One or several.
    names : sequence of str, optional
        Of the fits; by default (1), (2), ….
    intercept : bool
        Whether the intercept is included, which is often far from the others.
    ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
        As for `Fit.coef_test`.
    conf_level : float
        The level of the intervals.

    Returns
    -------
    DataFrame
        A row for each fit and coefficient: ``model, term, estimate, std_error, conf_low,
        conf_high``.

    Raises
    ------
    OptionError
        If an argument is not one of those allowed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.coefficients_data(fit).columns.to_list()
    ['model', 'term', 'estimate', 'std_error', 'conf_low', 'conf_high']
    """
    made = _coefficients(fits, names, intercept=intercept, ddf=ddf, conf_level=conf_level)
    return to_native(made, fits[0].library)


def _coefficients(
    fits: Sequence[Tested],
    names: Sequence[str] | None,
    *,
    intercept: bool,
    ddf: Ddf | None,
    conf_level: float,
) -> pd.DataFrame:
    if not fits:
        raise OptionError(option="fits", value=fits, allowed="one fit or more")
    for fit in fits:
        require_fit(fit)
    intercept = true_or_false("intercept", intercept)
    models = headings("names", names, len(fits))
    parts = []
    for heading, fit in zip(models, fits, strict=True):
        tests = fit.coef_test(ddf=ddf, conf_level=conf_level)
        parts.append(
            pd.DataFrame(
                {
                    "model": heading, "term": list(tests.terms), "estimate": tests.estimate,
                    "std_error": tests.std_error, "conf_low": tests.conf_low,
                    "conf_high": tests.conf_high,
                }
            )
        )  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    alone = bool((table["term"] == "(Intercept)").all())
    return (
        table
        if intercept or alone
        else table[table["term"] != "(Intercept)"].reset_index(drop=True)
    )


@picture(coefficients_data)
def coefficients(
    *fits: Tested,
    names: Sequence[str] | None = None,
    intercept: bool = False,
    ddf: Ddf | None = None,
    conf_level: float = 0.95,
    backend: Backend = "matplotlib",
    ax: Axes | None = None,
) -> Any:
    """Draw fixed effects with their intervals, as a forest plot.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> pylme.plot.coefficients(fit).get_xlabel().splitlines()
    ['Estimate with 95 % interval [Reaction]', 'per unit of the predictor']
    """
    data = _coefficients(fits, names, intercept=intercept, ddf=ddf, conf_level=conf_level)
    slopes = (data["term"] != "(Intercept)").any()
    one = len({scale(fit) for fit in fits}) == 1
    what = label(f"Estimate with {100 * conf_level:g} % interval", scale(fits[0]) if one else None)
    if one and slopes:
        what += "\nper unit of the predictor"
    return drawn(backend, ax, _draw, coefficients_chart, data, what=what)


def _draw(ax: Axes | None, data: pd.DataFrame, *, what: str) -> Axes:
    terms = list(dict.fromkeys(data["term"]))
    models = list(dict.fromkeys(data["model"]))
    longest = max(len(shown(term)) for term in terms)
    ax = axes(
        ax, width=5.0 + 0.08 * longest, height=min(1.2 + 0.28 * len(terms) * len(models), 12.0)
    )
    ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    width = 0.6 / len(models)
    for m, model in enumerate(models):
        own = data[data["model"] == model]
        style = STYLES[m % len(STYLES)]
        places = np.array([terms.index(term) for term in own["term"]])
        places = places + width * (m - (len(models) - 1) / 2)
        ax.hlines(places, own["conf_low"], own["conf_high"], color=style.color, linewidth=1.6)
        ax.scatter(
            own["estimate"], places, s=26, color=style.color, marker=style.marker, zorder=3,
            label=shown(model),
        )  # fmt: skip
    ax.set_yticks(range(len(terms)), labels=[shown(term) for term in terms])
    ax.set_ylim(len(terms) - 0.5, -0.5)
    ax.set_xlabel(what)
    if len(models) > 1:
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    return ax
