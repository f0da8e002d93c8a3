"""Groups of rows: the levels of a grouping factor of the model, or of a column of its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.errors import UnknownNameError
from pylme.frame import Factor
from pylme.frame.labels import label_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.frame import Frame, Rows
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Groups", "groups_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Groups of rows.

    Attributes
    ----------
    name : str
        What groups the rows.
    levels : tuple of str
    codes : ndarray of int, shape (n,)
        The group of each row.
    factor : bool
        Whether it is a grouping factor of the model.
    """

    name: str
    levels: tuple[str, ...]
    codes: NDArray[np.intp]
    factor: bool


def groups_of(by: str, terms: Sequence[RandomTerm], frame: Frame | None, rows: Rows) -> Groups:
    """The groups that `by` names.

    Parameters
    ----------
    by : str
        A grouping factor, or a column that the model uses.
    terms : sequence of RandomTerm
    frame : Frame or None
        The data of the model.
    rows : Rows
        Those that the model used.

    Raises
    ------
    UnknownNameError
        If there is no such factor or column.
    """
    for term in terms:
        if term.group == by:
            return Groups(
                name=by, levels=term.levels, codes=term.codes.astype(np.intp), factor=True
            )
    columns = {} if frame is None else frame.columns
    if frame is None or by not in columns:
        known = tuple(dict.fromkeys((*(term.group for term in terms), *columns)))
        raise UnknownNameError(what="grouping factor or column", name=by, known=known)
    used: NDArray[np.bool_] | slice = slice(None)
    if rows.kept is not None and rows.nrow < frame.nrow:
        used = rows.kept if frame.kept is None else rows.kept[frame.kept]
    column = columns[by]
    if isinstance(column, Factor):
        present, codes = np.unique(column.codes[used], return_inverse=True)
        levels = tuple(column.levels[i] for i in present)
    else:
        values, codes = np.unique(np.asarray(column.values)[used], return_inverse=True)
        levels = tuple(label_text(value) for value in values.tolist())
    return Groups(name=by, levels=levels, codes=np.asarray(codes, dtype=np.intp), factor=False)
