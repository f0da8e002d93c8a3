"""Tests and intervals of single contrasts of the fixed effects, as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.frame import Library, to_native
from pylme.inference.ddf import Ddf, method_name, remarks
from pylme.inference.targets import Targets, infer
from pylme.inference.wald import wald_p, wald_reach
from pylme.render import RenderedTable
from pylme.render.coefmat import coefficient_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.inference.kernels import Kernels
    from pylme.render import Table

__all__ = ["CoefficientTests", "Estimated", "contrast_tests"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimated:
    """Estimates of coefficients that are taken for normal, with their covariance matrix.

    Attributes
    ----------
    beta : ndarray, shape (p,)
    vcov : ndarray, shape (p, p)
    """

    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CoefficientTests(RenderedTable):
    """Tests of coefficients or of linear combinations of them, each by itself.

    Attributes
    ----------
    terms : tuple of str, length r
        What is tested: names of coefficients, or equations.
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : ndarray, shape (r,)
        The statistic is (estimate - value under the hypothesis) / std_error. Degrees of freedom
        are infinite for normal tests.
    ddf : {"satterthwaite", "kenward-roger", "normal"}
        The method of the degrees of freedom.
    method : str
        The same in words.
    conf_level : float
        The level of the intervals.
    notes : tuple of str
        What has to be known about the numbers.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` gives the table.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> tests = fit.coef_test(ddf="satterthwaite").to_frame()
    >>> tests[["term", "estimate", "df"]].round(3)
              term  estimate    df
    0  (Intercept)   251.405  17.0
    1         Days    10.467  17.0
    """

    terms: tuple[str, ...]
    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    df: NDArray[np.float64]
    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]
    ddf: Ddf
    method: str
    conf_level: float
    notes: tuple[str, ...] = ()
    library: Library = "pandas"

    def to_frame(self) -> Any:
        """A row for each test.

        Returns
        -------
        DataFrame
            ``term, estimate, std_error, df, statistic, p_value, conf_low, conf_high, method``, in
            the library of the data.
        """
        import pandas as pd

        frame = pd.DataFrame(
            {
                "term": list(self.terms),
                "estimate": self.estimate,
                "std_error": self.std_error,
                "df": self.df,
                "statistic": self.statistic,
                "p_value": self.p_value,
                "conf_low": self.conf_low,
                "conf_high": self.conf_high,
                "method": self.method,
            }
        )
        return to_native(frame, self.library)

    def describe(self) -> Table:
        """The table as lmerTest's summary lays it out, with the method below."""
        normal = self.ddf == "normal"
        letter = "z" if normal else "t"
        columns = ["Estimate", "Std. Error", "df", f"{letter} value", f"Pr(>|{letter}|)"]
        parts = [self.estimate, self.std_error, self.df, self.statistic, self.p_value]
        if normal:
            del columns[2], parts[2]
        table = coefficient_table(
            np.column_stack(parts).tolist(),
            columns=columns,
            row_names=self.terms,
            digits=4,
            has_pvalue=True,
            coefficient_columns=(0, 1),
        )
        how = "z tests" if normal else f"t tests, degrees of freedom by {self.method}"
        return replace(table, caption=f"Fixed effects: {how}", notes=(*table.notes, *self.notes))

    def __repr__(self) -> str:
        return f"<CoefficientTests of {', '.join(self.terms)} by {self.method}>"


def contrast_tests(
    source: Kernels | Estimated,
    L: NDArray[np.float64],
    terms: Sequence[str],
    *,
    ddf: Ddf,
    conf_level: float,
    rhs: NDArray[np.float64] | None = None,
    library: Library = "pandas",
) -> CoefficientTests:
    """Test each row of Lβ = c by itself.

    Parameters
    ----------
    source : Kernels or Estimated
        Of the fit: of normal estimates for ``ddf="normal"``.
    L : ndarray, shape (r, p)
    terms : sequence of str, length r
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    conf_level : float
        Between 0 and 1.
    rhs : ndarray, shape (r,), optional
        c; zero by default.
    library : {"pandas", "polars", "pyarrow"}
    """
    if isinstance(source, Estimated):
        estimate = L @ source.beta
        error = np.sqrt(np.einsum("rp,pq,rq->r", L, source.vcov, L))
        df = np.full(len(L), np.inf)
        kernels = None
    else:
        inferred = infer(source, Targets(x=L), ddf=ddf, joint=False)
        kernels = source
        estimate, error, df = L @ inferred.kernels.beta, inferred.std_error, inferred.df
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (estimate if rhs is None else estimate - rhs) / error
    half = wald_reach(1.0 - conf_level, df) * error
    return CoefficientTests(
        terms=tuple(terms),
        estimate=estimate,
        std_error=error,
        df=df,
        statistic=statistic,
        p_value=wald_p(statistic, df),
        conf_low=estimate - half,
        conf_high=estimate + half,
        ddf=ddf,
        method=method_name(ddf, kernels),
        conf_level=conf_level,
        notes=remarks(ddf, kernels),
        library=library,
    )
