"""An effect in words: a level, a slope, a difference between levels, and under which conditions.

Where a variable takes part in an interaction, an effect without it is what holds where it is zero:
a number at 0, a factor with treatment contrasts at its first level. Other contrasts are zero on
average over the levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.explanation.effects import Effect, Piece

__all__ = ["meaning"]


def meaning(effect: Effect, part: Sequence[Effect]) -> str:
    """What an effect is, in words.

    Parameters
    ----------
    effect : Effect
    part : sequence of Effect
        All effects of the fixed part, or of the random term, that it belongs to.
    """
    numbers = [piece.name for piece in effect.pieces if piece.kind in ("number", "unknown")]
    contrasts = [piece for piece in effect.pieces if piece.kind == "contrast"]
    where = [
        f"{piece.variable} is {piece.level}" for piece in effect.pieces if piece.kind == "level"
    ]
    where += _conditions(effect, part)
    known = all(piece.kind != "unknown" for piece in effect.pieces)
    return _core(numbers, contrasts, known=known) + (f" where {listed(where)}" if where else "")


def _core(numbers: Sequence[str], contrasts: Sequence[Piece], *, known: bool) -> str:
    if not numbers and not contrasts:
        return "level"
    if not contrasts:
        if not known:
            return f"effect of {numbers[0]}" if len(numbers) == 1 else _interaction(numbers)
        return f"slope of {numbers[0]}" if len(numbers) == 1 else _interaction(numbers)
    if len(contrasts) > 1 or len(numbers) > 1 or contrasts[0].base is None:
        if not numbers and len(contrasts) == 1:
            return f"contrast {contrasts[0].name}"
        return _interaction([*numbers, *(piece.name for piece in contrasts)])
    piece = contrasts[0]
    of = f" of the slope of {numbers[0]}" if numbers else ""
    return f"difference{of} between {piece.level} and {piece.base} ({piece.variable})"


def _interaction(names: Sequence[str]) -> str:
    return f"interaction of {listed(names)}"


def _conditions(effect: Effect, part: Sequence[Effect]) -> list[str]:
    """What holds of the variables that stand beside this effect's in other effects."""
    conditions: dict[str, str] = {}
    for other in part:
        if not effect.variables < other.variables:
            continue
        for piece in other.pieces:
            if piece.variable in effect.variables or piece.kind in ("level", "unknown"):
                continue
            if piece.kind == "number":
                conditions[piece.variable] = f"{piece.variable} is 0"
            elif piece.base is not None:
                conditions[piece.variable] = f"{piece.variable} is {piece.base}"
            else:
                conditions[piece.variable] = f"{piece.variable} is averaged over"
    return list(conditions.values())
