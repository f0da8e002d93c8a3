"""What a benchmark is: a measurement with a name to choose it by, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .measure import Result

__all__ = ["Benchmark", "Options", "Side"]

#: What our fits are compared with; "reference" is lme4 on R's reference BLAS.
Side = Literal["glmm", "lme4", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was chosen on the command line.

    Attributes
    ----------
    smoke : bool
        Everything once or so on small data, to show that it works.
    engine : str
        Whose fits are ours.
    against : frozenset of Side
    """

    smoke: bool
    engine: str
    against: frozenset[Side]


Benchmark: TypeAlias = "Callable[[Options], Iterable[Result]]"
