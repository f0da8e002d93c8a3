"""A hypothesis that is tested: its statistic comes from a study of the models that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pylme.draws.seeds import Seed
    from pylme.simulation.draw.simulator import Simulator

__all__ = ["Hypothesis"]


class Hypothesis(Protocol):
    """What is tested."""

    @property
    def words(self) -> str:
        """The test."""
        ...

    @property
    def compared_with(self) -> str:
        """What the statistic is compared with in large samples."""
        ...

    def statistics(
        self, source: Any, n: int, seed: Seed, options: Mapping[str, Any]
    ) -> NDArray[np.float64]:
        """The statistic of each replicate, larger against the hypothesis; NaN of a failed fit."""
        ...

    def p_values(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """Their p-values in large samples."""
        ...

    def null(self, source: Simulator) -> Simulator:
        """The simulator where the hypothesis holds."""
        ...
