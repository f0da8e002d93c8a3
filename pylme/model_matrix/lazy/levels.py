"""The levels of grouping factors by the values of the columns that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from pylme.formula import Name, walk
from pylme.frame import Factor, Frame, read_frame
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import Value, group_factor
from pylme.model_matrix.variables import evaluated

if TYPE_CHECKING:
    from pylme.model_matrix.lazy.reading import Source

__all__ = ["Grouping", "LevelRows", "grouping_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelRows:
    """The values of columns that have a level of a grouping factor.

    Attributes
    ----------
    names : tuple of str
        The columns of which the factor is made.
    frame : object
        A data frame with each combination of their values once.
    codes : ndarray of int
        The level of each.
    """

    names: tuple[str, ...]
    frame: Any
    codes: NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grouping:
    """The grouping factors in the combinations of their levels that occur.

    Attributes
    ----------
    frame : Frame
    values : mapping
        The variables right of bars, by their texts.
    factors : mapping of str to Factor
        By grouping factor.
    levels : mapping of str to LevelRows
        By grouping factor.
    """

    frame: Frame
    values: Mapping[str, Value]
    factors: Mapping[str, Factor]
    levels: Mapping[str, LevelRows]


def grouping_of(source: Source, keys: Any) -> Grouping:
    """The grouping factors of a model.

    Parameters
    ----------
    source : Source
    keys : object
        A data frame of the combinations of values that occur.
    """
    frame = read_frame(keys, source.keys, as_factor=source.formula.only_grouping_in(source.names))
    values = evaluated(
        {text: node for part in source.terms.random for text, node in part.factors},
        Evaluator(frame.columns, frame.nrow, Memory()),
    )
    factors: dict[str, Factor] = {}
    levels: dict[str, LevelRows] = {}
    for part in source.terms.random:
        if part.group in factors:
            continue
        factors[part.group] = factor = group_factor(part.texts, values)
        named = dict.fromkeys(
            node.name for _, whole in part.factors for node in walk(whole) if isinstance(node, Name)
        )
        names = tuple(name for name in named if name in source.keys)
        levels[part.group] = _distinct(keys, names, factor)
    return Grouping(frame=frame, values=values, factors=factors, levels=levels)


def _distinct(keys: Any, names: tuple[str, ...], factor: Factor) -> LevelRows:
    frame = nw.from_native(keys, eager_only=True).select(*names)
    codes = nw.new_series("__code", factor.codes.astype(np.int64), backend=frame.implementation)
    found = frame.with_columns(codes).unique()
    return LevelRows(
        names=names,
        frame=found.select(*names).to_native(),
        codes=found.get_column("__code").to_numpy().astype(np.intp),
    )
