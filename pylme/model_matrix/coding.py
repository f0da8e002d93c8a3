"""R's contrasts: which numbers stand for the levels of a factor, and what the columns are called.

For k levels, with R's names: treatment has the indicators of all levels but the base, sum the
indicators of all but the last less that of the last, Helmert compares each level with the mean of
those before it, poly has the orthonormal polynomials of the scores 1..k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.model_matrix.contrasts import CONTRASTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.frame import Factor
    from pylme.model_matrix.spec import Contrast

__all__ = ["Coding", "contrast_coding", "default_coding", "full_coding"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coding:
    """Numbers for the levels of a factor.

    Attributes
    ----------
    values : ndarray of float64, shape (levels, columns)
    names : tuple of str or None
        Of the columns; None where R numbers them.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...] | None


def full_coding(levels: tuple[str, ...]) -> Coding:
    """An indicator for each level."""
    return Coding(values=np.eye(len(levels)), names=levels)


def default_coding(factor: Factor) -> Coding:
    """R's own choice: polynomials for an ordered factor, treatment contrasts for another."""
    return contrast_coding("contr.poly" if factor.ordered else "contr.treatment", factor.levels)


def contrast_coding(
    contrast: Contrast, levels: tuple[str, ...], *, base: int | None = None
) -> Coding:
    """Contrasts by name, or those of a matrix.

    Parameters
    ----------
    contrast : str or ndarray of shape (levels, columns)
    levels : tuple of str
    base : int, optional
        The level, from 0, that treatment contrasts compare with.
    """
    if isinstance(contrast, str):
        name = CONTRASTS[contrast]
        if name == "contr.treatment" and base is not None:
            return _treatment(levels, base)
        return _MAKERS[name](levels)
    return Coding(values=np.asarray(contrast, dtype=np.float64), names=None)


def _treatment(levels: tuple[str, ...], base: int = 0) -> Coding:
    others = [i for i in range(len(levels)) if i != base]
    return Coding(values=np.eye(len(levels))[:, others], names=tuple(levels[i] for i in others))


def _sas(levels: tuple[str, ...]) -> Coding:
    return _treatment(levels, len(levels) - 1)


def _sum(levels: tuple[str, ...]) -> Coding:
    size = len(levels) - 1
    return Coding(values=np.vstack([np.eye(size), np.full((1, size), -1.0)]), names=None)


def _helmert(levels: tuple[str, ...]) -> Coding:
    size = len(levels)
    values = np.zeros((size, size - 1))
    for column in range(size - 1):
        values[: column + 1, column] = -1
        values[column + 1, column] = column + 1
    return Coding(values=values, names=None)


def _poly(levels: tuple[str, ...]) -> Coding:
    size = len(levels)
    scores = np.arange(1.0, size + 1)
    basis, triangle = np.linalg.qr(np.vander(scores - scores.mean(), increasing=True))
    values = basis * np.sign(np.diag(triangle))
    names = (".L", ".Q", ".C", *(f"^{degree}" for degree in range(4, size)))
    return Coding(values=values[:, 1:], names=names[: size - 1])


_MAKERS: Final[dict[str, Callable[[tuple[str, ...]], Coding]]] = {
    "contr.treatment": _treatment,
    "contr.SAS": _sas,
    "contr.sum": _sum,
    "contr.helmert": _helmert,
    "contr.poly": _poly,
}
