"""The specification of a fit that R made: its formula, and the columns of its model frame.

An expression such as ``log(x)`` is a column of the model frame, and ``x`` is not. ``x`` is known
only if the data can still be reached from the fit, or if the caller passes them. Data from either
source are used only if they give the columns of the model frame; else the expression stays a
column, so that the model is known, though not on new rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.arrays import locked
from pylme.errors import DataError, PylmeError
from pylme.families.family import Family, family_of_name
from pylme.formula import Formula, formula_terms, model_formula, parse_tree
from pylme.frame import Computed, Factor, Frame, open_table, read_frame
from pylme.lme4.records import texts
from pylme.model_matrix.coding import CONTRASTS
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times, of_column
from pylme.model_matrix.spec import ModelSpec, codings_given
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.frame import Column, Rows
    from pylme.frame.table import DataTable
    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.spec import ContrastsFor

__all__ = ["specification"]

#: Columns that differ by less, relative to their largest value, are the same.
_SAME: Final = 1e-9
_REMEDY: Final = "Pass the data that the model was fitted to, with all its rows, or none."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Source:
    """The parts of a fit, as `r/saved.R` gives them.

    Attributes
    ----------
    formula : Formula
    columns : mapping
        The columns of the model frame by R's names, as read from R.
    raw : mapping
        Variables in expressions, where R still has the data of the fit.
    extra : dict
        The columns of the prior weights and of the offset, by role.
    labels : ndarray or None
        R's names of the rows, where they are not 1, 2, ...
    """

    formula: Formula
    columns: Mapping[str, Mapping[str, Any]]
    raw: Mapping[str, Any]
    extra: Mapping[str, str]
    labels: Any


def specification(parts: Mapping[str, Any], data: Any) -> ModelSpec:
    """The specification of a fit.

    Parameters
    ----------
    parts : mapping
        From R.
    data : DataFrame, mapping or None
        The data of the fit as the caller has them.

    Raises
    ------
    DataError
        If the data are not those of the fit.
    FormulaError
        If the formula is none that pylme can read.
    """
    columns = parts["columns"]
    extra = {role: parts[role] for role in ("weights", "offset") if parts[role] is not None}
    source = _Source(
        formula=model_formula(parts["formula"], tuple(columns)),
        columns=columns,
        raw=parts["raw"] or {},
        extra=extra,
        labels=parts["labels"],
    )
    frame = _own_frame(source) if data is None else _frame_of_data(source, open_table(data))
    frame = replace(frame, columns={**frame.columns, **_computed(source, frame, given=data)})
    terms = formula_terms(source.formula)
    asked = {
        name: CONTRASTS.get(coding, coding) if isinstance(coding, str) else np.asarray(coding)
        for name, coding in (parts["contrasts"] or {}).items()
        if name in frame.columns
    }
    reach: ContrastsFor = "fixed" if parts["by_argument"] else "both"
    return ModelSpec(
        formula=source.formula,
        terms=terms,
        frame=frame.owned(),
        weights=extra.get("weights"),
        offset=extra.get("offset"),
        contrasts=codings_given(asked, terms, frame, reach=reach) if asked else {},
        contrasts_for=reach,
        family=_family(parts),
        reml=parts["reml"],
    )


def _family(parts: Mapping[str, Any]) -> Family | None:
    if parts["linear"]:
        return None
    family = family_of_name(parts["family"], parts["link"])
    # As the specification of `glmer_nb`, which estimates the dispersion.
    return family if family.shape is None else Family(name="poisson", link=family.link)


def _known(source: _Source) -> dict[str, Any]:
    """The columns of the model frame that the formula, the weights or the offset name."""
    named = {*source.formula.columns_in(source.columns), *source.extra.values()}
    return {name: _values(column) for name, column in source.columns.items() if name in named}


def _values(column: Mapping[str, Any]) -> Any:
    """A column as pandas has it."""
    values = column["values"]
    if column["kind"]:
        days = column["kind"] == "date"
        return pd.to_datetime(np.atleast_1d(values).astype(float), unit="D" if days else "s")
    if isinstance(values, tuple):
        return np.array(values, dtype=bool)
    return values if isinstance(values, pd.Categorical) else np.atleast_1d(values)


def _read(source: _Source, table: Any) -> Frame:
    names = list(table)
    with silenced():
        return read_frame(
            table, names, as_factor=source.formula.only_grouping_in(names), na_action="omit"
        )


def _own_frame(source: _Source) -> Frame:
    """The columns that R has, in the rows of the model frame."""
    table = pd.DataFrame({**_known(source), **source.raw})
    if source.labels is not None:
        table.index = pd.Index(np.atleast_1d(np.asarray(source.labels)))
    return _read(source, table)


def _frame_of_data(source: _Source, table: DataTable) -> Frame:
    """The columns that R has, and of the caller's data those that it has not.

    R's own are taken where there are both, because they have the levels of the fit in their order.
    """
    known = _known(source)
    own = _read(source, pd.DataFrame(known))
    names = [n for n in source.formula.columns_in(table.labels) if n in table.labels]
    with silenced():
        given = read_frame(
            table, names, as_factor=source.formula.only_grouping_in(names), na_action="omit"
        )
    given = _rows_of_fit(source, given, own.nrow)
    for name in names:
        if name in own.columns and not _same(
            of_column(own.columns[name]), of_column(given.columns[name])
        ):
            raise _not_those(f"the column {name} differs from that in the model frame of the fit")
    return replace(given, columns={**given.columns, **own.columns})


def _rows_of_fit(source: _Source, given: Frame, n: int) -> Frame:
    """The rows of the caller's data that the fit used: the complete ones, or those R names."""
    if given.nrow == n:
        return given
    labels = source.labels
    if labels is not None and np.asarray(labels).dtype.kind in "if":
        places = np.asarray(labels, dtype=np.intp) - 1
        there = np.zeros(given.n_given, dtype=bool)
        if len(places) == n and places.min() >= 0 and places.max() < given.n_given:
            there[places] = True
            complete = np.ones(given.n_given, dtype=bool) if given.kept is None else given.kept
            if there.sum() == n and complete[there].all():
                at = there[complete]
                columns = {name: _taken(column, at) for name, column in given.columns.items()}
                return Frame(columns=columns, rows=_used(given.rows, there), missing=given.missing)
    raise _not_those(f"they have {given.nrow:,} complete rows, and the fit used {n:,}")


