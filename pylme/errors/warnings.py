"""Warnings about models, their fits, and the rows and levels that they use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.errors.message import PylmeWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ConvergenceWarning",
    "CrossCheckWarning",
    "DamagedStoreWarning",
    "DispersionWarning",
    "EngineWarning",
    "FitWarning",
    "MissingRowsWarning",
    "NoFiniteEstimateWarning",
    "NoFiniteOptimumWarning",
    "NotFiniteWarning",
    "NotIdentifiedWarning",
    "NotOverdispersedWarning",
    "RWarning",
    "RankDeficiencyWarning",
    "ScalingWarning",
    "SeparationWarning",
    "SingularFitWarning",
    "SortedLevelsWarning",
    "UnsafeFunctionWarning",
]


class EngineWarning(PylmeWarning):
    """``engine="auto"`` uses an engine other than lme4.

    Given once for each reason in a process. `engine` is the engine used; `reason` says why.
    """

    def __init__(self, *, engine: str, reason: str) -> None:
        super().__init__(
            f"{reason}. Models are fitted by engine={engine!r}. Pass it, or set the environment "
            f"variable PYLME_ENGINE={engine}, to fit without this notice."
        )
        self.engine = engine
        self.reason = reason


class UnsafeFunctionWarning(PylmeWarning):
    """`allow_function` allows formulas to call a function that runs code or accesses files."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"Formulas may now call {name}(), which runs code, commands or reads and writes "
            "files with whatever a formula passes to it. Never read a formula from somebody "
            "whom you do not trust in this process."
        )
        self.name = name


class FitWarning(PylmeWarning):
    """A warning about a model or its fit, from either engine."""


class RWarning(FitWarning):
    """A warning or message from R for which pylme has no specific class."""


class ConvergenceWarning(FitWarning):
    """The engine or its optimiser reports that the fit has not converged."""


class NotIdentifiedWarning(ConvergenceWarning):
    """The data do not determine all covariance parameters: their estimates are arbitrary."""


class NoFiniteOptimumWarning(ConvergenceWarning):
    """The criterion falls without bound as the residual standard deviation goes to zero."""


class NotFiniteWarning(ConvergenceWarning):
    """Estimates of a fit are NaN or infinite."""


class SingularFitWarning(FitWarning):
    """The estimated covariance of some random effects is singular."""


class RankDeficiencyWarning(FitWarning):
    """Columns of the fixed-effects model matrix were dropped as linearly dependent."""


class ScalingWarning(FitWarning):
    """lme4 finds predictors or eigenvalues of very different scale."""


class NoFiniteEstimateWarning(FitWarning):
    """The likelihood has no maximum at finite values of all parameters."""


class SeparationWarning(NoFiniteEstimateWarning):
    """Fixed effects separate the response, so that some of them have no finite estimate."""


class NotOverdispersedWarning(NoFiniteEstimateWarning):
    """Counts without overdispersion, whose negative binomial dispersion has no finite estimate."""


class DispersionWarning(FitWarning):
    """The installed lme4 estimates the random effects of a family with a dispersion wrongly."""


class CrossCheckWarning(FitWarning):
    """The verdict of a cross-check on a fit that was checked with ``check=True``.

    `verdict` is the verdict's name. The verdict may also be that another warning is a false alarm.
    """

    def __init__(self, *, verdict: str, said: str) -> None:
        super().__init__(said)
        self.verdict = verdict


class MissingRowsWarning(PylmeWarning):
    """Rows were left out because of missing values; `counts` gives their number by column."""

    def __init__(self, *, dropped: int, given: int, counts: Mapping[str, int]) -> None:
        super().__init__(
            f"{dropped} of {given} rows left out for missing values: "
            + ", ".join(f"{name!r} ({count})" for name, count in counts.items())
            + '. Pass na_action="fail" to make this an error.'
        )
        self.dropped = dropped
        self.given = given
        self.counts = dict(counts)


class SortedLevelsWarning(PylmeWarning):
    """The levels of a polars Categorical are sorted, because it does not define an order."""

    def __init__(self, *, column: str) -> None:
        super().__init__(
            f"The levels of the column {column!r}, a polars Categorical, are sorted by code point, "
            "because a Categorical does not define an order. Cast the column to pl.Enum(levels) "
            "to choose the order, or to pl.String to sort them without this warning."
        )
        self.column = column


class DamagedStoreWarning(PylmeWarning):
    """Files of a study's store are damaged, and are computed again.

    `damaged` maps the name of each file to the reason; `folder` is the folder that contains them.
    """

    def __init__(self, *, folder: str, damaged: Mapping[str, str]) -> None:
        name, reason = next(iter(damaged.items()))
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        super().__init__(
            f"{name}{more} in {folder} cannot be used: {reason}. The replicates are fitted again."
        )
        self.folder = folder
        self.damaged = dict(damaged)
