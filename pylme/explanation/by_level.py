"""What a random part comes to at each level of a factor that is constant within the groups.

There a column with that factor in it is a number times what is left of the column, so effects with
the same rest add up: with numbers c, cov(r, s) = Σ c_a c_b τ_ab over the effects a with the rest r
and b with the rest s of one term.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylme.covariance.names import parameter_name
from pylme.explanation.effects import INTERCEPT, Effect
from pylme.explanation.notation import TEXT
from pylme.frame import Library, to_native

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pylme.explanation.notation import Notation

__all__ = ["ByLevel", "by_level", "linear_form"]

#: The position of a term and two of its effects, and how often their covariance is counted.
Form = dict[tuple[int, int, int], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLevel:
    """Variances and covariances at each level of a factor.

    Attributes
    ----------
    group, by : str
        The grouping factor, and the factor.
    levels : tuple of str
    effects : tuple of Effect
        What is left of the columns, as in a term without the factor.
    forms : tuple of tuple of dict
        For each level, each of the `pairs`: the covariance as a linear form in the parameters
        (term, a, b) of the model.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.
    """

    group: str
    by: str
    levels: tuple[str, ...]
    effects: tuple[Effect, ...]
    forms: tuple[tuple[Form, ...], ...]
    library: Library = "pandas"

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs of effects: variances first, then covariances."""
        return _pairs(len(self.effects))

    def label(self, a: int, b: int) -> str:
        """A variance or covariance by the names of its effects."""
        one, other = (self.effects[place].name.strip("()") for place in (a, b))
        return parameter_name(other, one)

    def to_frame(self) -> Any:
        """The covariances written out: a row for each level, a column for each pair of effects."""
        import pandas as pd

        frame = pd.DataFrame(
            [[linear_form(form, TEXT) for form in forms] for forms in self.forms],
            index=pd.Index(list(self.levels), name=self.by),
            columns=[self.label(*pair) for pair in self.pairs],
        )
        return to_native(frame, self.library)


def by_level(
    group: str, by: str, levels: Sequence[str], terms: Mapping[int, Sequence[Effect]]
) -> ByLevel:
    """The covariances at each level of a factor.

    Parameters
    ----------
    group, by : str
    levels : sequence of str
    terms : mapping
        The effects of each term on the grouping factor, by the position of the term.
    """
    left = dict.fromkeys(_rest(effect, by) for effects in terms.values() for effect in effects)
    ordered = sorted(left, key=lambda effect: effect.name != INTERCEPT)
    return ByLevel(
        group=group,
        by=by,
        levels=tuple(levels),
        effects=tuple(ordered),
        forms=tuple(
            tuple(_form(terms, by, level, ordered[a], ordered[b]) for a, b in _pairs(len(ordered)))
            for level in levels
        ),
    )


def _pairs(k: int) -> tuple[tuple[int, int], ...]:
    return tuple((a, a) for a in range(k)) + tuple(
        (a, b) for a in range(k) for b in range(a + 1, k)
    )


def _rest(effect: Effect, by: str) -> Effect:
    pieces = tuple(piece for piece in effect.pieces if piece.variable != by)
    return Effect(name=":".join(piece.name for piece in pieces) or INTERCEPT, pieces=pieces)


def _form(
    terms: Mapping[int, Sequence[Effect]], by: str, level: str, one: Effect, other: Effect
) -> Form:
    form: Form = {}
    for term, effects in terms.items():
        weights = [
            math.prod(piece.at(level) for piece in effect.pieces if piece.variable == by)
            for effect in effects
        ]
        rests = [_rest(effect, by) for effect in effects]
        for a, b in ((a, b) for a in range(len(effects)) for b in range(len(effects))):
            weight = weights[a] * weights[b]
            if weight and rests[a] == one and rests[b] == other:
                place = (term, min(a, b), max(a, b))
                form[place] = form.get(place, 0.0) + weight
    return form


def linear_form(form: Form, notation: Notation) -> str:
    """A linear form written out; 0 where it is empty."""
    text = ""
    for (term, a, b), weight in sorted(form.items()):
        size = "" if abs(weight) == 1 else f"{abs(weight):.4g} "
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += f"{sign}{size}{notation.tau(term, a, b)}"
    return text or "0"
