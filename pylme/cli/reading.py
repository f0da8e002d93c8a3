"""The data that a command line names: a file, the standard input, or an included data set."""

import codecs
import re
import sys
import zlib
from dataclasses import dataclass
from io import BytesIO
from lzma import LZMAError
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Final
from zipfile import BadZipFile

from cyclopts import Group, Parameter

from pylme.errors import DataTypeError, OptionError
from pylme.text import nearest, quoted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AS_USUAL", "Data", "Reading"]

STANDARD_INPUT: Final = "-"
_SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
#: What separates columns in files that are not what their ending says, most frequent first.
_CANDIDATES: Final = (";", "\t", "|", ",")
_WORDS: Final = {"tab": "\t", "space": " "}
#: What Python's decompressors raise for a file that is cut off or is none of theirs.
_DAMAGED: Final = (EOFError, BadZipFile, LZMAError, zlib.error)
_COMPRESSIONS: Final = (".gz", ".bz2", ".xz", ".zip", ".zst")
#: The first and last bytes of each Parquet file.
_PARQUET: Final = b"PAR1"
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_COMMA_NUMBER: Final = re.compile(r"[-+]?\d*(?:,\d+)?(?:[eE][-+]?\d+)?")


def _require_no_option(_: Any, value: Any) -> None:
    if isinstance(value, str) and value.startswith("-") and value != STANDARD_INPUT:
        raise ValueError(f"there is no option {value}")


#: Data as an argument: a hyphen alone is the standard input and no option. They arrive as the text
#: that was typed; that they may be a path has shells complete the names of files.
Data = Annotated[
    str | Path,
    Parameter(
        allow_leading_hyphen=True,
        validator=_require_no_option,
        help="A CSV, TSV or Parquet file, - for the standard input, or the name of a data set that "
        "is included.",
    ),
]


