"""The table of standard deviations and correlations by level, with intervals and a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pylme.by_group.equality_test import EqualityTest
from pylme.covariance.names import cells, parameter_name
from pylme.frame import Library, to_native
from pylme.inference.wald import delta_intervals
from pylme.render import RenderedTable, Table
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.by_group.blocks import CovarianceBlock

__all__ = ["GroupCorrelations", "IntervalMethod", "LevelEstimates", "delta_estimates"]

IntervalMethod = Literal["delta", "profile"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelEstimates:
    """Standard deviations and correlations of one level.

    Attributes
    ----------
    level : str
    estimate : ndarray, shape (k, k)
        Standard deviations on the diagonal, correlations off it.
    conf_low, conf_high : ndarray, shape (k, k)
        The ends of their intervals; NaN where there is none.
    """

    level: str
    estimate: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GroupCorrelations(RenderedTable):
    """Standard deviations and correlations of random effects by the levels of a factor.

    The residual variance is one for all levels.

    Attributes
    ----------
    by, group : str
        The factor, and the grouping factor of the effects.
    names : tuple of str, length k
        The effects.
    levels : tuple of LevelEstimates
    method : {"delta", "profile"}
        The method of the intervals.
    conf_level : float
    test : EqualityTest or None
        Of one covariance matrix for all levels.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` gives the table.
    """

    by: str
    group: str
    names: tuple[str, ...]
    levels: tuple[LevelEstimates, ...]
    method: IntervalMethod
    conf_level: float
    test: EqualityTest | None
    library: Library = "pandas"

    def to_frame(self) -> Any:
        """A row for each level.

        Returns
        -------
        DataFrame
            Index: the level. For each effect ``sd <effect>``, for each pair of them
            ``cor <effect>, <effect>``; each followed by the ends of its interval, ``… conf_low``
            and ``… conf_high``. In the library of the data; where that has no row labels, the
            level is the first column.
        """
        import pandas as pd

        columns = {
            f"{label}{end}": [getattr(each, part)[place] for each in self.levels]
            for label, place in self._parameters()
            for end, part in (
                ("", "estimate"),
                (" conf_low", "conf_low"),
                (" conf_high", "conf_high"),
            )
        }
        index = pd.Index([each.level for each in self.levels], name=self.by)
        return to_native(pd.DataFrame(columns, index=index), self.library)

    def describe(self) -> Table:
        """The table with each interval next to its estimate, and the test below."""
        parameters = self._parameters()
        return Table(
            columns=tuple(label for label, _ in parameters),
            rows=tuple(
                tuple(_cell(each, place) for _, place in parameters) for each in self.levels
            ),
            row_names=tuple(each.level for each in self.levels),
            caption=f"Random effects of {self.group} by {self.by}",
            notes=tuple(self._notes()),
        )

    def __repr__(self) -> str:
        return f"<GroupCorrelations of {self.group} by {self.by}: {len(self.levels)} levels>"

    def _parameters(self) -> list[tuple[str, tuple[int, int]]]:
        """Label and place of each standard deviation and each correlation."""
        names = self.names
        return [
            (parameter_name(names[a], names[b], style="sdcor"), (a, b))
            for a, b in cells(len(names), "cov.last")
        ]

    def _notes(self) -> list[str]:
        how = "the delta method, for log sd and Fisher's z"
        if self.method == "profile":
            how = "the profile likelihood"
        notes = [f"{100 * self.conf_level:g}% intervals by {how}; one residual variance for all."]
        if any(np.isnan(each.conf_low).any() for each in self.levels):
            notes.append(
                "No interval where the fit lies on the boundary or is not identified; "
                'method="profile" gives one.'
            )
        if self.test is not None:
            test = self.test
            notes.append(
                f"One covariance matrix for all, {test.pooled}: likelihood ratio "
                f"{test.statistic:.3f} on {test.df} df, p = {test.p_value:.3g}"
                + (" (rough, as the fit is singular)." if test.singular else ".")
            )
        return notes


def delta_estimates(
    blocks: Sequence[CovarianceBlock],
    errors: Sequence[NDArray[np.float64]] | None,
    *,
    conf_level: float,
) -> tuple[LevelEstimates, ...]:
    """The estimates of each level with intervals by the delta method.

    Parameters
    ----------
    blocks : sequence of CovarianceBlock
        The result of `blocks_by`.
    errors : sequence of ndarray, shapes (k, k)
        For each term of the model the standard errors of its standard deviations and correlations,
        from the joint Hessian of the criterion; None where there are none.
    conf_level : float

    Raises
    ------
    OptionError
        If `conf_level` is not between 0 and 1.
    """
    reach = half_width(conf_level)
    made = []
    for block in blocks:
        own = np.full_like(block.sdcor, np.nan) if errors is None else errors[block.term]
        low, high = delta_intervals(block.sdcor, own, reach)
        made.append(
            LevelEstimates(level=block.level, estimate=block.sdcor, conf_low=low, conf_high=high)
        )
    return tuple(made)


def _cell(level: LevelEstimates, place: tuple[int, int]) -> str:
    estimate, low, high = (
        part[place] for part in (level.estimate, level.conf_low, level.conf_high)
    )
    if np.isnan(low):
        return f"{estimate:.3f}"
    return f"{estimate:.3f} [{low:.3f}, {high:.3f}]"
