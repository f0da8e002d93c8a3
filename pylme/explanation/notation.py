"""The notation for the parts of a model: effects in words, covariances in symbols.

In words an effect is a level, a slope, or a difference between levels, with the conditions under
which it holds. Where a variable is part of an interaction, an effect without it holds where the
variable is zero: a number at 0, a factor with treatment contrasts at its first level. Other
contrasts are zero on average over the levels.

In symbols rows are i and k in text, i and i' in LaTeX. The covariances of a term's effects are τ
with two indices, those of further terms ω, φ, ψ; a condition in brackets is 1 where it is true and
0 elsewhere. Rows i and k of one level have, with z the columns of the term, the covariance Σ_a τ_aa
z_ia z_ka + Σ_{a<b} τ_ab (z_ia z_kb + z_ib z_ka), and rows of different levels none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pylme.render.latex import escape_latex
from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pylme.explanation.effects import Effect, Piece

__all__ = ["LATEX", "MOST_WRITTEN_OUT", "TEXT", "Notation", "meaning", "summands"]

_LOWERED: Final = str.maketrans("0123456789,", "₀₁₂₃₄₅₆₇₈₉,")
_LETTERS: Final = ("τ", "ω", "φ", "ψ")
_COMMANDS: Final = (r"\tau", r"\omega", r"\varphi", r"\psi")


class Notation(Protocol):
    """One of the two ways of writing."""

    rows: tuple[str, str]

    def tau(self, term: int, a: int, b: int) -> str:
        """The covariance of two effects of a term; the variance if both are the same."""
        ...

    def letter(self, term: int) -> str:
        """The matrix of these."""
        ...

    def product(self, effect: Effect, row: str) -> str:
        """The value of a column in a row; empty for an intercept."""
        ...

    def times(self, parts: Sequence[str]) -> str:
        """A product."""
        ...


class _Text:
    rows = ("i", "k")

    def tau(self, term: int, a: int, b: int) -> str:
        return self.letter(term) + _indices(a, b).translate(_LOWERED)

    def letter(self, term: int) -> str:
        return _LETTERS[term] if term < len(_LETTERS) else f"τ({term + 1})"

    def product(self, effect: Effect, row: str) -> str:
        return " ".join(self._piece(piece, row) for piece in effect.pieces)

    def _piece(self, piece: Piece, row: str) -> str:
        if piece.level is not None:
            return f"[{piece.variable}_{row} = {piece.level}]"
        return f"{piece.name}_{row}"

    def times(self, parts: Sequence[str]) -> str:
        return " ".join(part for part in parts if part)


class _Latex:
    rows = ("i", "i'")

    def tau(self, term: int, a: int, b: int) -> str:
        return f"{self.letter(term)}_{{{_indices(a, b)}}}"

    def letter(self, term: int) -> str:
        return _COMMANDS[term] if term < len(_COMMANDS) else rf"\tau^{{({term + 1})}}"

    def product(self, effect: Effect, row: str) -> str:
        return r"\,".join(self._piece(piece, row) for piece in effect.pieces)

    def _piece(self, piece: Piece, row: str) -> str:
        if piece.level is None:
            return rf"\text{{{escape_latex(piece.name)}}}_{{{row}}}"
        variable, level = map(escape_latex, (piece.variable, piece.level))
        return rf"[\text{{{variable}}}_{{{row}}} = \text{{{level}}}]"

    def times(self, parts: Sequence[str]) -> str:
        return r"\,".join(part for part in parts if part)


def _indices(a: int, b: int) -> str:
    return f"{a}{b}" if max(a, b) < 10 else f"{a},{b}"


TEXT: Final[Notation] = _Text()
LATEX: Final[Notation] = _Latex()


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
    """The conditions on variables that occur together with this effect's in other effects."""
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


#: Terms with more effects are written as a quadratic form: five have fifteen summands.
MOST_WRITTEN_OUT: Final = 4


def summands(
    effects: Sequence[Effect], coefficient: Callable[[int, int], str], notation: Notation
) -> Iterator[str]:
    """The covariance of two rows of one level, as a sum.

    Parameters
    ----------
    effects : sequence of Effect
        At most `MOST_WRITTEN_OUT`.
    coefficient : callable
        Maps the positions of two effects to the notation of their covariance.
    notation : Notation
    """
    i, k = notation.rows
    for a, effect in enumerate(effects):
        one, other = notation.product(effect, i), notation.product(effect, k)
        yield notation.times([coefficient(a, a), one, other])
        for b in range(a + 1, len(effects)):
            second, fourth = (notation.product(effects[b], row) for row in (i, k))
            first = notation.times([second, other]) or "1"
            last = notation.times([one, fourth]) or "1"
            yield notation.times([coefficient(a, b), f"({first} + {last})"])
