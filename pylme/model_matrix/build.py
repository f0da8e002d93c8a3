"""From a model's specification to its matrices, without R."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.arrays import locked
from pylme.covariance.structure import structure_of
from pylme.errors import (
    PylmeError,
    RankDeficiencyWarning,
    ZeroEffectsError,
    warn,
)
from pylme.formula import deparse
from pylme.frame import Factor
from pylme.frame.typed import of_times
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import (
    CodedFactor,
    Matrix,
    Times,
    numbers_of,
    require_levels,
)
from pylme.model_matrix.magnitudes import require_magnitudes
from pylme.model_matrix.matrices import ModelMatrices
from pylme.model_matrix.model_matrix import combinations, independent_columns, model_matrix
from pylme.model_matrix.random_term import RandomTerm, in_order
from pylme.model_matrix.recipe import Recipe, bars_of, column_kind, fixed_codings, total_offset
from pylme.model_matrix.requirements import require_other_predictors
from pylme.model_matrix.response import require_response
from pylme.model_matrix.transformations import require_finite_arguments, weights_of
from pylme.model_matrix.variables import complete, evaluated, incomplete_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.model_matrix import ModelMatrix
    from pylme.model_matrix.recipe import BarRecipe
    from pylme.model_matrix.spec import ModelSpec

__all__ = [
    "build",
    "dropped_columns",
    "order_of_terms",
    "random_effects_are_zero",
    "rank_message",
    "zero_effects",
]


def build(spec: ModelSpec) -> ModelMatrices:
    """The matrices of a model specification."""
    formula, frame = spec.formula, spec.frame
    terms, fixed = spec.terms, spec.terms.fixed
    require_other_predictors(spec)
    memory = Memory()
    evaluator = Evaluator(frame.columns, frame.rows.nrow, memory)
    require_finite_arguments(spec, evaluator)
    values, kept, rows = complete(
        evaluated(terms.variables, evaluator),
        frame.rows,
        na_action=spec.na_action,
        columns=frame.columns,
    )
    require_magnitudes(terms, values, weights_of(spec))
    response = values[terms.response]
    require_response(spec, response)
    bars = bars_of(spec, values)
    order = order_of_terms([len(bar.levels) for bar in bars])
    codings = fixed_codings(fixed, values, spec.contrasts)
    matrix = model_matrix(fixed, values, codings, rows.nrow)
    independent = independent_columns(matrix.values)
    dropped, aliases = dropped_columns(matrix, independent)
    recipe = Recipe(
        formula=formula,
        terms=terms,
        bars=bars,
        order=order,
        memory=memory,
        levels={t: value.levels for t, value in values.items() if isinstance(value, Factor)},
        codings=codings,
        kept=independent,
        kinds={name: column_kind(column) for name, column in frame.columns.items()},
        clocks={
            name: any(":" in level for level in column.levels)
            for name, column in frame.columns.items()
            if isinstance(column, Factor) and of_times(column)
        },
        offset=spec.offset if spec.offset_named else "",
    )
    y = _response(response)
    weights = _column(spec, "weights", spec.weights, kept, default=1.0)
    offset = _column(spec, "offset", spec.offset, kept, default=0.0)
    offset = offset + total_offset(fixed, values, rows.nrow)
    positions = independent.tolist()
    x_names = tuple([matrix.names[i] for i in positions])
    assign = tuple([matrix.assign[i] for i in positions])
    random = _random([bars[i] for i in order], values, rows.nrow)
    return ModelMatrices(
        formula=formula.line,
        y=locked(y, order="F"),
        X=locked(matrix.values[:, independent] if dropped else matrix.values, order="F"),
        aliases=locked(aliases, order="F"),
        weights=locked(weights, order="F"),
        offset=locked(offset),
        x_names=x_names,
        assign=assign,
        dropped=dropped,
        **random,
        rows=rows,
        recipe=recipe,
        family=spec.family,
    )


def order_of_terms(n_levels: list[int]) -> tuple[int, ...]:
    """lme4's order of terms: by decreasing number of levels.

    If the terms are not already in this order, those with equal numbers of levels are reversed.
    """
    places = range(len(n_levels))
    if all(before >= after for before, after in pairwise(n_levels)):
        return tuple(places)
    return tuple(sorted(places, key=lambda place: (n_levels[place], place), reverse=True))


def dropped_columns(
    matrix: ModelMatrix, independent: NDArray[np.intp]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The names of the dependent columns, and their coefficients on the others."""
    kept = set(independent.tolist())
    lost = [i for i in range(len(matrix.names)) if i not in kept]
    if not lost:
        return (), np.zeros((len(kept), 0))
    dropped = tuple(matrix.names[i] for i in lost)
    warn(RankDeficiencyWarning(rank_message(dropped, len(matrix.names))))
    return dropped, combinations(matrix.values[:, independent], matrix.values[:, lost])


