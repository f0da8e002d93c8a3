"""The specification of a model: a formula, its data, and the settings common to both engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylme.errors import OptionError, UnknownColumnError
from pylme.families.family import Family
from pylme.formula import Formula, FormulaTerms, Name, formula_terms, model_formula
from pylme.frame import Factor, Frame, Integer, NaAction, Numeric, open_table, read_frame
from pylme.model_matrix.coding import AskedCoding, Contrast, read_contrast
from pylme.model_matrix.lazy.summed import Summed
from pylme.options import choice, finite_numbers

if TYPE_CHECKING:
    from pylme.formula import ModelTerms
    from pylme.frame import Column

__all__ = [
    "Contrast",
    "ContrastsFor",
    "ModelArguments",
    "ModelSpec",
    "Start",
    "codings_given",
    "specified",
    "starting_values",
    "unused_name",
]


#: Whether the given codings apply to the fixed effects only, as in lme4, or to the random ones too.
ContrastsFor = Literal["fixed", "both"]
#: Starting values: theta alone, or a mapping with "theta" and "fixef".
Start = NDArray[np.float64] | Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model, checked and ready for an engine.

    Attributes
    ----------
    formula : Formula
        With every ``.`` replaced by columns.
    terms : FormulaTerms
        The terms of the formula, with ``||`` and ``/`` expanded.
    frame : Frame
        The columns that the formula, the weights and the offset name; complete rows only.
    weights, offset : str or None
        Names of columns of `frame`.
    mustart, etastart : str or None
        Columns of `frame` from which a generalized model's iterations start: means of the response,
        and values of the linear predictor.
    contrasts : mapping
        Codings of factors by column.
    contrasts_for : {"fixed", "both"}
        Whether the codings apply to the columns that vary by level too.
    start : ndarray or mapping, optional
    family : Family or None
        None for a linear mixed model.
    reml : bool
    na_action : {"omit", "fail"}
        What to do with rows for which a transformation has no value.
    offset_named : bool
        Whether the offset is a column of the caller's data, and not a separate array.
    summed : Summed or None
        Where the matrices were made from sums of lazy data.
    """

    formula: Formula
    terms: FormulaTerms
    frame: Frame
    weights: str | None = None
    offset: str | None = None
    mustart: str | None = None
    etastart: str | None = None
    contrasts: Mapping[str, AskedCoding] = field(default_factory=dict)
    contrasts_for: ContrastsFor = "fixed"
    start: Start | None = None
    family: Family | None = None
    reml: bool = True
    na_action: NaAction = "omit"
    offset_named: bool = True
    summed: Summed | None = None


