"""The parameters of a simulation as a user writes them: coefficients, covariance matrices.

A matrix contains covariances. Standard deviations and correlations are given as
``{"sd": [2, 1], "corr": 0.4}``, where ``corr`` may be a matrix, one number for all pairs, or left
out for no correlation. A bare number is refused, because it could be a variance or a standard
deviation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import block_diag

from pylme.arrays import read_only
from pylme.errors import OptionError, UnknownNameError
from pylme.options import is_number, number_array
from pylme.results.varcorr import VarCorr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Covariance", "Covariances", "covariances_of", "named_vector"]

Covariance = ArrayLike | Mapping[str, Any]
Covariances = Covariance | Mapping[str, Covariance] | VarCorr

_PARTS: Final = {"sd", "corr"}
_ALLOWED: Final = 'a covariance matrix, or {"sd": [...], "corr": ...}'
#: How far an eigenvalue may lie below zero, relative to the largest: MASS::mvrnorm's tolerance.
_TOLERANCE: Final = 1e-6


def covariances_of(
    given: Covariances, terms: Sequence[RandomTerm]
) -> tuple[NDArray[np.float64], ...]:
    """The covariance matrix of each term, shapes (k, k).

    Parameters
    ----------
    given : mapping, matrix or VarCorr
        By grouping factor, or by term as in the formula, ``ses | sch.id``. If the model has one
        grouping factor, its covariance matrix without a name is enough.
    terms : sequence of RandomTerm

    Raises
    ------
    OptionError
        If a matrix has the wrong shape, is not a covariance matrix, or has a covariance between
        effects of different terms.
    UnknownNameError
        If the model has no term or grouping factor of that name.
    """
    if isinstance(given, VarCorr):
        return _of_varcorr(given, terms)
    groups = tuple(dict.fromkeys(term.group for term in terms))
    labels = tuple(term.label for term in terms)
    known = (*groups, *labels)
    by_term: Mapping[str, Covariance]
    if isinstance(given, Mapping) and not (
        given.keys() <= _PARTS and given.keys().isdisjoint(known)
    ):
        by_term = given
    elif len(groups) == 1:
        by_term = {groups[0]: given}
    else:
        raise OptionError(
            option="covariances", value=given, allowed=f"a mapping with {', '.join(groups)}"
        )
    for name in by_term:
        if name not in known:
            raise UnknownNameError(what="random-effects term", name=str(name), known=known)
    found: dict[str, NDArray[np.float64]] = {}
    for name, value in by_term.items():
        own = [term for term in terms if name in (term.group, term.label)]
        for term, matrix in zip(own, _blocks(name, value, own), strict=True):
            if term.label in found:
                raise OptionError(
                    option=f"covariances[{name!r}]", value=value, allowed=f"{term.written} once"
                )
            found[term.label] = read_only(matrix)
    for label in labels:
        if label not in found:
            raise OptionError(
                option="covariances",
                value=tuple(by_term),
                allowed=f"a covariance for ({label}) too",
            )
    return tuple(found[label] for label in labels)


def _of_varcorr(varcorr: VarCorr, terms: Sequence[RandomTerm]) -> tuple[NDArray[np.float64], ...]:
    fitted = [(term.group, term.names) for term in varcorr.terms]
    wanted = [(term.group, term.names) for term in terms]
    if fitted != wanted:
        raise OptionError(
            option="covariances",
            value=f"a VarCorr of {fitted}",
            allowed=f"one of a model with the terms {wanted}",
        )
    return tuple(term.cov for term in varcorr.terms)


def _blocks(name: str, value: Covariance, terms: Sequence[RandomTerm]) -> list[NDArray[np.float64]]:
    """A matrix over the effects of some terms, cut into the terms."""
    names = [effect for term in terms for effect in term.names]
    whole = _matrix(f"covariances[{name!r}]", value, names)
    stops = np.cumsum([len(term.names) for term in terms])
    blocks = [
        whole[stop - len(term.names) : stop, stop - len(term.names) : stop]
        for term, stop in zip(terms, stops.tolist(), strict=True)
    ]
    if not np.array_equal(whole, block_diag(*blocks)):
        raise OptionError(
            option=f"covariances[{name!r}]",
            value=whole.tolist(),
            allowed="zeros between effects of different terms, which are independent: "
            + " and ".join(term.written for term in terms),
        )
    return blocks


def _matrix(option: str, value: Covariance, names: list[str]) -> NDArray[np.float64]:
    if isinstance(value, Mapping):
        if "sd" not in value or not value.keys() <= _PARTS:
            raise OptionError(option=option, value=dict(value), allowed=_ALLOWED)
        sd = named_vector(f"{option}['sd']", value["sd"], names)
        if (sd < 0).any():
            raise OptionError(
                option=f"{option}['sd']", value=value["sd"], allowed="numbers of 0 or more"
            )
        corr = _correlations(f"{option}['corr']", value.get("corr"), names)
        return _covariance(option, value, corr * np.outer(sd, sd))
    return _covariance(option, value, _square(option, value, names, _ALLOWED))


def _correlations(option: str, value: Any, names: list[str]) -> NDArray[np.float64]:
    k = len(names)
    if value is None:
        return np.eye(k)
    if np.ndim(value) == 0:
        matrix = np.full((k, k), float(value) if is_number(value) else np.nan)
        np.fill_diagonal(matrix, 1.0)
    else:
        matrix = _square(option, value, names, "a number, or a matrix of correlations")
    if not np.allclose(np.diag(matrix), 1.0) or (np.abs(matrix) > 1).any():
        raise OptionError(
            option=option, value=value, allowed="correlations from -1 to 1, with 1 on the diagonal"
        )
    return matrix


def _square(option: str, value: ArrayLike, names: list[str], allowed: str) -> NDArray[np.float64]:
    if isinstance(value, pd.DataFrame):
        if set(value.index) != set(names) or set(value.columns) != set(names):
            raise OptionError(
                option=option, value=list(value.index), allowed=f"rows and columns named {names}"
            )
        value = value.loc[names, names].to_numpy()
    matrix = number_array(value)
    if matrix is None:
        raise OptionError(option=option, value=value, allowed=allowed)
    k = len(names)
    if matrix.shape != (k, k):
        raise OptionError(
            option=option,
            value=value,
            allowed=f"{allowed}, here of shape ({k}, {k}) for {', '.join(names)}",
        )
    return matrix


def _covariance(option: str, value: object, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix, if it can be one of covariances."""
    if np.isfinite(matrix).all() and np.allclose(matrix, matrix.T):
        roots = np.linalg.eigvalsh(matrix)
        if roots[0] >= -_TOLERANCE * abs(roots[-1]):
            return matrix
    raise OptionError(
        option=option,
        value=value,
        allowed="a symmetric matrix without negative eigenvalues, as covariances have",
    )