def rank_message(dropped: tuple[str, ...], columns: int) -> str:
    """The message about dropped columns of the fixed-effects model matrix."""
    return (
        f"{len(dropped)} of {columns} columns of the fixed-effects model matrix are linearly "
        f"dependent on those before them and were dropped: {', '.join(dropped)}"
    )


def _response(value: Value) -> NDArray[np.float64]:
    """The response as numbers: one in each row, or successes and failures."""
    if isinstance(value, CodedFactor):
        value = value.factor
    if isinstance(value, Factor):
        return (value.codes > 0).astype(np.float64)
    if isinstance(value, Matrix | Times):
        values = value.values
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    return value.astype(np.float64, copy=False)


def _column(
    spec: ModelSpec, role: str, name: str | None, kept: NDArray[np.bool_], *, default: float
) -> NDArray[np.float64]:
    if name is None:
        return np.full(int(np.count_nonzero(kept)), default)
    return numbers_of(spec.frame.columns[name], role)[kept]


def _random(bars: list[BarRecipe], values: dict[str, Value], nrow: int) -> dict[str, Any]:
    """The random-effects terms and the grouping factors, each factor once."""
    terms: list[RandomTerm] = []
    factors: dict[str, Factor] = {}
    for recipe in bars:
        group, label = recipe.part.group, recipe.part.label
        factor = factors.setdefault(group, recipe.factor(values))
        require_levels(f"({label})", group, len(factor.levels))
        matrix = recipe.columns(values, nrow)
        terms.append(
            RandomTerm(
                group=group,
                label=label,
                names=matrix.names,
                assign=matrix.assign,
                levels=factor.levels,
                codes=factor.codes,
                columns=locked(matrix.values, order="F"),
                structure=structure_of(
                    recipe.part.bar.structure or "us", len(matrix.names), hom=recipe.part.bar.hom
                ),
            )
        )
    return {"terms": in_order(terms), "group_factors": factors}


def random_effects_are_zero(spec: ModelSpec) -> bool | None:
    """Whether all elements of Z are zero; None where only R can tell.

    A term with an intercept has ones; the columns of the others have to be computed.
    """
    frame = spec.frame
    if any(part.terms.intercept for part in spec.terms.random):
        return False
    evaluator = Evaluator(frame.columns, frame.nrow, Memory())
    try:
        values = evaluated(spec.terms.variables, evaluator)
        columns = [bar.columns(values, frame.nrow).values for bar in bars_of(spec, values)]
    except PylmeError:
        # Whatever is wrong, the fit itself says it, or R knows a function that pylme does not.
        return None
    kept = np.ones(frame.nrow, dtype=np.bool_)
    for missing in incomplete_rows(values).values():
        kept &= ~missing
    return not any(part[kept].any() for part in columns)


def zero_effects(spec: ModelSpec) -> ZeroEffectsError:
    """The error for a model whose random effects are all multiplied by zero."""
    terms = (f"({deparse(bar.effects)} | {deparse(bar.group)})" for bar in spec.formula.bars)
    return ZeroEffectsError(terms=tuple(terms), rows=spec.frame.nrow)