StartName = Literal["theta", "fixef"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelArguments:
    """The arguments of a public function that specify a model, except formula and data.

    Attributes
    ----------
    weights, offset : str or array_like of shape (rows,), optional
        Names of columns, or values.
    subset : str or array_like of bool of shape (rows,), optional
    contrasts : mapping, optional
        Codings of factors by column.
    contrasts_for : {"fixed", "both"}
        Whether they apply to the random effects too.
    start : array_like or mapping, optional
    mustart, etastart : str or array_like of shape (rows,), optional
    na_action : {"omit", "fail"}
    family : Family, optional
        None for a linear mixed model.
    reml : bool
    """

    weights: str | ArrayLike | None = None
    offset: str | ArrayLike | None = None
    subset: str | ArrayLike | None = None
    contrasts: Mapping[str, Contrast] | None = None
    contrasts_for: ContrastsFor = "fixed"
    start: Start | ArrayLike | None = None
    mustart: str | ArrayLike | None = None
    etastart: str | ArrayLike | None = None
    na_action: NaAction = "omit"
    family: Family | None = None
    reml: bool = True


def specified(text: str, data: Any, arguments: ModelArguments) -> ModelSpec:
    """Formula and data, read and checked."""
    table = open_table(data)
    available = tuple(table.labels)
    formula = model_formula(text, available)
    names = list(formula.columns_in(available))
    extra: dict[str, ArrayLike] = {}
    roles = {
        "weights": arguments.weights,
        "offset": arguments.offset,
        "mustart": arguments.mustart,
        "etastart": arguments.etastart,
    }
    columns: dict[str, str | None] = {}
    for role, given in roles.items():
        if given is None or isinstance(given, str):
            if given is not None and given not in available:
                raise UnknownColumnError(name=given, available=available, where=f"`{role}`")
            columns[role] = given
            names += [given] if given is not None and given not in names else []
        else:
            columns[role] = name = unused_name(role, names)
            extra[name] = given
    frame = read_frame(
        table,
        names,
        extra=extra,
        subset=arguments.subset,
        as_factor=formula.only_grouping_in(names),
        na_action=arguments.na_action,
    )
    terms = formula_terms(formula)
    reach = choice("contrasts_for", arguments.contrasts_for, ContrastsFor)
    return ModelSpec(
        formula=formula,
        terms=terms,
        frame=frame,
        weights=columns["weights"],
        offset=columns["offset"],
        mustart=columns["mustart"],
        etastart=columns["etastart"],
        contrasts=codings_given(arguments.contrasts, terms, frame, reach=reach),
        contrasts_for=reach,
        start=starting_values(arguments.start),
        family=arguments.family,
        reml=arguments.reml,
        na_action=arguments.na_action,
        offset_named=arguments.offset is None or isinstance(arguments.offset, str),
    )


def starting_values(start: Start | ArrayLike | None) -> Start | None:
    """Starting values as arrays of finite numbers."""
    if start is None:
        return None
    if not isinstance(start, Mapping):
        return finite_numbers("start", start)
    for name in start:
        choice("start", name, StartName)
    return {name: finite_numbers("start", values) for name, values in start.items()}


def codings_given(
    contrasts: Mapping[str, Contrast] | None,
    terms: FormulaTerms,
    frame: Frame,
    *,
    reach: ContrastsFor,
) -> dict[str, AskedCoding]:
    """The given codings, checked against the levels that occur."""
    if contrasts is None:
        return {}
    if not isinstance(contrasts, Mapping):
        raise OptionError(
            option="contrasts", value=contrasts, allowed="a mapping from columns to codings"
        )
    fixed = _named(terms.fixed)
    varying = fixed.union(*(_named(part.terms) for part in terms.random))
    read: dict[str, AskedCoding] = {}
    for name, contrast in contrasts.items():
        column = frame.columns.get(name) if isinstance(name, str) else None
        if not isinstance(column, Factor) or name not in (varying if reach == "both" else fixed):
            raise _no_coding(name, contrast, column, varies=name in varying)
        read[name] = read_contrast(name, contrast, column.levels)
    return read


def _named(terms: ModelTerms) -> set[str]:
    """The columns that stand by themselves in a sum of effects."""
    return {variable.name for variable in terms.variables if isinstance(variable, Name)}


def _kind(column: Column) -> str:
    return "numeric" if isinstance(column, Numeric | Integer) else "not a factor"


def _no_coding(
    name: object, contrast: object, column: Column | None, *, varies: bool
) -> OptionError:
    """The error for a column that no contrasts code: R would warn of it or ignore it."""
    if column is None:
        why = f"{name!r} is not a column of the formula"
    elif not isinstance(column, Factor):
        why = (
            f"{name} is {_kind(column)} in the formula. Write C(factor({name}), contr.sum) "
            "there, or make the column a category"
        )
    elif varies:
        why = f'{name} stands only left of a bar. Add contrasts_for="both" to code it there'
    else:
        why = f"{name} stands by itself in no effect: it only groups, or is an argument of a call"
    return OptionError(
        option="contrasts", value={name: contrast}, allowed=f"codings of factors: {why}"
    )


def unused_name(name: str, taken: list[str]) -> str:
    """A name for a column given as an array, with dots added until no other column has it."""
    while name in taken:
        name += "."
    return name