def _used(rows: Rows, kept: NDArray[np.bool_]) -> Rows:
    return replace(rows, kept=locked(kept))


def _taken(column: Column, at: NDArray[np.bool_]) -> Column:
    if isinstance(column, Factor):
        return replace(column, codes=locked(column.codes[at]))
    values: Any = column.values  # noqa: PD011  (a column of ours)
    return replace(column, values=locked(values[at]))  # type: ignore[arg-type]


def _not_those(found: str) -> DataError:
    return DataError(
        asked="Reading the data of a fit that R made",
        found=f"these are not the data of the fit: {found}",
        remedy=_REMEDY,
    )


def _computed(source: _Source, frame: Frame, *, given: Any) -> dict[str, Computed]:
    """The expressions that stay columns: those that the known variables do not give."""
    made: dict[str, Computed] = {}
    for text, column in source.columns.items():
        if text in frame.columns:
            continue
        theirs = _as_computed(column)
        memory = Memory()
        try:
            evaluator = Evaluator(frame.columns, frame.nrow, memory)
            with silenced():
                ours = evaluator.variable(parse_tree(text))
        except PylmeError:
            # A variable is not known, or R alone can evaluate the expression.
            made[text] = theirs
            continue
        if _same(of_column(theirs), ours):
            continue
        if given is not None and not memory.learnt:
            raise _not_those(f"{text} differs from that in the model frame of the fit")
        # scale(x) of all rows differs from that of the complete ones.
        made[text] = theirs
    return made


def _as_computed(column: Mapping[str, Any]) -> Computed:
    values = _values(column)
    if isinstance(values, pd.Categorical):
        levels = tuple(map(str, values.categories))
        codes = locked(values.codes.astype(np.int32))
        factor = Factor(codes=codes, levels=levels, values=levels, ordered=bool(values.ordered))
        return Computed(values=codes, factor=factor)
    if isinstance(values, pd.DatetimeIndex):
        values = np.asarray(column["values"], dtype=np.float64)
    names = column["names"]
    return Computed(values=locked(values), names=None if names is None else texts(names))


def _same(a: Value, b: Value) -> bool:
    """Whether two variables have the same values, and the same levels in each row."""
    if isinstance(a, Factor | CodedFactor) or isinstance(b, Factor | CodedFactor):
        return _labels(a) == _labels(b)
    first, second = _numbers(a), _numbers(b)
    if first.shape != second.shape:
        return False
    scale = max(1.0, float(np.abs(first).max(initial=0.0)))
    return bool(np.allclose(first, second, rtol=0.0, atol=_SAME * scale))


def _labels(value: Value) -> list[str]:
    if isinstance(value, CodedFactor):
        value = value.factor
    if isinstance(value, Factor):
        return [value.levels[code] for code in value.codes.tolist()]
    return [str(v) for v in _numbers(value).ravel().tolist()]


def _numbers(value: Value) -> NDArray[np.float64]:
    values = value.values if isinstance(value, Matrix | Times) else np.asarray(value)  # noqa: PD011
    values = values.astype(np.float64)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
