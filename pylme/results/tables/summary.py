"""The summary of a fit: one description, printed as lme4 prints it and rendered in other forms."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.correlation import correlation
from pylme.frame import Library, to_native
from pylme.options import EngineName
from pylme.render import LEFT, Document, NamedValues, Paragraph, Prose, RenderedTable, Table
from pylme.render.abbreviate import abbreviate
from pylme.render.coefmat import coefficient_table
from pylme.render.numbers import format_numbers, round_decimals
from pylme.render.text import fill
from pylme.results.engine import ENGINES
from pylme.results.estimates import Estimates, ModelInfo, aic, bic
from pylme.results.estimates import coefficient_table as coefficient_frame
from pylme.results.optinfo import OptInfo
from pylme.results.tables.summary_table import one_table
from pylme.results.varcorr import VarCorr

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from great_tables import GT

    from pylme.render import Block

__all__ = ["Summary", "TestedCoefficients", "tested_frame"]

#: R's digits for tables: three less than the seven of its numbers.
DIGITS: Final = 4
WIDTH: Final = 80
#: Beyond this many coefficients lme4 shows no correlations.
MOST_CORRELATIONS: Final = 12
_LABELS: Final = {
    "formula": "Formula:",
    "data": "   Data:",
    "weights": "Weights:",
    "offset": " Offset:",
    "control": "Control:",
    "subset": " Subset:",
}


class TestedCoefficients(Protocol):
    """Tests of the fixed effects by one method, as `CoefficientTests` holds them."""

    @property
    def estimate(self) -> NDArray[np.float64]:
        """The estimates that are tested, shape (p,)."""
        ...

    @property
    def std_error(self) -> NDArray[np.float64]:
        """Their standard errors."""
        ...

    @property
    def df(self) -> NDArray[np.float64]:
        """Degrees of freedom; infinite for normal tests."""
        ...

    @property
    def statistic(self) -> NDArray[np.float64]:
        """Estimates over standard errors."""
        ...

    @property
    def p_value(self) -> NDArray[np.float64]:
        """Two-sided."""
        ...

    @property
    def method(self) -> str:
        """The method in words."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known about the numbers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(RenderedTable):
    """The summary of a fit.

    Prints as R's ``print(summary(fit))``, with tests as lmerTest's; `to_html`, `to_latex` and
    `to_markdown` render the same.

    Attributes
    ----------
    info : ModelInfo
    estimates : Estimates
    vcov : ndarray, shape (p, p)
    varcorr : VarCorr
    optinfo : OptInfo
    scaled_residuals : ndarray, shape (nobs,), or None
        Pearson residuals over sigma; None for a fit that holds no rows.
    engine : {"lme4", "numpy"}
        The engine that fitted the model; the text names it unless it is lme4.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which frames are returned.
    tests : TestedCoefficients or None
        Tests of the fixed effects with degrees of freedom; None for lme4's own table.
    """

    info: ModelInfo
    estimates: Estimates
    vcov: NDArray[np.float64]
    varcorr: VarCorr
    optinfo: OptInfo
    scaled_residuals: NDArray[np.float64] | None
    engine: EngineName = "lme4"
    library: Library = "pandas"
    tests: TestedCoefficients | None = None

    @property
    def coefficients(self) -> Any:
        """The table of fixed effects, as `Fit.coef_table`, in the library of the data."""
        return to_native(self._coefficients(), self.library, labels="term")

    def _coefficients(self) -> pd.DataFrame:
        if self.tests is not None:
            return tested_frame(self.tests, self.estimates.names)
        return coefficient_frame(self.estimates, self.vcov, self.info)

    def describe(self) -> Document:
        """The parts in lme4's order."""
        blocks: list[Block] = [
            self._heading(),
            self._criteria(),
            *(() if self.scaled_residuals is None else (self._residuals(self.scaled_residuals),)),
            self._random_effects(),
        ]
        if self.estimates.names:
            blocks.append(self._fixed_effects())
        if 1 < len(self.estimates.names) <= MOST_CORRELATIONS:
            blocks.append(self._correlations())
        remarks = self._remarks()
        if self.tests is not None:
            remarks = (*remarks, *self.tests.notes)
        if remarks:
            blocks.append(Prose(tuple(_line([text]) for text in remarks), attached=True))
        return Document(title=None, blocks=tuple(blocks))

    def to_gt(self) -> GT:
        """A table of the package great_tables: fixed effects, then standard deviations.

        Raises
        ------
        MissingPackageError
            If great_tables is not installed; the extra ``[tables]`` includes it.
        """
        heading, *facts = (" ".join(each.text.split()) for each in self._heading().paragraphs)
        counts = "; ".join(f"{group}, {n}" for group, n in self.info.ngrps.items())
        facts.append(f"Number of obs: {self.info.nobs}, groups: {counts}")
        return one_table(
            self._fixed_effects(), self.varcorr, title=heading, notes=tuple(facts), digits=DIGITS
        )

    def _heading(self) -> Prose:
        info = self.info
        title, kind = info.title, info.object_class
        if self.tests is not None and np.isfinite(self.tests.df).all():
            method = self.tests.method.partition(" (")[0]
            title, kind = f"{title}. t-tests use {method}'s method", "lmerModLmerTest"
        whole = f"{title} ['{kind}']"
        lines: tuple[str, ...] = (whole,)
        if len(title) + 5 + len(kind) > WIDTH:
            wrapped = textwrap.wrap(
                title, width=WIDTH - 3, subsequent_indent="  ", break_on_hyphens=False
            )
            lines = fill([*wrapped, " [", kind, "]"], sep="")
        found = [Paragraph(whole, heading=True, lines=lines)]
        if ENGINES[self.engine].in_summary:
            found.append(_line([f" Engine: {self.engine}"]))
        if info.family is not None:
            found.append(_line([" Family:", info.family, f" ( {info.link} )"]))
        found += [_line([_LABELS[part], *text.split("\n")]) for part, text in info.call]
        return Prose(tuple(found))

    def _criteria(self) -> Prose | NamedValues:
        numbers = self.estimates
        if self.info.reml:
            (value,) = format_numbers([round_decimals(numbers.criterion, 1)])
            return Prose((_line([f"REML criterion at convergence: {value}"]),))
        deviance = -2.0 * numbers.loglik
        values = {
            "AIC": aic(numbers.loglik, numbers.df),
            "BIC": bic(numbers.loglik, numbers.df, self.info.nobs),
            "logLik": numbers.loglik,
            self.info.deviance_label: deviance,
        }
        df = self.info.nobs - numbers.df
        cells = format_numbers([round_decimals(value, 1) for value in (*values.values(), df)])
        return NamedValues(names=(*values, "df.resid"), values=(*cells[:-1], str(df)))

    @staticmethod
    def _residuals(scaled: NDArray[np.float64]) -> NamedValues:
        quantiles = np.quantile(scaled, [0, 0.25, 0.5, 0.75, 1])
        largest = float(np.max(np.abs(quantiles)))
        places = DIGITS + 1
        if largest > 0:
            places = max(0, int(np.floor(places - np.log10(largest) + 0.5)))
        cells = format_numbers([round_decimals(q, places) for q in quantiles], digits=DIGITS)
        names = ("Min", "1Q", "Median", "3Q", "Max")
        return NamedValues(names=names, values=tuple(cells), caption="Scaled residuals: ")

    def _random_effects(self) -> Table:
        groups = "; ".join(f"{name}, {count}" for name, count in self.info.ngrps.items())
        notes = fill([f"Number of obs: {self.info.nobs}, groups: ", groups])
        return self.varcorr.table(
            digits=DIGITS,
            variances=True,
            caption="Random effects:",
            notes=notes,
        )

    def _fixed_effects(self) -> Table:
        table = self._coefficients()
        has_df, has_p = "df" in table, "p_value" in table
        letter = "t" if has_df or (self.info.use_scale and not has_p) else "z"
        header = ["Estimate", "Std. Error", *(["df"] if has_df else []), f"{letter} value"]
        return coefficient_table(
            table.to_numpy().tolist(),
            columns=(*header, *([f"Pr(>|{letter}|)"] if has_p else [])),
            row_names=self.estimates.names,
            digits=DIGITS,
            has_pvalue=has_p,
            caption="Fixed effects:",
        )

    def _correlations(self) -> Table:
        names = self.estimates.names
        p = len(names)
        rounded = [round_decimals(r, 3) for r in correlation(self.vcov).ravel(order="F")]
        cells = np.array(format_numbers(rounded, nsmall=3)).reshape(p, p, order="F")
        rows = tuple(tuple(cells[i, j] if j < i else "" for j in range(p - 1)) for i in range(1, p))
        return Table(
            columns=names[: p - 1],
            rows=rows,
            row_names=names[1:],
            align=(LEFT,) * (p - 1),
            caption="Correlation of Fixed Effects:",
            plain_columns=tuple(abbreviate(names, 6)[: p - 1]),
            plain_row_names=tuple(abbreviate(names, 11)[1:]),
        )

    def _remarks(self) -> tuple[str, ...]:
        """The messages of lme4 and of the optimiser."""
        info = self.optinfo
        remarks = []
        if self.info.fit_messages:
            remarks += ["fit warnings:", *self.info.fit_messages]
        if info.conv_opt > 0 or info.messages or info.warnings:
            verdict = "(OK)" if info.conv_opt == 0 else f"({info.message})" if info.message else ""
            said = (*info.messages, *info.warnings)
            remarks.append(
                f"optimizer ({info.optimizer}) convergence code: {info.conv_opt} {verdict}"
            )
            remarks += [line for text in said for line in text.split("\n")]
        return tuple(remarks)


def _line(words: Sequence[str]) -> Paragraph:
    """A line, which plain text breaks where R does."""
    return Paragraph(" ".join(words), lines=fill(words))


def tested_frame(tests: TestedCoefficients, names: tuple[str, ...]) -> pd.DataFrame:
    """The table of fixed effects with their tests, by name; normal ones without df."""
    import pandas as pd

    columns = {"estimate": tests.estimate, "std_error": tests.std_error}
    if np.isfinite(tests.df).all():
        columns["df"] = tests.df
    return pd.DataFrame(
        columns | {"statistic": tests.statistic, "p_value": tests.p_value}, index=list(names)
    )
