"""Where the result of a command goes: to the terminal, as JSON, or to a file by its ending."""

import json as jsonlib
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cyclopts import Group, Parameter

from pylme.errors import MissingPackageError, OptionError
from pylme.render.document import LEFT, Document, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TO_TERMINAL", "Output", "Result", "result_of", "table_of"]

_ENDINGS: Final = (".csv", ".parquet", ".json", ".html", ".md", ".tex")
_PICTURES: Final = (".png", ".svg", ".pdf")
#: Of the numbers in a table that people read; files of data have all digits.
_DIGITS: Final = 6
#: Dots an inch of a picture.
_DPI: Final = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command found, in every form that it can be given.

    Attributes
    ----------
    title : str
    shown : callable
        Gives what people read.
    frame : callable
        Gives the table of numbers, with a row for each.
    json : callable, optional
        Gives all that is known as JSON; by default the rows of the frame.
    html : callable, optional
        Gives a whole page; by default one that shows what people read.
    figure : callable, optional
        Draws it, and gives the figure of matplotlib.
    width : int
        Of the lines of the plain text.
    is_data : bool
        Whether it is printed as CSV, as rows of data are.
    """

    title: str
    shown: Callable[[], Document | Table]
    frame: "Callable[[], pd.DataFrame]"
    json: Callable[[], str] | None = None
    html: Callable[[], str] | None = None
    figure: Callable[[], Any] | None = None
    width: int = 80
    is_data: bool = False


@Parameter(name="*", group=Group("The output", sort_key=4))
@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a result goes.

    Attributes
    ----------
    output
        Write to this file instead of printing. Its ending says what is written: .csv, .parquet,
        .json, .html (a page for a browser), .md (Markdown) or .tex (LaTeX); a plot also .png, .svg
        or .pdf.
    json
        Print JSON, with all digits.
    """

    output: Path | None = None
    json: bool = False

    def require_place(self, *, pictures: bool = False) -> None:
        """Refuse a file that cannot be written, before anything is computed.

        Parameters
        ----------
        pictures : bool
            Whether the result can be drawn.

        Raises
        ------
        OptionError
            If its ending is unknown, its folder does not exist, or --json is given too.
        """
        endings = (*_PICTURES, *_ENDINGS) if pictures else _ENDINGS
        if self.output is None:
            return
        if self.output.is_dir() or not self.output.parent.is_dir():
            raise OptionError(
                option="--output", value=str(self.output), allowed="a file in a folder that exists"
            )
        if self.output.suffix.lower() not in endings:
            raise OptionError(
                option="--output",
                value=str(self.output),
                allowed=f"a file that ends in {', '.join(endings[:-1])} or {endings[-1]}",
            )
        if self.json:
            raise OptionError(
                option="--json",
                value=True,
                allowed="it without --output, or an --output that ends in .json",
            )

    def give(self, result: Result) -> None:
        """Print the result, or write it."""
        from pylme.cli.console import show, written

        if self.json:
            print(_json(result))
        elif self.output is not None:
            self._write(self.output, result)
            written(self.output)
        elif result.is_data:
            result.frame().to_csv(sys.stdout, index=False)
        else:
            show(result.shown(), result.width)

    def _write(self, file: Path, result: Result) -> None:
        from pylme.cli.page import page
        from pylme.render import to_html, to_latex, to_markdown

        match file.suffix.lower():
            case ".png" | ".svg" | ".pdf" if result.figure is not None:
                result.figure().savefig(file, dpi=_DPI)
            case ".csv":
                result.frame().to_csv(file, index=False, encoding="utf-8")
            case ".parquet":
                _to_parquet(result.frame(), file)
            case ".json":
                file.write_text(_json(result) + "\n", encoding="utf-8")
            case ".html":
                made = result.html() if result.html else page(result.title, to_html(result.shown()))
                file.write_text(made, encoding="utf-8")
            case ".md":
                file.write_text(to_markdown(result.shown()) + "\n", encoding="utf-8")
            case _:
                file.write_text(to_latex(result.shown()) + "\n", encoding="utf-8")


TO_TERMINAL: Final = Output()


def result_of(found: Any, *, title: str) -> Result:
    """The forms of a record that describes itself and has a frame."""
    return Result(title=title, shown=found.describe, frame=found.to_frame)


def table_of(frame: "pd.DataFrame", *, caption: str | None = None) -> Table:
    """A frame as a table for people: numbers on the right, with six digits."""
    import pandas as pd

    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns]
    cells = [
        [_number(value) if number else _word(value) for value in frame.iloc[:, j]]
        for j, number in enumerate(numeric)
    ]
    return Table(
        columns=tuple(map(str, frame.columns)),
        rows=tuple(zip(*cells, strict=True)) if cells else (),
        align=tuple("right" if number else LEFT for number in numeric),
        caption=caption,
    )


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, float):
        return _word(value)
    return "" if math.isnan(value) else f"{value:.{_DIGITS}g}"


def _word(value: Any) -> str:
    import pandas as pd

    return "" if pd.isna(value) else str(value)


def _json(result: Result) -> str:
    if result.json is not None:
        return result.json()
    frame = result.frame()
    rows: list[dict[str, Any]] = jsonlib.loads(
        frame.to_json(orient="records", double_precision=15, date_format="iso")
    )
    # pandas writes at most 15 digits; a double has up to 17.
    for name in frame.columns:
        if frame[name].dtype.kind == "f":
            for row, value in zip(rows, frame[name].tolist(), strict=True):
                row[name] = value if math.isfinite(value) else None
    return jsonlib.dumps(rows, indent=2, ensure_ascii=False)


def _to_parquet(frame: "pd.DataFrame", file: Path) -> None:
    import pandas as pd

    # A column of Parquet has one type: numbers beside names are texts.
    mixed = [n for n in frame.columns if pd.api.types.infer_dtype(frame[n]).startswith("mixed")]
    try:
        frame.astype(dict.fromkeys(mixed, str)).to_parquet(file, index=False)
    except ImportError:
        raise MissingPackageError(
            package="pyarrow", extra="parquet", asked=f"Writing {file.name}"
        ) from None
