"""The fits of one model to many responses, as tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.covariance.names import block_labels, cells, parameter_name
from pylme.errors import MissingPackageError, OptionError
from pylme.frame import Library, to_native
from pylme.inference.hypotheses import hypothesis_of
from pylme.inference.wald import wald_reach
from pylme.options import choice
from pylme.render import Document, Facts, Rendered, Table
from pylme.responses.adjustment import Adjust, adjusted
from pylme.responses.estimates import FAILED, Estimates
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pylme.inference.many_contrasts import ManyContrasts

__all__ = ["ManyModels"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ManyModels(Rendered):
    """One model fitted to many responses.

    Attributes
    ----------
    formula : str
        As it was given, without a response.
    responses : tuple of str, length R
        Their names.
    names : tuple of str, length p
        R's names of the fixed effects.
    groups : tuple of str
        The grouping factor of each random-effects term, in lme4's order.
    effects : tuple of tuple of str
        The effects of each term.
    terms : mapping of str to tuple of int
        The coefficients of each term of the fixed effects.
    estimates : Estimates
        The numbers, as arrays with an axis for the responses.
    reml : bool
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which tables are given.
    """

    formula: str
    responses: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    effects: tuple[tuple[str, ...], ...]
    terms: Mapping[str, tuple[int, ...]]
    estimates: Estimates
    reml: bool
    library: Library = field(default="pandas")

    def __len__(self) -> int:
        return len(self.responses)

    @property
    def ddf(self) -> str:
        """The method of the degrees of freedom."""
        return self.estimates.fixed.ddf

    @property
    def status(self) -> Any:
        """A row for each response: how its fit ended.

        ``response``, ``rows`` (without missing values), ``status`` ("converged", "singular", "not
        converged", "not identified", "degenerate" or "failed"), ``message`` and ``evaluations``.
        """
        own = self.estimates
        return self._native(
            {
                "response": self._texts(self.responses),
                "rows": own.rows,
                "status": self._texts(own.status),
                "message": self._texts(own.message),
                "evaluations": own.evaluations,
            }
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many responses have each status."""
        names, counts = np.unique(self.estimates.status.astype(str), return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    def to_frame(self, *, adjust: Adjust = "bh", conf_level: float = 0.95) -> Any:
        """A row for each response and fixed effect.

        Parameters
        ----------
        adjust : {"bh", "by", "holm", "bonferroni", "none"}
            How p-values are adjusted for the number of responses, separately for each term.
        conf_level : float

        Returns
        -------
        DataFrame
            ``response, term, estimate, std_error, df, statistic, p_value, p_adjusted, conf_low,
            conf_high, status``, in the library of the data. NaN where a coefficient is not
            estimated.

        References
        ----------
        Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57; Benjamini &
        Yekutieli (2001), Annals of Statistics 29; Holm (1979), Scandinavian Journal of Statistics
        6.

        Examples
        --------
        >>> import numpy as np, pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> noise = np.random.default_rng(0).standard_normal((180, 3))
        >>> Y = sleepstudy["Reaction"].to_numpy()[:, None] + 30 * noise
        >>> fits = pylme.lmer_many("~ Days + (Days | Subject)", sleepstudy, Y)
        >>> fits.to_frame()[["response", "term", "df"]].round(1).head(2)
          response         term    df
        0        1  (Intercept)  17.0
        1        1         Days  17.0
        """
        p = len(self.names)
        return self._table(
            self.estimates.fixed.single(np.eye(p), np.zeros(p)), self.names, adjust, conf_level
        )

    def test(
        self,
        hypothesis: str | Sequence[str] | ArrayLike,
        *,
        adjust: Adjust = "bh",
        conf_level: float = 0.95,
    ) -> Any:
        """Test a linear hypothesis on the fixed effects of every response.

        Parameters
        ----------
        hypothesis : str, sequence of str, or array_like of shape (q, p) or (p,)
            As for `Fit.test`: the name of a term or of a coefficient, equations, or a matrix.
        adjust, conf_level
            As for `to_frame`.

        Returns
        -------
        DataFrame
            A row for each response. One equation: the columns of `to_frame`. Several:
            ``response, term, df_num, df, statistic, p_value, p_adjusted, status`` of the F test.

        Raises
        ------
        UnknownNameError
            If no coefficient has a name in the text.
        OptionError
            If the hypothesis cannot be read.

        Examples
        --------
        >>> import numpy as np, pylme
        >>> cake = pylme.datasets.load("cake")
        >>> noise = np.random.default_rng(0).standard_normal((270, 2))
        >>> Y = cake["angle"].to_numpy()[:, None] + 5 * noise
        >>> fits = pylme.lmer_many("~ recipe + temp + (1 | recipe:replicate)", cake, Y)
        >>> fits.test("recipe")[["response", "df_num"]]
          response  df_num
        0        1       2
        1        2       2
        """
        asked = hypothesis_of(hypothesis, self.names, self.terms)
        label = asked.term or ", ".join(asked.labels)
        if isinstance(hypothesis, str) and hypothesis.strip() in self.names:
            label = hypothesis.strip()
        fixed = self.estimates.fixed
        if len(asked.L) == 1:
            return self._table(fixed.single(asked.L, asked.rhs), (label,), adjust, conf_level)
        found = fixed.joint(asked.L, asked.rhs)
        return self._native(
            {
                "response": self._texts(self.responses),
                "term": self._texts([label] * len(self)),
                "df_num": found.df_num,
                "df": found.df,
                "statistic": found.statistic,
                "p_value": found.p_value,
                "p_adjusted": adjusted(found.p_value, choice("adjust", adjust, Adjust)),
                "status": self._texts(self.estimates.status),
            }
        )

    def variance_components(self) -> Any:
        """A row for each response: criterion, standard deviations and correlations, status.

        Returns
        -------
        DataFrame
            ``response, rows, criterion, sigma``, then a column for each standard deviation
            (``sd[Days | Subject]``) and correlation (``cor[(Intercept), Days | Subject]``), and
            ``singular, status``.
        """
        own = self.estimates
        columns: dict[str, Any] = {
            "response": self._texts(self.responses), "rows": own.rows,
            "criterion": own.criterion, "sigma": own.sigma,
        }  # fmt: skip
        labels = block_labels(self.groups)
        for label, effects, covariance in zip(labels, self.effects, own.covariances, strict=True):
            sd = np.sqrt(covariance.diagonal(axis1=1, axis2=2))
            for row, column in cells(len(effects)):
                name = parameter_name(effects[row], effects[column], label=label, style="many")
                with np.errstate(invalid="ignore", divide="ignore"):
                    columns[name] = (
                        sd[:, row]
                        if row == column
                        else covariance[:, row, column] / (sd[:, row] * sd[:, column])
                    )
        columns |= {"singular": own.singular, "status": self._texts(own.status)}
        return self._native(columns)

    def to_parquet(self, path: str | os.PathLike[str], *, adjust: Adjust = "bh") -> None:
        """Write the table of `to_frame` to a Parquet file.

        Parameters
        ----------
        path : path
        adjust : {"bh", "by", "holm", "bonferroni", "none"}

        Raises
        ------
        MissingPackageError
            If pyarrow is not installed.
        OptionError
            If no file can be written there.
        """
        if not isinstance(path, str | os.PathLike):
            raise OptionError(option="path", value=path, allowed="the path of a file")
        try:
            import pyarrow.parquet as pq
        except ImportError as error:
            raise MissingPackageError(
                package="pyarrow", extra="parquet", asked="Writing results to Parquet"
            ) from error
        p = len(self.names)
        tests = self.estimates.fixed.single(np.eye(p), np.zeros(p))
        columns = self._columns(tests, self.names, adjust, 0.95)
        try:
            pq.write_table(to_native(pd.DataFrame(columns), "pyarrow"), os.fspath(path))
        except (OSError, ValueError) as error:
            raise OptionError(
                option="path",
                value=path,
                allowed=f"the path of a file that can be written: {error}",
            ) from error

    def _table(
        self,
        tests: Sequence[ManyContrasts],
        labels: Sequence[str],
        adjust: Adjust,
        conf_level: float,
    ) -> Any:
        return self._native(self._columns(tests, labels, adjust, conf_level))

    def _columns(
        self,
        tests: Sequence[ManyContrasts],
        labels: Sequence[str],
        adjust: Adjust,
        conf_level: float,
    ) -> dict[str, Any]:
        """The columns of a table of t tests, response by response."""
        how = choice("adjust", adjust, Adjust)
        half_width(conf_level)
        names = ("estimate", "std_error", "df", "statistic", "p_value")
        side = {name: np.stack([getattr(t, name) for t in tests], axis=1) for name in names}
        side["p_adjusted"] = np.stack([adjusted(t.p_value, how) for t in tests], axis=1)
        half = wald_reach(1.0 - conf_level, side["df"]) * side["std_error"]
        side["conf_low"], side["conf_high"] = side["estimate"] - half, side["estimate"] + half
        width = len(labels)
        return {
            "response": self._texts(np.repeat(np.array(self.responses, dtype=object), width)),
            "term": self._texts(np.tile(np.array(labels, dtype=object), len(self))),
            **{name: values.ravel() for name, values in side.items()},
            "status": self._texts(np.repeat(self.estimates.status, width)),
        }

    @staticmethod
    def _texts(values: Any) -> pd.Series[Any]:
        return pd.Series(np.asarray(values, dtype=object), dtype="str")

    def _native(self, columns: Mapping[str, Any]) -> Any:
        return to_native(pd.DataFrame(dict(columns)), self.library)

    def describe(self) -> Document:
        """The model, and how many fits have each status."""
        counts = self.counts
        facts = (("Responses", f"{len(self):,}"), ("Formula", self.formula.strip()))
        table = Table(
            columns=tuple(counts),
            rows=(tuple(f"{count:,}" for count in counts.values()),),
            caption="Fits by status",
        )
        return Document(title="One model, many responses", blocks=(Facts(facts), table))

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        failed = self.counts.get(FAILED, 0)
        more = "; see .status" if failed else ""
        return f"<ManyModels: {len(self):,} responses, {self.formula.strip()}; {counts}{more}>"
