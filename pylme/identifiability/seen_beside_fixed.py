"""Facts of the rows and the fixed effects for which a combination leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.identifiability.seen_in_rows import ways
from pylme.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylme.identifiability.facts import Facts
    from pylme.identifiability.trace import Trace

__all__ = ["BESIDE_FIXED"]


def _in_fixed_effects(trace: Trace, facts: Facts) -> str | None:
    if not trace.absorbed:
        return None
    names = listed([facts.name(column) for column in trace.absorbed], most=6)
    return (
        f"the fixed effects already hold {names} for every level of "
        f"{facts.group(trace.absorbed[0][0])}, which leaves no trace of random ones"
    )


def _few_rows_left(trace: Trace, facts: Facts) -> str | None:
    """Hardly a row is left beside the fixed effects."""
    n, p = facts.design.n, facts.design.p
    left = n - p
    if left * (left + 1) // 2 >= trace.parameters:
        return None
    return (
        f"{counted(n, 'row')} and {counted(p, 'fixed effect')} leave "
        f"{counted(left, 'free number')}, too few for {trace.parameters} variances and covariances"
    )


def _ways_beside(trace: Trace, facts: Facts) -> str:
    return f"once the fixed effects are taken out, {ways(trace, facts)}"


#: In the order in which they are asked for; the last one always holds.
BESIDE_FIXED: Final[Sequence[Callable[[Trace, Facts], str | None]]] = (
    _in_fixed_effects,
    _few_rows_left,
    _ways_beside,
)
