"""The table of coefficients as R's ``printCoefmat`` lays it out.

Estimates and standard errors share one format, with decimals enough for the smallest of them; test
statistics are rounded on their own; a value that this rounding made zero is shown again with one
digit less; p-values below the precision of a double are written as R's ``format.pval`` does, "<
eps".
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

from pylme.render.document import Table
from pylme.render.numbers import format_numbers, round_decimals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylme.render.document import Align

__all__ = ["coefficient_table", "format_pvalue"]


def format_pvalue(
    p: Iterable[float | None], digits: int = 5, eps: float = sys.float_info.epsilon
) -> list[str]:
    """Format p-values, those below `eps` as "< eps", as R's ``format.pval``.

    Parameters
    ----------
    p : iterable of float or None
        None and NaN are shown as "NA".
    digits : int
        Significant digits.
    eps : float
        What is smaller is not told apart from zero.

    Returns
    -------
    list of str
        Numbers shown in fixed notation have one width, those in scientific notation another.

    Examples
    --------
    >>> format_pvalue([0.05, 1e-20], digits=3)
    ['0.05', '<2e-16']
    """
    values = [None if x is None or math.isnan(x) else float(x) for x in p]
    shown = [x for x in values if x is not None and x >= eps]
    plain = [x for x in shown if _reads_well(x, digits)]
    texts = dict(zip(plain, format_numbers(plain, digits), strict=True))
    tiny = [x for x in shown if x not in texts]
    texts |= dict(zip(tiny, format_numbers(tiny, digits), strict=True))
    below = _below(eps, digits, max(map(len, texts.values()), default=None))
    return ["NA" if x is None else texts.get(x, below) for x in values]


def _reads_well(x: float, digits: int) -> bool:
    """Whether a p-value belongs to those that R formats together as plain decimals."""
    exponent = math.floor(math.log10(x)) if x > 0 else -50
    return exponent >= -3 or (exponent == -4 and digits > 1)


def _below(eps: float, digits: int, widest: int | None) -> str:
    """The text for what is below `eps`, made to fit beside numbers as wide as `widest`."""
    digits = max(1, digits - 2)
    if widest is not None and digits > 1 and digits + 6 > widest:
        digits = max(1, widest - 7)
    close = digits == 1 and (widest is None or widest <= 6)
    return f"<{'' if close else ' '}{format_numbers([eps], digits)[0]}"


_STARS: Final = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."), (1.0, " "))
_LEGEND: Final = "Signif. codes:  0 " + " ".join(f"‘{star}’ {cut:g}" for cut, star in _STARS)

Column = list[float | None]


def coefficient_table(
    values: Iterable[Iterable[float | None]],
    *,
    columns: Sequence[str],
    row_names: Sequence[str],
    digits: int = 5,
    has_pvalue: bool = False,
    stars: bool = True,
    test_columns: Sequence[int] | None = None,
    coefficient_columns: Sequence[int] | None = None,
    na: str = "NA",
    eps: float = sys.float_info.epsilon,
    caption: str | None = None,
) -> Table:
    """A table whose cells are those of R's ``printCoefmat``.

    Parameters
    ----------
    values : iterable of rows of float or None
        None is R's NA.
    columns, row_names : sequence of str
    digits : int
        Significant digits; R's default is 5, lme4's summary passes 4.
    has_pvalue : bool
        Whether the last column holds p-values.
    stars : bool
        Whether stars mark small p-values, with a legend in the notes. As in R they are left out
        where none is below 0.1.
    test_columns : sequence of int, optional
        Test statistics, counted from 0; otherwise the last column before the p-values.
    coefficient_columns : sequence of int, optional
        What shares the format of the estimates; otherwise all columns before the test statistic.
        Columns of neither kind are formatted by themselves.
    na : str
        Shown for None.
    eps : float
        P-values below are shown as smaller than it.
    caption : str, optional

    Returns
    -------
    Table
        With a column of stars under an empty header, and the legend in its notes, where there are
        any.
    """
    numbers = [[None if x is None else float(x) for x in row] for row in values]
    data: list[Column] = [[row[j] for row in numbers] for j in range(len(columns))]
    last = len(columns) - has_pvalue
    tests = tuple(test_columns) if test_columns is not None else (last - 1,)
    coefficients = (
        tuple(coefficient_columns)
        if coefficient_columns is not None
        else tuple(range(last - len(tests)))
    )
    cells = [format_numbers(column, digits) for column in data[:last]]
    _fill(cells, coefficients, _rounded(data, coefficients, digits), digits)
    shown = max(1, min(5, digits - 1))
    _fill(cells, tests, [_round(data[j], shown) for j in tests], digits)
    _reveal_hidden(cells, data, tests, digits)
    headers = list(columns)
    align: list[Align] = ["right"] * len(columns)
    notes: tuple[str, ...] = ()
    if has_pvalue:
        p = data[last]
        cells.append(_p_cells(p, shown, eps))
        if stars and any(x is not None and x < 0.1 for x in p):
            cells.append(_star_cells(p))
            headers.append("")
            align.append("left")
            notes = ("---", _LEGEND)
    for column, texts in zip(data, cells, strict=False):
        for i, x in enumerate(column):
            if x is None or math.isnan(x):
                texts[i] = na if x is None else "NaN"
    return Table(
        columns=tuple(headers),
        rows=tuple(tuple(texts[i] for texts in cells) for i in range(len(numbers))),
        row_names=tuple(row_names),
        align=tuple(align),
        caption=caption,
        notes=notes,
    )


def _round(column: Column, decimals: int) -> Column:
    return [None if x is None else round_decimals(x, decimals) for x in column]


def _rounded(data: list[Column], which: Sequence[int], digits: int) -> list[Column]:
    """Estimates and errors, rounded to the decimals that the smallest needs for `digits` digits."""
    sizes = [abs(x) for j in which for x in data[j] if x is not None and math.isfinite(x) and x]
    before_point = 1 + min((math.floor(math.log10(size)) for size in sizes), default=0)
    return [_round(data[j], max(1, digits - before_point)) for j in which]


def _fill(cells: list[list[str]], which: Sequence[int], rounded: list[Column], digits: int) -> None:
    """Format columns together and put the texts in their places."""
    texts = iter(format_numbers([x for column in rounded for x in column], digits))
    for j in which:
        cells[j] = [next(texts) for _ in cells[j]]


def _reveal_hidden(
    cells: list[list[str]], data: list[Column], tests: Sequence[int], digits: int
) -> None:
    """Show again what is not zero and looks it, all such values in one format."""
    hidden = [
        (j, i, x)
        for j in range(len(cells))
        if j not in tests
        for i, x in enumerate(data[j])
        if x is not None and not math.isnan(x) and x != 0 and float(cells[j][i]) == 0
    ]
    texts = format_numbers([x for _, _, x in hidden], max(1, digits - 1))
    for (j, i, _), text in zip(hidden, texts, strict=True):
        cells[j][i] = text


def _p_cells(p: Column, digits: int, eps: float) -> list[str]:
    known = [x for x in p if x is not None and not math.isnan(x)]
    texts = iter(format_pvalue(known, digits, eps))
    return ["" if x is None or math.isnan(x) else next(texts) for x in p]


def _star_cells(p: Column) -> list[str]:
    marks = ["" if x is None else next((star for cut, star in _STARS if x <= cut), "") for x in p]
    widest = max(map(len, marks))
    return [mark.ljust(widest) for mark in marks]
