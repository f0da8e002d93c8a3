"""The test of one linear hypothesis: t for one equation, F for several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from pylme.frame import Library, to_native
from pylme.inference.coefficient_tests import CoefficientTests, Estimated, contrast_tests
from pylme.inference.joint_test import JointTest, joint_test
from pylme.render import Document, Facts, RenderedTable
from pylme.render.coefmat import format_pvalue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.ddf import Ddf
    from pylme.inference.hypotheses import Hypothesis
    from pylme.inference.kernels import Kernels
    from pylme.render import Block

__all__ = ["HypothesisTest", "hypothesis_test", "wald_test"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HypothesisTest(RenderedTable):
    """The test of a linear hypothesis.

    Attributes
    ----------
    hypothesis : tuple of str
        Its equations.
    term : str or None
        The term whose coefficients are tested.
    statistic : float
        t or z for one equation; F, or χ² by the normal method, for several.
    name : {"t", "z", "F", "chisq"}
        Which of them.
    df_num : int
        The number of independent equations.
    df : float
        Denominator degrees of freedom; infinite by the normal method.
    p_value : float
    rows : CoefficientTests
        Each equation by itself, with its estimate and interval.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` gives the table.
    """

    hypothesis: tuple[str, ...]
    term: str | None
    statistic: float
    name: str
    df_num: int
    df: float
    p_value: float
    rows: CoefficientTests
    library: Library = "pandas"

    @property
    def method(self) -> str:
        """The method of the degrees of freedom."""
        return self.rows.method

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known about the numbers."""
        return self.rows.notes

    def to_frame(self) -> Any:
        """The test as a row.

        Returns
        -------
        DataFrame
            For one equation the columns of `CoefficientTests.to_frame`; for several
            ``term, statistic, df_num, df, p_value, method``.
        """
        import pandas as pd

        if len(self.hypothesis) == 1:
            return self.rows.to_frame()
        row = {
            "term": self.term or ", ".join(self.hypothesis),
            "statistic": self.statistic,
            "df_num": self.df_num,
            "df": self.df,
            "p_value": self.p_value,
            "method": self.method,
        }
        return to_native(pd.DataFrame([row]), self.library)

    def describe(self) -> Document:
        """The hypothesis, the statistic, and each equation."""
        blocks: list[Block] = [
            Facts((("Hypothesis", "\n".join(self.hypothesis)), ("Test", self._sentence())))
        ]
        blocks.append(self.rows.describe())
        return Document(title=None, blocks=tuple(blocks))

    def _sentence(self) -> str:
        (p,) = format_pvalue([self.p_value], digits=4)
        p = p if p.startswith("<") else f"= {p}"
        match self.name:
            case "z":
                return f"z = {self.statistic:.4g}, p {p}"
            case "chisq":
                return f"χ²({self.df_num}) = {self.statistic:.4g}, p {p}"
            case "t":
                return f"t({self.df:.4g}) = {self.statistic:.4g}, p {p} ({self.method})"
        return f"F({self.df_num}, {self.df:.4g}) = {self.statistic:.4g}, p {p} ({self.method})"

    def __repr__(self) -> str:
        return f"<HypothesisTest: {', '.join(self.hypothesis)}; {self._sentence()}>"


def hypothesis_test(
    source: Kernels | Estimated,
    hypothesis: Hypothesis,
    *,
    ddf: Ddf,
    conf_level: float,
    library: Library = "pandas",
) -> HypothesisTest:
    """Test a linear hypothesis.

    Parameters
    ----------
    source : Kernels or Estimated
    hypothesis : Hypothesis
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    conf_level : float
        Between 0 and 1.
    library : {"pandas", "polars", "pyarrow"}
    """
    L, rhs = hypothesis.L, hypothesis.rhs
    rows = contrast_tests(
        source, L, hypothesis.labels, ddf=ddf, conf_level=conf_level, rhs=rhs, library=library
    )
    if len(L) == 1:
        joint = JointTest(
            statistic=float(rows.statistic[0]),
            df_num=1,
            df=float(rows.df[0]),
            p_value=float(rows.p_value[0]),
        )
        name = "z" if ddf == "normal" else "t"
    elif isinstance(source, Estimated):
        joint, name = wald_test(source, L, rhs), "chisq"
    else:
        joint, name = joint_test(source, L, rhs, ddf=ddf), "F"
    return HypothesisTest(
        hypothesis=hypothesis.labels,
        term=hypothesis.term,
        statistic=joint.statistic,
        name=name,
        df_num=joint.df_num,
        df=joint.df,
        p_value=joint.p_value,
        rows=rows,
        library=library,
    )


def wald_test(
    source: Estimated, L: NDArray[np.float64], rhs: NDArray[np.float64] | None = None
) -> JointTest:
    """Wald's χ² of Lβ = c for normal estimates; its rows may depend on each other."""
    estimate = L @ source.beta - (0.0 if rhs is None else rhs)
    values, P = np.linalg.eigh(L @ source.vcov @ L.T)
    kept = values > np.sqrt(np.finfo(float).eps) * max(float(values.max(initial=0.0)), 0.0)
    q = int(kept.sum())
    statistic = float(((P[:, kept].T @ estimate) ** 2 / values[kept]).sum())
    return JointTest(
        statistic=statistic,
        df_num=q,
        df=np.inf,
        p_value=float(stats.chi2.sf(statistic, q)) if q else np.nan,
    )
