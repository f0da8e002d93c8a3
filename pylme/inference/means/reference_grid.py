"""The reference grid: the combinations of predictors at which marginal means are taken.

All levels of the factors, and each covariate at its mean over the rows used; a covariate with one
or two distinct values keeps them. A function of a covariate is evaluated at the covariate's mean
(Searle, Speed & Milliken 1980, The American Statistician 34; Lenth 2016, Journal of Statistical
Software 69, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.errors import OptionError, UnknownNameError
from pylme.formula import Call, Name, walk
from pylme.frame.labels import label_text
from pylme.inference.means.functions import LinearFunctions
from pylme.model_matrix.recipe import on_new_rows
from pylme.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylme.formula import ModelTerms
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["Axis", "ReferenceGrid", "made_factors", "predictors", "reference_grid"]

#: Calls that make a factor of numbers.
_FACTOR_CALLS: Final = frozenset({"factor", "ordered", "as.factor", "as.ordered", "interaction"})
#: Combinations beyond which a grid is a mistake.
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """A predictor and its values on the grid.

    Attributes
    ----------
    name : str
        The column of the data.
    levels : pandas.Series
        With the type of the column.
    codes : ndarray of int, shape (n,), or None
        The value of each row of the data, -1 for others; None for a covariate at its mean.
    """

    name: str
    levels: pd.Series[Any]
    codes: NDArray[np.intp] | None

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.levels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceGrid:
    """Combinations of predictors, and the linear predictor there as functions of β.

    Attributes
    ----------
    axes : tuple of Axis
        The first varies fastest in the rows of the grid.
    functions : LinearFunctions
        Of the rows of the grid.
    row_counts : ndarray, shape (n,), or None
        How many rows each row of the data stands for; None where it is one.
    """

    axes: tuple[Axis, ...]
    functions: LinearFunctions
    row_counts: NDArray[np.float64] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each axis."""
        return tuple(axis.size for axis in self.axes)

    def position(self, name: str) -> int:
        """The axis of that name.

        Raises
        ------
        UnknownNameError
            If the fixed effects have no such predictor.
        """
        names = tuple(axis.name for axis in self.axes)
        if name not in names:
            raise UnknownNameError(what="predictor", name=name, known=names)
        return names.index(name)

    def counts(self, positions: Sequence[int]) -> NDArray[np.float64]:
        """How many rows of the data have each combination of these axes, in Fortran order.

        Axes of covariates at their means have no part in it.
        """
        sizes = [self.axes[place].size for place in positions]
        known = [place for place in positions if self.axes[place].codes is not None]
        shape = [self.axes[place].size for place in known]
        codes = [cast("NDArray[np.intp]", self.axes[place].codes) for place in known]
        if not known:
            return np.ones(prod(sizes))
        inside = np.all([own >= 0 for own in codes], axis=0)
        flat = np.ravel_multi_index([own[inside] for own in codes], shape, order="F")
        weights = None if self.row_counts is None else self.row_counts[inside]
        counts = np.bincount(flat, weights, minlength=prod(shape)).astype(float)
        counts = counts.reshape(shape, order="F")
        spread = counts.reshape(
            [self.axes[place].size if place in known else 1 for place in positions], order="F"
        )
        return np.broadcast_to(spread, sizes).ravel(order="F")


def reference_grid(
    design: ModelMatrices,
    data: pd.DataFrame,
    at: Mapping[str, Any] | None = None,
    *,
    offset: float = 0.0,
    total_offset: float | None = None,
    row_counts: NDArray[np.float64] | None = None,
) -> ReferenceGrid:
    """The reference grid of the fixed effects of a design.

    Parameters
    ----------
    design : ModelMatrices
    data : DataFrame
        The columns of the model in the rows used.
    at : mapping, optional
        Values of predictors in place of the usual ones.
    offset : float
        The mean of an offset that is not part of the formula. Offsets are at their means over the
        rows, but where `at` gives values of variables in them.
    total_offset : float, optional
        The mean of all offsets, by default that of the design.
    row_counts : ndarray, shape (rows,), optional
        How many rows of the model each of these stands for; 1 by default.

    Raises
    ------
    UnknownNameError
        If `at` names a column that is no predictor of the fixed effects.
    OptionError
        If a value in `at` is not a level of the factor, or there are too many combinations.
    """
    fixed = design.recipe.terms.fixed
    names = predictors(fixed, design.recipe.terms.response, data)
    at = {} if at is None else at
    for name in at:
        if name not in names:
            raise UnknownNameError(what="predictor", name=str(name), known=names)
    discrete = made_factors(fixed)
    axes = tuple(_axis(data[name], at.get(name), discrete=name in discrete) for name in names)
    size = prod(axis.size for axis in axes)
    if size > _MOST:
        raise OptionError(
            option="at",
            value=dict(at),
            allowed=f"values for some of the predictors {quoted(names)}, which have {size:,} "
            f"combinations, more than {_MOST:,}",
        )
    functions = grid_functions(design, grid_rows(axes), offset)
    if not _in_offsets(fixed).intersection(at):
        # Not the offset at the means of its variables, which is another number.
        mean = np.full(size, design.offset.mean() if total_offset is None else total_offset)
        functions = LinearFunctions(X=functions.X, dependent=functions.dependent, offset=mean)
    return ReferenceGrid(axes=axes, functions=functions, row_counts=row_counts)


