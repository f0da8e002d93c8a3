"""What a prediction is asked for, and the rows that answer it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from pylme.errors import NotAvailableError, OptionError, UnknownColumnError
from pylme.frame import open_table
from pylme.inference.ddf import Ddf
from pylme.inference.prediction.random_part import PartOfTerm, random_part
from pylme.inference.prediction.rows import NewLevels, random_columns, rows_of_data, rows_of_fit
from pylme.model_matrix.random_term import RandomTerm
from pylme.model_matrix.recipe import NewRows
from pylme.options import number_array

if TYPE_CHECKING:
    from pylme.results.fitted_model import FittedModel

__all__ = ["Interval", "Kind", "Question", "Rows", "prediction_rows"]

#: The scale of the response, or that of the linear predictor.
Kind = Literal["response", "link"]
#: Of the mean, or of a new observation.
Interval = Literal["confidence", "prediction"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What a prediction is asked for; the attributes are the arguments of `Fit.predict`."""

    random: object
    kind: Kind
    new_levels: NewLevels
    interval: Interval | None
    conf_level: float
    ddf: Ddf
    offset: str | ArrayLike | None
    weights: str | ArrayLike | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of a prediction.

    Attributes
    ----------
    made : NewRows
        The model's columns in these rows, with the terms that are needed.
    terms : tuple of RandomTerm
        Those of the model.
    parts : tuple of PartOfTerm
        The random effects that are included.
    z : sparse array, shape (n, q)
        Their values; zero where a level is new.
    noise : ndarray, shape (n,), or None
        1/w of new observations; None where the target is a mean.
    """

    made: NewRows
    terms: tuple[RandomTerm, ...]
    parts: tuple[PartOfTerm, ...]
    z: sparse.csr_array
    noise: NDArray[np.float64] | None


def prediction_rows(model: FittedModel, data: Any, question: Question) -> Rows | None:
    """The rows that a question is about; None where no row of the data has all values.

    Parameters
    ----------
    model : FittedModel
    data : DataFrame, Table or mapping of arrays, or None
        None for the rows of the fit.
    question : Question
    """
    new = question.interval == "prediction"
    if data is None:
        _require_none(offset=question.offset, weights=question.weights)
        matrices = _matrices(model)
        matrices.require_rows("Predicting for the rows of the fit")
        recipe = getattr(matrices, "recipe", None)
        parts = random_part(question.random, matrices.terms, recipe)
        made = rows_of_fit(matrices, model.rows)
        included = {part.position for part in parts}
        made = replace(
            made,
            terms=tuple(
                # An observation of the same rows in new groups of the terms that are left out.
                term
                if place in included
                else replace(term, codes=np.full(len(made.X), -1, dtype=np.int32))
                for place, term in enumerate(matrices.terms)
                if place in included or new
            ),
        )
        weights = matrices.weights
    else:
        matrices = model.design
        parts = random_part(question.random, matrices.terms, matrices.recipe)
        found = rows_of_data(
            matrices,
            data,
            parts,
            others=new,
            offset=question.offset,
            new_levels=question.new_levels,
        )
        if found is None:
            return None
        made, weights = found, _weights(data, question.weights, found)
    noise = np.ones(len(made.X)) if weights is None else 1.0 / weights
    return Rows(
        made=made,
        terms=tuple(matrices.terms),
        parts=parts,
        z=random_columns(made, parts, matrices.terms),
        noise=noise if new else None,
    )


def _matrices(model: FittedModel) -> Any:
    """The matrices of the rows of the fit: those of the design, or what the engine solved."""
    try:
        return model.design
    except NotAvailableError:
        if model.spec is None or (linear := model.linear_problem()) is None:
            raise
        return linear


def _require_none(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise OptionError(
                option=name,
                value=value,
                allowed="it together with newdata; the rows of the fit have those of the model",
            )


def _weights(data: Any, weights: object, made: NewRows) -> NDArray[np.float64] | None:
    """Prior weights of new rows, in the rows used."""
    if weights is None:
        return None
    table = open_table(data)
    if isinstance(weights, str):
        if weights not in table.labels:
            raise UnknownColumnError(name=weights, available=tuple(table.labels), where="`weights`")
        weights = table.of([weights]).column(weights)
    values = number_array(weights)
    kept = made.rows.kept
    used = None if values is None or values.ndim != 1 else values
    if used is None or len(used) != made.rows.n_given:
        raise OptionError(
            option="weights", value=weights, allowed="a positive number for each row of newdata"
        )
    used = used if kept is None else used[kept]
    if not (np.isfinite(used) & (used > 0)).all():
        raise OptionError(
            option="weights", value=weights, allowed="a positive number for each row of newdata"
        )
    return used
