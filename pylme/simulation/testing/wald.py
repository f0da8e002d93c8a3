"""The hypothesis that a fixed effect is zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import UnknownNameError
from pylme.inference.wald import wald_p
from pylme.simulation.estimate.models import StudyModel
from pylme.simulation.study import run_study
from pylme.simulation.testing.hypothesis import under_null

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.draws.seeds import Seed
    from pylme.simulation.draw.simulator import Simulator

__all__ = ["Wald"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wald:
    """The hypothesis that a fixed effect is zero, with the statistic |β̂| / se.

    Attributes
    ----------
    model : StudyModel
    effect : str
        R's name of the coefficient.
    df : float or None
        Degrees of freedom of t; None for normal.
    """

    model: StudyModel
    effect: str
    df: float | None

    @property
    def words(self) -> str:
        """The test."""
        return f"Wald test of {self.effect}"

    @property
    def compared_with(self) -> str:
        """T with its degrees of freedom; empty for the normal distribution."""
        return "" if self.df is None else f"t with {self.df:g} degrees of freedom"

    def statistics(
        self, source: Any, n: int, seed: Seed, options: Mapping[str, Any]
    ) -> NDArray[np.float64]:
        """|β̂| / se of each replicate."""
        found = run_study(source, {"model": self.model}, n=n, seed=seed, **options)
        rows = found.rows[found.rows["effect"] == "fixed"]
        known = tuple(dict.fromkeys(rows["parameter"]))
        if self.effect not in known and known:
            raise UnknownNameError(what="fixed effect", name=self.effect, known=known)
        own = rows[rows["parameter"] == self.effect].set_index("replicate").reindex(range(n))
        return np.asarray(np.abs(own["estimate"] / own["std_error"]))

    def p_values(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """Two-sided."""
        return wald_p(statistics, self.df)

    def null(self, source: Simulator) -> Simulator:
        """The simulator without the effect."""
        names = set(source.parts[0].design.x_names)
        return under_null(source, names - {self.effect}, None)
