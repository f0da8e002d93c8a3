"""Averages of a reference grid over the predictors that are not asked for.

The weights of the combinations averaged over are

    equal          1
    proportional   the number of rows with that combination, whatever the rest
    outer          the product of the numbers of rows with each level
    cells          the number of rows with that combination and the means' own levels
    flat           1 where there are such rows, 0 elsewhere

(Searle, Speed & Milliken 1980, The American Statistician 34; Lenth 2016, Journal of Statistical
Software 69, section 2.)
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from scipy import sparse

from pylme.errors import OptionError
from pylme.inference.means.functions import LinearFunctions
from pylme.inference.means.reference_grid import grid_rows
from pylme.options import choice, number_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from pylme.inference.means.reference_grid import ReferenceGrid

__all__ = ["WeightsName", "averaged", "target_levels"]

WeightsName = Literal["equal", "proportional", "outer", "cells", "flat"]


def averaged(
    grid: ReferenceGrid, names: Sequence[str], weights: WeightsName | ArrayLike
) -> LinearFunctions:
    """The means at each combination of some predictors, the first varying fastest.

    Parameters
    ----------
    grid : ReferenceGrid
    names : sequence of str
    weights : str or array_like
        A name, or a number for each combination of the other predictors, whose first varies
        fastest.

    Raises
    ------
    OptionError
        If the weights are neither.
    """
    targets = [grid.position(name) for name in names]
    others = [place for place in range(len(grid.axes)) if place not in targets]
    size = prod(grid.shape)
    # A model without predictors has one row of the grid and no axes.
    places = np.indices(grid.shape).reshape(len(grid.axes), size, order="F")
    target = _flat(places, targets, grid.shape, size)
    other = _flat(places, others, grid.shape, size)
    w = _weights(grid, weights, others, other, places)
    total = np.bincount(target, weights=w)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total[target] > 0, w / total[target], 0.0)
    average = sparse.csr_array((share, (target, np.arange(size))), shape=(len(total), size))
    functions = grid.functions
    offset = average @ functions.offset
    offset[total <= 0] = np.nan
    return LinearFunctions(
        X=average @ functions.X, dependent=average @ functions.dependent, offset=offset
    )


def _flat(
    places: NDArray[np.intp], axes: Sequence[int], shape: Sequence[int], size: int
) -> NDArray[np.intp]:
    """The position of each row of the grid among the combinations of some axes."""
    if not axes:
        return np.zeros(size, dtype=np.intp)
    flat: NDArray[np.intp] = np.ravel_multi_index(
        [places[axis] for axis in axes], [shape[axis] for axis in axes], order="F"
    )
    return flat


def _weights(
    grid: ReferenceGrid,
    weights: WeightsName | ArrayLike,
    others: Sequence[int],
    other: NDArray[np.intp],
    places: NDArray[np.intp],
) -> NDArray[np.float64]:
    """The weight of each row of the grid."""
    size = len(other)
    if not isinstance(weights, str):
        return _given(weights, prod(grid.shape[place] for place in others))[other]
    match choice("weights", cast("WeightsName", weights), WeightsName):
        case "equal":
            return np.ones(size)
        case "proportional":
            return grid.counts(others)[other]
        case "outer":
            parts = [grid.counts([place])[places[place]] for place in others]
            return np.asarray(np.prod(parts, axis=0)) if parts else np.ones(size)
        case "cells":
            return grid.counts(range(len(grid.axes)))
        case "flat":
            return (grid.counts(range(len(grid.axes))) > 0).astype(float)


def _given(weights: ArrayLike, size: int) -> NDArray[np.float64]:
    values = number_array(weights)
    if values is None or values.shape != (size,) or not (values >= 0).all() or not values.any():
        raise OptionError(
            option="weights",
            value=weights,
            allowed='"equal", "proportional", "outer", "cells", "flat", or '
            f"{size} numbers, one for each combination of the predictors that are averaged over",
        )
    return values


def target_levels(grid: ReferenceGrid, names: Sequence[str]) -> pd.DataFrame:
    """The values of some predictors at each of their combinations, the first varying fastest."""
    return grid_rows([grid.axes[grid.position(name)] for name in names])
