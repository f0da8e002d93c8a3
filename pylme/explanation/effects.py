"""The meaning of each column of a model: a product of numbers, indicators and contrasts.

R names the columns; their meaning follows from the terms of the formula and the codings of its
factors, in the order in which R forms the columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from pylme.formula import Call, String, deparse
from pylme.model_matrix.model_matrix import full_codings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pylme.formula import ModelTerms, Node, Term
    from pylme.model_matrix.coding import Coding
    from pylme.model_matrix.model_matrix import Codings

__all__ = ["INTERCEPT", "Effect", "Piece", "coded_effects", "uncoded_effects"]

INTERCEPT = "(Intercept)"

PieceKind = Literal["number", "level", "contrast", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One of the variables whose product is a column.

    Attributes
    ----------
    variable : str
        The variable of the data, as the formula writes it; of ``dummy(f, "a")``, f.
    name : str
        R's name of a column that consists of this variable only.
    kind : {"number", "level", "contrast", "unknown"}
        The indicator of a level, a contrast between levels, or the variable itself; unknown without
        data.
    level, base : str or None
        The level, and the level that it is compared with.
    values : tuple of (str, float)
        Its value at the levels where that is not zero; empty for a number.
    """

    variable: str
    name: str
    kind: PieceKind
    level: str | None = None
    base: str | None = None
    values: tuple[tuple[str, float], ...] = ()

    def at(self, level: str) -> float:
        """Its value at a level of the factor."""
        return dict(self.values).get(level, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A column and the variables in it.

    Attributes
    ----------
    name : str
        R's.
    pieces : tuple of Piece
        None for an intercept.
    """

    name: str
    pieces: tuple[Piece, ...] = ()

    @property
    def variables(self) -> frozenset[str]:
        """The variables that it is made of."""
        return frozenset(piece.variable for piece in self.pieces)


def uncoded_effects(terms: ModelTerms) -> tuple[Effect, ...]:
    """One effect for each term, as if every variable were numeric."""
    first = (Effect(name=INTERCEPT),) if terms.intercept else ()
    return first + tuple(
        Effect(
            name=term.label,
            pieces=tuple(
                _dummy(variable) or _plain(deparse(variable), "unknown")
                for variable in term.variables
            ),
        )
        for term in terms.terms
    )


def coded_effects(
    terms: ModelTerms,
    codings: Mapping[str, Codings],
    names: Sequence[str],
    assign: Sequence[int],
) -> tuple[Effect, ...]:
    """The columns of a model matrix.

    Parameters
    ----------
    terms : ModelTerms
    codings : mapping
        Of the factors, by contrasts and by indicators.
    names : sequence of str
        R's names of all columns.
    assign : sequence of int
        The term of each, from 1; 0 for the intercept.
    """
    full = full_codings(terms, codings)
    effects: list[Effect] = []
    for place in dict.fromkeys(assign):
        own = [name for name, of in zip(names, assign, strict=True) if of == place]
        if place == 0:
            effects.append(Effect(name=own[0]))
            continue
        term = terms.terms[place - 1]
        pieces = _products(term, codings, full[place - 1], own)
        effects += [Effect(name=n, pieces=p) for n, p in zip(own, pieces, strict=True)]
    return tuple(effects)


def _products(
    term: Term, codings: Mapping[str, Codings], full: set[str], names: Sequence[str]
) -> Iterator[tuple[Piece, ...]]:
    """The pieces of each column of a term, those of the first variable varying fastest."""
    texts = [deparse(variable) for variable in term.variables]
    coded = {t: list(_coded(t, codings[t], full=t in full)) for t in texts if t in codings}
    # Of several matrices in one product, the first is taken for all the columns.
    widths = dict.fromkeys(texts, 1)
    for text in [text for text in texts if text not in coded][:1]:
        widths[text] = len(names) // math.prod(len(pieces) for pieces in coded.values())
    parts = [
        coded.get(text) or _uncoded(variable, names if len(texts) == 1 else (), widths[text])
        for text, variable in zip(texts, term.variables, strict=True)
    ]
    for chosen in product(*reversed(parts)):
        yield tuple(reversed(chosen))


def _uncoded(variable: Node, names: Sequence[str], width: int) -> list[Piece]:
    """The columns of a variable that is not a factor: a number, a matrix, an indicator."""
    text = deparse(variable)
    if width == 1:
        return [_dummy(variable) or _plain(text, "number")]
    numbered = names or [f"{text}[{place + 1}]" for place in range(width)]
    return [Piece(variable=text, name=name, kind="number") for name in numbered]


def _plain(text: str, kind: PieceKind) -> Piece:
    return Piece(variable=text, name=text, kind=kind)


def _coded(text: str, codings: Codings, *, full: bool) -> Iterator[Piece]:
    contrasts, indicators = codings
    levels = indicators.names or ()
    coding = indicators if full else contrasts
    base = None if full else _base(contrasts, levels)
    names = coding.names or tuple(str(i + 1) for i in range(coding.values.shape[1]))
    for name, column in zip(names, coding.values.T, strict=True):
        values = tuple((v, float(x)) for v, x in zip(levels, column, strict=True) if x)
        yield Piece(
            variable=text,
            name=text + name,
            kind="level" if full else "contrast",
            level=values[0][0] if full or base is not None else None,
            base=base,
            values=values,
        )


def _base(contrasts: Coding, levels: Sequence[str]) -> str | None:
    """The level that treatment contrasts compare with; None for other contrasts."""
    values = contrasts.values
    zero = np.flatnonzero(~values.any(axis=1))
    if len(zero) != 1:
        return None
    others = np.delete(values, zero[0], axis=0)
    return levels[int(zero[0])] if np.array_equal(others, np.eye(len(others))) else None


def _dummy(variable: Node) -> Piece | None:
    """lme4's indicator of one level."""
    match variable:
        case Call(function="dummy", arguments=(factor, level)) if isinstance(level.value, String):
            name = level.value.value
            return Piece(
                variable=deparse(factor.value),
                name=deparse(variable),
                kind="level",
                level=name,
                values=((name, 1.0),),
            )
    return None
