"""Xβ + Zb + offset as an expression that an engine evaluates in its own rows.

With the columns of X and Z as combinations C of monomials m, Xβ is mᵀ(C_X β), and the part of a
grouping factor is mᵀ(C_Z b_j) for its level j: a table of C_Z b_j, with a row for each level, is
joined by the columns that the factor is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from pylme.errors import ColumnTypeError, NotAvailableError
from pylme.formula import Name, walk
from pylme.model_matrix.lazy.expressions import expression
from pylme.model_matrix.lazy.first_pass import FINE, complete
from pylme.model_matrix.lazy.levels import LevelRows
from pylme.model_matrix.lazy.monomials import Monomial
from pylme.model_matrix.lazy.second_pass import RESPONSE, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylme.frame.lazy_table import LazyTable
    from pylme.model_matrix.lazy.reading import Reading

__all__ = ["LEVEL", "LevelEffects", "PredictedRows", "predicted_rows"]

#: The column that says whether a level of a grouping factor was found, by its position.
LEVEL: Final = "__level"
_TEXT: Final = (nw.Categorical, nw.Enum)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelEffects:
    """What the levels of a grouping factor add to the linear predictor.

    Attributes
    ----------
    group : str
    rows : LevelRows
        The values that have each level.
    monomials : tuple of Monomial
    values : ndarray, shape (levels, monomials)
        Their coefficients by level.
    """

    group: str
    rows: LevelRows
    monomials: tuple[Monomial, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictedRows:
    """Rows with a linear predictor beside their columns.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        With further columns whose names begin with two underscores.
    given : tuple of str
        The columns of the data.
    eta : narwhals.Expr
        The linear predictor; null where a row lacks a value.
    offset : narwhals.Expr
        The part of it that is known.
    numbers : mapping of str to str
        The columns of the numeric variables, not centred.
    known : mapping of str to narwhals.Expr
        For each factor of the fixed effects or left of a bar, whether a row has one of its levels.
    names : tuple of str
        The columns that are needed.
    """

    frame: nw.LazyFrame[Any]
    given: tuple[str, ...]
    eta: nw.Expr
    offset: nw.Expr
    numbers: Mapping[str, str]
    known: Mapping[str, nw.Expr]
    names: tuple[str, ...]


def predicted_rows(
    reading: Reading,
    fixed: Mapping[Monomial, float],
    effects: Sequence[LevelEffects],
    *,
    table: LazyTable | None = None,
) -> PredictedRows:
    """The rows of the fit, or others, with their linear predictor.

    Parameters
    ----------
    reading : Reading
        Of the data of the model.
    fixed : mapping of Monomial to float
        Xβ.
    effects : sequence of LevelEffects
        Of the grouping factors that are included.
    table : LazyTable, optional
        Other rows: of these the predictors alone are needed.

    Raises
    ------
    UnknownColumnError, ColumnTypeError
        If a predictor is not among the columns, or not of its type.
    NotAvailableError
        If the engine cannot join a table to the rows.
    """
    source, own = reading.source, table is None
    names = source.names if own else _predictors(reading, [each.group for each in effects])
    table = source.given if table is None else table
    if not own:
        _require_columns(table, source.given, names)
    computed = source.computed.of_columns(source.given, names)
    table = computed.beside(table, tuple(table.types), needed=names)
    if table.folder is not None:
        # What is made of the frame outlives this function, and is read when the caller collects it.
        table.folder.keep()
    monomials = [*fixed, *(monomial for each in effects for monomial in each.monomials)]
    used = {name for each in monomials for name in each.numbers}
    numbers = {
        text: column
        for text, column in source.numbers(reading.sketch).items()
        if text in used or (own and text == RESPONSE)
    }
    factors = {
        text: factor
        for text, factor in reading.sketch.factors.items()
        if own or any(text == mark for each in monomials for mark, _ in each.levels)
    }
    frame, places = complete(table, names, numbers, factors, all_columns=True)
    first = reading.first
    centred = {text: f"__c{at}" for at, text in enumerate(places)}
    marks = {
        pair: f"__i{at}"
        for at, pair in enumerate(sorted({pair for each in monomials for pair in each.levels}))
    }
    made = {
        centred[text]: (nw.col(place) - first.mean[text]) / first.scale[text]
        for text, place in places.items()
    }
    made |= {
        mark: factors[text].indicator(level).cast(nw.Float64)
        for (text, level), mark in marks.items()
    }
    if made:
        frame = frame.with_columns(**made)
    parts = [value_of(each, centred, marks) * value for each, value in fixed.items()]
    for at, each in enumerate(effects):
        frame = _joined(frame, table, each, at)
        parts += [
            value_of(monomial, centred, marks) * nw.col(f"__b{at}_{place}").fill_null(0.0)
            for place, monomial in enumerate(each.monomials)
        ]
    offsets = [
        expression(node, table, reading.sketch.known).number for node in source.terms.fixed.offsets
    ]
    if source.offset is not None:
        offsets.append(nw.col(source.offset).cast(nw.Float64))
    offset = reduce(add, offsets, nw.lit(0.0))
    return PredictedRows(
        frame=frame,
        given=tuple(table.types),
        eta=nw.when(nw.col(FINE)).then(reduce(add, parts, offset)),
        offset=offset,
        numbers=places,
        known={text: factor.known for text, factor in factors.items() if not factor.excluded},
        names=names,
    )


def _predictors(reading: Reading, groups: Iterable[str]) -> tuple[str, ...]:
    """The columns that predictions need: no response, and of grouping factors those included."""
    source, asked = reading.source, set(groups)
    sides = [source.terms.fixed, *(p.terms for p in source.terms.random if p.group in asked)]
    nodes = [node for side in sides for node in side.variables]
    nodes += [node for p in source.terms.random if p.group in asked for _, node in p.factors]
    response = source.terms.variables[source.terms.response]
    found = dict.fromkeys(
        part.name
        for node in nodes
        if node != response
        for part in walk(node)
        if isinstance(part, Name) and part.name in source.names
    )
    return (*found, *(() if source.offset in {None, *found} else (source.offset,)))


def _require_columns(table: LazyTable, before: LazyTable, names: Iterable[str]) -> None:
    """The columns must have the types that they had in the data of the model."""
    table.require(names, where="newdata")
    for name in names:
        was = _kind(before, name)
        if _kind(table, name) != was:
            raise ColumnTypeError(
                column=name,
                dtype=str(table.types[name]),
                found=f"in the data of the model it is of type {was}",
                remedy="Give it the type that it had there.",
            )


def _kind(table: LazyTable, name: str) -> str:
    if table.is_number(name):
        return "number"
    if isinstance(table.types[name], (nw.String, *_TEXT)):
        return "text"
    return type(table.types[name]).__name__.lower()


def _joined(
    frame: nw.LazyFrame[Any], table: LazyTable, effects: LevelEffects, at: int
) -> nw.LazyFrame[Any]:
    """The coefficients of the level of each row beside it."""
    names = effects.rows.names
    keys = {name: f"__j{at}_{place}" for place, name in enumerate(names)}
    levels = nw.from_native(effects.rows.frame, eager_only=True)
    levels = levels.select(**{key: _plain(name, levels.schema) for name, key in keys.items()})
    values = effects.values[effects.rows.codes]
    columns = {f"__b{at}_{place}": column for place, column in enumerate(values.T)}
    columns[f"{LEVEL}{at}"] = np.ones(len(values))
    levels = levels.with_columns(
        *(
            nw.new_series(name, np.ascontiguousarray(column), backend=levels.implementation)
            for name, column in columns.items()
        )
    )
    native = frame.to_native()
    right = levels.lazy(frame.implementation, session=getattr(native, "sparkSession", None))
    types = {key: table.types[name] for name, key in keys.items()}
    casts = [nw.col(key).cast(of) for key, of in types.items() if not isinstance(of, _TEXT)]
    if casts:
        right = right.with_columns(*casts)
    frame = frame.with_columns(**{key: _plain(name, table.types) for name, key in keys.items()})
    try:
        return frame.join(right, on=list(keys.values()), how="left")
    except Exception as error:
        # A connection that is the caller's own takes no tables of others.
        raise NotAvailableError(
            asked=f"Joining the effects of {effects.group} to the rows",
            found=f"{table.engine} refuses it: {str(error).splitlines()[0]}",
            remedy="Give the path of a Parquet file, as in fit.predict(data, "
            "to='predictions.parquet'): predictions are then computed from batches of rows.",
        ) from error


def _plain(name: str, types: Mapping[str, Any]) -> nw.Expr:
    """A column whose values compare as they are."""
    column = nw.col(name)
    return column.cast(nw.String) if isinstance(types[name], _TEXT) else column
