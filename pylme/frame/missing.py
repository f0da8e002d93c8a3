"""Rows with missing values: found, counted, left out or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from pylme.errors import EmptyDataError, MissingRowsWarning, MissingValueError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.frame.raw import Raw

__all__ = ["NaAction", "complete_rows"]

NaAction = Literal["omit", "fail"]


def complete_rows(
    columns: Mapping[str, Raw], *, chosen: NDArray[np.bool_] | None, given: int, na_action: NaAction
) -> tuple[NDArray[np.bool_] | None, dict[str, int]]:
    """The rows that are chosen and have a value in every column.

    Parameters
    ----------
    columns : mapping
        Each over all rows given.
    chosen : ndarray of bool, shape (given,), optional
        The rows to look at; None for all.
    given : int
        The number of rows given.
    na_action : {"omit", "fail"}

    Returns
    -------
    kept : ndarray of bool, shape (given,), or None
        None where every row is.
    missing : dict
        The number of missing values by column, where there are any.

    Raises
    ------
    MissingValueError
        If `na_action` is "fail" and a value is missing.
    EmptyDataError
        If no row is left.

    Warns
    -----
    MissingRowsWarning
        If rows are left out for missing values.
    """
    kept = np.ones(given, dtype=bool) if chosen is None else chosen
    missing: dict[str, int] = {}
    for name, column in columns.items():
        gaps = column.missing
        if gaps is None:
            continue
        count = np.count_nonzero(gaps if chosen is None else gaps & chosen)
        if count:
            missing[name] = int(count)
            kept = kept & ~gaps
    if not missing:
        return chosen, missing
    if na_action == "fail":
        raise MissingValueError(counts=missing)
    looked_at = given if chosen is None else int(np.count_nonzero(chosen))
    dropped = looked_at - int(np.count_nonzero(kept))
    if dropped == looked_at:
        counts = ", ".join(f"{name!r} ({count})" for name, count in missing.items())
        raise EmptyDataError(given=given, reason=f"each has a missing value, in {counts}")
    warn(MissingRowsWarning(dropped=dropped, given=looked_at, counts=missing))
    return kept, missing
