"""A tier as a table: both values, their difference, how large it may be, and why."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

from pylme.render import LEFT, Lines, Table
from pylme.render.paragraphs import wrapped

if TYPE_CHECKING:
    from pylme.crosscheck.comparison import Comparison, Tier

__all__ = ["tier_block"]


def tier_block(tier: Tier, engine: str) -> Table | Lines:
    """The table of a tier, or why there is none.

    Parameters
    ----------
    tier : Tier
    engine : str
        Heads the column of what was checked.
    """
    title = f"{tier.number}. {tier.title}"
    if not tier.checked:
        return Lines((title, *wrapped(f"Not checked: {tier.reason}.", "   ").split("\n")))
    reasons = dict.fromkeys(c.tolerance.reason for c in tier.comparisons)
    marks = dict(zip(reasons, ascii_lowercase, strict=False))
    return Table(
        columns=(engine, "reference", "difference", "at most", ""),
        rows=tuple(_row(c, marks[c.tolerance.reason]) for c in tier.comparisons),
        row_names=tuple(c.quantity for c in tier.comparisons),
        align=("right", "right", "right", "right", LEFT),
        caption=title,
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
    return value if isinstance(value, str) else f"{value:.7g}"
