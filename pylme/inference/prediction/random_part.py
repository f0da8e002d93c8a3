"""Which random effects a prediction includes: all, none, those of some factors, or some columns.

A term of a formula such as ``(1 | g)`` may name fewer columns than the term ``(x | g)`` of the
model. The prediction then uses the modes of those columns, without a new fit, as lme4's ``re.form``
does (Bates, Mächler, Bolker & Walker 2015, section 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylme.errors import OptionError, UnknownNameError
from pylme.formula import formula_terms
from pylme.formula.formula import read_formula
from pylme.model_matrix.model_matrix import full_codings
from pylme.text import listed

if TYPE_CHECKING:
    from pylme.formula import BarTerms
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.model_matrix.recipe import Recipe

__all__ = ["PartOfTerm", "Random", "random_part"]

#: "all", "none", the names of grouping factors, or random-effects terms as in a formula.
Random = str | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOfTerm:
    """The columns of a random-effects term that a prediction includes.

    Attributes
    ----------
    position : int
        The term, in lme4's order.
    columns : tuple of int
        In their order within the term.
    """

    position: int
    columns: tuple[int, ...]


def random_part(
    random: object, terms: Sequence[RandomTerm], recipe: Recipe | None
) -> tuple[PartOfTerm, ...]:
    """The random effects that `random` asks for, in the order of the terms.

    Parameters
    ----------
    random : "all", "none", sequence of str or str
        As users give it.
    terms : sequence of RandomTerm
        Of the model, in lme4's order.
    recipe : Recipe or None
        How the columns of the terms are made, which a formula is compared with; None where only R
        can make them.

    Raises
    ------
    OptionError
        If `random` is none of these, or names columns that are no random effects of the model.
    UnknownNameError
        If it names a grouping factor that the model does not have.
    """
    if not isinstance(random, str | Sequence):
        raise _refused(random, terms)
    match random:
        case "all":
            return tuple(_whole(place, term) for place, term in enumerate(terms))
        case "none":
            return ()
        case str() if "|" in random:
            return _of_formula(random, terms, recipe)
        case str():
            names: tuple[str, ...] = (random,)
        case Sequence() if all(isinstance(name, str) for name in random):
            names = tuple(random)
        case _:
            raise _refused(random, terms)
    groups = tuple(dict.fromkeys(term.group for term in terms))
    for name in names:
        if name not in groups:
            raise UnknownNameError(what="grouping factor", name=name, known=groups)
    return tuple(_whole(place, term) for place, term in enumerate(terms) if term.group in names)


def _whole(place: int, term: RandomTerm) -> PartOfTerm:
    return PartOfTerm(position=place, columns=tuple(range(len(term.names))))


def _of_formula(
    random: str, terms: Sequence[RandomTerm], recipe: Recipe | None
) -> tuple[PartOfTerm, ...]:
    if recipe is None:
        raise _refused(random, terms)
    chosen: dict[int, set[int]] = {}
    right = random.strip().removeprefix("~")
    for asked in formula_terms(read_formula(f"response ~ {right}")).random:
        for label, full in _labels(asked, recipe):
            found = _find(asked.group, label, full=full, terms=terms, recipe=recipe)
            if found is None:
                raise _refused(random, terms)
            place, columns = found
            chosen.setdefault(place, set()).update(columns)
    if not chosen:
        raise _refused(random, terms)
    return tuple(
        PartOfTerm(position=place, columns=tuple(sorted(columns)))
        for place, columns in sorted(chosen.items())
    )


def _labels(part: BarTerms, recipe: Recipe) -> list[tuple[str, frozenset[str]]]:
    """The effects left of a bar, each with the variables that it codes by indicators."""
    codings = {text: pair for bar in recipe.bars for text, pair in bar.codings.items()}
    full = full_codings(part.terms, codings)
    labels = [("1", frozenset[str]())] if part.terms.intercept else []
    return labels + [
        # The coding matters for factors alone.
        (label, frozenset(own) & codings.keys())
        for label, own in zip(part.terms.labels, full, strict=True)
    ]


def _find(
    group: str, label: str, *, full: frozenset[str], terms: Sequence[RandomTerm], recipe: Recipe
) -> tuple[int, tuple[int, ...]] | None:
    """The term of that factor with that effect, and its columns of the effect."""
    for place, term in enumerate(terms):
        part = recipe.bars[recipe.order[place]].part
        if part.group != group or (label, full) not in _labels(part, recipe):
            continue
        number = 0 if label == "1" else part.terms.labels.index(label) + 1
        return place, tuple(i for i, owner in enumerate(term.assign) if owner == number)
    return None


def _refused(random: object, terms: Sequence[RandomTerm]) -> OptionError:
    whole = " + ".join(term.written for term in terms)
    groups = listed([repr(group) for group in dict.fromkeys(term.group for term in terms)])
    return OptionError(
        option="random",
        value=random,
        allowed=f'"all", "none", a list of grouping factors ({groups}), or terms with effects that '
        f"the model has: {whole!r}",
    )
