"""R's `model.matrix`: the columns of the terms of a model, and their names.

A factor within a term is coded by contrasts if an earlier term contains all other variables of the
term, otherwise by an indicator for each level; without an intercept the first factor that appears
always gets indicators. The columns of a term are the products of its variables' columns, those of
the first variable varying fastest (Chambers & Hastie 1992, Statistical Models in S, section 2.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.errors import ColumnValueError
from pylme.frame import Factor
from pylme.model_matrix.coding import Coding, contrast_coding, default_coding, full_coding
from pylme.model_matrix.evaluation.values import CodedFactor, Matrix, Times
from pylme.model_matrix.variables import require_known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylme.formula import ModelTerms
    from pylme.model_matrix.coding import AskedCoding
    from pylme.model_matrix.evaluation.values import Value, Vector

__all__ = [
    "Codings",
    "ModelMatrix",
    "codings_of",
    "combinations",
    "full_codings",
    "independent_columns",
    "model_matrix",
]


#: How a factor is coded: by contrasts, or with an indicator for each level.
Codings = tuple[Coding, Coding]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMatrix:
    """Columns with names.

    Attributes
    ----------
    values : ndarray of float64, shape (n, p)
        In Fortran order.
    names : tuple of str
        R's names of coefficients.
    assign : tuple of int
        The term that each column belongs to, from 1; 0 for the intercept.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    assign: tuple[int, ...]


def codings_of(
    values: Mapping[str, Value], contrasts: Mapping[str, AskedCoding] | None = None
) -> dict[str, Codings]:
    """How each factor among the variables is coded, with contrasts and without.

    Parameters
    ----------
    values : mapping
        The variables of the model, by their texts.
    contrasts : mapping, optional
        The user's choice instead of R's default.
    """
    codings: dict[str, Codings] = {}
    for text, value in values.items():
        asked = (contrasts or {}).get(text)
        match value:
            case CodedFactor(factor=factor, coding=coding) if asked is None:
                levels = factor.levels
            case CodedFactor(factor=factor) | (Factor() as factor):
                levels = factor.levels
                _require_two(text, levels)
                coding = default_coding(factor) if asked is None else contrast_coding(asked, levels)
            case np.ndarray() if value.dtype.kind == "b":
                levels = ("FALSE", "TRUE")
                coding = contrast_coding("contr.treatment", levels)
            case _:
                continue
        codings[text] = coding, full_coding(levels)
    return codings


def _require_two(text: str, levels: tuple[str, ...]) -> None:
    if len(levels) < 2:
        raise ColumnValueError(
            column=text,
            found=f"as a factor it has one level, {levels[0]!r}, in the rows used",
            remedy="A factor with one level has no effect: leave it out of the formula.",
        )


def model_matrix(
    terms: ModelTerms, values: Mapping[str, Value], codings: Mapping[str, Codings], nrow: int
) -> ModelMatrix:
    """The columns of all terms.

    Parameters
    ----------
    terms : ModelTerms
    values : mapping
        The variables by their texts, `nrow` rows each.
    codings : mapping
        From `codings_of`.
    nrow : int
    """
    blocks: list[NDArray[np.float64]] = []
    names: list[str] = []
    assign: list[int] = []
    if terms.intercept:
        blocks.append(np.ones((nrow, 1)))
        names.append("(Intercept)")
        assign.append(0)
    for place, full in enumerate(full_codings(terms, codings)):
        term = terms.terms[place]
        parts = [_columns(text, values, codings, full=text in full) for text in term.texts]
        block, labels = reduce(_crossed, parts)
        blocks.append(block)
        names += labels
        assign += [place + 1] * len(labels)
    filled = np.empty((nrow, len(names)), order="F")
    start = 0
    for block in blocks:
        filled[:, start : start + block.shape[1]] = block
        start += block.shape[1]
    return ModelMatrix(values=filled, names=tuple(names), assign=tuple(assign))


