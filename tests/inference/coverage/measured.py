"""A share of simulated sets, and whether it is the expected one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["SETS", "Measured"]

#: The standard error of a coverage of 95 % is then 0.3 %.
SETS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How often an interval covers the truth, or a test rejects a true hypothesis.

    Attributes
    ----------
    design, what : str
        What was simulated, and what was counted in it.
    share : float
    sets : int
        Of which it is the share.
    low, high : float
        Between these the share is expected, but for the error of the simulation.
    expected : str
        Where these come from.
    """

    design: str
    what: str
    share: float
    sets: int
    low: float
    high: float
    expected: str

    @property
    def kept(self) -> bool:
        """Whether the share lies where it is expected, or within three Monte Carlo errors of it."""
        return self.low - self.reach(self.low) < self.share < self.high + self.reach(self.high)

    def reach(self, share: float) -> float:
        """Three Monte Carlo errors of a share."""
        return float(3.0 * np.sqrt(share * (1.0 - share) / self.sets))

    def __str__(self) -> str:
        verdict = "" if self.kept else ": NOT AS EXPECTED"
        return f"{self.design}, {self.what}: {self.share:.4f} of {self.sets} ({self.span}){verdict}"

    @property
    def span(self) -> str:
        """The expected share, or from where to where."""
        low, high = f"{self.low:.3g}", f"{self.high:.3g}"
        return low if low == high else f"{low} to {high}"
