"""The numbers that a study keeps of a single fit, those of the user's own function included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylme.errors import OptionError
from pylme.options import mapping
from pylme.results.assessment import assess
from pylme.results.fitted_model import FittedModel
from pylme.results.parameters import Parameter, parameters_of, varcorr_values

__all__ = [
    "Collect",
    "Record",
    "failure",
    "record_of",
]


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
    """The numbers of a fitted model.

    Parameters
    ----------
    model : FittedModel
    seconds : float
        The time that the fit took.
    verdict : str or None
        The verdict of the cross-check, where it was made.
    collected : mapping
        Further numbers, from the user's own function.
    """
    kept = model.record()
    estimates, varcorr = kept.estimates, kept.varcorr
    convergence = assess(estimates, kept.optinfo, model.conditions, singular=kept.singular)
    own = tuple(Parameter("collected", None, str(name)) for name in collected)
    values = varcorr_values(
        [(term.sd[None], term.corr[None], term.structure) for term in varcorr.terms]
    )[0]
    residual = [] if varcorr.sigma is None else [varcorr.sigma]
    numbers = np.array([float(value) for value in collected.values()])
    estimate = np.concatenate([estimates.beta, values, residual, estimates.theta, numbers])
    errors = np.full(len(estimate), np.nan)
    errors[: len(kept.std_error)] = kept.std_error
    terms = [(term.group, term.names, term.structure) for term in varcorr.terms]
    named = parameters_of(
        estimates.names, terms, len(estimates.theta), residual=varcorr.sigma is not None
    )
    return Record(
        parameters=(*named, *own),
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
    """The record of a fit that failed."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collect:
    """The user's function of a `Fit`, applied to a fitted model.

    Attributes
    ----------
    own : callable
        Takes a `Fit` and returns numbers by name.
    wrap : callable
        Makes a `Fit` of a fitted model.
    """

    own: Callable[[Any], Mapping[str, float]]
    wrap: Callable[[FittedModel], Any]

    def __post_init__(self) -> None:
        if not callable(self.own):
            raise OptionError(
                option="the function of each fit", value=self.own, allowed="a function of a fit"
            )

    def __call__(self, model: FittedModel) -> Mapping[str, float]:
        """The numbers of a fitted model.

        Raises
        ------
        OptionError
            If the user's function does not return a mapping from names to numbers.
        """
        found: object = self.own(self.wrap(model))
        option = "what the function of each fit returns"
        numbers = mapping(option, found, allowed="a mapping from names to numbers")
        for name, value in numbers.items():
            if not _is_real(value):
                raise OptionError(option=f"{option} as {name!r}", value=value, allowed="a number")
        return numbers


def _is_real(value: object) -> bool:
    """Whether the value is a number: NaN and truth values are, text is not."""
    if isinstance(value, Real):
        return True
    return (
        isinstance(value, np.ndarray | np.generic) and not value.ndim and value.dtype.kind in "biuf"
    )
