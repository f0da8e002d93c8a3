"""The values that a family's response may take, where the response is an expression.

Columns are looked at before anything is evaluated; what a formula computes is looked at here, so
that it fails with the same words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.design.evaluate import Evaluator
from pylme.design.memory import Memory
from pylme.design.values import Matrix
from pylme.errors import NotAvailableError, ResponseError
from pylme.formula import Name, deparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.design.spec import ModelSpec

__all__ = ["require_response_in_range"]

#: By family: what its values are, and what to do about others.
_ALLOWED: Final = {
    "binomial": ("from 0 to 1", "Give counts as cbind(successes, failures)."),
    "poisson": ("whole numbers of 0 or more", "Give an exposure as offset(log(exposure))."),
    "Gamma": ("above 0", "Leave rows of zeros out, or fit a normal response by lmer()."),
    "inverse.gaussian": ("above 0", "Leave rows of zeros out, or fit a normal response by lmer()."),
}


def require_response_in_range(spec: ModelSpec) -> None:
    """Raise where an expression gives a response that the family does not have.

    Raises
    ------
    ResponseError
    """
    family, node = spec.family, spec.formula.response
    if family is None or family.name not in _ALLOWED or isinstance(node, Name):
        return
    try:
        value = Evaluator(spec.frame.columns, spec.frame.nrow, Memory()).variable(node)
    except NotAvailableError:
        # A function that R alone knows: R will say what is wrong.
        return
    text = deparse(node)
    if isinstance(value, Matrix) and value.values.shape[1] == 2:
        _require_counts(text, value.values)
        return
    if not isinstance(value, np.ndarray):
        return
    y = value.astype(np.float64)
    words, remedy = _ALLOWED[family.name]
    match family.name:
        case "binomial":
            outside = (y < 0) | (y > 1)
        case "poisson":
            outside = (y < 0) | (y != np.round(y))
        case _:
            outside = y <= 0
    outside &= np.isfinite(y)
    if outside.any():
        raise ResponseError(
            response=text,
            found=f"{int(outside.sum())} values are not {words}, as {y[outside][0]:g}",
            remedy=f"A {family.name} response takes values {words}. {remedy}",
        )


def _require_counts(text: str, counts: NDArray[np.float64]) -> None:
    outside = np.isfinite(counts) & ((counts < 0) | (counts != np.round(counts)))
    if outside.any():
        raise ResponseError(
            response=text,
            found=f"{int(outside.sum())} counts are not whole numbers of 0 or more, as "
            f"{counts[outside][0]:g}",
            remedy="cbind() takes the numbers of successes and of failures, each 0 or more: of a "
            "total write cbind(successes, total - successes).",
        )
    if not counts.sum():
        raise ResponseError(
            response=text,
            found="no row has a success or a failure",
            remedy="Check the columns, or the rows that were kept.",
        )
