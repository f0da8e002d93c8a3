"""Predictions, with intervals where they are asked for.

    η̂ = xᵀβ̂ + zᵀb̂ + offset      η̂ ± t_df s.e.

with z the included random effects (Bates, Mächler, Bolker & Walker 2015, section 5.2, for the
conditional modes). On the scale of the response of a generalized model, the estimate and the ends
of its interval are g⁻¹ of those of the linear predictor, and the standard error is the delta
method's |dμ/dη| s.e.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.errors import OptionError, RankDeficiencyWarning, warn
from pylme.families import link_of
from pylme.frame import Rows as TableRows
from pylme.inference.means.estimability import estimable
from pylme.inference.prediction.question import prediction_rows
from pylme.inference.prediction.rows import no_rows
from pylme.inference.prediction.uncertainty import of_generalized, of_linear
from pylme.inference.wald import wald_reach
from pylme.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pylme.inference.kernels import Kernels
    from pylme.inference.prediction.question import Question, Rows
    from pylme.inference.prediction.uncertainty import Uncertainty
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.results.fitted_model import FittedModel

__all__ = ["Prediction", "modes_of", "predict"]


_INTERVAL: Final = ("estimate", "std_error", "df", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """Predictions in the rows given.

    Attributes
    ----------
    table : DataFrame
        ``estimate``, and with an interval ``std_error, df, conf_low, conf_high``; where groups are
        drawn anew ``includes`` and ``std_error_without_new`` too.
    rows : Rows
        The rows given, and which of them have all values.
    """

    table: pd.DataFrame
    rows: TableRows


def predict(
    model: FittedModel, kernels: Callable[[], Kernels | None], data: Any, question: Question
) -> Prediction:
    """Predictions for new data, or for the rows of the fit.

    Parameters
    ----------
    model : FittedModel
    kernels : callable
        Gives the kernels of a linear model, None for a generalized one; called where there is an
        interval.
    data : DataFrame, Table or mapping of arrays, or None
        None for the rows of the fit.
    question : Question

    Raises
    ------
    OptionError
        If an interval for new observations of a generalized model is asked for.

    Warns
    -----
    RankDeficiencyWarning
        If the data do not determine some predictions.
    """
    info = model.info()
    generalized = info.family is not None
    if generalized and question.interval == "prediction":
        raise OptionError(
            option="interval",
            value="prediction",
            allowed='None or "confidence" for a generalized model; the distribution of a new '
            "response is not normal, simulate it instead",
        )
    rows = prediction_rows(model, data, question)
    if rows is None:
        names = _INTERVAL if question.interval else _INTERVAL[:1]
        kept = no_rows(data)
        return Prediction(table=_table(dict.fromkeys(names, np.empty(0)), kept), rows=kept)
    modes = modes_of(model, rows.terms)
    offset = rows.made.offset
    if question.interval is None:
        estimates = model.estimates()
        columns: dict[str, Any] = {
            "estimate": rows.made.X @ estimates.beta + rows.z @ modes + offset
        }
    else:
        own = kernels()
        uncertainty = (
            of_generalized(model, rows, modes)
            if own is None
            else of_linear(own, rows, ddf=question.ddf)
        )
        columns = _interval(uncertainty, offset, question.conf_level)
    if info.link is not None and question.kind == "response":
        columns = _on_response(columns, info.link)
    unknown = ~_identified(model, rows)
    if unknown.any():
        warn(RankDeficiencyWarning(_unidentified(int(unknown.sum()))))
        for values in columns.values():
            if isinstance(values, np.ndarray):
                values[unknown] = np.nan
    return Prediction(table=_table(columns, rows.made.rows), rows=rows.made.rows)


def modes_of(model: FittedModel, terms: Sequence[RandomTerm]) -> NDArray[np.float64]:
    """The conditional modes b̂ in the order of Zᵀ's rows, shape (q,)."""
    by_group = {effects.group: effects for effects in model.ranef()}
    used = dict.fromkeys(by_group, 0)
    b = np.zeros(terms[-1].rows.stop)
    for term in terms:
        effects, first = by_group[term.group], used[term.group]
        used[term.group] = first + len(term.names)
        own = effects.modes[:, first : used[term.group]]
        if effects.levels != term.levels:
            place = {level: i for i, level in enumerate(effects.levels)}
            own = own[[place[level] for level in term.levels]]
        b[term.rows] = own.ravel()
    return b


def _interval(
    uncertainty: Uncertainty, offset: NDArray[np.float64], conf_level: float
) -> dict[str, Any]:
    estimate = uncertainty.estimate + offset
    reach = wald_reach(1.0 - conf_level, uncertainty.df) * uncertainty.std_error
    numbers = (estimate, uncertainty.std_error, uncertainty.df, estimate - reach, estimate + reach)
    columns: dict[str, Any] = dict(zip(_INTERVAL, numbers, strict=True))
    if uncertainty.includes is not None:
        columns["includes"] = uncertainty.includes
        columns["std_error_without_new"] = uncertainty.without_new
    return columns


def _on_response(columns: dict[str, Any], name: str) -> dict[str, Any]:
    """The same on the scale of the response."""
    link = link_of(name)
    eta = columns["estimate"]
    slope = np.abs(link.derivatives(eta)[0])
    made = dict(columns, estimate=link.mean(eta))
    for part in ("std_error", "std_error_without_new"):
        if part in made:
            made[part] = slope * made[part]
    if "conf_low" in made:
        ends = np.array([link.mean(made["conf_low"]), link.mean(made["conf_high"])])
        # Some links decrease.
        made["conf_low"], made["conf_high"] = ends.min(axis=0), ends.max(axis=0)
    return made


def _identified(model: FittedModel, rows: Rows) -> NDArray[np.bool_]:
    """Whether the data determine the fixed part of each prediction."""
    if not rows.made.dependent.shape[1]:
        return np.ones(len(rows.made.X), dtype=bool)
    return estimable(rows.made.X, rows.made.dependent, model.design.aliases)


def _unidentified(count: int) -> str:
    return (
        f"the data do not determine {counted(count, 'prediction')}, which use combinations of the "
        "fixed effects that did not occur in the data of the model: NaN in these rows"
    )


def _table(columns: dict[str, Any], rows: TableRows) -> pd.DataFrame:
    """The columns in the rows given; NaN where a row lacks a value."""
    placed: dict[str, Any] = {}
    for name, values in columns.items():
        if isinstance(values, np.ndarray):
            placed[name] = rows.place(values, name=name)
        else:
            words = np.full(rows.n_given, None, dtype=object)
            words[slice(None) if rows.kept is None else rows.kept] = values
            placed[name] = pd.Series(words, index=rows.given_index)
    return pd.DataFrame(placed, index=rows.given_index)
