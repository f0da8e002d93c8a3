"""One quantity from both sides, and a tier: the comparisons of one kind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.crosscheck.tolerances import EXACT, Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Comparison", "Tier", "counted", "equal", "worst"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One quantity as both sides have it.

    Attributes
    ----------
    quantity : str
    lme4, reference : float or str
        Of a vector or matrix, the element that differs most; where none differs, their number.
    difference : float
        In the units of the tolerance.
    tolerance : Tolerance
    decides : bool
        Whether a difference beyond the tolerance speaks against the fit; some are shown for what
        they teach.
    """

    quantity: str
    lme4: float | str
    reference: float | str
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
        Why nothing was compared; empty where something was.
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


def equal(quantity: str, lme4: Sequence[object], reference: Sequence[object]) -> Comparison:
    """A comparison of what is equal or not: names, levels.

    Equal sequences are shown by their lengths, others by the first items that differ.
    """
    unequal = [(a, b) for a, b in zip_longest(lme4, reference, fillvalue="-") if a != b]
    shown = unequal[0] if unequal else (f"{len(lme4):,}", f"{len(reference):,}")
    return Comparison(
        quantity=quantity,
        lme4=str(shown[0]),
        reference=str(shown[1]),
        difference=float(len(unequal)),
        tolerance=EXACT,
    )


def counted(quantity: str, lme4: NDArray[Any], reference: NDArray[Any]) -> Comparison:
    """A comparison of whole numbers, by how many of them are unequal."""
    if lme4.shape != reference.shape:
        return _shapes(quantity, lme4, reference)
    total = f"{lme4.size:,}"
    return Comparison(
        quantity=quantity,
        lme4=total,
        reference=total,
        difference=float(np.count_nonzero(lme4 != reference)),
        tolerance=EXACT,
    )


def worst(
    quantity: str,
    lme4: ArrayLike,
    reference: ArrayLike,
    tolerance: Tolerance,
    *,
    scale: ArrayLike = 1.0,
    room: ArrayLike = 0.0,
    names: Sequence[str] | Callable[[int], str] | None = None,
    decides: bool = True,
) -> Comparison:
    """The comparison of the element that differs most.

    Parameters
    ----------
    quantity : str
    lme4, reference : array_like of one shape
    tolerance : Tolerance
    scale : array_like
        What a difference is divided by.
    room : array_like
        What rounding adds to the tolerance of each element, in its units.
    names : sequence of str or callable, optional
        The names of the elements in C order, or what gives one of them.
    decides : bool
    """
    ours, theirs = np.asarray(reference), np.asarray(lme4)
    if ours.shape != theirs.shape:
        return _shapes(quantity, theirs, ours)
    differences = np.abs(theirs - ours) / scale
    if ours.ndim and not differences.any():
        total = f"{ours.size:,}"
        return Comparison(
            quantity=quantity,
            lme4=total,
            reference=total,
            difference=0.0,
            tolerance=tolerance,
            decides=decides,
        )
    more = np.broadcast_to(np.asarray(room, dtype=np.float64), ours.shape)
    # NaN, which argmax finds first, where either side is none; an infinite room hides nothing else.
    at = int(np.argmax(differences - np.minimum(more, np.finfo(float).max)))
    difference = float(differences.flat[at])
    name = "" if names is None else names(at) if callable(names) else names[at]
    return Comparison(
        quantity=f"{quantity} {name}".rstrip(),
        lme4=float(theirs.flat[at]),
        reference=float(ours.flat[at]),
        difference=np.inf if np.isnan(difference) else difference,
        tolerance=tolerance.plus(float(more.flat[at])),
        decides=decides,
    )


def _shapes(quantity: str, lme4: NDArray[Any], reference: NDArray[Any]) -> Comparison:
    shapes = [" by ".join(map(str, part.shape)) for part in (lme4, reference)]
    return equal(f"{quantity}, shape", shapes[:1], shapes[1:])
