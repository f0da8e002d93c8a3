"""Which of pylme's warnings a warning or message of R's becomes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.errors import (
    ConvergenceWarning,
    RankDeficiencyWarning,
    RWarning,
    ScalingWarning,
    SingularFitWarning,
    warn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.errors import FitWarning
    from pylme.results.condition import Condition

__all__ = ["classify", "raise_as_warnings"]

#: The first pattern that matches decides.
_CLASSES: Final[tuple[tuple[re.Pattern[str], type[FitWarning]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"boundary \(singular\)|singular fit", SingularFitWarning),
        (r"rank deficient|dropping \d+ column", RankDeficiencyWarning),
        (r"very different scales|nearly unidentifiable|rescal", ScalingWarning),
        (
            r"converge|max\|(relative )?grad\||scaled gradient|Hessian"
            r"|maximum number of function|iteration limit|unable to evaluate",
            ConvergenceWarning,
        ),
    )
)


def classify(message: str) -> type[FitWarning]:
    """The class of warning that a message of R's belongs to; RWarning where none fits."""
    return next((kind for pattern, kind in _CLASSES if pattern.search(message)), RWarning)


def raise_as_warnings(conditions: Iterable[Condition]) -> None:
    """Give each condition once, as a Python warning, in the order in which R gave them."""
    for condition in conditions:
        warn(classify(condition.message)(condition.message))
