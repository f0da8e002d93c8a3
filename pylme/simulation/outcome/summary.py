"""The summary of a study: one line for each parameter of each model, and one for each status.

Means, biases and rates over replicates have their Monte Carlo standard errors. With estimates
e_1 … e_n of a truth t and d_i = e_i - t:

    mean          s_e / √n                      bias the same
    RMSE          √(mean d²); by the delta method s_{d²} / (2 RMSE √n)
    a rate p      √(p (1 - p) / n)

Morris, White & Crowther (2019), Using simulation studies to evaluate statistical methods,
Statistics in Medicine 38, table 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from pylme.render import LEFT, Document, Rendered, Table
from pylme.results.tables.tidying import half_width
from pylme.simulation.estimate.block import OBJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from pylme.simulation.outcome.truth import Truth

__all__ = [
    "ALL",
    "CONVERGED_IN_ALL",
    "StudySummary",
    "mean_and_error",
    "rate_and_error",
    "rmse_and_error",
    "summarised",
]

ALL: Final = "all"
CONVERGED_IN_ALL: Final = "converged in all models"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudySummary(Rendered):
    """The summary of a study.

    Attributes
    ----------
    estimates : DataFrame
        ``over`` ("all", "converged in all models"), ``model``, ``parameter``, ``n`` (estimates
        that are not NaN), ``truth``, and ``mean``, ``bias``, ``rmse``, ``coverage``, each followed
        by its Monte Carlo standard error (``mean_std_error``, …). NaN where the truth is not known.
    statuses : DataFrame
        ``model``, ``status``, ``n``, ``rate``, ``rate_std_error``.
    n, n_converged : int
        Replicates, and those that converged in all models.
    """

    estimates: pd.DataFrame
    statuses: pd.DataFrame
    n: int
    n_converged: int

    def to_frame(self) -> pd.DataFrame:
        """`estimates`."""
        return self.estimates.copy()

    def describe(self) -> Document:
        """Both tables; of the estimates those that are not theta."""
        shown = self.estimates[~self.estimates["parameter"].str.fullmatch(r"theta\d+")]
        counted = {ALL: self.n, CONVERGED_IN_ALL: self.n_converged}
        blocks = [
            _table(
                self.statuses,
                text=("model", "status"),
                caption=f"{self.n} replicates, {self.n_converged} converged in all models",
            )
        ]
        for key, rows in shown.groupby(["over", "model"], sort=False):
            over, model = map(str, key)
            n = counted[over]
            if n:
                # If every fit gave an estimate, their number is already in the caption.
                kept = rows.drop(columns="n") if (rows["n"] == n).all() else rows
                names = kept.drop(columns=["over", "model"])
                caption = f"{model}: {f'all {n}' if over == ALL else f'the {n} {over}'}"
                blocks.append(_table(names, text=("parameter",), caption=caption))
        return Document(title="Study", blocks=tuple(blocks))


def summarised(
    rows: pd.DataFrame,
    truth: Truth,
    models: Sequence[str],
    converged: NDArray[np.bool_],
    *,
    rule: str,
    conf_level: float,
) -> StudySummary:
    """The summary of a study's rows.

    Parameters
    ----------
    rows : DataFrame
        In the order of replicates and models.
    truth : mapping
    models : sequence of str
    converged : ndarray of bool, shape (n, models)
    rule : {"status", "code"}
        The column that statuses are counted in.
    conf_level : float
        Of the Wald intervals.
    """
    in_all = np.asarray(converged.all(axis=1))
    width = half_width(conf_level)
    lines = []
    made = rows[rows["parameter"].notna()]
    for key, own in made.groupby(["model", "parameter"], sort=False):
        model, parameter = map(str, key)
        kept = in_all[own["replicate"].to_numpy()]
        estimate, error = own["estimate"].to_numpy(), own["std_error"].to_numpy()
        true = truth[model].get(parameter, np.nan)
        for over, at in ((ALL, slice(None)), (CONVERGED_IN_ALL, kept)):
            numbers = _line(estimate[at], error[at], true, width)
            lines.append({"over": over, "model": model, "parameter": parameter, **numbers})
    first = rows[~rows.duplicated(["replicate", "model"])]
    return StudySummary(
        estimates=pd.DataFrame(lines),
        statuses=_statuses(first, models, rule),
        n=len(converged),
        n_converged=int(in_all.sum()),
    )


def _line(
    estimate: NDArray[np.float64], error: NDArray[np.float64], truth: float, width: float
) -> dict[str, float]:
    difference = estimate - truth
    covered = np.where(np.isnan(error + difference), np.nan, np.abs(difference) <= width * error)
    mean, mean_std_error = mean_and_error(estimate)
    rmse, rmse_std_error = rmse_and_error(difference)
    coverage, coverage_std_error = rate_and_error(covered)
    return {
        "n": int(np.count_nonzero(~np.isnan(estimate))),
        "truth": truth,
        "mean": mean,
        "mean_std_error": mean_std_error,
        "bias": mean - truth,
        "bias_std_error": mean_std_error if not np.isnan(truth) else np.nan,
        "rmse": rmse,
        "rmse_std_error": rmse_std_error,
        "coverage": coverage,
        "coverage_std_error": coverage_std_error,
    }


def _statuses(first: pd.DataFrame, models: Sequence[str], rule: str) -> pd.DataFrame:
    lines = []
    for model in models:
        own = first.loc[first["model"] == model]
        named = pd.Series(np.where(own["error"].isna(), own[rule], "failed"), dtype=OBJECT)
        for status, count in named.value_counts().items():
            rate, rate_std_error = rate_and_error(named == status)
            lines.append(
                {
                    "model": model,
                    "status": status,
                    "n": count,
                    "rate": rate,
                    "rate_std_error": rate_std_error,
                }
            )
    return pd.DataFrame(lines)


def _table(frame: pd.DataFrame, *, text: tuple[str, ...], caption: str) -> Table:
    """Columns without numbers are left out; a standard error is shown beside its number.

    The standard error of the mean equals that of the bias; where there is a bias it is shown there
    only.
    """
    if "bias" in frame and frame["bias"].notna().any():
        frame = frame.drop(columns="mean_std_error")
    columns = {
        str(name): _cells(str(name), frame, text)
        for name in frame
        if not str(name).endswith("_std_error") and frame[name].notna().any()
    }
    named = columns.pop("parameter", None)
    return Table(
        columns=tuple(columns),
        rows=tuple(zip(*columns.values(), strict=True)),
        row_names=None if named is None else tuple(named),
        align=tuple(LEFT if name in text else "right" for name in columns),
        caption=caption,
        notes=("In parentheses: Monte Carlo standard errors.",) if named is None else (),
    )


def _cells(name: str, frame: pd.DataFrame, text: tuple[str, ...]) -> list[str]:
    if name in text or name == "n":
        return [str(value) for value in frame[name]]
    if name == "truth":
        return ["" if np.isnan(value) else f"{value:.4g}" for value in frame[name]]
    if f"{name}_std_error" not in frame:
        return ["" if np.isnan(value) else f"{value:.3f}" for value in frame[name]]
    pairs = zip(frame[name], frame[f"{name}_std_error"], strict=True)
    return ["" if np.isnan(value) else f"{value:.3f} ({error:.3f})" for value, error in pairs]


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """The mean of the values that are not NaN, and its standard error."""
    known = _known(values)
    if not len(known):
        return np.nan, np.nan
    error = known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else np.nan
    return float(known.mean()), float(error)


def rmse_and_error(differences: ArrayLike) -> tuple[float, float]:
    """The root of the mean square, and its standard error."""
    square, error = mean_and_error(np.square(_known(differences)))
    root = np.sqrt(square)
    return float(root), float(error / (2 * root)) if root > 0 else (0.0 if root == 0 else np.nan)


def rate_and_error(hits: ArrayLike) -> tuple[float, float]:
    """The proportion that is true, and its standard error; missing values are left out."""
    known = _known(hits)
    if not len(known):
        return np.nan, np.nan
    rate = float(known.mean())
    return rate, float(np.sqrt(rate * (1 - rate) / len(known)))


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[~np.isnan(array)]
