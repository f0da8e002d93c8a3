"""Ratios of things measured in turns, in one run.

The machines are shared and noisy, so no absolute time means much. The sides run alternately, and a
ratio is that of their medians; the spread is told with it.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Result", "compare", "in_turns", "seconds_of", "shown"]

T = TypeVar("T")


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


def in_turns(
    sides: Mapping[str, Callable[[], T]], runs: Mapping[str, int], *, pause: float = 0.0
) -> dict[str, list[T]]:
    """What every side gives, run after run; a side that has done its runs drops out.

    The pause comes before each run: the threads of an OpenBLAS look out for more work some 30 ms
    after the last, on cores that the next side may want.
    """
    given: dict[str, list[T]] = {name: [] for name in sides}
    gc.collect()
    for turn in range(max(runs.values())):
        for name, run in sides.items():
            if turn < runs[name]:
                time.sleep(pause)
                given[name].append(run())
    return given


def compare(
    ours: Callable[[], object], theirs: Callable[[], object], *, repetitions: int
) -> tuple[float, str]:
    """The ratio of our median time to theirs, and both in words."""
    ours()
    theirs()
    times = in_turns(
        {"ours": lambda: seconds_of(ours), "theirs": lambda: seconds_of(theirs)},
        {"ours": repetitions, "theirs": repetitions},
    )
    mine, other = (statistics.median(side) for side in times.values())
    ratios = sorted(a / b for a, b in zip(*times.values(), strict=True))
    quartiles = (ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4])
    return mine / other, (
        f"{shown(mine)} against {shown(other)}, {repetitions} runs in turns, "
        f"middle half of the ratios {quartiles[0]:.3g} to {quartiles[1]:.3g}"
    )


def seconds_of(run: Callable[[], object]) -> float:
    """What a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def shown(seconds: float) -> str:
    """A time as a person reads it."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
