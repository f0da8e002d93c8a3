"""The warnings of a generalized fit by the NumPy engine, from the texts of its conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.errors import ConvergenceWarning, RankDeficiencyWarning, warn
from pylme.results.findings import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.errors import FitWarning
    from pylme.results.fitted_model import Condition

__all__ = ["announce", "class_of"]


def class_of(message: str) -> type[FitWarning]:
    """The class of warning of a condition; of the convergence where no finding matches."""
    if "linearly dependent" in message:
        return RankDeficiencyWarning
    return next((kind for pattern, kind in CLASSES if pattern.search(message)), ConvergenceWarning)


def announce(conditions: Iterable[Condition]) -> None:
    """Give each condition once, as a Python warning; that of dropped columns was given before."""
    for condition in conditions:
        kind = class_of(condition.message)
        if kind is not RankDeficiencyWarning:
            warn(kind(condition.message))
