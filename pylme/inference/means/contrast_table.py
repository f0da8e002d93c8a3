"""Contrasts and tests of marginal means, adjusted within families."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd

from pylme.frame import Library, to_native
from pylme.inference.means.adjustment import (
    Adjust,
    Family,
    adjusted,
    critical_values,
    effective,
)
from pylme.inference.means.estimator import Estimator
from pylme.inference.means.functions import LinearFunctions
from pylme.inference.means.scale import Scale
from pylme.inference.means.table import estimates_table, rows_by
from pylme.options import choice
from pylme.render import RenderedTable
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.means.estimator import FunctionEstimates
    from pylme.render import Table

__all__ = ["Contrasts"]

#: The usual adjustment of a family of contrasts.
USUAL: Final[dict[str, Adjust]] = {
    "pairwise": "tukey",
    "trt.vs.ctrl": "dunnettx",
    "poly": "none",
    "eff": "bh",
    "del.eff": "bh",
    "consec": "mvt",
    "custom": "none",
    "test": "none",
}
_WORDS: Final[dict[Adjust, str]] = {
    "tukey": "Tukey's method for a family of {means} estimates",
    "sidak": "Sidak's method for {tests} tests",
    "bonferroni": "Bonferroni's method for {tests} tests",
    "holm": "Holm's method for {tests} tests (intervals: Bonferroni)",
    "bh": "Benjamini and Hochberg's method for {tests} tests (intervals: Bonferroni)",
    "scheffe": "Scheffé's method of rank {rank}",
    "mvt": "the multivariate t distribution of {tests} estimates",
    "dunnettx": "Dunnett's method, approximated, for {tests} tests",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Contrasts(RenderedTable):
    """Contrasts of marginal means or slopes, with tests and simultaneous intervals.

    Attributes
    ----------
    method : str
        The family of contrasts, "custom" for a matrix, "test" for the means themselves.
    levels : DataFrame
        ``contrast``, or the predictors of means that are tested, and those of `by`.
    by : tuple of str
        Predictors within whose levels the contrasts are taken and adjusted.
    functions : LinearFunctions
    means : int
        The number of means that are compared within each level of `by`.
    null : float
        The value tested, on the scale of the linear predictor.
    adjust : str
        The adjustment asked for.
    conf_level : float
    estimator : Estimator
    scale : Scale
    context : tuple of str
        What is said below the table of the means.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` gives the table.
    """

    method: str
    levels: pd.DataFrame
    by: tuple[str, ...]
    functions: LinearFunctions
    means: int
    null: float
    adjust: Adjust
    conf_level: float
    estimator: Estimator
    scale: Scale
    context: tuple[str, ...] = ()
    library: Library = "pandas"

    def adjusted(self, adjust: Adjust, *, conf_level: float | None = None) -> Self:
        """The same contrasts with another adjustment.

        Parameters
        ----------
        adjust : str
            As for `MarginalMeans.contrast`.
        conf_level : float, optional

        Returns
        -------
        Contrasts
        """
        if conf_level is not None:
            half_width(conf_level)
        return replace(
            self,
            adjust=choice("adjust", adjust, Adjust),
            conf_level=self.conf_level if conf_level is None else conf_level,
        )

    def joint_test(self) -> Any:
        """The F test that all contrasts of each level of `by` are zero.

        Returns
        -------
        DataFrame
            ``df_num, df, statistic, p_value``, after the columns of `by`. Of a generalized model
            `statistic` is χ²/df_num.
        """
        rows = []
        for places in self._groups():
            test = self.estimator.joint(self.functions.chosen(places))
            rows.append(
                {
                    **{name: self.levels[name].iloc[places[0]] for name in self.by},
                    "df_num": test.df_num,
                    "df": test.df,
                    "statistic": test.statistic,
                    "p_value": test.p_value,
                }
            )
        return to_native(pd.DataFrame(rows), self.library)

    def to_frame(self) -> Any:
        """A row for each contrast.

        Returns
        -------
        DataFrame
            The predictors of `by` and ``contrast``, then ``estimate, std_error, df, statistic,
            p_value, conf_low, conf_high``. Ratios on the scale of the response are tested as
            differences on that of the linear predictor. ``estimable`` where the data do not
            determine some of them, which are NaN.
        """
        return to_native(self._frame(), self.library)

    def _groups(self) -> list[NDArray[np.intp]]:
        """The rows of each family."""
        return rows_by(self.levels, self.by)

    def _frame(self) -> pd.DataFrame:
        found = self.estimator.estimate(self.functions)
        statistic = (found.estimate - self.null) / found.std_error
        p, reach = np.full((2, len(statistic)), np.nan)
        for rows in self._groups():
            family, own = self._family(found, statistic, rows)
            if family.size:
                how = effective(self.adjust, family)
                p[own] = adjusted(how, family)
                reach[own] = critical_values(how, family, self.conf_level)
        low = found.estimate - reach * found.std_error
        high = found.estimate + reach * found.std_error
        estimate, error = found.estimate, found.std_error
        if self.scale.ratios and self.method != "test":
            estimate, low, high = (self.scale.ratio(part) for part in (estimate, low, high))
            error = error * estimate * np.log(self.scale.base or 1.0)
        elif self.scale.on_response and self.method == "test":
            error = self.scale.slope(estimate) * error
            ends = np.array([self.scale.value(low), self.scale.value(high)])
            estimate, low, high = self.scale.value(estimate), ends.min(0), ends.max(0)
        frame = self.levels.assign(
            estimate=estimate, std_error=error, df=found.df, statistic=statistic, p_value=p,
            conf_low=low, conf_high=high,
        )  # fmt: skip
        return frame if found.estimable.all() else frame.assign(estimable=found.estimable)

    def _family(
        self, found: FunctionEstimates, statistic: NDArray[np.float64], rows: NDArray[np.intp]
    ) -> tuple[Family, NDArray[np.intp]]:
        """The contrasts of a family that the data determine, and their rows."""
        own = rows[found.estimable[rows]]
        places = (np.cumsum(found.estimable) - 1)[own]
        covariance = found.covariance[np.ix_(places, places)]
        error = np.sqrt(covariance.diagonal())
        rank = int(np.linalg.matrix_rank(self.functions.X[own])) if len(own) else 0
        pairs = self.means * (self.means - 1) // 2
        means = self.means
        if len(own) < pairs:
            # Of the means that can be compared at all.
            means = int(np.ceil(0.5 * (1.0 + np.sqrt(1.0 + 8.0 * len(own)))))
        family = Family(
            statistic=statistic[own],
            df=found.df[own],
            correlation=covariance / np.outer(error, error),
            means=means,
            rank=rank,
            pairwise=self.method == "pairwise",
        )
        return family, own

    def describe(self) -> Table:
        """The table, with the adjustment and what the means are below."""
        frame = self._frame()
        return estimates_table(
            frame,
            caption="Tests of marginal means" if self.method == "test" else "Contrasts",
            notes=(*self._notes(frame), *self.context),
            labels=tuple(self.levels.columns),
        )

    def _notes(self, frame: pd.DataFrame) -> list[str]:
        groups = self._groups()
        estimable = ~np.isnan(frame["estimate"].to_numpy(dtype=float))
        counts = [int(estimable[rows].sum()) for rows in groups]
        tests = max(counts, default=0)
        notes = []
        how = self.adjust
        if how == "tukey" and self.method != "pairwise":
            how = "sidak"
        if how != "none" and tests > 1:
            rank = int(np.linalg.matrix_rank(self.functions.X[groups[0]][estimable[groups[0]]]))
            words = _WORDS[how].format(means=self.means, tests=tests, rank=rank)
            within = f", within {', '.join(self.by)}" if self.by else ""
            notes.append(f"Adjusted by {words}{within}.")
        if self.scale.ratios and self.method != "test":
            what = "Odds ratios" if self.scale.name == "logit" else "Ratios"
            notes.append(f"{what}; tests are on the {self.scale.name} scale.")
        return notes

    def __repr__(self) -> str:
        return f"<Contrasts ({self.method}): {len(self.levels)}>"
