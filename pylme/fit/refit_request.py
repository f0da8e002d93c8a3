"""The request for a fit that differs from another in its response, its criterion or its model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.deadline import checked_timeout
from pylme.errors import NotAvailableError, OptionError, UnknownNameError
from pylme.families.family import family
from pylme.lme4.control import GlmerControl, LmerControl
from pylme.model_matrix.changed_spec import ARGUMENTS, changed_spec
from pylme.model_matrix.response import with_response
from pylme.options import number_array, optional_text, text, true_or_false, whole_number
from pylme.results.engine import FitRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from pylme.frame import Rows
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.fitted_model import FittedModel

__all__ = ["changed_request", "request_of", "request_with_response"]

#: What may change beside the arguments of the specification.
_OF_REQUEST: Final = ("control", "n_agq", "timeout")


def request_of(model: FittedModel, request: FitRequest | None) -> FitRequest:
    """What was asked of the engine, with the data as they were then.

    Raises
    ------
    NotAvailableError
        If the fit has no data.
    """
    spec = model.spec
    if spec is None:
        raise NotAvailableError(
            asked="Fitting the model of a fit again",
            found="this fit came from JSON, which carries no data",
            remedy="Fit the model again, or keep the fit by pickle, which carries all of it.",
        )
    if request is not None:
        return replace(request, spec=spec)
    return FitRequest(spec=spec, function="lmer" if spec.family is None else "glmer")


def request_with_response(
    request: FitRequest, rows: Rows, y: ArrayLike | None, *, reml: bool | None
) -> FitRequest:
    """The same model with another response, or by another criterion.

    Parameters
    ----------
    request : FitRequest
    rows : Rows
        Those that the model used.
    y : array_like, shape (rows given,) or (rows used,), or None
    reml : bool or None
    """
    spec = request.spec
    if reml is not None:
        reml = true_or_false("reml", reml)
        if spec.family is not None and reml:
            raise OptionError(
                option="reml", value=reml, allowed="False: generalized models are fitted by ML"
            )
        spec = replace(spec, reml=reml)
    if y is not None:
        spec = with_response(spec, _in_frame(spec, rows, y))
    return replace(request, spec=spec)


def _in_frame(spec: ModelSpec, rows: Rows, y: ArrayLike) -> NDArray[np.float64]:
    """A response in the rows of the specification's frame; NaN where the model used none."""
    values = number_array(y)
    frame = spec.frame
    sizes = f"{rows.n_given} values, one for each row of the data"
    if rows.nrow != rows.n_given:
        sizes += f", or {rows.nrow}, one for each row used"
    if values is None or not values.ndim or len(values) not in (rows.n_given, rows.nrow):
        found = y if values is None or not values.ndim else f"{len(values)} values"
        raise OptionError(option="y", value=found, allowed=sizes)
    counts = spec.family is not None and spec.family.name == "binomial"
    if values.ndim > 1 and not (counts and values.shape[1:] == (2,)):
        shape = f"an array of shape {values.shape}"
        raise OptionError(option="y", value=shape, allowed=f"an array of {sizes}")
    used = values
    if len(values) == rows.n_given and rows.kept is not None:
        used = values[rows.kept]
    if not np.isfinite(used).all():
        missing = int((~np.isfinite(used)).sum())
        raise OptionError(
            option="y",
            value=f"an array with {missing} missing or infinite values",
            allowed="finite numbers in all rows that the model used",
        )
    if rows.nrow == frame.nrow:
        return used
    # Some rows of the frame were lost to a transformation.
    kept = rows.kept if frame.kept is None or rows.kept is None else rows.kept[frame.kept]
    placed = np.full((frame.nrow, *values.shape[1:]), np.nan)
    placed[kept] = used
    return placed


def changed_request(
    request: FitRequest, *, change: str | None, data: Any, changes: Mapping[str, Any]
) -> FitRequest:
    """The request with another formula, other data or other arguments of the fitting function.

    Raises
    ------
    UnknownNameError
        If an argument is none of that function.
    """
    known = {name for name in ARGUMENTS if name != "family"} | {*_OF_REQUEST}
    if request.function == "lmer":
        known -= {"mustart", "etastart", "n_agq"}
    else:
        known -= {"reml"}
        known |= {"family", "link"} if request.function == "glmer" else set()
    for name in changes:
        if name not in known:
            raise UnknownNameError(what="argument", name=name, known=tuple(sorted(known)))
    arguments = {name: value for name, value in changes.items() if name in ARGUMENTS}
    if "reml" in arguments:
        true_or_false("reml", arguments["reml"])
    if {"family", "link"} & changes.keys():
        old = request.spec.family
        name = text("family", changes.get("family", old.name if old is not None else None))
        arguments["family"] = family(name, optional_text("link", changes.get("link")))
    spec = changed_spec(
        request.spec,
        change=None if change is None else text("formula", change),
        data=data,
        arguments=arguments,
    )
    others = {name: value for name, value in changes.items() if name in _OF_REQUEST}
    kind = LmerControl if request.function == "lmer" else GlmerControl
    if not isinstance(others.get("control"), kind | None):
        allowed = f"a pylme.{kind.__name__}(...)"
        raise OptionError(option="control", value=others["control"], allowed=allowed)
    if "timeout" in others:
        others["timeout"] = checked_timeout(others["timeout"])
    if "n_agq" in others:
        others["n_agq"] = whole_number("n_agq", others["n_agq"], least=0)
    return replace(request, spec=spec, **others)
