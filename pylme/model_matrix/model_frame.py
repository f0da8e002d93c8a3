"""The columns that a model was made of: R's model frame, as a data frame of R's shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.formula import Name, deparse, model_terms
from pylme.formula.bars import bar_of
from pylme.formula.nodes import SUMS, Binary, Paren, left_spine
from pylme.frame import Factor
from pylme.model_matrix.evaluate import Evaluator
from pylme.model_matrix.values import CodedFactor, Matrix, Times, numbers_of
from pylme.model_matrix.variables import evaluated, incomplete_rows, taken

if TYPE_CHECKING:
    from pylme.formula import Node
    from pylme.model_matrix.calls import Memory
    from pylme.model_matrix.spec import ModelSpec
    from pylme.model_matrix.values import Value

__all__ = ["categorical", "model_frame"]


def model_frame(spec: ModelSpec, memory: Memory) -> dict[str, Any]:
    """The variables in the order of the formula, then weights and offset, by R's names.

    Parameters
    ----------
    spec : ModelSpec
    memory : Memory
        What the calls of the formula learnt when the design was built.

    Returns
    -------
    dict
        Arrays and categoricals, in the rows used. A variable of several columns is spread over
        columns of their own.
    """
    formula, frame = spec.formula, spec.frame
    evaluator = Evaluator(frame.columns, frame.nrow, memory)
    terms = model_terms(_without_bars(formula.right), response=formula.response)
    values = evaluated(dict(zip(terms.texts, terms.variables, strict=True)), evaluator)
    kept = np.ones(frame.nrow, dtype=bool)
    for gap in incomplete_rows(values).values():
        kept &= ~gap
    columns: dict[str, Any] = {}
    # A column has its own name there, without the back-quotes that it needs in a formula.
    bare = {deparse(node): node.name for node in terms.variables if isinstance(node, Name)}
    for text, value in values.items():
        columns |= _columns(bare.get(text, text), value if kept.all() else taken(value, kept))
    for role, name in (("weights", spec.weights), ("offset", spec.offset)):
        if name is not None:
            columns[f"({role})"] = numbers_of(frame.columns[name], role)[kept]
    return columns


def _without_bars(node: Node) -> Node:
    """Both sides of each bar as summands: lme4's ``subbars``."""
    if (bar := bar_of(node)) is not None:
        return Paren(inner=Binary(operator="+", left=bar.effects, right=bar.group))
    first, chain = left_spine(node, SUMS)
    if chain:
        result = _without_bars(first)
        for step in chain:
            right = _without_bars(step.right)
            result = Binary(operator=step.operator, left=result, right=right)
        return result
    return Paren(inner=_without_bars(node.inner)) if isinstance(node, Paren) else node


def _columns(text: str, value: Value) -> dict[str, Any]:
    match value:
        case Matrix(values=matrix, names=names):
            width = matrix.shape[1]
            if width == 1:
                return {text: matrix[:, 0]}
            parts = names or tuple(str(j + 1) for j in range(width))
            return {f"{text}.{part}": matrix[:, j] for j, part in enumerate(parts)}
        case CodedFactor(factor=factor) | (Factor() as factor):
            return {text: categorical(factor)}
        case Times(values=numbers):
            return {text: numbers}
    return {text: value}


def categorical(factor: Factor) -> Any:
    """A factor as pandas has it, a `pandas.Categorical`."""
    kind = pd.CategoricalDtype(list(factor.levels), ordered=factor.ordered)
    return pd.Categorical.from_codes(factor.codes, dtype=kind)
