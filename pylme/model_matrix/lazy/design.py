"""The matrices of a model of lazy data, in rows that have the cross products of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import locked
from pylme.covariance.structure import structure_of
from pylme.frame import Factor, Rows
from pylme.frame.typed import of_times
from pylme.model_matrix.build import dropped_columns, order_of_terms
from pylme.model_matrix.evaluation.values import require_levels
from pylme.model_matrix.lazy.levels import Grouping
from pylme.model_matrix.lazy.monomials import ONE, coefficients
from pylme.model_matrix.lazy.second_pass import RESPONSE
from pylme.model_matrix.matrices import ModelMatrices, Represented
from pylme.model_matrix.model_matrix import ModelMatrix, independent_columns, model_matrix
from pylme.model_matrix.random_term import RandomTerm, in_order
from pylme.model_matrix.recipe import Recipe, column_kind

if TYPE_CHECKING:
    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.lazy.columns import LazyColumns
    from pylme.model_matrix.lazy.reading import Reading
    from pylme.model_matrix.recipe import BarRecipe

__all__ = ["EquivalentRows", "design_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EquivalentRows:
    """Rows with the cross products of all.

    Attributes
    ----------
    values : ndarray, shape (m, b + 1)
        The monomials and the centred response.
    cell : ndarray of int, shape (m,)
        The combination of levels of each.
    grouping : Grouping
        The grouping factors in these combinations.
    size : float
        The sum of squares of the centred response, or of residuals of it, whose differences are the
        residual sum of squares.
    """

    values: NDArray[np.float64]
    cell: NDArray[np.intp]
    grouping: Grouping
    size: float

    @property
    def columns(self) -> int:
        """How many columns were taken from the response, one after the other."""
        return int(self.values.shape[1])


def lost_digits(n: int, columns: int) -> float:
    """An estimate, on the safe side, of the relative error of a sum of n squares of one sign.

    Errors of single additions have random signs: the error of their sum grows as √n (Higham 2002,
    Accuracy and Stability of Numerical Algorithms, section 2.8), whatever the order in which an
    engine adds. Each column that is taken out of the sum adds the error of a few operations.
    """
    return float(np.finfo(float).eps * (8.0 + np.sqrt(n) + columns))


def design_of(reading: Reading, columns: LazyColumns, rows: EquivalentRows) -> ModelMatrices:
    """The matrices of a model.

    Warns
    -----
    RankDeficiencyWarning
        If columns of X depend on others.
    """
    source, sketch, first = reading.source, reading.sketch, reading.first
    terms, values = source.terms, dict(sketch.values)
    whole = rows.grouping.factors
    bars = tuple(replace(bar, levels=whole[bar.part.group].levels) for bar in columns.bars)
    order = order_of_terms([len(bar.levels) for bar in bars])
    of_base, of_y = rows.values[:, :-1], rows.values[:, -1]
    named = model_matrix(terms.fixed, values, columns.codings, sketch.frame.nrow)
    X = np.asfortranarray(of_base @ coefficients(columns.X, columns.base))
    matrix = ModelMatrix(values=X, names=named.names, assign=named.assign)
    independent = independent_columns(X)
    dropped, aliases = dropped_columns(matrix, independent)
    random: list[RandomTerm] = []
    factors: dict[str, Factor] = {}
    for place in order:
        group = bars[place].part.group
        own = replace(whole[group], codes=locked(whole[group].codes[rows.cell]))
        Z = of_base @ coefficients(columns.Z[place], columns.base)
        term = _term(bars[place], factors.setdefault(group, own), Z, values, sketch.frame.nrow)
        random.append(term)
    y = first.scale[RESPONSE] * of_y + first.mean[RESPONSE] * of_base[:, columns.base.index(ONE)]
    kept = independent.tolist()
    return ModelMatrices(
        formula=source.formula.line,
        y=locked(y, order="F"),
        X=locked(X[:, independent], order="F"),
        aliases=locked(aliases, order="F"),
        weights=locked(np.ones(len(X))),
        offset=locked(np.zeros(len(X))),
        x_names=tuple(matrix.names[i] for i in kept),
        assign=tuple(matrix.assign[i] for i in kept),
        dropped=dropped,
        terms=in_order(random),
        group_factors=factors,
        rows=Rows(n_given=first.used, library=source.table.library),
        recipe=_recipe(reading, columns, bars, order, independent, rows.grouping),
        represented=Represented(
            engine=source.table.engine,
            n=first.used,
            log_weights=first.log_weights,
            unevenness=first.unevenness,
            lost=(
                lost_digits(first.used, rows.columns) * first.scale[RESPONSE] ** 2 * rows.size,
                # Each of the few rows is rounded once its mean is part of it.
                2.0 * float(np.finfo(float).eps * np.linalg.norm(y)),
            ),
        ),
    )


def _term(
    bar: BarRecipe, factor: Factor, Z: NDArray[np.float64], values: dict[str, Value], nrow: int
) -> RandomTerm:
    """A random-effects term; its names are those of the few rows of the sketch."""
    require_levels(f"({bar.part.label})", bar.part.group, len(factor.levels))
    named = bar.columns(values, nrow)
    return RandomTerm(
        group=bar.part.group,
        label=bar.part.label,
        names=named.names,
        assign=named.assign,
        levels=factor.levels,
        codes=factor.codes,
        columns=locked(Z, order="F"),
        structure=structure_of(
            bar.part.bar.structure or "us", len(named.names), hom=bar.part.bar.hom
        ),
    )


def _recipe(  # noqa: PLR0917  (the parts of a design)
    reading: Reading,
    columns: LazyColumns,
    bars: tuple[BarRecipe, ...],
    order: tuple[int, ...],
    independent: NDArray[np.intp],
    grouping: Grouping,
) -> Recipe:
    """What makes the same columns from new rows."""
    source, sketch = reading.source, reading.sketch
    known = {**sketch.values, **grouping.values}
    typed = {**sketch.frame.columns, **grouping.frame.columns}
    return Recipe(
        formula=source.formula,
        terms=source.terms,
        bars=bars,
        order=order,
        memory=sketch.memory,
        levels={t: value.levels for t, value in known.items() if isinstance(value, Factor)},
        codings=columns.codings,
        kept=independent,
        kinds={name: column_kind(column) for name, column in typed.items()},
        clocks={
            name: any(":" in level for level in column.levels)
            for name, column in typed.items()
            if isinstance(column, Factor) and of_times(column)
        },
        offset=source.offset,
    )
