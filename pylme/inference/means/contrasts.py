"""Coefficients of contrasts among k means, one row for each contrast.

    pairwise       i - j, i < j              consec     (i + 1) - i
    trt.vs.ctrl    j - reference             eff        i - mean of all
    poly           orthogonal polynomials    del.eff    i - mean of the others

Polynomials are those of equally spaced levels, scaled to the smallest integers (Lenth 2016, Journal
of Statistical Software 69, section 4, for the names).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pylme.errors import OptionError
from pylme.options import choice, number_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

__all__ = ["Coefficients", "ContrastName", "contrast_coefficients"]

ContrastName = Literal["pairwise", "trt.vs.ctrl", "poly", "eff", "del.eff", "consec"]

_DEGREES = ("linear", "quadratic", "cubic", "quartic")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coefficients:
    """Contrasts of k means.

    Attributes
    ----------
    name : str
        Of the family; "custom" for a matrix.
    labels : tuple of str
    C : ndarray, shape (contrasts, k)
    """

    name: str
    labels: tuple[str, ...]
    C: NDArray[np.float64]


def contrast_coefficients(
    method: ContrastName | ArrayLike | Mapping[str, ArrayLike],
    labels: Sequence[str],
    *,
    reference: int = 0,
    ratio: bool = False,
) -> Coefficients:
    """The coefficients of a family of contrasts.

    Parameters
    ----------
    method : str, array_like of shape (contrasts, k), or mapping of array_like of shape (k,)
        A name, the coefficients, or the coefficients by the labels of the contrasts.
    labels : sequence of str
        Of the k means.
    reference : int
        The mean that "trt.vs.ctrl" compares with, from 0.
    ratio : bool
        Whether differences are shown as ratios, which their labels then say.

    Raises
    ------
    OptionError
        If no such family exists, the number of columns is not k, or there is nothing to compare.
    """
    k = len(labels)
    if isinstance(method, str):
        name = choice("method", method, ContrastName)
        if k < 2:
            raise OptionError(
                option="method",
                value=method,
                allowed="a matrix of coefficients; a family of contrasts needs two or more means "
                "within each level of `by`",
            )
        texts, C = _FAMILIES[name](tuple(map(_guarded, labels)), reference, _joint(ratio=ratio))
        return Coefficients(name=name, labels=tuple(texts), C=C)
    return _custom(method, k)


def _joint(*, ratio: bool) -> str:
    return " / " if ratio else " - "


def _guarded(label: str) -> str:
    """A label that a minus sign does not make ambiguous."""
    return f"({label})" if any(sign in label for sign in "+-*/") else label


def _pairwise(
    labels: tuple[str, ...], reference: int, joint: str
) -> tuple[list[str], NDArray[np.float64]]:
    del reference
    k = len(labels)
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    return _differences(labels, pairs, joint)


def _against(
    labels: tuple[str, ...], reference: int, joint: str
) -> tuple[list[str], NDArray[np.float64]]:
    return _differences(
        labels, [(j, reference) for j in range(len(labels)) if j != reference], joint
    )


def _consecutive(
    labels: tuple[str, ...], reference: int, joint: str
) -> tuple[list[str], NDArray[np.float64]]:
    del reference
    return _differences(labels, [(i + 1, i) for i in range(len(labels) - 1)], joint)


def _differences(
    labels: tuple[str, ...], pairs: list[tuple[int, int]], joint: str
) -> tuple[list[str], NDArray[np.float64]]:
    C = np.zeros((len(pairs), len(labels)))
    for row, (plus, minus) in enumerate(pairs):
        C[row, plus], C[row, minus] = 1.0, -1.0
    return [f"{labels[plus]}{joint}{labels[minus]}" for plus, minus in pairs], C


def _effects(
    labels: tuple[str, ...], reference: int, joint: str
) -> tuple[list[str], NDArray[np.float64]]:
    del reference, joint
    k = len(labels)
    return [f"{label} effect" for label in labels], np.eye(k) - 1.0 / k


def _against_others(
    labels: tuple[str, ...], reference: int, joint: str
) -> tuple[list[str], NDArray[np.float64]]:
    del reference, joint
    k = len(labels)
    C = np.full((k, k), -1.0 / (k - 1))
    np.fill_diagonal(C, 1.0)
    return [f"{label} effect" for label in labels], C


def _polynomials(
    labels: tuple[str, ...], reference: int, joint: str
) -> tuple[list[str], NDArray[np.float64]]:
    del reference, joint
    k = len(labels)
    degrees = range(1, min(k, 7))
    names = [
        _DEGREES[degree - 1] if degree <= len(_DEGREES) else f"degree {degree}"
        for degree in degrees
    ]
    return names, np.array(_integer_polynomials(k)[1 : len(names) + 1], dtype=float)


def _integer_polynomials(k: int) -> list[list[int]]:
    """Orthogonal polynomials on k equally spaced points, in the smallest integers.

    By the three-term recurrence in exact fractions: on symmetric points it has no middle term.
    """
    points = [Fraction(2 * i - k + 1) for i in range(k)]
    made = [[Fraction(1)] * k, points]
    for _ in range(2, min(k, 7)):
        last, before = made[-1], made[-2]
        ratio = Fraction(sum(v * v for v in last)) / sum(v * v for v in before)
        made.append([x * v - ratio * w for x, v, w in zip(points, last, before, strict=True)])
    return [_smallest(values) for values in made]


def _smallest(values: list[Fraction]) -> list[int]:
    times = lcm(*(value.denominator for value in values))
    whole = [int(value * times) for value in values]
    common = gcd(*whole) or 1
    return [value // common for value in whole]


_FAMILIES = {
    "pairwise": _pairwise,
    "trt.vs.ctrl": _against,
    "consec": _consecutive,
    "eff": _effects,
    "del.eff": _against_others,
    "poly": _polynomials,
}


def _custom(method: Any, k: int) -> Coefficients:
    from collections.abc import Mapping

    labels: tuple[str, ...] | None = None
    if isinstance(method, Mapping):
        labels, method = tuple(map(str, method)), list(method.values())
    C = number_array(method)
    if C is not None and C.ndim == 1:
        C = C[None]
    if C is None or C.ndim != 2 or not len(C) or C.shape[1] != k or not np.isfinite(C).all():
        raise OptionError(
            option="method",
            value=method,
            allowed=f"a family of contrasts, a matrix with {k} columns, one for each mean, or a "
            f"dict of lists of {k} coefficients",
        )
    if labels is None:
        labels = tuple(_written(row) for row in C)
    return Coefficients(name="custom", labels=labels, C=C)


def _written(row: NDArray[np.float64]) -> str:
    return f"c({', '.join(f'{value:.4g}' for value in row.tolist())})"
