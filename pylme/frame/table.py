"""The data as they were given: their columns, and the rows that everything else must match."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.exceptions import DuplicateError

from pylme.errors import (
    ColumnValueError,
    DataTypeError,
    RowCountError,
    RowLabelError,
    UnknownColumnError,
)
from pylme.frame.read_column import length
from pylme.frame.to_native import Library

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["DataTable", "column_names", "open_table", "require_names"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataTable:
    """A table of any library.

    Attributes
    ----------
    nrow : int
    index : pandas.Index or None
        None where rows have no labels.
    labels : mapping
        The table's own label of each column, by its name in a formula.
    repeated : mapping
        How often a name occurs, for names that occur more than once.
    take : callable
        Maps a label to the column.
    library : {"pandas", "polars", "pyarrow"}
    given : mapping, optional
        The dict whose columns these are.
    """

    nrow: int
    index: pd.Index[Any] | None
    labels: Mapping[str, Hashable]
    repeated: Mapping[str, int]
    take: Callable[[Any], Any]
    library: Library = "pandas"
    given: Mapping[Any, Any] | None = None

    def of(self, names: Sequence[str]) -> DataTable:
        """The same table; of a dict, one whose rows are those of the columns named."""
        return self if self.given is None else _mapping(self.given, names)

    def columns(self, names: Sequence[str]) -> dict[str, Any]:
        """The columns of these names, each once; the errors are those of `column`."""
        return {name: self.column(name) for name in dict.fromkeys(names)}

    def column(self, name: str, *, where: str = "the formula") -> Any:
        """The column of that name, as in its library.

        Raises
        ------
        UnknownColumnError
            If there is none.
        ColumnValueError
            If there are several.
        """
        if name not in self.labels:
            raise UnknownColumnError(name=name, available=tuple(self.labels), where=where)
        if name in self.repeated:
            raise ColumnValueError(
                column=name,
                found=f"the data have {self.repeated[name]} columns of that name",
                remedy="Rename or drop all of them but one.",
            )
        return self.take(self.labels[name])

    def matched(self, name: str, native: Any) -> Any:
        """A column that is not of this table, if it has the same rows.

        Rows are matched by position. A pandas index is compared only where the table has one too.

        Raises
        ------
        RowCountError
            If it has more or fewer rows.
        RowLabelError
            If its row labels differ.
        """
        rows = length(name, native)
        if rows != self.nrow:
            raise RowCountError(name=name, length=rows, rows=self.nrow)
        if (
            self.index is not None
            and isinstance(native, pd.Series)
            and not native.index.equals(self.index)
        ):
            raise RowLabelError(name=name)
        return native


def column_names(data: Any) -> tuple[str, ...]:
    """The names of all columns, as used in a formula.

    Raises
    ------
    DataTypeError
        If `data` is not a table.
    """
    return tuple(open_table(data).labels)


def open_table(data: Any) -> DataTable:
    """Open `data` as a table; it may be open already.

    Raises
    ------
    DataTypeError
        If it is not a table.
    """
    if isinstance(data, DataTable):
        return data
    if isinstance(data, pd.DataFrame):
        return _pandas(data)
    if isinstance(data, Mapping):
        return _mapping(data, ())
    try:
        frame = nw.from_native(data, eager_only=True, pass_through=True)
    except DuplicateError as error:
        raise DataTypeError(
            found="several columns of the table have one name",
            remedy="Rename them, in pyarrow by .rename_columns().",
        ) from error
    if not isinstance(frame, nw.DataFrame):
        raise _no_table(data)
    if frame.implementation.is_pandas_like():
        return _pandas(frame.to_pandas())
    labels, repeated = _by_name(frame.columns)
    kind = frame.implementation
    return DataTable(
        nrow=len(frame),
        index=None,
        labels=labels,
        repeated=repeated,
        take=frame.get_column,
        library="polars" if kind.is_polars() else "pyarrow" if kind.is_pyarrow() else "pandas",
    )


def _pandas(data: pd.DataFrame) -> DataTable:
    if data.columns.nlevels > 1:
        raise DataTypeError(
            found=f"the columns have names of {data.columns.nlevels} levels",
            remedy="Join them to one: data.columns = ['_'.join(map(str, c)) for c in data.columns]",
        )
    labels, repeated = _by_name(data.columns)
    return DataTable(
        nrow=len(data), index=data.index, labels=labels, repeated=repeated, take=data.__getitem__
    )


def _mapping(data: Mapping[Any, Any], names: Sequence[str]) -> DataTable:
    labels, repeated = _by_name(data)
    used = {name: data[labels[name]] for name in names if name in labels}
    first = next(iter((used or data).items()), None)
    index = next((native.index for native in used.values() if isinstance(native, pd.Series)), None)
    table = DataTable(
        nrow=0 if first is None else length(str(first[0]), first[1]),
        index=index,
        labels=labels,
        repeated=repeated,
        take=data.__getitem__,
        given=data,
    )
    return replace(table, take=lambda label: table.matched(str(label), data[label]))


def _by_name(columns: Iterable[Hashable]) -> tuple[dict[str, Hashable], dict[str, int]]:
    labels = list(columns)
    by_name = {str(label): label for label in labels}
    if len(by_name) == len(labels):
        return by_name, {}
    counts = Counter(map(str, labels))
    return by_name, {name: count for name, count in counts.items() if count > 1}


def _no_table(data: Any) -> DataTypeError:
    found = (
        f"an object of type {type(data).__module__}.{type(data).__qualname__} is not a data frame"
    )
    if callable(getattr(data, "collect", None)):
        return DataTypeError(
            found=found, remedy="It is evaluated lazily: call its .collect() first."
        )
    return DataTypeError(
        found=found,
        remedy="Pass a DataFrame of pandas or polars, a pyarrow Table, or a dict of columns.",
    )


_DOTS: Final = re.compile(r"\.\.(\.|\d+)")
#: The names that R's model frame gives to columns that are not variables of the formula.
_MODEL_FRAME: Final = frozenset({"(weights)", "(offset)", "(etastart)", "(mustart)"})
_REMEDY: Final = "Rename the column, in pandas with .rename(columns={{{!a}: 'renamed'}})."
_LAST_ASCII: Final = "\x7f"
#: The parser of R has a buffer of 8192 bytes for a name or a text.
_MOST_BYTES: Final = 8000
#: Characters of a long name in a message.
_MOST_SHOWN: Final = 60
#: lme4 looks for these operators in a formula, and takes the name of a column for the operator.
_OPERATORS: Final = frozenset({"|", "||", "/", ":"})
#: The invisible characters that turn the direction of text, which R's parser refuses.
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: R writes these as Unicode escapes, which its own parser refuses between back-quotes; lme4 writes
#: and reads each random-effects term.
_ESCAPED: Final = {
    "Cc": "a control character",
    "Cn": "a code point without a character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


def require_names(names: Iterable[str]) -> None:
    """Raise for a name that R, or lme4, cannot read as the name of a column.

    Raises
    ------
    ColumnValueError
    """
    for name in names:
        if (found := _fault(name)) is not None:
            shown = name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…"
            raise ColumnValueError(column=shown, found=found, remedy=_REMEDY.format(shown))


def _fault(name: str) -> str | None:
    if not name:
        return "its name is the empty string, and R has no column of that name"
    if _DOTS.fullmatch(name):
        return "R keeps this name for itself, and no quotes change that"
    if name in _MODEL_FRAME:
        return "R's model frame keeps the weights or offsets of a model under this name"
    if name in _OPERATORS:
        return "lme4 takes a column of this name for the operator"
    if (size := len(name.encode("utf-8", "surrogatepass"))) > _MOST_BYTES:
        return f"its name has {size} bytes, and R can read names of up to {_MOST_BYTES}"
    if "\0" in name:
        return "its name holds a NUL character, which no name in R can"
    for character in name:
        if character in _DIRECTIONS:
            return (
                f"its name holds an invisible character ({character!a}) that turns the direction "
                "of text, and R refuses it"
            )
        category = unicodedata.category(character)
        if category == "Cs":
            return "its name holds half of a surrogate pair, which is not a character"
        if category in _ESCAPED and character > _LAST_ASCII:
            return f"its name holds {_ESCAPED[category]} ({character!a}), which lme4 cannot read"
    return None