def predictors(fixed: ModelTerms, response: str, data: pd.DataFrame) -> tuple[str, ...]:
    """The columns that the fixed effects use, offsets included, in the order of the formula."""
    found: dict[str, None] = {}
    for text, node in zip(fixed.texts, fixed.variables, strict=True):
        if text != response:
            found |= dict.fromkeys(
                part.name for part in walk(node) if isinstance(part, Name) and part.name in data
            )
    return tuple(found)


def grid_rows(axes: Sequence[Axis]) -> pd.DataFrame:
    """The columns of the grid, the first axis varying fastest."""
    size = prod(axis.size for axis in axes)
    columns = {}
    inner = 1
    for axis in axes:
        places = (np.arange(size) // inner) % axis.size
        columns[axis.name] = axis.levels.iloc[places].reset_index(drop=True)
        inner *= axis.size
    return pd.DataFrame(columns, index=pd.RangeIndex(size))


def grid_functions(
    design: ModelMatrices, rows: pd.DataFrame, offset: float = 0.0
) -> LinearFunctions:
    """The linear predictor of the fixed effects in rows of predictors.

    Parameters
    ----------
    design : ModelMatrices
    rows : DataFrame
    offset : float
        Of all rows, beside the offsets in the formula.
    """
    made = on_new_rows(
        design.recipe,
        design.terms,
        rows,
        # What was given as an argument is not read again.
        offset=None if design.recipe.offset is None else np.full(len(rows), offset),
        na_action="fail",
        groups={},
    )
    return LinearFunctions(X=made.X, dependent=made.dependent, offset=made.offset)


def _in_offsets(fixed: ModelTerms) -> frozenset[str]:
    """The columns in the offsets of the formula."""
    return frozenset(
        part.name for node in fixed.offsets for part in walk(node) if isinstance(part, Name)
    )


def made_factors(fixed: ModelTerms) -> frozenset[str]:
    """The columns that a call turns into a factor.

    Parameters
    ----------
    fixed : ModelTerms
    """
    found: set[str] = set()
    for variable in fixed.variables:
        for call in walk(variable):
            if isinstance(call, Call) and call.function in _FACTOR_CALLS:
                found |= {part.name for part in walk(call) if isinstance(part, Name)}
    return frozenset(found)


def _axis(column: pd.Series[Any], asked: Any, *, discrete: bool) -> Axis:
    name = str(column.name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        levels: list[Any] = column.cat.categories.tolist()
        codes = column.cat.codes.to_numpy().astype(np.intp)
    elif column.dtype == bool:
        levels = [False, True]
        codes = column.to_numpy().astype(np.intp)
    else:
        found, codes = np.unique(column.to_numpy(), return_inverse=True)
        if not discrete and (len(found) > 2 or asked is not None):
            return _covariate(column, asked)
        levels = found.tolist()
    if asked is not None:
        levels, codes = _chosen(name, levels, codes, asked)
    return Axis(name=name, levels=_values(column, levels), codes=codes)


def _values(column: pd.Series[Any], levels: list[Any]) -> pd.Series[Any]:
    values: pd.Series[Any] = pd.Series(levels, name=column.name)
    return values.astype(column.dtype) if column.dtype.kind in "OMmb" else values


def _covariate(column: pd.Series[Any], asked: Any) -> Axis:
    if asked is None:
        mean: Any = column.mean()
        # Days have no time of day.
        whole = column.dtype.kind == "M" and (column == column.dt.normalize()).all()
        values: Any = [mean.round("D") if whole else mean]
    else:
        values = np.atleast_1d(np.asarray(asked)).tolist()
        if not values or (
            column.dtype.kind in "fiu"
            and not all(isinstance(value, int | float) and np.isfinite(value) for value in values)
        ):
            raise OptionError(
                option=f"at[{column.name!r}]", value=asked, allowed="one or more numbers"
            )
    return Axis(name=str(column.name), levels=pd.Series(values, name=column.name), codes=None)


def _chosen(
    name: str, levels: list[Any], codes: NDArray[np.intp], asked: Any
) -> tuple[list[Any], NDArray[np.intp]]:
    """Some of the levels, in the order asked for."""
    texts = [label_text(level) for level in levels]
    many = list(asked) if isinstance(asked, Sequence | np.ndarray | pd.Series) else [asked]
    wanted = [asked] if isinstance(asked, str) else many
    places = []
    for value in wanted:
        text = label_text(value)
        if text not in texts or texts.index(text) in places:
            raise OptionError(
                option=f"at[{name!r}]",
                value=value,
                allowed=f"different levels of {name}: {quoted(texts)}",
            )
        places.append(texts.index(text))
    if not places:
        raise OptionError(option=f"at[{name!r}]", value=asked, allowed="one or more levels")
    new = np.full(len(levels) + 1, -1, dtype=np.intp)
    new[places] = np.arange(len(places))
    return [levels[place] for place in places], new[codes]
