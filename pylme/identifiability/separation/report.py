"""The report on separation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.identifiability.separation.directions import UndeterminedError, separated
from pylme.text import combination, counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylme.families import Family
    from pylme.frame import Factor

__all__ = ["Separation", "groups_are_separated", "separation", "signs_of"]


def signs_of(family: Family, y: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The sign of x'd that each row allows: 1, -1, or 0 where it must vanish.

    Parameters
    ----------
    family : Family
    y : ndarray, shape (n,) or (n, 2)
        Counts, proportions or zeros and ones; successes and failures in two columns.

    Returns
    -------
    ndarray, shape (n,), or None
        None where every estimate is finite: the response is not a count, or its link reaches zero
        at a finite value.
    """
    successes, failures = (y[:, 0], y[:, 1]) if y.ndim == 2 else (y, 1.0 - y)
    if family.name == "binomial" and family.link != "log":
        return np.where(failures == 0, 1.0, np.where(successes == 0, -1.0, 0.0))
    if family.link == "log" and family.name in ("binomial", "poisson"):
        return np.where(successes == 0, -1.0, 0.0)
    return None


def groups_are_separated(family: Family, y: NDArray[np.float64], codes: NDArray[np.int32]) -> bool:
    """Whether all rows of each group have one outcome, and the groups have both.

    Parameters
    ----------
    family : Family
    y : ndarray, shape (n,) or (n, 2)
        Zeros and ones, proportions, or successes and failures in two columns.
    codes : ndarray of int, shape (n,)
        The group of each row, from 0.
    """
    if family.name != "binomial":
        return False
    signs = signs_of(family, y)
    if signs is None or not signs.all() or len(np.unique(signs)) < 2:
        return False
    rows = np.bincount(codes)
    return bool(rows.max() > 1 and (np.abs(np.bincount(codes, weights=signs)) == rows).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Coefficients that have no finite maximum-likelihood estimate.

    Attributes
    ----------
    names : tuple of str
        The coefficients.
    directions : tuple of mapping
        Combinations of coefficients along which the likelihood keeps increasing, by name.
    n_rows, n : int
        The number of rows that they separate, and of all rows.
    where : tuple of str
        Facts of the data that show it, one for each direction that has such a fact.
    rows : ndarray of bool, shape (n,)
        Those that are separated.
    """

    names: tuple[str, ...]
    directions: tuple[Mapping[str, float], ...]
    n_rows: int
    n: int
    where: tuple[str, ...]
    rows: NDArray[np.bool_] = field(compare=False, repr=False)

    @property
    def complete(self) -> bool:
        """Whether all rows are separated."""
        return self.n_rows == self.n

    def __str__(self) -> str:
        along = listed(
            [combination(list(d), list(d.values())) for d in self.directions], most=3
        ).replace(" and ", ", and along ")
        seen = f" ({'; '.join(self.where[:3])})" if self.where else ""
        return (
            f"no finite maximum-likelihood estimate of {listed(self.names, most=6)} exists: the "
            f"fixed effects {'completely' if self.complete else 'partly'} separate the response"
            f"{seen}, and the likelihood rises without end along {along}"
        )


def separation(
    family: Family,
    y: NDArray[np.float64],
    X: NDArray[np.float64],
    names: Sequence[str],
    *,
    factors: Mapping[str, Factor] | None = None,
) -> Separation | None:
    """Whether the columns of the fixed effects separate a response.

    Parameters
    ----------
    family : Family
    y : ndarray, shape (n,) or (n, 2)
    X : ndarray, shape (n, p)
        Of full column rank.
    names : sequence of str, length p
    factors : mapping, optional
        Factors of the fixed effects, whose levels may show where it occurs.

    Returns
    -------
    Separation or None
        None where nothing is separated, and where it could not be decided quickly.
    """
    signs = signs_of(family, y)
    if signs is None:
        return None
    try:
        found = separated(X, signs)
    except UndeterminedError:
        return None
    if found is None:
        return None
    involved = (found.directions != 0).any(axis=0)
    facts = dict.fromkeys(
        fact
        for direction in found.directions
        for fact in _facts(direction, X, signs, names=names, factors=factors or {}, family=family)
    )
    return Separation(
        names=tuple(name for name, used in zip(names, involved.tolist(), strict=True) if used),
        directions=tuple(
            {name: weight for name, weight in zip(names, d.tolist(), strict=True) if weight}
            for d in found.directions
        ),
        n_rows=int(np.count_nonzero(found.rows)),
        n=len(X),
        where=tuple(facts),
        rows=found.rows,
    )


def _facts(
    direction: NDArray[np.float64],
    X: NDArray[np.float64],
    signs: NDArray[np.float64],
    *,
    names: Sequence[str],
    factors: Mapping[str, Factor],
    family: Family,
) -> Iterator[str]:
    """Facts to look up: levels, or the range of a covariate, and the response there."""
    reached = X @ direction
    rows = np.abs(reached) > 1e-6 * np.abs(reached).max()
    numbers = [
        place for place in np.flatnonzero(direction).tolist() if len(np.unique(X[:, place])) > 2
    ]
    for name, factor in factors.items():
        inside = np.unique(factor.codes[rows])
        if len(inside) < len(factor.levels) and not np.isin(factor.codes[~rows], inside).any():
            for code in inside.tolist():
                level = factor.levels[code]
                here = factor.codes == code
                if len(values := np.unique(signs[here])) == 1:
                    yield (
                        f"in the {counted(int(here.sum()), 'row')} with {name} = {level!r} the "
                        f"response is always {_outcome(values[0], family)}"
                    )
            return
    if len(numbers) == 1 and np.count_nonzero(direction) <= 2:
        column = X[:, numbers[0]]
        high = signs * np.sign(direction[numbers[0]]) > 0
        apart = signs.all() and high.any() and not high.all()
        if apart and column[high].min() >= column[~high].max():
            yield (
                f"every row with {names[numbers[0]]} from {column[high].min():.6g} up has one "
                f"outcome, every row up to {column[~high].max():.6g} the other"
            )
            return
    ones = np.unique(signs[rows])
    count = counted(int(rows.sum()), "row")
    if len(ones) == 1:
        yield f"in {count} where it is not 0 the response is always {_outcome(ones[0], family)}"
    else:
        yield f"in {count} its sign tells the outcome"


def _outcome(sign: float, family: Family) -> str:
    if family.name == "poisson":
        return "0"
    return "a success" if sign > 0 else "a failure"
