"""Reading of lazy data: which columns, what they are, and how many rows are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pylme.errors import (
    EmptyDataError,
    MissingRowsWarning,
    MissingValueError,
    OptionError,
    ResponseError,
    warn,
)
from pylme.formula import Formula, FormulaTerms, Name, walk
from pylme.frame.lazy_table import LazyTable
from pylme.model_matrix.lazy.computed_columns import ComputedColumns, computed_columns
from pylme.model_matrix.lazy.expressions import expression
from pylme.model_matrix.lazy.first_pass import FirstPass, first_pass
from pylme.model_matrix.lazy.second_pass import RESPONSE, Centred
from pylme.model_matrix.lazy.variables import Sketch, sketched

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    from pylme.frame import NaAction
    from pylme.model_matrix.spec import ModelArguments

__all__ = ["Reading", "Source", "names_of", "read", "source_of"]

#: Readings of the data after levels that no complete row has were left out.
_READINGS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The columns of lazy data that a model uses.

    Attributes
    ----------
    table : LazyTable
        With computed columns beside those of `names`, if there are any.
    given : LazyTable
        With all columns of the data.
    formula : Formula
    terms : FormulaTerms
    names : tuple of str
        The columns that the formula, the weights and the offset name.
    weights, offset : str or None
    learnt : mapping
        What calls learnt from whole columns, by their texts.
    computed : ComputedColumns
        What no engine evaluates.
    """

    table: LazyTable
    given: LazyTable
    formula: Formula
    terms: FormulaTerms
    names: tuple[str, ...]
    weights: str | None
    offset: str | None
    learnt: Mapping[str, Any]
    computed: ComputedColumns

    @property
    def known(self) -> dict[str, Any]:
        """What calls learnt, and the computed columns, by their texts."""
        return {**self.learnt, **self.computed.columns}

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of which grouping factors are made."""
        found = (
            node.name
            for part in self.terms.random
            for _, variable in part.factors
            for node in walk(variable)
            if isinstance(node, Name) and node.name in self.names
        )
        return tuple(dict.fromkeys(found))

    def numbers(self, sketch: Sketch) -> dict[str, nw.Expr]:
        """The numeric variables of effects, and the response less its offsets."""
        response = self.terms.response
        if response not in sketch.numbers:
            raise ResponseError(
                response=response,
                found="a linear mixed model has one number in each row, and this is none",
                remedy="Give a numeric column, or an expression of numeric columns.",
            )
        if len(sketch.numbers[response]) != 1:
            raise ResponseError(
                response=response,
                found="a linear mixed model has one number in each row, and this has several",
                remedy="Give a numeric column, or an expression of numeric columns.",
            )
        (y,) = sketch.numbers[response]
        for node in self.terms.fixed.offsets:
            y = y - expression(node, self.table, sketch.known).number
        if self.offset is not None:
            y = y - expression(Name(name=self.offset), self.table).number
        sides = (self.terms.fixed, *(part.terms for part in self.terms.random))
        used = {text for side in sides for term in side.terms for text in term.texts}
        found = {
            name: column
            for text, own in sketch.numbers.items()
            if text in used
            for name, column in zip(names_of(text, len(own)), own, strict=True)
        }
        return found | {RESPONSE: y}


def names_of(text: str, width: int) -> list[str]:
    """The names of the columns of a numeric variable."""
    return [text] if width == 1 else [f"{text}[{at}]" for at in range(width)]


def source_of(
    table: LazyTable, formula: Formula, terms: FormulaTerms, arguments: ModelArguments
) -> Source:
    """The columns that a model uses, with those that no engine computes.

    Raises
    ------
    UnknownColumnError
        If the data have no such column.
    OptionError
        If weights, offset or subset are not given as a column of their type.
    NotAvailableError
        If a part of the formula can neither be evaluated by an engine nor in batches of rows.
    """
    weights, offset, subset = (
        _named(role, getattr(arguments, role)) for role in ("weights", "offset", "subset")
    )
    names = list(formula.columns_in(tuple(table.types)))
    table.require(names, where="the formula")
    for role, name in (("weights", weights), ("offset", offset)):
        if name is None:
            continue
        table.require([name], where=f"`{role}`")
        if not table.is_number(name):
            raise OptionError(option=role, value=name, allowed="a numeric column")
        names += [name] if name not in names else []
    if subset is not None:
        table = table.where(table.flag(subset))
    learnt, computed = computed_columns(table, names, terms)
    return Source(
        table=computed.beside(table, names, needed=names),
        given=table,
        formula=formula,
        terms=terms,
        names=tuple(names),
        weights=weights,
        offset=offset,
        learnt=learnt,
        computed=computed,
    )


def _named(role: str, given: object) -> str | None:
    if given is None or isinstance(given, str):
        return given
    raise OptionError(
        option=role,
        value=type(given).__name__,
        allowed="the name of a column: an array has no rows to be matched to in lazy data",
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What was read before the sums.

    Attributes
    ----------
    source : Source
    sketch : Sketch
    first : FirstPass
    """

    source: Source
    sketch: Sketch
    first: FirstPass

    @property
    def centred(self) -> Centred:
        """The rows that are used, centred and scaled."""
        source = self.source
        return Centred(
            table=source.table,
            names=source.names,
            numbers=source.numbers(self.sketch),
            factors=self.sketch.factors,
            keys=source.keys,
            weights=source.weights,
            first=self.first,
        )


