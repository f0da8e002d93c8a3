"""The first two tiers of a fit to sums: columns of a sample of rows, and sums by another engine.

The engine that holds the rows evaluated the columns and added their products. The columns of some
rows are made again by the NumPy engine, from the rows themselves. All sums are made again where
another engine can read the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.crosscheck.comparison import Pair
from pylme.crosscheck.tolerances import COLUMN, EXACT, SAME_SUMS
from pylme.errors import PylmeError
from pylme.frame.lazy_table import second_engine
from pylme.model_matrix.lazy.monomials import Monomial, coefficients
from pylme.model_matrix.lazy.second_pass import RESPONSE
from pylme.reference.criterion.prepare import problem_of
from pylme.results.linear_problem import LinearProblem
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.crosscheck.sides import Sides
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["sample", "sums"]

_PICKLED: Final = "the fit was pickled, and its data were not"
#: Rows whose columns are made again.
_ROWS: Final = 200
#: Values that are collected to be summed again, where the data are no files.
_MOST: Final = 20_000_000


def sample(sides: Sides) -> list[Pair] | str:
    """The columns of some rows, by the engine of the data and by the NumPy engine."""
    summed = sides.summed
    if summed is None or summed.data is None:
        return _PICKLED
    data, columns, design = summed.data, summed.columns, summed.design
    monomials = [*columns.base, Monomial(numbers=(RESPONSE,))]
    rows = data.columns(monomials, beside=data.names).head(_ROWS).collect()
    values = np.column_stack(
        [rows.get_column(f"__m{at}").to_numpy() for at in range(len(monomials))]
    )
    with silenced():
        own = design.on(rows.select(*data.names).to_native())
    base = list(columns.base)
    X = values[:, :-1] @ coefficients(columns.X, base)[:, design.recipe.kept]
    made = [_columns("X", X, own.X, design.x_names)]
    for place, term in zip(design.recipe.order, own.terms, strict=True):
        Z = values[:, :-1] @ coefficients(columns.Z[place], base)
        made.append(_columns(f"Z {term.written}", Z, term.columns, term.names))
        known = np.asarray(term.codes >= 0, dtype=np.int32)
        made.append(
            Pair(
                quantity=f"known levels of {term.group}",
                fit=np.ones_like(known),
                independent=known,
                tolerance=EXACT,
            )
        )
    return made


def _columns(
    quantity: str, engine: NDArray[np.float64], own: NDArray[np.float64], names: Sequence[str]
) -> Pair:
    scale = np.abs(own).max(axis=0, initial=0.0)
    scale[scale == 0.0] = 1.0
    return Pair(
        quantity=quantity,
        fit=engine,
        independent=own,
        tolerance=COLUMN,
        scale=scale,
        names=(None, names),
    )


def sums(sides: Sides) -> list[Pair] | str:
    """The sums of all rows, and the criterion at theta, by a second engine."""
    summed, fit = sides.summed, sides.fit
    if summed is None or summed.data is None or fit is None:
        return _PICKLED
    table = summed.reading.source.given
    other = second_engine(table, table.types, most=_MOST)
    if other is None:
        return (
            f"no second engine that is installed reads the rows that {table.engine} holds: "
            "give a path to Parquet files, and install both duckdb and polars"
        )
    try:
        with silenced():
            spec = summed.again(other)
    except PylmeError as error:
        return f"{other.engine}: {error.found}"
    ours, theirs = summed.design, spec.summed.design
    theta = fit.theta
    criteria = [_criterion(design, theta, reml=spec.reml) for design in (ours, theirs)]
    made = [
        Pair(quantity="names of X", fit=ours.x_names, independent=theirs.x_names, tolerance=EXACT),
        _number(f"rows, by {other.engine}", ours.nobs, theirs.nobs),
    ]
    if ours.x_names != theirs.x_names or ours.flist.keys() != theirs.flist.keys():
        return made
    for group, factor in ours.flist.items():
        made.append(
            Pair(
                quantity=f"levels of {group}",
                fit=factor.levels,
                independent=theirs.flist[group].levels,
                tolerance=EXACT,
            )
        )
    first, second = _products(ours), _products(theirs)
    size = np.sqrt(np.diag(first))
    scale = np.outer(size, size)
    names = (*ours.x_names, "y")
    made += [
        Pair(
            quantity="[X y]\u1d40[X y]",
            fit=first,
            independent=second,
            tolerance=SAME_SUMS,
            scale=np.where(scale > 0, scale, 1.0),
            names=(names, names),
        ),
        _number("criterion at theta", *criteria),
    ]
    return made


def _number(quantity: str, fit: float, other: float) -> Pair:
    return Pair(
        quantity=quantity,
        fit=fit,
        independent=other,
        tolerance=SAME_SUMS,
        scale=max(1.0, abs(fit)),
    )


def _products(design: ModelMatrices) -> Any:
    both = np.column_stack([design.X, design.y])
    return both.T @ both


def _criterion(design: ModelMatrices, theta: NDArray[np.float64], *, reml: bool) -> float:
    problem = problem_of(LinearProblem.of(design, reml=reml))
    inner = problem.layout.matrices(problem.conditioned(theta[None]))
    return float(problem.criterion.evaluate(inner).criterion[0])
