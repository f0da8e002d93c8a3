"""The result of a study: tidy rows, the fits, and their summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from pylme.draws.seeds import Seeds
from pylme.errors import UnknownNameError
from pylme.options import choice, text
from pylme.render import Document, Facts, Rendered, Table
from pylme.results.convergence import Status
from pylme.results.parameters import labels_named
from pylme.simulation.estimate.block import COLUMNS, FIT_COLUMNS, OBJECT
from pylme.simulation.outcome.summary import summarised
from pylme.simulation.outcome.truth import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.simulation.outcome.summary import StudySummary

__all__ = ["StudyResult"]

Rule = Literal["status", "code"]
#: The value that means converged, by rule.
_CONVERGED: Final = {"status": Status.CONVERGED.value, "code": 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StudyResult(Rendered):
    """The fits of several models to many replicates.

    All frames are pandas frames.

    Attributes
    ----------
    rows : DataFrame
        As `to_frame` gives it, without the truth.
    n : int
        Replicates.
    models : tuple of str
    engine : str
    seeds : Seeds
        ``seeds.entropy``, passed as `seed`, gives the same study again.
    truth : mapping
        By model, the true value of a parameter where it is known.
    """

    rows: pd.DataFrame
    n: int
    models: tuple[str, ...]
    engine: str
    seeds: Seeds
    truth: Truth

    def to_frame(self) -> pd.DataFrame:
        """A row for each replicate, model and parameter, and one for each fit that failed.

        Columns: ``replicate``, ``model``; ``parameter`` and its parts ``effect`` ("fixed",
        "ran_pars", "theta", "collected"), ``group``, ``term``; ``estimate``, ``std_error``,
        ``truth``; and of the fit ``criterion``, ``status``, ``code``, ``singular``, ``verdict``,
        ``messages``, ``seconds``, ``error``.
        """
        truth = [
            self.truth[model].get(parameter, float("nan"))
            for model, parameter in zip(self.rows["model"], self.rows["parameter"], strict=True)
        ]
        frame = self.rows.copy()
        frame.insert(COLUMNS.index("std_error") + 1, "truth", truth)
        return frame

    @property
    def fits(self) -> pd.DataFrame:
        """A row for each replicate and model: criterion, status, messages, seconds, error."""
        columns = ["replicate", "model", *FIT_COLUMNS]
        return self._first_rows()[columns].reset_index(drop=True)

    def _first_rows(self) -> pd.DataFrame:
        return self.rows[~self.rows.duplicated(["replicate", "model"])]

    def estimates(self, parameter: str) -> pd.DataFrame:
        """The estimates of a parameter: replicates as index, models as columns.

        Parameters
        ----------
        parameter : str
            Its label, as in the column ``parameter`` of `to_frame`, or its name in lme4.

        Raises
        ------
        UnknownNameError
            If no model has that parameter.
        """
        text("parameter", parameter)
        known = self.rows["parameter"].dropna().unique().tolist()
        labels = labels_named(parameter, known)
        if len(labels) != 1:
            raise UnknownNameError(what="parameter", name=parameter, known=labels or known)
        own = self.rows[self.rows["parameter"] == labels[0]]
        place = {name: i for i, name in enumerate(self.models)}
        wide = np.full((self.n, len(place)), np.nan)
        wide[own["replicate"].to_numpy(), [place[name] for name in own["model"]]] = own["estimate"]
        return pd.DataFrame(
            wide,
            index=pd.RangeIndex(self.n, name="replicate"),
            columns=pd.Index(list(self.models), dtype=OBJECT, name="model"),
        )

    def converged(self, rule: Rule = "status") -> NDArray[np.bool_]:
        """Whether each model converged in each replicate, shape (n, models).

        Parameters
        ----------
        rule : {"status", "code"}
            By pylme's status, or by the code of `Convergence`.
        """
        choice("rule", rule, Rule)
        first = self._first_rows()
        hits = (first[rule] == _CONVERGED[rule]).fillna(value=False).to_numpy(dtype=bool)
        # Rows are in the order of replicates and models.
        return hits.reshape(self.n, len(self.models))

    def summary(self, *, rule: Rule = "status", conf_level: float = 0.95) -> StudySummary:
        """Means, biases, errors, coverage and rates, each with its Monte Carlo standard error.

        Parameters
        ----------
        rule : {"status", "code"}
            What counts as converged: pylme's status, or the code of `Convergence`.
        conf_level : float
            Of the Wald intervals whose coverage is reported.

        Returns
        -------
        StudySummary
            Over all replicates, and over those that converged in all models.
        """
        return summarised(
            self.rows,
            self.truth,
            self.models,
            self.converged(rule),
            rule=rule,
            conf_level=conf_level,
        )

    def describe(self) -> Document:
        """How many fits of each model had each status; `summary` has the estimates."""
        first = self._first_rows()
        statuses = list(dict.fromkeys(first["status"].astype(str)))
        counts = first.groupby(["model", "status"], observed=True).size()
        facts = (("Replicates", f"{self.n:,}"), ("Engine", self.engine))
        table = Table(
            columns=tuple(statuses),
            rows=tuple(
                tuple(f"{counts.get((model, status), 0):,}" for status in statuses)
                for model in self.models
            ),
            row_names=self.models,
            caption="Fits by status",
        )
        return Document(title="Study", blocks=(Facts(facts), table))

    def __repr__(self) -> str:
        failed = int((self._first_rows()["status"] == "failed").sum())
        return (
            f"<StudyResult: {self.n} replicates of {len(self.models)} models by {self.engine}, "
            f"{failed} fits failed>"
        )