def read(source: Source, na_action: NaAction) -> Reading:
    """The types and levels of the columns, and the first pass over the rows.

    Raises
    ------
    EmptyDataError, MissingValueError, ResponseError
        As for rows in memory.

    Warns
    -----
    MissingRowsWarning
        If rows are left out.
    """
    absent: dict[str, frozenset[Any]] = {}
    sketch, first = _looked_at(source, absent)
    for _ in range(_READINGS):
        lost = _without_rows(source, sketch, first)
        if not lost:
            break
        absent |= {name: absent.get(name, frozenset()) | own for name, own in lost.items()}
        sketch, first = _looked_at(source, absent)
    _require_rows(first, na_action)
    if first.used > 1 and RESPONSE in first.constant:
        raise ResponseError(
            response=source.terms.response,
            found=f"it has the same value in all {first.used} rows",
            remedy="A constant response cannot be modelled: check the column, or the rows kept.",
        )
    return Reading(source=source, sketch=sketch, first=first)


def _looked_at(source: Source, absent: Mapping[str, frozenset[Any]]) -> tuple[Sketch, FirstPass]:
    """A sketch without the values that occur in no row used, and the first pass."""
    table, names = source.table, source.names
    sketch = sketched(
        table,
        names,
        source.formula,
        source.terms,
        known=source.known,
        memory=source.computed.memory,
        absent=absent,
    )
    if sketch is None:
        raise _no_rows(source)
    numbers = source.numbers(sketch)
    return sketch, first_pass(table, names, numbers, sketch.factors, weights=source.weights)


def _without_rows(source: Source, sketch: Sketch, first: FirstPass) -> Mapping[str, frozenset[Any]]:
    """By column, the values of levels that no row has which is used."""
    if not first.used:
        return {}
    lost: dict[str, frozenset[Any]] = {}
    for text, factor in sketch.factors.items():
        node = source.terms.variables[text]
        if isinstance(node, Name):
            values = [v for level in first.levels_without_rows(text) for v in factor.values[level]]
            if values:
                lost[node.name] = frozenset(values)
    return lost


def _no_rows(source: Source) -> EmptyDataError:
    first = first_pass(source.table, source.names, {}, {}, weights=None)
    if not first.given:
        return EmptyDataError(given=0, reason="the data have no rows")
    counts = ", ".join(f"{name!r} ({count})" for name, count in first.missing.items())
    return EmptyDataError(given=first.given, reason=f"each has a missing value, in {counts}")


def _require_rows(first: FirstPass, na_action: NaAction) -> None:
    for counts, before, kept in (
        (first.missing, first.given, first.present),
        (first.gaps, first.present, first.used),
    ):
        if not counts:
            continue
        if na_action == "fail":
            raise MissingValueError(counts=counts)
        if not kept:
            raise EmptyDataError(
                given=first.given, reason=f"transformations gave no value: {', '.join(counts)}"
            )
        warn(MissingRowsWarning(dropped=before - kept, given=first.given, counts=counts))
