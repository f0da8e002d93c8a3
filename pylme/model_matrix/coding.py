"""R's contrasts: the numbers that code the levels of a factor, and the names of the columns.

For k levels, with R's names: treatment has the indicators of all levels except the base; sum has
the indicators of all levels except the last, minus that of the last; Helmert compares each level
with the mean of those before it; poly has the orthonormal polynomials of the scores 1..k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from narwhals.stable.v2.typing import IntoDataFrame
from numpy.typing import NDArray

from pylme.arrays import locked
from pylme.errors import OptionError
from pylme.frame import to_pandas
from pylme.frame.labels import label_text
from pylme.options import number_array
from pylme.text import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from pylme.frame import Factor

__all__ = [
    "CONTRASTS",
    "AskedCoding",
    "Coding",
    "Contrast",
    "contrast_coding",
    "default_coding",
    "full_coding",
    "read_contrast",
]

#: R's function by the names that users know it under.
CONTRASTS: Final[dict[str, str]] = {
    "treatment": "contr.treatment",
    "sum": "contr.sum",
    "helmert": "contr.helmert",
    "poly": "contr.poly",
    "SAS": "contr.SAS",
} | {
    name: name
    for name in ("contr.treatment", "contr.sum", "contr.helmert", "contr.poly", "contr.SAS")
}


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


#: A coding of a factor as users give it: R's name of it, a matrix of shape (levels, columns), or a
#: data frame whose rows and columns have labels.
Contrast = str | NDArray[np.float64] | IntoDataFrame
#: As it is kept.
AskedCoding = str | NDArray[np.float64] | Coding


def full_coding(levels: tuple[str, ...]) -> Coding:
    """An indicator for each level."""
    return Coding(values=np.eye(len(levels)), names=levels)


def default_coding(factor: Factor) -> Coding:
    """R's default: polynomials for an ordered factor, treatment contrasts for any other."""
    return contrast_coding("contr.poly" if factor.ordered else "contr.treatment", factor.levels)


def contrast_coding(
    contrast: AskedCoding, levels: tuple[str, ...], *, base: int | None = None
) -> Coding:
    """Contrasts by name, or those of a matrix.

    Parameters
    ----------
    contrast : str, ndarray of shape (levels, columns) or Coding
    levels : tuple of str
    base : int, optional
        The level, from 0, that treatment contrasts compare with.
    """
    if isinstance(contrast, str):
        name = CONTRASTS[contrast]
        if name == "contr.treatment" and base is not None:
            return _treatment(levels, base)
        return _MAKERS[name](levels)
    if isinstance(contrast, Coding):
        return contrast
    return Coding(values=np.asarray(contrast, dtype=np.float64), names=None)


def read_contrast(column: str, contrast: object, levels: tuple[str, ...]) -> AskedCoding:
    """A coding as the user gave it, checked against the levels that occur.

    Parameters
    ----------
    column : str
        The factor, for messages.
    contrast : str, array_like of shape (levels, columns), or DataFrame
        The rows of a DataFrame are found by their labels, in any order, and its columns name the
        coefficients. Row labels are the index in pandas, the first column in polars and pyarrow.
    levels : tuple of str

    Raises
    ------
    OptionError
        If no coding of that name exists, or the number of rows of the matrix is not that of the
        levels, or a value is not a finite number.
    """
    option = f"contrasts[{column!r}]"
    if isinstance(contrast, str):
        if contrast not in CONTRASTS:
            raise OptionError(option=option, value=contrast, allowed=tuple(CONTRASTS))
        return contrast
    table = to_pandas(contrast)
    if table is not None:
        return _by_labels(option, table, levels)
    values = _matrix(option, contrast)
    if len(values) != len(levels):
        raise OptionError(
            option=option,
            value=values.shape,
            allowed=f"a matrix with {len(levels)} rows, one for each level",
        )
    return values


def _by_labels(option: str, table: pd.DataFrame, levels: tuple[str, ...]) -> Coding:
    labels = [label_text(label) for label in table.index.tolist()]
    missing = [level for level in levels if level not in labels]
    unknown = [label for label in dict.fromkeys(labels) if label not in levels]
    wrong = [
        *([f"without a row for {quoted(missing)}"] if missing else []),
        *([f"with rows for {quoted(unknown)}, which do not occur"] if unknown else []),
        *(["with two rows of one label"] if len(set(labels)) < len(labels) else []),
    ]
    if wrong:
        raise OptionError(
            option=option,
            value=f"a table {listed(wrong)}",
            allowed=f"a table with one row for each level in the rows used: {quoted(levels)}. Its "
            "rows are found by their labels, the index in pandas: select them by .loc[levels]",
        )
    values = _matrix(option, table.to_numpy())[[labels.index(level) for level in levels]]
    names = tuple(str(name) for name in table.columns)
    if len(set(names)) < len(names):
        raise OptionError(option=option, value=names, allowed="columns with different names")
    numbered = names == tuple(str(i) for i in range(len(names)))
    return Coding(values=locked(values), names=None if numbered else names)


def _matrix(option: str, contrast: object) -> NDArray[np.float64]:
    values = number_array(contrast)
    if values is None or values.ndim != 2 or not values.shape[1] or not np.isfinite(values).all():
        raise OptionError(
            option=option,
            value=contrast,
            allowed="the name of a coding, or a matrix of finite numbers with a row for each level",
        )
    return values


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
