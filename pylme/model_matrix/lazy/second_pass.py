"""The second pass over lazy data: sums of products, in all and by combination of levels.

With the monomials c of which X and Z are combinations, centred and in units of their size, the
response y and prior weights w, the engine that holds the rows makes

    Σ w [c y]ᵀ[c y]          in all
    Σ w c_Zᵀ[c y]            by combination of the levels of all grouping factors that occurs

with c_Z the monomials of Z. They are all that a linear mixed model needs of its rows (Bates,
Mächler, Bolker & Walker 2015, section 3.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from pylme.frame.lazy_table import LazyTable
from pylme.model_matrix.lazy.factors import LazyFactor
from pylme.model_matrix.lazy.first_pass import FINE, FirstPass, complete
from pylme.model_matrix.lazy.monomials import Monomial, product

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RESPONSE", "Centred", "LazySums", "second_pass", "value_of"]

#: The name of the response, less its offsets, among the numeric variables.
RESPONSE: Final = "(response)"
_WEIGHT: Final = "__weight"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Centred:
    """The rows that are used, as an engine sees them: numbers centred and scaled.

    Attributes
    ----------
    table : LazyTable
    names : tuple of str
        The columns that the model uses.
    numbers : mapping of str to narwhals.Expr
        The numeric variables and the response.
    factors : mapping of str to LazyFactor
    keys : tuple of str
        The columns whose combinations are the cells.
    weights : str or None
    first : FirstPass
    derived : mapping of str to mapping
        Further numbers, each a combination of monomials.
    """

    table: LazyTable
    names: tuple[str, ...]
    numbers: Mapping[str, nw.Expr]
    factors: Mapping[str, LazyFactor]
    keys: tuple[str, ...]
    weights: str | None
    first: FirstPass
    derived: Mapping[str, Mapping[Monomial, float]] = field(default_factory=dict)

    def derived_as(self, name: str, combination: Mapping[Monomial, float]) -> Centred:
        """The same with one more number, a combination of monomials."""
        return replace(self, derived={**self.derived, name: combination})

    @property
    def key_names(self) -> list[str]:
        """The keys' names in the frames that are made."""
        return [f"__k{at}" for at in range(len(self.keys))]

    @property
    def weight(self) -> nw.Expr:
        """The prior weight of a row."""
        return nw.lit(1.0) if self.weights is None else nw.col(_WEIGHT)

    def columns(
        self, monomials: Sequence[Monomial], *, beside: Sequence[str] = ()
    ) -> nw.LazyFrame[Any]:
        """The keys and the weight, a column ``__m…`` for each monomial, and others beside them."""
        frame, places = complete(self.table, self.names, self.numbers, self.factors)
        first = self.first
        made: dict[str, nw.Expr] = {
            key: nw.col(name) for key, name in zip(self.key_names, self.keys, strict=True)
        }
        numbers: dict[str, str] = {}
        for at, (text, place) in enumerate(places.items()):
            numbers[text] = f"__c{at}"
            made[f"__c{at}"] = (nw.col(place) - first.mean[text]) / first.scale[text]
        used = [*monomials, *(each for parts in self.derived.values() for each in parts)]
        marks = {
            pair: f"__i{at}"
            for at, pair in enumerate(sorted({pair for each in used for pair in each.levels}))
        }
        for (text, level), mark in marks.items():
            made[mark] = self.factors[text].indicator(level).cast(nw.Float64)
        if self.weights is not None:
            made[_WEIGHT] = nw.col(self.weights).cast(nw.Float64)
        frame = frame.filter(nw.col(FINE)).with_columns(**made)
        for at, (name, combination) in enumerate(self.derived.items()):
            numbers[name] = f"__d{at}"
            parts = [
                value_of(monomial, numbers, marks) * coefficient
                for monomial, coefficient in combination.items()
            ]
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            frame = frame.with_columns(total.alias(numbers[name]))
        kept = [*self.key_names, *((_WEIGHT,) if self.weights is not None else ())]
        return frame.select(
            *kept,
            *beside,
            **{f"__m{at}": value_of(each, numbers, marks) for at, each in enumerate(monomials)},
        )

    def products(self, monomials: Sequence[Monomial]) -> tuple[nw.LazyFrame[Any], list[str]]:
        """The keys and a weighted column for each monomial, and the names of these columns."""
        names = [f"__m{at}" for at in range(len(monomials))]
        frame = self.columns(monomials)
        if self.weights is not None:
            frame = frame.with_columns(*(nw.col(name) * nw.col(_WEIGHT) for name in names))
        return frame, names


