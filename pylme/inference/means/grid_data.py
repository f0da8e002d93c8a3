"""The rows that a reference grid is made of: those of the data, or their combinations with counts.

Of lazy data, one row stands for all that have the same values of the predictors with few values;
covariates are at their means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.frame import frame_of_used, read_frame
from pylme.inference.lazy_fixed_terms import require_sums
from pylme.inference.means.reference_grid import made_factors, predictors
from pylme.model_matrix.lazy.expressions import expression
from pylme.model_matrix.lazy.first_pass import FINE, complete
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.model_matrix.lazy.summed import Summed
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["GridData", "grid_data"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridData:
    """What a reference grid is made of.

    Attributes
    ----------
    rows : DataFrame
        The columns of the model.
    counts : ndarray, shape (rows,), or None
        How many rows of the data each stands for; None where it is one.
    ranges : mapping of str to float
        Of covariates that are at their means.
    offset : float
        The mean of an offset that is not part of the formula.
    total_offset : float
        The mean of all offsets.
    """

    rows: pd.DataFrame
    counts: NDArray[np.float64] | None
    ranges: Mapping[str, float]
    offset: float
    total_offset: float

    def width(self, name: str) -> float:
        """The range of a numeric column; 1 where it is constant."""
        if name in self.ranges:
            return self.ranges[name] or 1.0
        return float(np.ptp(self.rows[name].to_numpy(dtype=float))) or 1.0


def grid_data(design: ModelMatrices, spec: ModelSpec) -> GridData:
    """Of the rows that a model was fitted to.

    Raises
    ------
    NotAvailableError
        If a fit to lazy data was saved without them.
    """
    if spec.summed is not None:
        return _of_sums(spec.summed)
    rows = frame_of_used(spec.frame, design.rows)
    return GridData(
        rows=rows,
        counts=None,
        ranges={},
        offset=0.0 if spec.offset is None else float(rows[spec.offset].mean()),
        total_offset=float(design.offset.mean()),
    )


def _of_sums(summed: Summed) -> GridData:
    """By a few passes over the rows where they are."""
    require_sums(summed)
    reading = summed.reading
    source, sketch = reading.source, reading.sketch
    fixed, table = source.terms.fixed, source.table
    few = frame_of_used(sketch.frame, sketch.frame.rows)
    names = predictors(fixed, source.terms.response, few)
    whole, _ = complete(table, source.names, source.numbers(sketch), sketch.factors)
    frame = whole.filter(nw.col(FINE))
    numeric = [name for name in names if table.is_number(name) and name not in made_factors(fixed)]
    offsets = [expression(node, table, sketch.known).number for node in fixed.offsets]
    if source.offset is not None:
        offsets.append(nw.col(source.offset).cast(nw.Float64))
    asked: dict[str, nw.Expr] = {"n": nw.len()}
    for at, offset in enumerate(offsets):
        asked[f"offset{at}"] = offset.sum()
    for at, name in enumerate(numeric):
        column = nw.col(name).cast(nw.Float64)
        asked |= {f"low{at}": column.min(), f"high{at}": column.max(), f"sum{at}": column.sum()}
    found = frame.select(**asked).collect().rows(named=True)[0]
    n = int(found["n"])
    other = (
        frame.select(
            nw.len().alias("n"),
            *(
                nw.when((nw.col(name) != found[f"low{at}"]) & (nw.col(name) != found[f"high{at}"]))
                .then(nw.lit(1.0))
                .otherwise(nw.lit(0.0))
                .sum()
                .alias(f"other{at}")
                for at, name in enumerate(numeric)
            ),
        )
        .collect()
        .rows(named=True)[0]
    )
    covariates = [name for at, name in enumerate(numeric) if other[f"other{at}"]]
    rows, counts = _combinations(frame, [name for name in names if name not in covariates], n)
    for name in covariates:
        rows[name] = float(found[f"sum{numeric.index(name)}"]) / n
    means = [float(found[f"offset{at}"]) / n for at in range(len(offsets))]
    return GridData(
        rows=rows,
        counts=counts,
        ranges={
            name: float(found[f"high{at}"]) - float(found[f"low{at}"])
            for at, name in enumerate(numeric)
            if name in covariates
        },
        offset=means[-1] if source.offset is not None else 0.0,
        total_offset=sum(means),
    )


def _combinations(
    frame: nw.LazyFrame[Any], names: list[str], n: int
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The combinations of values that occur, and how many rows have each."""
    if not names:
        return pd.DataFrame(index=pd.RangeIndex(1)), np.array([float(n)])
    found = frame.group_by(*names).agg(nw.len().alias("__count")).collect()
    with silenced():
        few = read_frame(found.to_native(), names)
    rows = frame_of_used(few, few.rows).reset_index(drop=True)
    return rows, found.get_column("__count").to_numpy().astype(np.float64)
