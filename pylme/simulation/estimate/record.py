"""What a study keeps of a single fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylme.results.assessment import assess
from pylme.simulation.estimate.parameters import Parameter, parameters_of, varcorr_values

if TYPE_CHECKING:
    from pylme.results.fitted_model import FittedModel

__all__ = ["Record", "failure", "record_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """The numbers of a fit, or why there is none.

    Attributes
    ----------
    parameters : tuple of Parameter, length P
    estimate, std_error : ndarray, shape (P,)
    fit : mapping
        Criterion, status, code, and the other columns of a fit.
    """

    parameters: tuple[Parameter, ...]
    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    fit: Mapping[str, Any]


def record_of(
    model: FittedModel,
    *,
    seconds: float,
    verdict: str | None,
    collected: Mapping[str, float],
) -> Record:
    """What is kept of a fitted model.

    Parameters
    ----------
    model : FittedModel
    seconds : float
        What the fit took.
    verdict : str or None
        Of the cross-check, where one was asked for.
    collected : mapping
        Further numbers that the user's own function gave.
    """
    kept = model.record()
    estimates, varcorr = kept.estimates, kept.varcorr
    convergence = assess(estimates, kept.optinfo, model.conditions, singular=kept.singular)
    own = tuple(Parameter("collected", None, str(name)) for name in collected)
    values = varcorr_values([(term.sd[None], term.corr[None]) for term in varcorr.terms])[0]
    sigma = np.nan if varcorr.sigma is None else varcorr.sigma
    numbers = np.array([float(value) for value in collected.values()])
    estimate = np.concatenate([estimates.beta, values, [sigma], estimates.theta, numbers])
    errors = np.full(len(estimate), np.nan)
    errors[: len(kept.std_error)] = kept.std_error
    terms = [(term.group, term.names) for term in varcorr.terms]
    return Record(
        parameters=(*parameters_of(estimates.names, terms, len(estimates.theta)), *own),
        estimate=estimate,
        std_error=errors,
        fit={
            "criterion": estimates.criterion,
            "status": convergence.status.value,
            "code": convergence.code,
            "singular": kept.singular,
            "verdict": verdict,
            "messages": "\n".join(convergence.messages),
            "seconds": seconds,
            "error": None,
        },
    )


def failure(error: BaseException, *, seconds: float) -> Record:
    """What is kept where a fit could not be made."""
    empty = np.empty(0)
    return Record(
        parameters=(),
        estimate=empty,
        std_error=empty,
        fit={
            "criterion": np.nan,
            "status": "failed",
            "code": None,
            "singular": None,
            "verdict": None,
            "messages": "",
            "seconds": seconds,
            "error": f"{type(error).__name__}: {error}",
        },
    )
