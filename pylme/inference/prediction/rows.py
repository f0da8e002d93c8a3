"""The rows of a prediction: the model's columns for new data, or for the rows of the fit.

Only the variables that the prediction uses are read: no response, and no grouping factor of a term
that is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from pylme.errors import ColumnValueError, EmptyDataError, MissingRowsWarning
from pylme.frame import open_table
from pylme.model_matrix.recipe import NewRows, on_new_rows
from pylme.text import quoted
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from pylme.inference.prediction.random_part import PartOfTerm
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.results.linear_problem import LinearProblem

__all__ = ["NewLevels", "no_rows", "random_columns", "rows_of_data", "rows_of_fit", "term_at"]

#: What a level that the data of the model did not have means.
NewLevels = Literal["error", "population"]


def rows_of_fit(matrices: ModelMatrices | LinearProblem, rows: Any) -> NewRows:
    """The rows that a model was fitted to, with all of its terms.

    Parameters
    ----------
    matrices : ModelMatrices or LinearProblem
    rows : Rows
        The rows of the data given, and which of them were used.
    """
    return NewRows(
        X=matrices.X,
        x_names=matrices.x_names,
        dependent=matrices.X @ getattr(matrices, "aliases", np.zeros((matrices.X.shape[1], 0))),
        terms=matrices.terms,
        new_levels={},
        offset=matrices.offset,
        rows=rows,
    )


def rows_of_data(
    design: ModelMatrices,
    data: Any,
    parts: Sequence[PartOfTerm],
    *,
    others: bool,
    offset: str | ArrayLike | None,
    new_levels: NewLevels,
) -> NewRows | None:
    """The columns for new data; None where every row lacks a value.

    Parameters
    ----------
    design : ModelMatrices
        Of the model.
    data : DataFrame, Table or mapping of arrays
    parts : sequence of PartOfTerm
        The random effects that the prediction includes.
    others : bool
        Whether the columns of the other terms are needed too, without their grouping factors.
    offset : str or array_like of shape (rows,), optional
    new_levels : {"error", "population"}

    Raises
    ------
    ColumnValueError
        If a grouping factor has a new level where `new_levels` is "error".
    """
    included = {part.position for part in parts}
    groups = {
        place: place in included
        for place in range(len(design.terms))
        if others or place in included
    }
    try:
        with silenced(MissingRowsWarning):
            made = on_new_rows(
                design.recipe, design.terms, data, offset=offset, na_action="omit", groups=groups
            )
    except EmptyDataError:
        if open_table(data).nrow == 0:
            raise
        return None
    if new_levels == "error":
        for group, levels in made.new_levels.items():
            raise ColumnValueError(
                column=group,
                found=f"the levels {quoted(levels, most=5)} did not occur in the data of the model",
                remedy='Pass new_levels="population" to predict for groups that were not observed, '
                'or random="none" for the mean over all groups.',
            )
    return made


def no_rows(data: Any) -> Any:
    """The rows of data of which none has all values."""
    from pylme.frame import Rows

    table = open_table(data)
    kept = np.zeros(table.nrow, dtype=bool)
    return Rows(n_given=table.nrow, kept=kept, index=table.index, library=table.library)


def random_columns(
    made: NewRows, parts: Sequence[PartOfTerm], terms: Sequence[RandomTerm]
) -> sparse.csr_array:
    """The rows z of the random effects that a prediction includes, shape (n, q).

    Parameters
    ----------
    made : NewRows
    parts : sequence of PartOfTerm
    terms : sequence of RandomTerm
        Those of the model.
    """
    shape = len(made.X), terms[-1].rows.stop
    rows: list[NDArray[np.intp]] = []
    places: list[NDArray[np.intp]] = []
    values: list[NDArray[np.float64]] = []
    for part in parts:
        term = term_at(made, terms[part.position])
        known = np.flatnonzero(term.codes >= 0)
        first = term.rows.start + len(term.names) * term.codes[known].astype(np.intp)
        for column in part.columns:
            rows.append(known)
            places.append(first + column)
            values.append(term.columns[known, column])
    if not rows:
        return sparse.csr_array(shape)
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(places))
    return sparse.csr_array(entries, shape=shape)


def term_at(made: NewRows, term: RandomTerm) -> RandomTerm:
    """The same term of the model in the rows of a prediction."""
    return next(own for own in made.terms if own.rows.start == term.rows.start)
