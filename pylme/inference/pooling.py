"""Estimates pooled over multiple imputations.

With estimates Q_i and squared standard errors U_i of m completed data sets,

    Q̄ = ΣQ_i/m      T = Ū + (1 + 1/m)B      λ = (1 + 1/m)B/T
    ν_old = (m - 1)/λ²      ν_obs = (1 - λ) ν_com(ν_com + 1)/(ν_com + 3)
    1/ν = 1/ν_old + 1/ν_obs

B being the variance of the Q_i (Rubin 1987, Multiple Imputation for Nonresponse in Surveys, section
3.3; Barnard & Rubin 1999, Biometrika 86, for ν), and ν_com the degrees of freedom that the complete
data would have: the mean over the data sets, which is infinite for normal tests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.frame import Library, to_native
from pylme.inference.wald import wald_p, wald_reach
from pylme.render import RenderedTable
from pylme.render.coefmat import coefficient_table

if TYPE_CHECKING:
    from pylme.render import Table

__all__ = ["Pooled", "pooled"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Pooled(RenderedTable):
    """Estimates pooled over m completed data sets, each array of shape (p,).

    Attributes
    ----------
    terms : tuple of str, length p
    m : int
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : ndarray
    within, between : ndarray
        Ū and B.
    lambda_ : ndarray
        The share of the variance that is due to missing values.
    fmi : ndarray
        The fraction of missing information, which is λ corrected for m.
    conf_level : float
    library : {"pandas", "polars", "pyarrow"}
    """

    terms: tuple[str, ...]
    m: int
    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    df: NDArray[np.float64]
    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]
    within: NDArray[np.float64]
    between: NDArray[np.float64]
    lambda_: NDArray[np.float64]
    fmi: NDArray[np.float64]
    conf_level: float
    library: Library = "pandas"

    def to_frame(self) -> Any:
        """A row for each coefficient."""
        names = (
            "estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high",
            "within", "between", "fmi",
        )  # fmt: skip
        columns = {"term": list(self.terms)} | {name: getattr(self, name) for name in names}
        return to_native(pd.DataFrame(columns), self.library)

    def describe(self) -> Table:
        """The coefficients, with the fraction of missing information."""
        table = coefficient_table(
            np.column_stack(
                [self.estimate, self.std_error, self.df, self.statistic, self.p_value]
            ).tolist(),
            columns=("Estimate", "Std. Error", "df", "t value", "Pr(>|t|)"),
            row_names=self.terms,
            digits=4,
            has_pvalue=True,
            coefficient_columns=(0, 1),
        )
        missing = (f"{name} {fmi:.3g}" for name, fmi in zip(self.terms, self.fmi, strict=True))
        return replace(
            table,
            caption=f"Pooled over {self.m} fits",
            notes=(*table.notes, f"Fraction of missing information: {', '.join(missing)}."),
        )

    def __repr__(self) -> str:
        return f"<Pooled over {self.m} fits: {', '.join(self.terms)}>"


def pooled(
    terms: tuple[str, ...],
    estimates: NDArray[np.float64],
    errors: NDArray[np.float64],
    complete_df: NDArray[np.float64],
    *,
    conf_level: float,
    library: Library,
) -> Pooled:
    """The pooled estimates.

    Parameters
    ----------
    terms : tuple of str, length p
    estimates, errors : ndarray, shape (m, p)
    complete_df : ndarray, shape (p,)
        ν_com; may be infinite.
    conf_level : float
    library : {"pandas", "polars", "pyarrow"}
    """
    m = len(estimates)
    mean = estimates.mean(axis=0)
    within, between = (errors**2).mean(axis=0), estimates.var(axis=0, ddof=1)
    extra = (1.0 + 1.0 / m) * between
    total = within + extra
    share = extra / total
    with np.errstate(divide="ignore", invalid="ignore"):
        old = (m - 1) / share**2
        known = np.where(
            np.isinf(complete_df), np.inf, (complete_df + 1) / (complete_df + 3) * complete_df
        ) * (1.0 - share)
        df = 1.0 / (1.0 / old + 1.0 / known)
        ratio = extra / within
        fmi = (ratio + 2.0 / (df + 3.0)) / (ratio + 1.0)
    error = np.sqrt(total)
    statistic = mean / error
    reach = wald_reach(1.0 - conf_level, df) * error
    return Pooled(
        terms=terms, m=m, estimate=mean, std_error=error, df=df, statistic=statistic,
        p_value=wald_p(statistic, df), conf_low=mean - reach,
        conf_high=mean + reach, within=within, between=between, lambda_=share, fmi=fmi,
        conf_level=conf_level, library=library,
    )  # fmt: skip