def named_vector(
    option: str, given: ArrayLike | Mapping[str, float], names: Sequence[str]
) -> NDArray[np.float64]:
    """One finite number for each name.

    Parameters
    ----------
    option : str
        Its name in an error message.
    given : array_like, mapping or Series
        By name, or in the order of `names`; a single number where there is one name.
    names : sequence of str

    Raises
    ------
    UnknownNameError
        If a name is not in `names`.
    OptionError
        If a number is missing, superfluous, or not finite.
    """
    by_name = given.to_dict() if isinstance(given, pd.Series) else given
    values: Any = given
    if isinstance(by_name, Mapping):
        for name in by_name:
            if name not in names:
                raise UnknownNameError(what=f"name in {option}", name=str(name), known=tuple(names))
        if missing := [name for name in names if name not in by_name]:
            raise OptionError(
                option=option, value=dict(by_name), allowed=f"a number for {missing[0]!r} too"
            )
        values = [by_name[name] for name in names]
    numbers = number_array(values)
    vector = np.atleast_1d(np.nan if numbers is None else numbers)
    if vector.shape != (len(names),) or not np.isfinite(vector).all():
        raise OptionError(
            option=option,
            value=given,
            allowed=f"{len(names)} finite number{'s' * (len(names) > 1)}, for {', '.join(names)}",
        )
    return vector
