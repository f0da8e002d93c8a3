"""Errors of data: tables, columns, values, rows, and what a model asks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.errors.message import PylmeError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ColumnTypeError",
    "ColumnValueError",
    "DataError",
    "DataTypeError",
    "EmptyDataError",
    "GroupingFactorError",
    "InfiniteValueError",
    "MissingValueError",
    "ResponseError",
    "RowCountError",
    "RowLabelError",
    "WeightsError",
    "ZeroEffectsError",
]


class DataError(PylmeError, ValueError):
    """The requested mixed model cannot be fitted to these data."""


class DataTypeError(DataError, TypeError):
    """Data that are not a table with one name for each column."""

    def __init__(self, *, found: str, remedy: str) -> None:
        super().__init__(asked="Reading the data", found=found, remedy=remedy)


class ColumnTypeError(DataError, TypeError):
    """A column of a type that cannot be converted to R."""

    def __init__(self, *, column: str, dtype: str, found: str, remedy: str) -> None:
        super().__init__(
            asked=f"Reading column {column!r} of type {dtype}", found=found, remedy=remedy
        )
        self.column = column
        self.dtype = dtype


class ColumnValueError(DataError):
    """A column of a valid type that contains a value that R cannot represent exactly."""

    def __init__(self, *, column: str, found: str, remedy: str) -> None:
        super().__init__(asked=f"Reading column {column!r}", found=found, remedy=remedy)
        self.column = column


class InfiniteValueError(DataError):
    """Inf or -Inf in a column that the model uses, or in the result of a call.

    Parameters
    ----------
    column : str
        The column, or the text of the call.
    count : int
        How many rows have an infinite value.
    row : object
        The label of the first such row.
    sources : mapping, optional
        For a call: by column, the value in that row, and whether all these rows have this value.
    """

    def __init__(
        self,
        *,
        column: str,
        count: int,
        row: object,
        sources: Mapping[str, tuple[float, bool]] | None = None,
    ) -> None:
        where = (
            "".join(f", where {name!r} is {value:g}" for name, (value, _) in sources.items())
            if sources
            else ""
        )
        super().__init__(
            asked=f"Evaluating {column!r}" if sources else f"Reading column {column!r}",
            found=f"{count} infinite value{'s' if count > 1 else ''}, the first in row {row!r}"
            + where,
            remedy=_without_infinite(sources or {}),
        )
        self.column = column
        self.count = count
        self.row = row
        self.sources = dict(sources or {})


def _without_infinite(sources: Mapping[str, tuple[float, bool]]) -> str:
    if len(sources) == 1:
        ((name, (value, all_alike)),) = sources.items()
        if all_alike:
            return (
                f"Leave these rows out, with subset=data[{name!r}] != {value:g}, or choose a "
                "transformation that is finite there."
            )
    if sources:
        return (
            "Compute the column in Python, replace its infinite values by NaN to leave these rows "
            "out, and name it in the formula."
        )
    return "Replace them, or turn them into missing values to leave those rows out."


class MissingValueError(DataError):
    """Missing values where `na_action="fail"` forbids them."""

    def __init__(self, *, counts: Mapping[str, int]) -> None:
        super().__init__(
            asked='Reading the data with na_action="fail"',
            found="missing values in " + ", ".join(f"{k!r} ({n})" for k, n in counts.items()),
            remedy='Fill them in, or pass na_action="omit" to leave those rows out.',
        )
        self.counts = dict(counts)


class EmptyDataError(DataError):
    """No row is left to fit a model to."""

    def __init__(self, *, given: int, reason: str) -> None:
        super().__init__(
            asked="Reading the data",
            found=f"no row is left of {given}: {reason}",
            remedy="Pass a data frame with complete rows in the columns that the formula names.",
        )
        self.given = given


class RowCountError(DataError):
    """A column or an argument whose length is not that of the data."""

    def __init__(self, *, name: str, length: int, rows: int) -> None:
        super().__init__(
            asked=f"Matching {name!r} to the rows of the data",
            found=f"{length} values for {rows} rows",
            remedy="Pass one value for each row of the data frame, in its order.",
        )
        self.name = name


class RowLabelError(DataError):
    """A column or an argument whose pandas index is not that of the data."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            asked=f"Matching {name!r} to the rows of the data",
            found="its index is not the index of the data, and pylme does not align silently",
            remedy="To match by label pass .reindex(data.index) of it, to match by position "
            "its .to_numpy().",
        )
        self.name = name


class ResponseError(DataError):
    """A response to which no model can be fitted."""

    def __init__(self, *, response: str, found: str, remedy: str) -> None:
        super().__init__(asked=f"Using {response!r} as the response", found=found, remedy=remedy)
        self.response = response


class GroupingFactorError(DataError):
    """A grouping factor with too few or too many levels for its term."""

    def __init__(self, *, term: str, found: str, remedy: str) -> None:
        super().__init__(asked=f"Using the random-effects term {term}", found=found, remedy=remedy)
        self.term = term


class ZeroEffectsError(DataError):
    """Random effects whose covariates are zero in every row, so that they have no effect."""

    def __init__(self, *, terms: tuple[str, ...], rows: int) -> None:
        several = len(terms) > 1
        super().__init__(
            asked=f"Using the random-effects term{'s' if several else ''} {' + '.join(terms)}",
            found=f"every covariate on the left of the bar is 0 in all {rows} rows that are used",
            remedy="Check these columns, and which rows were left out; or take the "
            "term out of the formula, or give it an intercept, as in (1 | g).",
        )
        self.terms = terms


class WeightsError(DataError):
    """Prior weights that are not positive."""

    def __init__(self, *, found: str) -> None:
        super().__init__(
            asked="Using the prior weights",
            found=found,
            remedy="Weights must be positive; leave a row of weight zero out with `subset`.",
        )
