"""`pylme.table`."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Literal

from pylme.errors import OptionError
from pylme.fit import Fit
from pylme.options import choice, headings, whole_number
from pylme.results.tables.components import components
from pylme.results.tables.model_table import ModelColumn, ModelTable
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.inference.ddf import Ddf

__all__ = ["table"]

Beside = Literal["std_error", "conf_int", "p_value"]
_NOTES = {
    "std_error": "Standard errors in parentheses.",
    "conf_int": "{level:.0%} intervals in parentheses.",
    "p_value": "p-values in parentheses.",
}
Row = tuple[str, str, float, float, float]


def table(
    *fits: Fit,
    names: Sequence[str] | None = None,
    beside: Beside = "std_error",
    ddf: Ddf | None = None,
    conf_level: float = 0.95,
    digits: int = 3,
) -> ModelTable:
    """Several models side by side.

    Parameters
    ----------
    *fits : Fit
    names : sequence of str, optional
        The headings of the models; by default (1), (2), ….
    beside : {"std_error", "conf_int", "p_value"}
        What stands in parentheses beside fixed effects.
    ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
        The method of the degrees of freedom, as for `Fit.coef_test`.
    conf_level : float
        The level of the intervals.
    digits : int
        Decimals.

    Returns
    -------
    ModelTable
        Prints as text; ``to_html()``, ``to_latex()``, ``to_markdown()``, ``to_frame()``.

    Raises
    ------
    OptionError
        If an argument is not one of those allowed.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer(
    ...     "Reaction ~ Days + (1 | Subject)",
    ...     pylme.datasets.load("sleepstudy"),
    ...     reml=False,
    ...     engine="numpy",
    ... )
    >>> print(pylme.table(fit, fit.refit(reml=True), names=["ML", "REML"]))
                                          ML            REML
    (Intercept)              251.405 (9.506) 251.405 (9.747)
    Days                      10.467 (0.802)  10.467 (0.804)
    sd (Intercept) | Subject          36.012          37.124
    sd Residual                       30.895          30.991
    Observations                         180             180
    Levels of Subject                     18              18
    Log-likelihood                  -897.039        -893.233
    AIC                             1802.079        1794.465
    BIC                             1814.850        1807.237
    Standard errors in parentheses.
    """
    choice("beside", beside, Beside)
    half_width(conf_level)
    digits = whole_number("digits", digits, least=0)
    if not fits or not all(isinstance(fit, Fit) for fit in fits):
        raise OptionError(option="fits", value=fits, allowed="one fit or more")
    columns = headings("names", names, len(fits))
    return ModelTable(
        models=tuple(
            ModelColumn(name=name, rows=(*_fixed(fit, beside, ddf, conf_level), *_random(fit)))
            for name, fit in zip(columns, fits, strict=True)
        ),
        digits=digits,
        note=_NOTES[beside].format(level=conf_level),
        library=fits[0].library,
    )


def _fixed(fit: Fit, beside: Beside, ddf: Ddf | None, conf_level: float) -> list[Row]:
    """Fixed effects, with what stands beside them."""
    if beside == "std_error" and ddf is None:
        shown = fit.to_pandas().coef_table
        return [
            ("fixed", str(name), float(row["estimate"]), float(row["std_error"]), nan)
            for name, row in shown.iterrows()
        ]
    tests = fit.coef_test(ddf=ddf, conf_level=conf_level)
    rows: list[Row] = []
    for i, name in enumerate(tests.terms):
        low, high = float(tests.std_error[i]), nan
        if beside == "conf_int":
            low, high = float(tests.conf_low[i]), float(tests.conf_high[i])
        elif beside == "p_value":
            low = float(tests.p_value[i])
        rows.append(("fixed", name, float(tests.estimate[i]), low, high))
    return rows


def _random(fit: Fit) -> list[Row]:
    """Standard deviations, correlations and measures of fit."""
    rows: list[Row] = [
        ("random", name, value, nan, nan) for name, value in components(fit.varcorr).items()
    ]
    numbers = {"Observations": float(fit.nobs)}
    numbers |= {f"Levels of {group}": float(n) for group, n in fit.ngrps.items()}
    numbers |= {"Log-likelihood": fit.loglik, "AIC": fit.aic, "BIC": fit.bic}
    return rows + [("fit", name, value, nan, nan) for name, value in numbers.items()]