@Parameter(name="*", group=Group("Reading the data", sort_key=2))
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How data are read.

    Attributes
    ----------
    sep
        What separates the columns of a text file: "," if none is named, a tab for .tsv. "tab"
        is a tab. With it, a text file may have any ending.
    decimal
        The decimal sign of numbers: "." or ",".
    encoding
        The encoding of a text file: "utf-8", "latin-1", "cp1252", "utf-16", ...
    na
        A text that means a missing value, in place of the usual ones (NA, NaN, null, ...). Repeat
        it for several. An empty cell is always missing.
    subset
        Use the rows where this is true, as "Days > 2 & Subject != '308'", in the language of
        formulas. Rows where it is missing are left out.
    """

    sep: str | None = None
    decimal: str | None = None
    encoding: str = "utf-8"
    na: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)] = ()
    subset: str | None = None

    def rows(self, source: str | Path) -> "pd.DataFrame":
        """The chosen rows of the data.

        Parameters
        ----------
        source : str or Path
            Path of a CSV or TSV file (also compressed) or a Parquet file, ``-`` for the standard
            input, or a data set's name where there is no such file.

        Raises
        ------
        OptionError
            If the file's ending does not say how to read it, or an option has no meaning.
        DataTypeError
            If there is no such file or data set, or it cannot be read.
        FormulaError
            If `subset` is no expression of the columns.
        """
        table = self.table(source)
        if self.subset is None:
            return table
        from pylme.cli.subset import rows_where

        return table[rows_where(self.subset, table)].reset_index(drop=True)

    def table(self, source: str | Path) -> "pd.DataFrame":
        """All rows of the data; errors as `rows`."""
        source = str(source)
        self._require_meaning()
        if source == STANDARD_INPUT:
            return self._read_input()
        from pylme import datasets

        path = Path(source)
        if not path.exists():
            if source in datasets.names():
                return datasets.load(source)
            raise _not_there(source, datasets.names())
        endings = [ending.lower() for ending in path.suffixes]
        kind = next((e for e in reversed(endings) if e not in _COMPRESSIONS), "")
        if kind not in (*_SEPARATORS, ".parquet") and self.sep is None:
            raise OptionError(
                option="DATA",
                value=source,
                allowed="a file that ends in .csv, .tsv or .parquet, or name what separates its "
                "columns, as --sep ','",
            )
        try:
            return _parquet(path) if kind == ".parquet" else self._text(path, source, kind)
        except (ValueError, OSError, ImportError, *_DAMAGED) as error:
            raise _unreadable(source, kind, error) from error

    def _require_meaning(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise OptionError(option="--decimal", value=self.decimal, allowed=(".", ","))
        if self.sep is not None and len(self._separator("")) != 1:
            raise OptionError(option="--sep", value=self.sep, allowed='one character, or "tab"')
        if self.sep is not None and self._separator("") == self.decimal:
            raise OptionError(
                option="--decimal", value=self.decimal, allowed="a sign other than that of --sep"
            )
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise OptionError(
                option="--encoding",
                value=self.encoding,
                allowed='an encoding that Python knows: "utf-8", "latin-1", "cp1252", "utf-16", …',
            ) from None

    def _separator(self, kind: str) -> str:
        if self.sep is None:
            return _SEPARATORS.get(kind, ",")
        return _WORDS.get(self.sep, self.sep)

    def _read_input(self) -> "pd.DataFrame":
        content = sys.stdin.buffer.read() if sys.stdin is not None else b""
        source = "the standard input"
        if not content.strip():
            raise DataTypeError(
                found=f"{source} is empty",
                remedy="Pipe a CSV or Parquet file into it: pylme fit - FORMULA < FILE.",
            )
        kind = ".parquet" if content.startswith(_PARQUET) else ".csv"
        stream = BytesIO(content)
        try:
            return _parquet(stream) if kind == ".parquet" else self._text(stream, source, kind)
        except (ValueError, OSError, ImportError, *_DAMAGED) as error:
            raise _unreadable(source, kind, error) from error

    def _text(self, file: Path | IO[bytes], source: str, kind: str) -> "pd.DataFrame":
        import pandas as pd

        layout: dict[str, Any] = {"sep": self._separator(kind), "encoding": self.encoding}
        header, first = _first_lines(file, layout)
        _require_separator(header, source, layout["sep"])
        options: dict[str, Any] = {"decimal": self.decimal or "."}
        if self.na:
            options |= {"na_values": ["", *self.na], "keep_default_na": False}
        if not _reads_exactly(pd.__version__):
            options["float_precision"] = "round_trip"
        try:
            table: pd.DataFrame = pd.read_csv(file, **layout, **options)
        except pd.errors.ParserError as error:
            if "EOF inside string" in str(error):
                raise
            raise DataTypeError(
                found=f"{source} cannot be read: {str(error).strip().removesuffix('.')}",
                remedy="Check that all lines have as many values as the header, and that --sep and "
                "--decimal are those of the file.",
            ) from error
        if first > len(header) and table.iloc[:, -1].isna().all():
            # pandas would take the first column for labels, and shift all names by one.
            raise DataTypeError(
                found=f"the lines of {source} have one value more than its header has names, and "
                "the last values are all missing",
                remedy="Remove the separator at the ends of the lines, or name each column.",
            )
        if self.decimal is None:
            _require_decimal_point(table)
        return table.reset_index(drop=True)


def _first_lines(file: Path | IO[bytes], layout: dict[str, Any]) -> tuple[list[str], int]:
    """The names in the header, and how many values the line after it has."""
    import pandas as pd

    def lines(**options: Any) -> "pd.DataFrame":
        found: pd.DataFrame = pd.read_csv(file, **layout, **options)
        if not isinstance(file, Path):
            file.seek(0)
        return found

    header = [str(name) for name in lines(index_col=False, nrows=0).columns]
    try:
        return header, len(lines(header=None, skiprows=1, nrows=1).columns)
    except pd.errors.EmptyDataError:
        if not isinstance(file, Path):
            file.seek(0)
        return header, 0


def _reads_exactly(version: str) -> bool:
    """Whether this pandas reads numbers to the nearest double, as Python and R do, by itself."""
    return tuple(map(int, version.split(".")[:2])) >= (3, 1)


def _require_separator(header: list[str], source: str, separator: str) -> None:
    """Refuse a file of one column whose name holds the sign that separates its columns."""
    if len(header) > 1:
        return
    (line,) = header
    other = next((sign for sign in _CANDIDATES if sign in line and sign != separator), None)
    if other is None:
        return
    sign = "tab" if other == "\t" else f"'{other}'"
    comma = ", and with --decimal ',' if its numbers have decimal commas" if other == ";" else ""
    raise DataTypeError(
        found=f"{source} has a single column {line!r} where {separator!r} separates columns; they "
        f"seem to be separated by {other!r}",
        remedy=f"Read it with --sep {sign}{comma}.",
    )


#: A file of commas and decimal points in UTF-8, or as its ending says.
AS_USUAL: Final = Reading()


def _parquet(file: Path | IO[bytes]) -> "pd.DataFrame":
    import pandas as pd

    table: pd.DataFrame = pd.read_parquet(file)
    return table


def _require_decimal_point(table: "pd.DataFrame") -> None:
    for name, column in table.items():
        if column.dtype.kind in "fiubM":
            continue
        texts = column.dropna().astype(str)
        with_comma = texts[texts.str.contains(",", regex=False)]
        if len(with_comma) and all(map(_COMMA_NUMBER.fullmatch, texts)):
            raise DataTypeError(
                found=f"the column {str(name)!r} has numbers with a comma, as "
                f"{with_comma.iloc[0]!r}",
                remedy="Read it with --decimal ',', or with --decimal . if these are texts.",
            )


def _unreadable(source: str, kind: str, error: Exception) -> Exception:
    if isinstance(error, DataTypeError):
        return error
    if isinstance(error, UnicodeError):
        return _not_in_encoding(source, error)
    return DataTypeError(
        found=f"{source} cannot be read: {error}",
        remedy="Check the file; Parquet needs `pip install pyarrow`."
        if kind == ".parquet"
        else "Check the file: a header, one separator (--sep), UTF-8 (or --encoding).",
    )


def _not_in_encoding(source: str, error: UnicodeError) -> DataTypeError:
    found, suggested = str(error), "latin-1 or --encoding cp1252"
    if isinstance(error, UnicodeDecodeError):
        found = f"the byte 0x{error.object[error.start]:02x} is no {error.encoding} there"
        if error.object[: len(codecs.BOM_UTF16_LE)] in _UTF16:
            suggested = "utf-16"
    return DataTypeError(
        found=f"{source} has another encoding: {found}",
        remedy=f"Name the encoding of the file, as --encoding {suggested}.",
    )


def _not_there(source: str, names: tuple[str, ...]) -> DataTypeError | OptionError:
    if "~" in source:
        return OptionError(
            option="the data", value=source, allowed="the data first, then the formula"
        )
    near = nearest(source, names)
    listed = quoted(near) if near else ", ".join(names)
    return DataTypeError(
        found=f"there is no file {source!r}, and no data set of that name",
        remedy="Pass the path of a CSV, TSV or Parquet file, - for the standard input, or a data "
        f"set: {listed}.",
    )
