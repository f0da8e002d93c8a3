"""How the parts of a model are written, as plain text and in LaTeX.

Rows are i and k in text, i and i' in LaTeX. The covariances of a term's effects are τ with two
indices, those of further terms ω, φ, ψ; in brackets stands what is 1 where it is true and 0
elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pylme.render.latex import escape_latex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.explanation.effects import Effect, Piece

__all__ = ["LATEX", "TEXT", "Notation"]

_LOWERED: Final = str.maketrans("0123456789,", "₀₁₂₃₄₅₆₇₈₉,")
_LETTERS: Final = ("τ", "ω", "φ", "ψ")
_COMMANDS: Final = (r"\tau", r"\omega", r"\varphi", r"\psi")


class Notation(Protocol):
    """One of the two ways of writing."""

    rows: tuple[str, str]

    def tau(self, term: int, a: int, b: int) -> str:
        """The covariance of two effects of a term; the variance where they are one."""
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
