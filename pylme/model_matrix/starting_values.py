"""Starting values of a search, checked against the model before an engine begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import FitWarning, NotAvailableError, OptionError
from pylme.model_matrix.build import build
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["require_possible_start", "start_of_theta"]


def require_possible_start(spec: ModelSpec) -> None:
    """Raise for starting values that the model of a specification cannot have.

    The matrices are made for it: how many columns a term has is not known before. Where R alone can
    make them, R checks the start.

    Raises
    ------
    OptionError
    """
    if spec.start is None:
        return
    try:
        # What there is to say of rows and columns is said when the model is fitted.
        with silenced(FitWarning):
            design = build(spec)
    except NotAvailableError:
        return
    start_of_theta(spec, design)


def start_of_theta(spec: ModelSpec, design: ModelMatrices) -> NDArray[np.float64] | None:
    """The starting values of theta, if any are given: as many as it has, none below its bound.

    Parameters
    ----------
    spec : ModelSpec
    design : ModelMatrices
        Of the specification.

    Raises
    ------
    OptionError
    """
    start = spec.start
    if isinstance(start, Mapping):
        if "fixef" in start:
            _require_fixed(start["fixef"], spec, design)
        start = start.get("theta")
    if start is None:
        return None
    lower = design.lower
    if len(start) != len(lower):
        raise OptionError(
            option="start", value=start.tolist(), allowed=_numbers(len(lower), "element of theta")
        )
    if (below := np.flatnonzero(start < lower)).size:
        raise OptionError(
            option="start",
            value=start.tolist(),
            allowed="0 or more for a relative standard deviation: element "
            f"{below[0] + 1} of theta is one",
        )
    return start


def _require_fixed(fixef: NDArray[np.float64], spec: ModelSpec, design: ModelMatrices) -> None:
    if spec.family is None:
        raise OptionError(
            option="start",
            value="fixef",
            allowed="theta alone: fixed effects are not searched for in a linear model",
        )
    if len(fixef) != design.p:
        raise OptionError(
            option="start", value=fixef.tolist(), allowed=_numbers(design.p, "fixed effect")
        )


def _numbers(count: int, each: str) -> str:
    return f"{count} number{'' if count == 1 else 's'}, one for each {each}"
