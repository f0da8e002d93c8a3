"""Ratios of two things measured in turns, in one process.

The machines are shared and noisy, so no absolute time means much. Both sides run alternately, and
the ratio is that of their medians; the spread of the ratios of neighbouring runs is told with it.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Result", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the report: what was measured, the value, and what was asked for."""

    what: str
    value: float
    unit: str
    limit: float
    detail: str
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the value is within what was asked for."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        asked = f"{'at least' if self.at_least else 'at most'} {self.limit:g} {self.unit}"
        verdict = "kept" if self.kept else "FALLS SHORT"
        return f"{self.what}: {self.value:.3g} {self.unit} ({asked}: {verdict}); {self.detail}"


def compare(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    repetitions: int,
    warm_up: int = 1,
) -> tuple[float, str]:
    """The ratio of our median time to theirs, and both in words."""
    for _ in range(warm_up):
        ours()
        theirs()
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for _ in range(repetitions):
        for side, run in enumerate((ours, theirs)):
            start = time.perf_counter()
            run()
            times[side].append(time.perf_counter() - start)
    mine, other = (statistics.median(side) for side in times)
    ratios = sorted(a / b for a, b in zip(*times, strict=True))
    quartiles = (ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4])
    return mine / other, (
        f"{_shown(mine)} against {_shown(other)}, {repetitions} runs in turns, "
        f"middle half of the ratios {quartiles[0]:.3g} to {quartiles[1]:.3g}"
    )


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
