"""The power of a test: how often it rejects, for each design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from pylme.draws.seeds import Seed
from pylme.render import LEFT, RenderedTable, Table
from pylme.simulation.outcome.summary import rate_and_error

__all__ = ["Power"]

_NUMBERS: Final = ("power", "std_error", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Power(RenderedTable):
    """How often a test rejects.

    Attributes
    ----------
    p_values : DataFrame
        Replicates as rows, designs as columns; NaN where a fit failed.
    statistics : DataFrame
        The statistics of the test: absolute Wald statistics, or differences of the criterion.
    test : str
        The test, and the distribution that its statistic is compared with.
    alpha : float
    seed : int or SeedSequence
        The same seed gives the same numbers again.
    """

    p_values: pd.DataFrame
    statistics: pd.DataFrame
    test: str
    alpha: float
    seed: Seed

    @property
    def table(self) -> pd.DataFrame:
        """The power of each design.

        Columns: ``design``, ``n`` (replicates with a p-value), ``failed`` (without), ``power``,
        ``std_error`` (Monte Carlo), ``conf_low`` and ``conf_high`` (95 %, Clopper & Pearson).
        """
        lines = []
        for name, p in self.p_values.items():
            known = p[p.notna()].to_numpy()
            rate, error = rate_and_error(known <= self.alpha)
            low, high = np.nan, np.nan
            if len(known):
                hits = int(np.sum(known <= self.alpha))
                low, high = binomtest(hits, len(known)).proportion_ci(method="exact")
            lines.append(
                {"design": name, "n": len(known), "failed": len(p) - len(known), "power": rate,
                 "std_error": error, "conf_low": low, "conf_high": high}
            )  # fmt: skip
        return pd.DataFrame(lines)

    def describe(self) -> Table:
        """The table, with the test above it."""
        rows = [
            (str(line["design"]), str(line["n"]), str(line["failed"]),
             *(f"{line[name]:.3f}" for name in _NUMBERS))
            for line in self.table.to_dict("records")
        ]  # fmt: skip
        return Table(
            columns=("design", "n", "failed", *_NUMBERS),
            rows=tuple(rows),
            align=(LEFT, "right", "right", "right", "right", "right", "right"),
            caption=f"Power at level {self.alpha:g}: {self.test}",
        )

    def __repr__(self) -> str:
        return f"<Power: {self.test}, {self.p_values.shape[1]} designs>"
