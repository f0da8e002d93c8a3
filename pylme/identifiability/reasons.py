"""Why the data cannot see a combination of covariance parameters, as a fact in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.identifiability.seen_beside_fixed import BESIDE_FIXED
from pylme.identifiability.seen_in_rows import IN_ROWS

if TYPE_CHECKING:
    from pylme.identifiability.facts import Facts
    from pylme.identifiability.trace import Trace

__all__ = ["reason"]


def reason(trace: Trace, facts: Facts) -> str:
    """The fact for which a combination of parameters leaves no trace: the first that holds."""
    asked = IN_ROWS if trace.plain else BESIDE_FIXED
    found = (fact(trace, facts) for fact in asked)
    return next(text for text in found if text is not None)
