"""Predictions for lazy data, where the rows are or in batches of rows.

A fit to sums knows its columns as expressions, and so does the engine of any lazy data: it computes
Xβ̂ + Zb̂ + offset beside the rows. What is no such expression (intervals, fits to rows in memory,
calls that the engine does not have) is computed from batches of rows, by the function for rows in
memory, and written to a Parquet file.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.errors import ColumnTypeError, ColumnValueError, NotAvailableError, OptionError
from pylme.frame.batches import in_batches, write_batches, write_rows
from pylme.frame.lazy_table import open_lazy
from pylme.inference.prediction.predict import modes_of, predict
from pylme.inference.prediction.random_part import random_part
from pylme.model_matrix.lazy.first_pass import FINE, require_finite
from pylme.model_matrix.lazy.linear_predictor import LEVEL, LevelEffects, predicted_rows
from pylme.model_matrix.lazy.monomials import coefficients
from pylme.model_matrix.lazy.second_pass import RESPONSE
from pylme.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from pylme.frame.lazy_table import LazyTable
    from pylme.inference.kernels import Kernels
    from pylme.inference.prediction.question import Question
    from pylme.inference.prediction.random_part import PartOfTerm
    from pylme.model_matrix.lazy.linear_predictor import PredictedRows
    from pylme.model_matrix.lazy.monomials import Monomial
    from pylme.model_matrix.lazy.summed import Summed
    from pylme.results.fitted_model import FittedModel, ResidualType

__all__ = ["fitted_lazily", "predict_lazily", "residuals_lazily"]

_ESTIMATE: Final = "estimate"
_TO: Final = (
    "Give the path of a Parquet file, as in fit.predict(data, to='predictions.parquet'): they are "
    "then computed from batches of rows."
)


def predict_lazily(
    model: FittedModel,
    kernels: Callable[[], Kernels | None],
    data: Any,
    question: Question,
    *,
    to: str | PathLike[str] | None,
) -> Any:
    """Predictions beside the columns of lazy data.

    Parameters
    ----------
    model : FittedModel
    kernels : callable
        As for rows in memory.
    data : lazy data, or None
        None for the rows of a fit to lazy data.
    question : Question
    to : path, optional
        The Parquet file that is written.

    Returns
    -------
    lazy frame or str
        A frame of the library of the data, or the path.

    Raises
    ------
    NotAvailableError
        If no engine evaluates what is asked for, and no file is to be written.
    """
    for name, value in (("offset", question.offset), ("weights", question.weights)):
        if value is not None and not isinstance(value, str):
            raise OptionError(
                option=name,
                value=type(value).__name__,
                allowed="the name of a column: an array has no rows to be matched to in lazy data",
            )
    if data is None:
        if question.interval is not None:
            raise NotAvailableError(
                asked="Computing intervals for the rows of the fit",
                found="they are computed from batches of rows, and the fit holds none",
                remedy="Give the data again, and the path of a Parquet file: "
                "fit.predict(data, interval=..., to='predictions.parquet').",
            )
        made = _named(_own_rows(model, "Predicting for the rows of the fit", question), _ESTIMATE)
        return made.to_native() if to is None else write_rows(made, to)
    table = open_lazy(data)
    _require_new(table, (_ESTIMATE,))
    reason = _beyond_expressions(model, question)
    if reason is not None and to is None:
        raise NotAvailableError(asked="Predicting where the rows are", found=reason, remedy=_TO)
    if reason is None:
        try:
            made = _named(_new_rows(model, table, question), _ESTIMATE)
        except NotAvailableError:
            if to is None:
                raise
        else:
            return made.to_native() if to is None else write_rows(made, to)
    assert to is not None  # noqa: S101  (refused above)
    return write_batches(_predicted(model, kernels, table, question), to)


def fitted_lazily(model: FittedModel) -> Any:
    """The rows of a fit to lazy data with a column ``fitted``."""
    return _named(_own_rows(model, "Computing fitted values"), "fitted").to_native()


def residuals_lazily(model: FittedModel, kind: ResidualType) -> Any:
    """The rows of a fit to lazy data with a column ``residuals``."""
    rows = _own_rows(model, f"Computing {kind} residuals")
    source = _summed(model).reading.source
    value = nw.col(rows.numbers[RESPONSE]) - (rows.eta - rows.offset)
    if kind not in {"response", "working"} and source.weights is not None:
        value = value * nw.col(source.weights).cast(nw.Float64).sqrt()
    if kind == "scaled":
        value = value / model.estimates().sigma
    return _named(rows, "residuals", value).to_native()


def _named(rows: PredictedRows, name: str, value: nw.Expr | None = None) -> nw.LazyFrame[Any]:
    """The columns of the data, and one more."""
    value = rows.eta if value is None else value
    return rows.frame.with_columns(value.alias(name)).select(*rows.given, name)


def _own_rows(model: FittedModel, asked: str, question: Question | None = None) -> PredictedRows:
    reading = _summed(model).reading
    if reading is None:
        raise NotAvailableError(
            asked=asked,
            found="the fit was saved, and its data were not",
            remedy="Give the data: fit.predict(data, to='predictions.parquet').",
        )
    _require_new(reading.source.table, (_ESTIMATE, "fitted", "residuals"))
    parts = _parts(model, "all" if question is None else question.random)
    return predicted_rows(reading, *_linear_predictor(model, parts))


def _new_rows(model: FittedModel, table: LazyTable, question: Question) -> PredictedRows:
    """The rows of other data, which are examined for levels that the model does not have."""
    reading = _summed(model).reading
    fixed, effects = _linear_predictor(model, _parts(model, question.random))
    rows = predicted_rows(reading, fixed, effects, table=table)
    _require_known(rows, effects, new_levels=question.new_levels)
    return rows


def _summed(model: FittedModel) -> Summed:
    """The sums that a fit to lazy data was made from."""
    found = None if model.spec is None else model.spec.summed
    assert found is not None  # noqa: S101  (fits to rows take another way)
    return found


def _parts(model: FittedModel, random: object) -> tuple[PartOfTerm, ...]:
    return random_part(random, model.design.terms, model.design.recipe)


def _linear_predictor(
    model: FittedModel, parts: Sequence[PartOfTerm]
) -> tuple[dict[Monomial, float], list[LevelEffects]]:
    """Xβ̂ and Zb̂ as combinations of monomials."""
    summed, design = _summed(model), model.design
    columns, base = summed.columns, list(summed.columns.base)
    of_x = coefficients(columns.X, base)[:, design.recipe.kept] @ model.estimates().beta
    modes = modes_of(model, design.terms)
    by_group: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for part in parts:
        term = design.terms[part.position]
        own = list(part.columns)
        of_z = coefficients(columns.Z[design.recipe.order[part.position]], base)[:, own]
        b = modes[term.rows].reshape(len(term.levels), len(term.names))[:, own]
        by_group[term.group].append(b @ of_z.T)
    effects = []
    for group, values in by_group.items():
        total = np.add.reduce(values)
        used = np.flatnonzero(total.any(axis=0))
        effects.append(
            LevelEffects(
                group=group,
                rows=summed.levels[group],
                monomials=tuple(base[at] for at in used.tolist()),
                values=total[:, used],
            )
        )
    return {base[at]: float(of_x[at]) for at in np.flatnonzero(of_x).tolist()}, effects


def _beyond_expressions(model: FittedModel, question: Question) -> str | None:
    """Why predictions are no expression of the columns; None where they are."""
    if question.interval is not None:
        return "intervals are computed from the rows"
    if question.offset is not None:
        return "an offset other than that of the model is computed from the rows"
    summed = None if model.spec is None else model.spec.summed
    if summed is None:
        return "the fit was made from rows in memory, whose columns it knows as values"
    if summed.reading is None:
        return "the fit was saved, and how its columns were computed from the data was not"
    if model.design.dropped:
        return (
            "columns of the model depend on others, and whether they do so in other rows is "
            "examined row by row"
        )
    return None


def _require_new(table: LazyTable, names: Sequence[str]) -> None:
    for name in names:
        if name in table.types:
            raise ColumnTypeError(
                column=name,
                dtype=str(table.types[name]),
                found="predictions are given in a column of that name beside the others",
                remedy="Rename it in the engine of the data.",
            )


def _require_known(
    rows: PredictedRows, effects: Sequence[LevelEffects], *, new_levels: str
) -> None:
    """One pass: no infinite values, no levels that the data of the model did not have."""
    fine = nw.col(FINE)
    asked: dict[str, nw.Expr] = {"rows": nw.len()}
    unknown: dict[str, tuple[nw.Expr, str, str]] = {}
    for at, (text, known) in enumerate(rows.known.items()):
        unknown[f"known{at}"] = (fine & ~known, text, _FIXED)
    if new_levels == "error":
        for at, each in enumerate(effects):
            gap = fine & nw.col(f"{LEVEL}{at}").is_null()
            unknown[f"level{at}"] = (gap, each.group, _RANDOM)
    for name, (condition, _, _) in unknown.items():
        asked[name] = nw.when(condition).then(nw.lit(1.0)).otherwise(nw.lit(0.0)).sum()
    for text, place in rows.numbers.items():
        column = nw.when(fine).then(nw.col(place))
        asked |= {f"{text} low": column.min(), f"{text} high": column.max()}
    found = rows.frame.select(**asked).collect().rows(named=True)[0]
    require_finite([(text, found[f"{text} low"], found[f"{text} high"]) for text in rows.numbers])
    for name, (condition, text, remedy) in unknown.items():
        if found[name]:
            few = rows.frame.filter(condition).select(*rows.names).head(1000).collect()
            raise ColumnValueError(
                column=text,
                found=_what(text, few, int(found[name])),
                remedy=remedy,
            )


_FIXED: Final = (
    "Leave these rows out in the engine of the data, or fit the model to data that have them."
)
_RANDOM: Final = (
    'Pass new_levels="population" to predict for groups that were not observed, or random="none" '
    "for the mean over all groups."
)


def _what(text: str, few: nw.DataFrame[Any], count: int) -> str:
    rows = "1 row" if count == 1 else f"{count:,} rows"
    if text in few.columns:
        values = sorted({str(value) for value in few.get_column(text).to_list()})
        return (
            f"the levels {quoted(values, most=5)}, in {rows}, did not occur in the data of the "
            "model"
        )
    return f"{rows} have levels that did not occur in the data of the model"


def _predicted(
    model: FittedModel,
    kernels: Callable[[], Kernels | None],
    table: LazyTable,
    question: Question,
) -> Iterator[Any]:
    """The batches of rows, with predictions beside their columns."""
    for batch in in_batches(table):
        found = predict(model, kernels, batch, question).table
        made = batch
        for name in found.columns:
            made = made.append_column(name, [_arrow(found[name])])
        yield made


def _arrow(column: Any) -> Any:
    import pyarrow as pa

    return pa.array(column.to_numpy(), from_pandas=column.dtype == object)
