"""The comparison of one quantity from both sides, and a tier: all comparisons of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from pylme.crosscheck.tolerances import EXACT, Tolerance

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Comparison", "Pair", "Tier", "agree", "compared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of one quantity between both sides.

    Attributes
    ----------
    quantity : str
    fit, independent : float or str
        The value of the fit that is checked, and that of the independent computation. Of a vector
        or matrix, the element that differs most; where none differs, their number.
    difference : float
        In the units of the tolerance.
    tolerance : Tolerance
    decides : bool
        Whether a difference beyond the tolerance is evidence against the fit; some comparisons are
        shown for information only.
    """

    quantity: str
    fit: float | str
    independent: float | str
    difference: float
    tolerance: Tolerance
    decides: bool = True

    @property
    def ok(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance.value

    @property
    def speaks_against(self) -> bool:
        """Whether this shows that something is wrong."""
        return self.decides and not self.ok


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The comparisons of one kind.

    Attributes
    ----------
    number : int
    title : str
    comparisons : tuple of Comparison
    reason : str
        Why nothing was compared; empty if something was compared.
    """

    number: int
    title: str
    comparisons: tuple[Comparison, ...] = ()
    reason: str = ""

    @property
    def checked(self) -> bool:
        """Whether anything was compared."""
        return not self.reason

    @property
    def failures(self) -> tuple[Comparison, ...]:
        """The comparisons that show that something is wrong."""
        return tuple(c for c in self.comparisons if c.speaks_against)

    @property
    def ok(self) -> bool:
        """Whether it was checked, and nothing is wrong."""
        return self.checked and not self.failures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """A quantity to be compared between both sides: a number, an array, or a list of names.

    Attributes
    ----------
    quantity : str
    fit, independent : array_like or sequence
        With the tolerance `EXACT`, whole numbers in arrays, which are counted where they differ,
        or texts in sequences; otherwise numbers.
    tolerance : Tolerance
    scale : array_like
        The divisor of a difference.
    room : array_like
        The allowance for rounding errors, added to the tolerance of each element, in its units.
    names : tuple
        The names along each axis; None for an axis whose elements are numbered from 1. Without
        names, elements of an array are not identified.
    decides : bool
        See `Comparison`.
    """

    quantity: str
    fit: ArrayLike | Sequence[object]
    independent: ArrayLike | Sequence[object]
    tolerance: Tolerance
    scale: ArrayLike = 1.0
    room: ArrayLike = 0.0
    names: tuple[Sequence[str] | None, ...] = ()
    decides: bool = True


def compared(pairs: Iterable[Pair | Comparison]) -> tuple[Comparison, ...]:
    """The comparison of each pair; items that are comparisons already are returned unchanged."""
    return tuple(pair if isinstance(pair, Comparison) else _compared(pair) for pair in pairs)


def agree(pairs: Iterable[Pair]) -> bool:
    """Whether all pairs are within their tolerances."""
    return all(comparison.ok for comparison in compared(pairs))


def _compared(pair: Pair) -> Comparison:
    if pair.tolerance is not EXACT:
        return _worst(pair)
    if isinstance(pair.fit, np.ndarray):
        return _counted(pair)
    return _equal(pair.quantity, _items(pair.fit), _items(pair.independent))


def _items(values: Any) -> list[object]:
    return list(values)


def _equal(quantity: str, fit: Sequence[object], independent: Sequence[object]) -> Comparison:
    """Compare sequences: equal ones are shown by their lengths, others by the first difference."""
    unequal = [(a, b) for a, b in zip_longest(fit, independent, fillvalue="-") if a != b]
    shown = unequal[0] if unequal else (f"{len(fit):,}", f"{len(independent):,}")
    return Comparison(
        quantity=quantity,
        fit=str(shown[0]),
        independent=str(shown[1]),
        difference=float(len(unequal)),
        tolerance=EXACT,
    )


def _counted(pair: Pair) -> Comparison:
    """Compare whole numbers: how many are unequal."""
    fit, independent = np.asarray(pair.fit), np.asarray(pair.independent)
    if fit.shape != independent.shape:
        return _shapes(pair.quantity, fit.shape, independent.shape)
    total = f"{fit.size:,}"
    return Comparison(
        quantity=pair.quantity,
        fit=total,
        independent=total,
        difference=float(np.count_nonzero(fit != independent)),
        tolerance=EXACT,
    )


def _worst(pair: Pair) -> Comparison:
    """The element that differs most."""
    theirs, ours = np.asarray(pair.fit, dtype=float), np.asarray(pair.independent, dtype=float)
    if ours.shape != theirs.shape:
        return _shapes(pair.quantity, theirs.shape, ours.shape)
    differences = np.abs(theirs - ours) / pair.scale
    if ours.ndim and not differences.any():
        total = f"{ours.size:,}"
        return Comparison(
            quantity=pair.quantity,
            fit=total,
            independent=total,
            difference=0.0,
            tolerance=pair.tolerance,
            decides=pair.decides,
        )
    more = np.broadcast_to(np.asarray(pair.room, dtype=np.float64), ours.shape)
    # NaN, which argmax finds first, where either side is none; an infinite room hides nothing else.
    at = int(np.argmax(differences - np.minimum(more, np.finfo(float).max)))
    difference = float(differences.flat[at])
    return Comparison(
        quantity=f"{pair.quantity} {_element(pair, at, ours.shape)}".rstrip(),
        fit=float(theirs.flat[at]),
        independent=float(ours.flat[at]),
        difference=np.inf if np.isnan(difference) else difference,
        tolerance=Tolerance(
            value=pair.tolerance.value + float(more.flat[at]), reason=pair.tolerance.reason
        ),
        decides=pair.decides,
    )


def _element(pair: Pair, at: int, shape: tuple[int, ...]) -> str:
    """The name of an element by its place in C order."""
    if not pair.names:
        return ""
    places = [int(place) for place in np.unravel_index(at, shape)]
    named = [
        str(place + 1) if names is None else names[place]
        for names, place in zip(pair.names, places, strict=True)
    ]
    return (
        named[0] if len(pair.names) == 1 and pair.names[0] is not None else f"[{', '.join(named)}]"
    )


def _shapes(quantity: str, fit: tuple[int, ...], independent: tuple[int, ...]) -> Comparison:
    shapes = [" by ".join(map(str, shape)) for shape in (fit, independent)]
    return _equal(f"{quantity}, shape", shapes[:1], shapes[1:])