def full_codings(terms: ModelTerms, codings: Mapping[str, Codings]) -> list[set[str]]:
    """For each term the variables that get an indicator for each level."""
    earlier: list[frozenset[str]] = []
    full: list[set[str]] = []
    for term in terms.terms:
        labels = frozenset(term.texts)
        full.append(
            {
                label
                for label in labels
                if labels != {label} and not any(labels - {label} <= other for other in earlier)
            }
        )
        earlier.append(labels)
    if not terms.intercept:
        # The order of variables in the model, not in the term, decides.
        for term, chosen in zip(terms.terms, full, strict=True):
            factors = [text for text in terms.texts if text in codings and text in term.texts]
            if factors:
                chosen.add(factors[0])
                break
    return full


Columns = tuple[NDArray[np.float64], list[str]]


def _columns(
    text: str, values: Mapping[str, Value], codings: Mapping[str, Codings], *, full: bool
) -> Columns:
    """The columns of one variable, and their names."""
    match values[text]:
        case Matrix(values=columns, names=names):
            return columns, _named(text, names, columns.shape[1])
        case CodedFactor(factor=factor) | (Factor() as factor):
            coding = codings[text][full]
            require_known(text, factor, len(coding.values))
            return _coded(text, factor.codes, coding)
        case Times(values=numbers):
            return numbers[:, None], [text]
        case vector:
            return _vector(text, vector, codings, full=full)


def _vector(text: str, vector: Vector, codings: Mapping[str, Codings], *, full: bool) -> Columns:
    if vector.dtype.kind == "b":
        return _coded(text, vector.astype(np.intp), codings[text][full])
    return vector[:, None], [text]


def _coded(text: str, codes: NDArray[np.integer], coding: Coding) -> Columns:
    names = coding.names or tuple(str(i + 1) for i in range(coding.values.shape[1]))
    return coding.values[codes], [text + name for name in names]


def _named(text: str, names: tuple[str, ...] | None, size: int) -> list[str]:
    """The names of columns: a single column has the name of its variable."""
    if size == 1:
        return [text]
    return [text + name for name in names or (str(i + 1) for i in range(size))]


def _crossed(left: Columns, right: Columns) -> Columns:
    """All products of columns, the left ones varying fastest."""
    (a, a_names), (b, b_names) = left, right
    values = (b[:, :, None] * a[:, None, :]).reshape(len(a), -1)
    return values, [f"{one}:{other}" for other in b_names for one in a_names]


_TOLERANCE: Final = 1e-7
#: A part of a column this small relative to the whole is a rounding error.
_ROUNDING: Final = 1e-8


def independent_columns(X: NDArray[np.float64]) -> NDArray[np.intp]:
    """The columns that stay, in their order.

    Parameters
    ----------
    X : ndarray, shape (n, p)
    """
    rest: NDArray[np.float64] = np.asarray(np.linalg.qr(X, mode="r"))
    norms = np.linalg.norm(rest, axis=0)
    norms[norms == 0] = 1.0
    kept: list[int] = []
    for column in range(rest.shape[1]):
        place = len(kept)
        below = rest[place:, column]
        norm = np.linalg.norm(below)
        if norm < _TOLERANCE * norms[column] or norm == 0:
            continue
        normal = below.copy()
        normal[0] += np.copysign(norm, normal[0])
        normal /= np.linalg.norm(normal)
        rest[place:, column:] -= 2 * np.outer(normal, normal @ rest[place:, column:])
        kept.append(column)
    return np.array(kept, dtype=np.intp)


def combinations(kept: NDArray[np.float64], dropped: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients of dropped columns on those kept: dropped = kept @ coefficients.

    Parameters
    ----------
    kept : ndarray, shape (n, p)
        Linearly independent.
    dropped : ndarray, shape (n, m)

    Returns
    -------
    ndarray, shape (p, m)
        Exactly zero where a column does not contribute.
    """
    lengths = np.linalg.norm(kept, axis=0)
    Q, R = np.linalg.qr(kept / lengths)
    parts = np.linalg.solve(R, Q.T @ dropped)
    parts[np.abs(parts) <= _ROUNDING * np.linalg.norm(dropped, axis=0)] = 0.0
    coefficients: NDArray[np.float64] = parts / lengths[:, None]
    return coefficients
