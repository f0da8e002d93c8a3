"""From a formula and lazy data to a model whose matrices are made from sums."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pylme.formula import formula_terms, model_formula
from pylme.model_matrix.lazy.absent_rows import AbsentRows
from pylme.model_matrix.lazy.columns import columns_of
from pylme.model_matrix.lazy.design import EquivalentRows, design_of
from pylme.model_matrix.lazy.levels import grouping_of
from pylme.model_matrix.lazy.reading import read, source_of
from pylme.model_matrix.lazy.refinement import rows_of
from pylme.model_matrix.lazy.summed import Summed
from pylme.model_matrix.requirements import require_other_predictors
from pylme.model_matrix.spec import ContrastsFor, ModelSpec, codings_given, starting_values
from pylme.options import choice

if TYPE_CHECKING:
    from pylme.frame.lazy_table import LazyTable
    from pylme.model_matrix.spec import ModelArguments

__all__ = ["lazy_spec"]


def lazy_spec(text: str, table: LazyTable, arguments: ModelArguments) -> ModelSpec:
    """Read a formula, and sum lazy data to the matrices of its model.

    The frame of the specification has no rows.

    Raises
    ------
    FormulaError, DataError, OptionError
        As for data in memory.
    NotAvailableError
        If the engine of the data cannot evaluate a part of the formula.

    Warns
    -----
    MissingRowsWarning, RankDeficiencyWarning
    """
    formula = model_formula(text, tuple(table.types))
    terms = formula_terms(formula)
    source = source_of(table, formula, terms, arguments)
    reading = read(source, arguments.na_action)
    reach = choice("contrasts_for", arguments.contrasts_for, ContrastsFor)
    spec = ModelSpec(
        formula=formula,
        terms=terms,
        frame=AbsentRows(reading.first.used, table.library, table.engine),
        weights=source.weights,
        offset=source.offset,
        contrasts=codings_given(arguments.contrasts, terms, reading.sketch.frame, reach=reach),
        contrasts_for=reach,
        start=starting_values(arguments.start),
        reml=arguments.reml,
        na_action=arguments.na_action,
    )
    require_other_predictors(spec)
    columns = columns_of(reading, spec)
    data = reading.centred
    # With one factor there are as many combinations as levels: few enough for all sums of each.
    at_once = len({part.group for part in terms.random}) == 1
    values, cell, sums, size = rows_of(data, columns.base, columns.of_z, at_once=at_once)
    grouping = grouping_of(source, sums.keys)
    rows = EquivalentRows(values=values, cell=cell, grouping=grouping, size=size)
    summed = Summed(
        design=design_of(reading, columns, rows),
        data=data,
        reading=reading,
        columns=columns,
        levels=grouping.levels,
        root=np.linalg.qr(values[:, :-1], mode="r"),
        arguments=arguments,
        again=partial(lazy_spec, text, arguments=arguments),
    )
    return replace(spec, summed=summed)
