"""The first pass over lazy data: rows counted, and the centre and size of each numeric variable.

Sums of products of centred variables lose few digits. Their sizes only keep squares within the
range of double precision, so that half the range of the values serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw

from pylme.errors import ColumnValueError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.frame.lazy_table import LazyTable
    from pylme.model_matrix.lazy.factors import LazyFactor

__all__ = ["FINE", "FirstPass", "complete", "first_pass", "require_finite"]

#: The column that says whether a row is used.
FINE: Final = "__fine"
_PRESENT: Final = "__present"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstPass:
    """What the first pass found.

    Attributes
    ----------
    given, present, used : int
        The rows given, those in which no column lacks a value, and those of them in which no
        variable does.
    missing, gaps : mapping of str to int
        Missing values by column, in all rows; and by variable, in rows without any of the former.
    mean, scale : mapping of str to float
        Of each numeric variable.
    counts : mapping of (str, int) to int
        Rows by factor and level.
    constant : frozenset of str
        The variables that have one value in all rows.
    log_weights : float
        Σ log w.
    unevenness : float
        The largest prior weight over the least.
    """

    given: int
    present: int
    used: int
    missing: Mapping[str, int]
    gaps: Mapping[str, int]
    mean: Mapping[str, float]
    scale: Mapping[str, float]
    counts: Mapping[tuple[str, int], int]
    constant: frozenset[str] = frozenset()
    log_weights: float = 0.0
    unevenness: float = 1.0

    def commonest(self, text: str) -> int:
        """The level of a factor that most rows have."""
        own = {level: count for (factor, level), count in self.counts.items() if factor == text}
        return max(own, key=lambda level: own[level])

    def levels_without_rows(self, text: str) -> list[int]:
        """The levels of a factor that no row has."""
        return [
            level for (factor, level), count in self.counts.items() if factor == text and not count
        ]


def complete(
    table: LazyTable,
    names: Sequence[str],
    numbers: Mapping[str, nw.Expr],
    factors: Mapping[str, LazyFactor],
    *,
    all_columns: bool = False,
) -> tuple[nw.LazyFrame[Any], dict[str, str]]:
    """The columns, the numeric variables beside them, and whether a row is used.

    Parameters
    ----------
    table : LazyTable
    names : sequence of str
        The columns that must not lack a value.
    numbers : mapping of str to narwhals.Expr
        The numeric variables.
    factors : mapping of str to LazyFactor
    all_columns : bool
        Whether the frame has the other columns of the table too.

    Returns
    -------
    frame : narwhals.LazyFrame
    places : dict
        The column of each numeric variable.
    """
    places = {text: f"__v{at}" for at, text in enumerate(numbers)}
    present = nw.all_horizontal(
        *(~table.missing(name) for name in names), nw.lit(True), ignore_nulls=False
    )
    frame = table.frame if all_columns else table.frame.select(*names, *table.added)
    frame = frame.with_columns(present.alias(_PRESENT))
    if numbers:
        frame = frame.with_columns(*(each.alias(places[text]) for text, each in numbers.items()))
    whole = [nw.col(_PRESENT)]
    whole += [~_lacks(nw.col(place)) for place in places.values()]
    whole += [factor.known for factor in factors.values() if factor.excluded]
    return frame.with_columns(nw.all_horizontal(*whole, ignore_nulls=True).alias(FINE)), places


def _lacks(column: nw.Expr) -> nw.Expr:
    return column.is_null() | column.is_nan()


def _counted(condition: nw.Expr) -> nw.Expr:
    # Sums of integers are decimals in some engines.
    return nw.when(condition).then(nw.lit(1.0)).otherwise(nw.lit(0.0)).sum()


def first_pass(
    table: LazyTable,
    names: Sequence[str],
    numbers: Mapping[str, nw.Expr],
    factors: Mapping[str, LazyFactor],
    *,
    weights: str | None,
) -> FirstPass:
    """Count the rows, and find the centres and sizes of the variables.

    Raises
    ------
    ColumnValueError
        If a value is infinite.
    WeightsError
        If a weight is not positive.
    """
    frame, places = complete(table, names, numbers, factors)
    present, fine = nw.col(_PRESENT), nw.col(FINE)
    asked: dict[str, nw.Expr] = {
        "given": nw.len(),
        "present": _counted(present),
        "used": _counted(fine),
    }
    floats = [name for name in names if table.is_float(name)]
    for at, name in enumerate(names):
        asked[f"missing{at}"] = _counted(table.missing(name))
    for at, name in enumerate(floats):
        column = nw.when(present).then(nw.col(name))
        asked |= {f"low{at}": column.min(), f"high{at}": column.max()}
    for place in places.values():
        column = nw.when(fine).then(nw.col(place))
        asked |= {
            f"{place}gap": _counted(present & _lacks(nw.col(place))),
            f"{place}sum": column.sum(),
            f"{place}min": column.min(),
            f"{place}max": column.max(),
        }
    indicators = {
        (text, level): factor.indicator(level)
        for text, factor in factors.items()
        for level in range(len(factor.values))
    }
    for at, indicator in enumerate(indicators.values()):
        asked[f"level{at}"] = _counted(fine & indicator)
    for at, factor in enumerate(factors.values()):
        if factor.excluded:
            asked[f"unknown{at}"] = _counted(present & ~factor.known)
    if weights is not None:
        weight = nw.when(fine).then(nw.col(weights).cast(nw.Float64))
        asked |= {
            "least": weight.min(),
            "most": weight.max(),
            "negative": _counted(fine & (nw.col(weights) < 0)),
            "zero": _counted(fine & (nw.col(weights) == 0)),
            "logs": nw.when(fine & (nw.col(weights) > 0))
            .then(nw.col(weights).cast(nw.Float64).log())
            .sum(),
        }
    found = frame.select(**asked).collect().rows(named=True)[0]
    require_finite(
        [(name, found[f"low{at}"], found[f"high{at}"]) for at, name in enumerate(floats)]
    )
    used = int(found["used"])
    if used:
        require_finite([(text, found[f"{p}min"], found[f"{p}max"]) for text, p in places.items()])
    mean, scale = {}, {}
    for text, place in places.items():
        low, high = found[f"{place}min"], found[f"{place}max"]
        mean[text] = float(found[f"{place}sum"]) / used if used else 0.0
        scale[text] = max(high - mean[text], mean[text] - low) or 1.0 if used else 1.0
    gaps = {text: int(found[f"{place}gap"]) for text, place in places.items()}
    gaps |= {
        text: int(found[f"unknown{at}"])
        for at, (text, factor) in enumerate(factors.items())
        if factor.excluded
    }
    if weights is not None and used:
        for word in ("negative", "zero"):
            if count := int(found[word]):
                raise WeightsError(found=f"{count} of {used} weights are {word}")
    return FirstPass(
        given=int(found["given"]),
        present=int(found["present"]),
        used=used,
        missing={
            name: count for at, name in enumerate(names) if (count := int(found[f"missing{at}"]))
        },
        gaps={text: count for text, count in gaps.items() if count},
        mean=mean,
        scale=scale,
        counts={key: int(found[f"level{at}"]) for at, key in enumerate(indicators)},
        constant=frozenset(
            text for text, p in places.items() if found[f"{p}min"] == found[f"{p}max"]
        ),
        log_weights=float(found["logs"]) if weights is not None and used else 0.0,
        unevenness=float(found["most"] / found["least"]) if weights is not None and used else 1.0,
    )


def require_finite(ranges: Sequence[tuple[str, float | None, float | None]]) -> None:
    """Raise for a name whose values reach to infinity: names with their least and largest."""
    for name, low, high in ranges:
        for value in (low, high):
            if value is not None and value in {float("inf"), float("-inf")}:
                raise ColumnValueError(
                    column=name,
                    found=f"it has the value {value:g} in rows that the model uses",
                    remedy="Leave these rows out in the engine of the data, or change the "
                    "transformation.",
                )
