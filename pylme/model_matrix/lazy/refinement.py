"""Further passes over lazy data where sums of products alone would lose digits.

A sum of squares less what others explain of it has an error of ε times the sum. Where less than
`LITTLE` of a column is left by the columns before it, or of the response by all, the engine makes
the residuals row by row and sums their products. Where less than that is left within the
combinations of levels, it makes them orthogonal to the columns of Z there, one after the other
(modified Gram-Schmidt; Björck 1996, Numerical Methods for Least Squares Problems, section 2.4).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Final

import narwhals.stable.v2 as nw
import numpy as np

from pylme.model_matrix.lazy.equivalent_rows import ROUNDING, cell_rows, factor_rows
from pylme.model_matrix.lazy.monomials import Monomial
from pylme.model_matrix.lazy.second_pass import RESPONSE, second_pass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.model_matrix.lazy.second_pass import Centred, LazySums

__all__ = ["LITTLE", "rows_of"]

#: Differences of sums of squares that are a smaller part of the sums are made from residuals.
LITTLE: Final = 1e-6
#: What a residual has of the sum of squares of its column where it is a rounding error.
_NOTHING: Final = 1e-26


def rows_of(
    data: Centred, base: Sequence[Monomial], of_z: NDArray[np.intp], *, at_once: bool
) -> tuple[NDArray[np.float64], NDArray[np.intp], LazySums, float]:
    """Rows of the columns and the response with their cross products, and the cell of each.

    Parameters
    ----------
    data : Centred
    base : sequence of Monomial
        Of X and Z.
    of_z : ndarray of int, shape (k,)
        Those of Z, by their places.
    at_once : bool
        As in `second_pass`.

    Returns
    -------
    rows : ndarray, shape (m, b + 1)
    cell : ndarray of int, shape (m,)
    sums : LazySums
        Of the last pass, with the combinations of levels.
    size : float
        The sum of squares of the response, or of its residuals, of which the last rows have what
        the columns leave.
    """
    columns = [*base, Monomial(numbers=(RESPONSE,))]
    back = np.eye(len(columns))
    sums = second_pass(data, columns, of_z, at_once=at_once)
    for _ in range(3):
        taken = _combinations(sums.total, of_z) or _beside_cells(sums, of_z)
        if not taken:
            break
        before, change = sums.total.diagonal().copy(), np.eye(len(columns))
        freed, residuals = data, list(columns)
        for at, combination in taken.items():
            name = f"(residual {len(freed.derived)})"
            parts = {columns[i]: -value for i, value in enumerate(combination) if value}
            freed = freed.derived_as(name, {columns[at]: 1.0} | parts)
            residuals[at] = Monomial(numbers=(name,))
            change[:, at] += combination
        sums = _without_rounding(
            second_pass(freed, residuals, of_z, at_once=at_once), before, list(taken)
        )
        data, columns, back = freed, residuals, change @ back
        if len(columns) - 1 not in taken:
            break
    rows, cell = cell_rows(sums.cells, of_z)
    rest = sums.total - rows.T @ rows
    rest[of_z] = rest[:, of_z] = 0.0
    sizes = sums.total.diagonal().copy()
    again = _little_left(rest, sizes, of_z)
    if again:
        _sum_within(data, columns, of_z, again, rest)
        sizes[again] = rest.diagonal()[again]
    last = factor_rows(rest, sizes)
    rows = np.concatenate([rows, last])
    cell = np.concatenate([cell, np.zeros(len(last), dtype=np.intp)])
    return rows @ back, cell, sums, float(sizes[-1])


def _combinations(
    total: NDArray[np.float64], of_z: NDArray[np.intp]
) -> dict[int, NDArray[np.float64]]:
    """For each column of which those before it leave little, their combination.

    The columns nearly dependent themselves take no part in the combinations of later ones. Those of
    Z come first: the residuals of one of them from X would not span within levels what it does.
    """
    taken: dict[int, NDArray[np.float64]] = {}
    sound: list[int] = []
    for at in [*of_z.tolist(), *np.delete(np.arange(len(total)), of_z).tolist()]:
        size = total[at, at]
        if size <= 0:
            continue
        combination = np.zeros(len(total))
        left = size
        if sound:
            scale = np.sqrt(total.diagonal()[sound])
            gram = total[np.ix_(sound, sound)] / np.outer(scale, scale)
            solved = np.linalg.solve(gram, total[sound, at] / scale)
            left = size - solved @ (total[sound, at] / scale)
            combination[sound] = solved / scale
        if left < LITTLE * size:
            taken[at] = combination
        else:
            sound.append(at)
    return taken


def _beside_cells(sums: LazySums, of_z: NDArray[np.intp]) -> dict[int, NDArray[np.float64]]:
    """The combination of X, if that and the cells together leave little of the response."""
    rows, _ = cell_rows(sums.cells, of_z)
    rest = sums.total - rows.T @ rows
    sizes = sums.total.diagonal()
    others = np.delete(np.arange(len(sizes) - 1), of_z)
    sound = others[rest.diagonal()[others] > LITTLE * sizes[others]]
    if not len(sound):
        return {}
    scale = np.sqrt(rest.diagonal()[sound])
    gram = rest[np.ix_(sound, sound)] / np.outer(scale, scale)
    solved = np.linalg.lstsq(gram, rest[sound, -1] / scale, rcond=LITTLE)[0]
    explained = float(solved @ (rest[sound, -1] / scale))
    left = rest[-1, -1] - explained
    # Once it is taken, what is left to take is a rounding error.
    if left > LITTLE * sizes[-1] or explained < LITTLE * rest[-1, -1]:
        return {}
    combination = np.zeros(len(sizes))
    combination[sound] = solved / scale
    return {len(sizes) - 1: combination}


def _without_rounding(
    sums: LazySums, before: NDArray[np.float64], residuals: Sequence[int]
) -> LazySums:
    """Zeros for residuals that are rounding errors."""
    total, cells = sums.total.copy(), sums.cells.copy()
    place = {column: at for at, column in enumerate(sums.of_z.tolist())}
    for at in residuals:
        if total[at, at] <= _NOTHING * before[at]:
            total[at] = total[:, at] = 0.0
            cells[:, :, at] = 0.0
            if at in place:
                cells[:, place[at]] = 0.0
    return replace(sums, total=total, cells=cells)


def _little_left(
    rest: NDArray[np.float64], sizes: NDArray[np.float64], of_z: NDArray[np.intp]
) -> list[int]:
    """The columns of which the cells leave little, and yet something; the response is the last."""
    left = np.divide(rest.diagonal(), sizes, out=np.ones_like(sizes), where=sizes > 0)
    left[of_z] = 1.0
    little = left < LITTLE
    little[:-1] &= left[:-1] > ROUNDING
    return [int(at) for at in np.flatnonzero(little)]


def _sum_within(
    data: Centred,
    columns: Sequence[Monomial],
    of_z: NDArray[np.intp],
    again: Sequence[int],
    rest: NDArray[np.float64],
) -> None:
    """Sum the products of residuals within cells, into `rest`."""
    frame = data.columns(columns)
    keys = data.key_names
    weight = data.weight
    for step, z in enumerate(of_z.tolist()):
        q = nw.col(f"__m{z}")
        later = [*of_z.tolist()[step + 1 :], *again]
        size = (weight * q * q).sum().over(*keys)
        products = {f"__h{at}": (weight * q * nw.col(f"__m{at}")).sum().over(*keys) for at in later}
        whole = (weight * nw.col(f"__w{z}") * nw.col(f"__w{z}")).sum().over(*keys)
        if step == 0:
            frame = frame.with_columns(**{f"__w{at}": nw.col(f"__m{at}") for at in of_z.tolist()})
        frame = frame.with_columns(__size=size, __whole=whole, **products)
        sound = nw.col("__size") > ROUNDING * nw.col("__whole")
        frame = frame.with_columns(
            **{
                f"__m{at}": nw.col(f"__m{at}")
                - nw.when(sound).then(nw.col(f"__h{at}") / nw.col("__size")).otherwise(nw.lit(0.0))
                * q
                for at in later
            }
        )
    others = [at for at in range(len(columns)) if at not in set(of_z.tolist())]
    pairs = [
        (i, j) for i, j in combinations_with_replacement(others, 2) if i in again or j in again
    ]
    made = frame.with_columns(
        **{
            f"__r{at}": weight * nw.col(f"__m{i}") * nw.col(f"__m{j}")
            for at, (i, j) in enumerate(pairs)
        }
    )
    row = made.select(*(nw.col(f"__r{at}").sum() for at in range(len(pairs)))).collect().rows()[0]
    for (i, j), value in zip(pairs, row, strict=True):
        rest[i, j] = rest[j, i] = float(value)