def value_of(
    monomial: Monomial, numbers: Mapping[str, str], marks: Mapping[tuple[str, int], str]
) -> nw.Expr:
    """A monomial as an expression.

    Parameters
    ----------
    monomial : Monomial
    numbers : mapping
        The columns of centred numbers.
    marks : mapping
        The columns of indicators.
    """
    parts = [nw.col(marks[pair]) for pair in monomial.levels]
    parts += [nw.col(numbers[name]) for name in monomial.numbers]
    if not parts:
        return nw.lit(1.0)
    value = parts[0]
    for part in parts[1:]:
        value = value * part
    return value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LazySums:
    """The sums of products of a model's monomials and its response.

    Attributes
    ----------
    of_z : ndarray of int, shape (k,)
        The columns of Z, by their places.
    total : ndarray, shape (b + 1, b + 1)
    cells : ndarray, shape (C, k, b + 1)
        Products of those of Z with all, by combination of levels.
    keys : object
        A data frame with the C combinations, in the library in which the engine returns it.
    """

    of_z: NDArray[np.intp]
    total: NDArray[np.float64]
    cells: NDArray[np.float64]
    keys: Any


def second_pass(
    data: Centred, columns: Sequence[Monomial], of_z: NDArray[np.intp], *, at_once: bool
) -> LazySums:
    """Sum the products in the engine that holds the rows.

    Parameters
    ----------
    data : Centred
    columns : sequence of Monomial
        Of X and Z, and the response.
    of_z : ndarray of int, shape (k,)
        Those of Z, by their places.
    at_once : bool
        Whether all sums are made by combination of levels in one query: quicker where there are few
        combinations.
    """
    places: dict[Monomial, int] = {}
    pairs = [
        (i, j, _place(places, columns[i], columns[j]))
        for i, j in combinations_with_replacement(range(len(columns)), 2)
    ]
    in_z = set(of_z.tolist())
    within = sorted({at for i, j, at in pairs if at is not None and (i in in_z or j in in_z)})
    monomials = list(places)
    queried = list(range(len(monomials))) if at_once else within
    sums, keys = _by_cell(data, [monomials[at] for at in queried])
    totals = np.zeros(len(monomials))
    totals[queried] = sums.sum(axis=1)
    if not at_once:
        rest = [at for at in range(len(monomials)) if at not in set(within)]
        totals[rest] = _in_all(data, [monomials[at] for at in rest])
    row_of = {at: row for row, at in enumerate(queried)}
    b = len(columns)
    total = np.zeros((b, b))
    cells = np.zeros((sums.shape[1], len(of_z), b))
    order = {place: at for at, place in enumerate(of_z.tolist())}
    for i, j, at in pairs:
        if at is None:
            continue
        total[i, j] = total[j, i] = totals[at]
        if i in order:
            cells[:, order[i], j] = sums[row_of[at]]
        if j in order:
            cells[:, order[j], i] = sums[row_of[at]]
    return LazySums(of_z=of_z, total=total, cells=cells, keys=keys)


def _place(places: dict[Monomial, int], left: Monomial, right: Monomial) -> int | None:
    both = product(left, right)
    return None if both is None else places.setdefault(both, len(places))


def _by_cell(data: Centred, monomials: Sequence[Monomial]) -> tuple[NDArray[np.float64], Any]:
    """The sums by combination of levels, shape (monomials, C), and these combinations."""
    frame, names = data.products(monomials)
    keys = data.key_names
    found = frame.group_by(*keys).agg(*(nw.col(name).sum() for name in names)).collect()
    sums = np.array([found.get_column(name).to_numpy() for name in names], dtype=np.float64)
    renamed = found.select(*keys).rename(dict(zip(keys, data.keys, strict=True)))
    return sums, renamed.to_native()


def _in_all(data: Centred, monomials: Sequence[Monomial]) -> NDArray[np.float64]:
    if not monomials:
        return np.empty(0)
    frame, names = data.products(monomials)
    row = frame.select(*(nw.col(name).sum() for name in names)).collect().rows()[0]
    return np.array(row, dtype=np.float64)
