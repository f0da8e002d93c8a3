"""Whether the random effects of a model can have any effect: Z needs an element that is not zero.

lme4 ends the process where Z has none, and there is no variance to estimate from it. One element
is enough; terms that are zero beside others are fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import PylmeError, ZeroEffectsError
from pylme.formula import deparse, model_terms
from pylme.model_matrix.evaluate import Evaluator
from pylme.model_matrix.memory import Memory
from pylme.model_matrix.recipe import bars_of, predictor_nodes
from pylme.model_matrix.variables import evaluated, incomplete_rows

if TYPE_CHECKING:
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["random_effects_are_zero", "zero_effects"]


def random_effects_are_zero(spec: ModelSpec) -> bool | None:
    """Whether Z has no element but zeros; None where only R can tell.

    A term with an intercept has ones; the columns of the others have to be computed.
    """
    formula, frame = spec.formula, spec.frame
    if any(model_terms(bar.effects).intercept for bar in formula.bars):
        return False
    fixed = model_terms(formula.fixed, response=formula.response)
    evaluator = Evaluator(frame.columns, frame.nrow, Memory())
    try:
        values = evaluated([formula.response, *predictor_nodes(formula, fixed)], evaluator)
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
