"""The variables of a model, evaluated, in the rows where all of them have a value.

This is R's model frame: the variables of all terms, named by R's texts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.arrays import locked
from pylme.errors import (
    ColumnValueError,
    EmptyDataError,
    InfiniteValueError,
    MissingRowsWarning,
    MissingValueError,
    NotAvailableError,
    warn,
)
from pylme.formula import Name, deparse, model_terms, parse_tree, walk
from pylme.formula.bars import bar_of
from pylme.formula.nodes import SUMS, Binary, Paren, left_spine
from pylme.frame import Factor, Integer, Numeric
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import (
    CodedFactor,
    Matrix,
    Times,
    columns_among,
    factor_on,
    numbers_of,
    used_levels,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pylme.formula import Formula, Node
    from pylme.frame import Column, NaAction, Rows
    from pylme.model_matrix.evaluation.calls import Memory
    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.spec import ModelSpec

__all__ = [
    "categorical",
    "complete",
    "evaluated",
    "first_infinite",
    "incomplete_rows",
    "infinite_rows",
    "model_frame",
    "on_levels",
    "require_known",
    "require_variables",
    "sources",
    "taken",
]


def evaluated(nodes: Mapping[str, Node], evaluator: Evaluator) -> dict[str, Value]:
    """The values of variables, by their texts."""
    values = columns_among(nodes, evaluator.columns)
    return {
        text: values[text] if text in values else evaluator.variable(node)
        for text, node in nodes.items()
    }


def incomplete_rows(values: Mapping[str, Value]) -> dict[str, NDArray[np.bool_]]:
    """Where a variable has no value, for the variables that lack one."""
    gaps = {text: _missing(value) for text, value in values.items()}
    return {text: rows for text, rows in gaps.items() if rows is not None and rows.any()}


def _missing(value: Value) -> NDArray[np.bool_] | None:
    match value:
        case Matrix(values=values):
            return np.asarray(np.isnan(values).any(axis=1))
        case CodedFactor(factor=factor) | (Factor() as factor):
            return np.asarray(factor.codes < 0)
        case Times(values=values):
            return np.isnan(values)
    return np.isnan(value) if value.dtype.kind == "f" else None


def complete(
    values: Mapping[str, Value],
    rows: Rows,
    *,
    na_action: NaAction,
    columns: Mapping[str, Column] | None = None,
) -> tuple[dict[str, Value], NDArray[np.bool_], Rows]:
    """The variables in the rows where all have a value, and these rows.

    Parameters
    ----------
    values : mapping
        The variables by their texts, in the rows used.
    rows : Rows
    na_action : {"omit", "fail"}
    columns : mapping, optional
        The columns in the variables, for messages.

    Raises
    ------
    MissingValueError
        If a transformation gave a missing value and `na_action` is "fail".
    InfiniteValueError
        If a transformation gave an infinite value.

    Warns
    -----
    MissingRowsWarning
        If rows are left out.
    """
    gaps = incomplete_rows(values)
    kept = np.ones(rows.nrow, dtype=bool)
    for gap in gaps.values():
        kept &= ~gap
    whole = dict(values)
    if gaps:
        counts = {text: int(np.count_nonzero(gap)) for text, gap in gaps.items()}
        if na_action == "fail":
            raise MissingValueError(counts=counts)
        lost = np.flatnonzero(~kept)
        if len(lost) == rows.nrow:
            raise EmptyDataError(
                given=rows.n_given, reason=f"transformations gave no value: {', '.join(counts)}"
            )
        warn(MissingRowsWarning(dropped=len(lost), given=rows.n_given, counts=counts))
        rows = rows.without(lost)
        whole = {text: taken(value, kept) for text, value in values.items()}
    infinite = first_infinite(whole)
    if infinite is not None:
        text, places = infinite
        given = np.flatnonzero(kept)[places]
        raise InfiniteValueError(
            column=text,
            count=len(places),
            row=rows.used_index[places[:1]].tolist()[0],
            sources=sources(text, given, columns or {}),
        )
    return whole, kept, rows


def taken(value: Value, kept: NDArray[np.bool_]) -> Value:
    """A variable in some of its rows; levels that no longer occur are dropped."""
    match value:
        case Matrix(values=values):
            return replace(value, values=values[kept])
        case CodedFactor(factor=factor):
            return replace(value, factor=replace(factor, codes=locked(factor.codes[kept])))
        case Factor():
            return used_levels(replace(value, codes=locked(value.codes[kept])))
        case Times(values=values):
            return replace(value, values=values[kept])
    return value[kept]


def on_levels(
    values: Mapping[str, Value], levels: Mapping[str, tuple[str, ...]]
) -> dict[str, Value]:
    """Factors with the levels of the data of the model, and new levels last."""
    placed: dict[str, Value] = {}
    for text, value in values.items():
        match value:
            case Factor() if text in levels:
                placed[text] = factor_on(value, levels[text])
            case _:
                placed[text] = value
    return placed


def first_infinite(values: Mapping[str, Value]) -> tuple[str, NDArray[np.intp]] | None:
    """The first variable with an infinite value, such as the logarithm of zero, and its rows.

    None where all values are finite.
    """
    for text, value in values.items():
        places = infinite_rows(value)
        if places.size:
            return text, places
    return None


def infinite_rows(value: Value | None) -> NDArray[np.intp]:
    """The rows in which a value is infinite; empty for a value without rows."""
    match value:
        case Matrix(values=columns):
            return np.flatnonzero(np.isinf(columns).any(axis=1))
        case np.ndarray() if value.dtype.kind == "f" and value.ndim:
            return np.flatnonzero(np.isinf(value))
    return np.empty(0, dtype=np.intp)


def sources(
    text: str, places: NDArray[np.intp], columns: Mapping[str, Column]
) -> dict[str, tuple[float, bool]]:
    """The numeric columns in a call: the value in the first row, and whether all rows have it."""
    found: dict[str, tuple[float, bool]] = {}
    for node in walk(parse_tree(text)):
        column = columns.get(node.name) if isinstance(node, Name) else None
        if isinstance(column, Numeric | Integer) and isinstance(node, Name):
            values = column.values[places]
            found[node.name] = float(values[0]), bool((values == values[0]).all())
    return found


def require_known(text: str, factor: Factor, known: int) -> None:
    """Raise where a factor has levels that the data of the model did not have."""
    if factor.codes.size and int(factor.codes.max()) >= known:
        new = np.unique(factor.codes[factor.codes >= known]).tolist()
        raise ColumnValueError(
            column=text,
            found=f"the levels {', '.join(repr(factor.levels[code]) for code in new)} did not "
            "occur in the data of the model, which has no coefficient for them",
            remedy="Leave these rows out, or fit the model to data that has these levels.",
        )


def require_variables(
    formula: Formula, columns: Iterable[str], computed: Sequence[str], *, asked: str
) -> None:
    """Raise where expressions were computed by R from variables that are not known.

    Parameters
    ----------
    formula : Formula
    columns : iterable of str
        All columns that are known.
    computed : sequence of str
        Those of them that are expressions of the formula.
    asked : str

    Raises
    ------
    NotAvailableError
        With the names of the variables.
    """
    if not computed:
        return
    missing = [name for name in formula.columns if name not in set(columns)]
    raise NotAvailableError(
        asked=asked,
        found=f"the fit was read from R, whose model frame holds {', '.join(computed)}, and not "
        f"the variables {', '.join(missing)}",
        remedy="Pass the data of the fit when it is read: pylme.read_rds(path, data=data), or "
        "pylme.from_r(object, data=data).",
    )


def model_frame(spec: ModelSpec, memory: Memory) -> dict[str, Any]:
    """The variables in the order of the formula, then weights and offset, by R's names.

    Parameters
    ----------
    spec : ModelSpec
    memory : Memory
        The parameters that the calls of the formula learnt when the design was built.

    Returns
    -------
    dict
        Arrays and categoricals, in the rows used. A variable of several columns becomes several
        columns.
    """
    formula, frame = spec.formula, spec.frame
    evaluator = Evaluator(frame.columns, frame.nrow, memory)
    terms = model_terms(_without_bars(formula.right), response=formula.response)
    values = evaluated(dict(zip(terms.texts, terms.variables, strict=True)), evaluator)
    kept = np.ones(frame.nrow, dtype=bool)
    for gap in incomplete_rows(values).values():
        kept &= ~gap
    columns: dict[str, Any] = {}
    # A column has its own name there, without the back-quotes that it needs in a formula.
    bare = {deparse(node): node.name for node in terms.variables if isinstance(node, Name)}
    for text, value in values.items():
        columns |= _columns(bare.get(text, text), value if kept.all() else taken(value, kept))
    for role, name in (("weights", spec.weights), ("offset", spec.offset)):
        if name is not None:
            columns[f"({role})"] = numbers_of(frame.columns[name], role)[kept]
    return columns


def _without_bars(node: Node) -> Node:
    """Both sides of each bar as summands: lme4's ``subbars``."""
    if (bar := bar_of(node)) is not None:
        return Paren(inner=Binary(operator="+", left=bar.effects, right=bar.group))
    first, chain = left_spine(node, SUMS)
    if chain:
        result = _without_bars(first)
        for step in chain:
            right = _without_bars(step.right)
            result = Binary(operator=step.operator, left=result, right=right)
        return result
    return Paren(inner=_without_bars(node.inner)) if isinstance(node, Paren) else node


def _columns(text: str, value: Value) -> dict[str, Any]:
    match value:
        case Matrix(values=matrix, names=names):
            width = matrix.shape[1]
            if width == 1:
                return {text: matrix[:, 0]}
            parts = names or tuple(str(j + 1) for j in range(width))
            return {f"{text}.{part}": matrix[:, j] for j, part in enumerate(parts)}
        case CodedFactor(factor=factor) | (Factor() as factor):
            return {text: categorical(factor)}
        case Times(values=numbers):
            return {text: numbers}
    return {text: value}


def categorical(factor: Factor) -> Any:
    """A factor as pandas has it, a `pandas.Categorical`."""
    import pandas as pd

    kind = pd.CategoricalDtype(list(factor.levels), ordered=factor.ordered)
    return pd.Categorical.from_codes(factor.codes, dtype=kind)
