"""The specification of a model with another formula, other data or other arguments."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import FormulaError, NotAvailableError, OptionError
from pylme.formula import updated_formula
from pylme.frame import Factor, column_names, frame_of_used
from pylme.frame.lazy_table import is_lazy, open_lazy
from pylme.model_matrix.coding import Coding
from pylme.model_matrix.lazy.build import lazy_spec
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pylme.formula import Formula
    from pylme.frame import Frame
    from pylme.model_matrix.coding import AskedCoding
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["ARGUMENTS", "changed_spec"]

#: The arguments that may change.
ARGUMENTS: Final = tuple(field.name for field in fields(ModelArguments))
#: Those that have a value for each row.
_BY_ROW: Final = ("weights", "offset", "subset", "mustart", "etastart")


def changed_spec(
    spec: ModelSpec, *, change: str | None, data: Any, arguments: Mapping[str, Any]
) -> ModelSpec:
    """The specification with some parts replaced; all others stay.

    Parameters
    ----------
    spec : ModelSpec
    change : str or None
        As for `updated_formula`.
    data : DataFrame, Table, mapping of arrays, or None
        None for the rows that the model used.
    arguments : mapping
        Of `ARGUMENTS`.

    Raises
    ------
    FormulaError, DataError, OptionError
        As `updated_formula` and `specified`.
    NotAvailableError
        If `data` is given without what was an array.
    """
    formula = spec.formula if change is None else updated_formula(spec.formula, change)
    if spec.summed is not None:
        return _changed_sums(spec, formula, data, arguments)
    kept = {
        "na_action": spec.na_action, "family": spec.family, "reml": spec.reml,
        "contrasts_for": spec.contrasts_for, "start": spec.start if change is None else None,
    }  # fmt: skip
    kept |= {role: getattr(spec, role) for role in ("weights", "offset")}
    if data is None:
        _require_columns(spec, formula)
        table: Any = _table(spec, formula)
        arguments = dict(arguments)
        for role in _BY_ROW:
            if role in arguments:
                arguments[role] = _of_used(arguments[role], spec.frame)
    else:
        table = data
        _require_named(spec, data, arguments)
    new = specified(str(formula), table, ModelArguments(**(kept | dict(arguments))))
    if data is None:
        left = new.frame.kept
        lost = np.empty(0, dtype=np.intp) if left is None else np.flatnonzero(~left)
        new = replace(
            new,
            frame=replace(new.frame, rows=spec.frame.rows.without(lost)),
            offset_named=spec.offset_named and new.offset_named,
        )
    if "contrasts" in arguments:
        return new
    return replace(new, contrasts=_codings(spec, new))


def _changed_sums(
    spec: ModelSpec, formula: Formula, data: Any, changes: Mapping[str, Any]
) -> ModelSpec:
    """The specification of a model of lazy data, whose sums are made again."""
    summed = spec.summed
    if summed is None or summed.reading is None:
        raise NotAvailableError(
            asked=f"Updating {spec.formula}",
            found="the fit was saved, and its data were not",
            remedy="Fit the model again with pylme.lmer(formula, data).",
        )
    before: ModelArguments = summed.arguments
    columns = formula.columns_in(tuple(summed.reading.source.given.types))
    contrasts = {name: own for name, own in (before.contrasts or {}).items() if name in columns}
    # The rows of a subset are chosen in the table.
    kept = replace(
        before, reml=spec.reml, contrasts=contrasts or None, subset=None,
        start=before.start if formula == spec.formula else None,
    )  # fmt: skip
    arguments = replace(kept, **changes)
    if data is not None and not is_lazy(data):
        return specified(str(formula), data, arguments)
    table = summed.reading.source.given if data is None else open_lazy(data)
    return lazy_spec(str(formula), table, arguments)


def _require_columns(spec: ModelSpec, formula: Formula) -> None:
    """The columns of the new formula must be among those that the model used."""
    known = spec.frame.columns
    missing = [name for name in formula.columns_in(known) if name not in known]
    if missing:
        raise FormulaError(
            asked=f"Updating {spec.formula} to {formula}",
            found=f"a fit keeps only the columns that it uses, and {listed(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not among them",
            remedy="Pass the data too: fit.update(..., data=data).",
        )


def _require_named(spec: ModelSpec, data: Any, arguments: Mapping[str, Any]) -> None:
    """With new data, what was an array must be given again."""
    arrays = []
    if spec.weights is not None and spec.weights not in column_names(data):
        arrays.append("weights")
    if spec.offset is not None and not spec.offset_named:
        arrays.append("offset")
    arrays = [role for role in arrays if role not in arguments]
    if arrays:
        raise NotAvailableError(
            asked="Updating a fit with other data",
            found=f"{listed(arrays)} of the fit cannot be read from the new data",
            remedy=f"Pass {arrays[0]}= too: a column, an array for the new rows, or None.",
        )


def _table(spec: ModelSpec, formula: Formula) -> pd.DataFrame:
    """The rows that the model used; numbers that only grouped are numbers again where they are not.

    A number that only groups is read as a factor.
    """
    table = frame_of_used(spec.frame, spec.frame.rows).reset_index(drop=True)
    columns = spec.frame.columns
    for name in formula.effect_columns_in(columns):
        column = columns.get(name)
        if not isinstance(column, Factor):
            continue
        values = np.asarray(list(column.values))
        if values.dtype.kind in "iuf":
            table[name] = values[column.codes]
    return table


def _of_used(values: Any, frame: Frame) -> Any:
    """An array for the rows given, in the rows used."""
    if values is None or isinstance(values, str) or frame.kept is None:
        return values
    array = np.asarray(values)
    return array[frame.kept] if array.ndim and len(array) == frame.n_given else values


def _codings(spec: ModelSpec, new: ModelSpec) -> dict[str, AskedCoding]:
    """The codings of factors that the new model still has."""
    parts = [new.terms.fixed]
    if spec.contrasts_for == "both":
        parts += [part.terms for part in new.terms.random]
    used = {text for part in parts for term in part.terms for text in term.texts}
    kept: dict[str, AskedCoding] = {}
    for name, coding in spec.contrasts.items():
        column = new.frame.columns.get(name)
        if not isinstance(column, Factor) or not used & {name, f"`{name}`"}:
            continue
        before = spec.frame.columns[name]
        same = isinstance(before, Factor) and before.levels == column.levels
        if not same and (isinstance(coding, Coding) or not isinstance(coding, str)):
            raise OptionError(
                option="contrasts",
                value=f"the matrix that codes {name}",
                allowed="one for the levels of the new data: pass contrasts= too",
            )
        kept[name] = coding
    return kept
