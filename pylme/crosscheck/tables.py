"""A tier as a table: both values, their difference, how large it may be, and why."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Final

from pylme.render import LEFT, Table
from pylme.render.paragraphs import wrapped

if TYPE_CHECKING:
    from pylme.crosscheck.comparison import Comparison, Tier

__all__ = ["tier_table"]

#: Numbers below this are shown with fewer digits.
_SMALL: Final = 1e-2


def tier_table(tier: Tier, engine: str) -> Table:
    """The table of a tier that was checked.

    Parameters
    ----------
    tier : Tier
    engine : str
        Heads the column of what was checked.
    """
    reasons = dict.fromkeys(c.tolerance.reason for c in tier.comparisons)
    marks = dict(zip(reasons, ascii_lowercase, strict=False))
    return Table(
        columns=(engine, "reference", "difference", "at most", ""),
        rows=tuple(_row(c, marks[c.tolerance.reason]) for c in tier.comparisons),
        row_names=tuple(c.quantity for c in tier.comparisons),
        align=("right", "right", "right", "right", LEFT),
        caption=f"{tier.number}. {tier.title}",
        notes=tuple(wrapped(f"{mark}: {reason}", "   ") for reason, mark in marks.items()),
    )


def _row(c: Comparison, mark: str) -> tuple[str, ...]:
    word = "ok" if c.ok else "NO" if c.decides else "-"
    return (
        _shown(c.lme4),
        _shown(c.reference),
        f"{c.difference:.1e}" if c.difference else "0",
        f"{c.tolerance.value:.0e} {mark}" if c.tolerance.value else f"0 {mark}",
        word,
    )


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.9g}" if abs(value) >= _SMALL else f"{value:.3g}"
