"""Tests of the terms of the fixed effects, as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pylme.frame import Library, to_native
from pylme.inference.coefficient_tests import Estimated
from pylme.inference.ddf import Ddf, method_name, remarks
from pylme.inference.hypothesis_test import wald_test
from pylme.inference.joint_test import JointTest, joint_test
from pylme.inference.term_hypotheses import deletion_hypothesis, term_hypotheses
from pylme.render import RenderedTable
from pylme.render.coefmat import coefficient_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.inference.fixed_terms import FixedTerms
    from pylme.inference.kernels import Kernels
    from pylme.inference.term_hypotheses import TermType
    from pylme.render import Table

__all__ = ["TermTests", "deletion_tests", "term_tests"]

_ROMAN: Final = {1: "I", 2: "II", 3: "III"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TermTests(RenderedTable):
    """Tests of terms of the fixed effects.

    Attributes
    ----------
    terms : tuple of str, length t
    kind : str
        "type III", or "single deletions".
    statistic : ndarray, shape (t,)
        F; χ² by the normal method.
    df_num : ndarray of int, shape (t,)
        The independent hypotheses of each term.
    df : ndarray, shape (t,)
        Denominator degrees of freedom; infinite by the normal method.
    p_value : ndarray, shape (t,)
    variance : float or None
        The residual variance, for sums of squares; None by the normal method.
    hypotheses : tuple of ndarray, shapes (q_t, p)
        The rows of each are contrasts of the coefficients that are zero under the hypothesis.
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    method : str
        The method of the degrees of freedom, in words.
    notes : tuple of str
        What has to be known about the numbers.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` gives the table.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.anova().to_frame()[["term", "statistic"]].round(2)
       term  statistic
    0  Days      45.85
    """

    terms: tuple[str, ...]
    kind: str
    statistic: NDArray[np.float64]
    df_num: NDArray[np.intp]
    df: NDArray[np.float64]
    p_value: NDArray[np.float64]
    variance: float | None
    hypotheses: tuple[NDArray[np.float64], ...]
    ddf: Ddf
    method: str
    notes: tuple[str, ...] = ()
    library: Library = "pandas"

    def to_frame(self) -> Any:
        """A row for each term.

        Returns
        -------
        DataFrame
            ``term, sum_sq, mean_sq, df_num, df, statistic, p_value, method``, in the library of the
            data. The mean square is F times the residual variance; both squares are left out where
            the statistic is χ².
        """
        import pandas as pd

        squares = {}
        if self.variance is not None:
            mean = self.statistic * self.variance
            squares = {"sum_sq": mean * self.df_num, "mean_sq": mean}
        frame = pd.DataFrame(
            {
                "term": list(self.terms),
                **squares,
                "df_num": self.df_num,
                "df": self.df,
                "statistic": self.statistic,
                "p_value": self.p_value,
                "method": self.method,
            }
        )
        return to_native(frame, self.library)

    def describe(self) -> Table:
        """The table as lmerTest's anova lays it out, with the method above."""
        if self.variance is None:
            columns = ["Df", "Chisq", "Pr(>Chisq)"]
            parts: list[NDArray[Any]] = [self.df_num, self.statistic, self.p_value]
            how, tests = "Wald χ² tests", (1,)
        else:
            mean = self.statistic * self.variance
            columns = ["Sum Sq", "Mean Sq", "NumDF", "DenDF", "F value", "Pr(>F)"]
            parts = [mean * self.df_num, mean, self.df_num, self.df, self.statistic, self.p_value]
            how, tests = f"F tests, degrees of freedom by {self.method}", (4,)
        table = coefficient_table(
            np.column_stack(parts).tolist(),
            columns=columns,
            row_names=self.terms,
            has_pvalue=True,
            test_columns=tests,
            coefficient_columns=(),
        )
        kind = self.kind[0].upper() + self.kind[1:]
        return replace(table, caption=f"{kind}: {how}", notes=(*table.notes, *self.notes))

    def __repr__(self) -> str:
        return f"<TermTests, {self.kind}, of {', '.join(self.terms)} by {self.method}>"


def term_tests(
    source: Kernels | Estimated,
    fixed: FixedTerms,
    kind: TermType,
    *,
    ddf: Ddf,
    library: Library = "pandas",
) -> TermTests:
    """Test each term by hypotheses of type I, II or III.

    For normal estimates type II is that of the estimates' own covariance matrix: the term's
    coefficients where those of the terms with more variables are zero, χ² of both less χ² of the
    latter (Fox & Weisberg 2019, An R Companion to Applied Regression, section 6.3). There a factor
    is a part of its interaction with a covariate; for F tests it is not, as in SAS and lmerTest.

    Parameters
    ----------
    source : Kernels or Estimated
    fixed : FixedTerms
    kind : {1, 2, 3}
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    library : {"pandas", "polars", "pyarrow"}
    """
    if isinstance(source, Estimated) and kind == 2:
        hypotheses = [_given_later(source, fixed, t) for t in range(len(fixed.labels))]
    else:
        hypotheses = term_hypotheses(fixed, kind)
    return _tested(
        source, fixed.labels, hypotheses, kind=f"type {_ROMAN[kind]}", ddf=ddf, library=library
    )


def deletion_tests(
    source: Kernels | Estimated, fixed: FixedTerms, *, ddf: Ddf, library: Library = "pandas"
) -> TermTests:
    """Test each term that no other contains, by what the model loses without it.

    Parameters
    ----------
    source : Kernels or Estimated
    fixed : FixedTerms
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    library : {"pandas", "polars", "pyarrow"}
    """
    terms = fixed.marginal()
    return _tested(
        source,
        [fixed.labels[t] for t in terms],
        [deletion_hypothesis(fixed, t) for t in terms],
        kind="single deletions",
        ddf=ddf,
        library=library,
    )


def _given_later(source: Estimated, fixed: FixedTerms, term: int) -> NDArray[np.float64]:
    """The term's coefficients, and what those that extend it would change if they were zero."""
    own = fixed.columns(term)
    more = np.array(fixed.with_more_variables(term), dtype=np.intp)
    later = np.flatnonzero(np.isin(fixed.assign, more + 1))
    L = np.eye(len(source.beta))[own]
    if len(later):
        V = source.vcov
        L[:, later] = -np.linalg.solve(V[np.ix_(later, later)], V[np.ix_(later, own)]).T
    return L


def _tested(
    source: Kernels | Estimated,
    terms: Sequence[str],
    hypotheses: Sequence[NDArray[np.float64]],
    *,
    kind: str,
    ddf: Ddf,
    library: Library,
) -> TermTests:
    tests = [_test(source, L, ddf) for L in hypotheses]
    kernels, variance = None, None
    if not isinstance(source, Estimated):
        kernels = source
        variance = (source.restricted if ddf == "kenward-roger" else source).sigma2
    return TermTests(
        terms=tuple(terms),
        kind=kind,
        statistic=np.array([test.statistic for test in tests]),
        df_num=np.array([test.df_num for test in tests], dtype=np.intp),
        df=np.array([test.df for test in tests]),
        p_value=np.array([test.p_value for test in tests]),
        variance=variance,
        hypotheses=tuple(hypotheses),
        ddf=ddf,
        method=method_name(ddf, kernels),
        notes=remarks(ddf, kernels),
        library=library,
    )


def _test(source: Kernels | Estimated, L: NDArray[np.float64], ddf: Ddf) -> JointTest:
    if not len(L):
        return JointTest(statistic=np.nan, df_num=0, df=np.nan, p_value=np.nan)
    if isinstance(source, Estimated):
        return wald_test(source, L)
    return joint_test(source, L, ddf=ddf)
