"""The numbers that a study keeps of a single fit, those of the user's own function included.

The parameters have broom.mixed's names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.names import BROOM_RESIDUAL, block_labels, cells, parameter_name
from pylme.errors import OptionError
from pylme.options import mapping
from pylme.results.assessment import assess
from pylme.results.fitted_model import FittedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Collect",
    "Parameter",
    "Record",
    "failure",
    "parameters_of",
    "record_of",
    "varcorr_values",
]


class Parameter(NamedTuple):
    """What one number of a fit is.

    `effect` is "fixed", "ran_pars" (standard deviations and correlations), "theta" or "collected";
    `group` the grouping factor of a random effect, "Residual", or None.
    """

    effect: str
    group: str | None
    term: str

    @property
    def label(self) -> str:
        """One text for it: ``ses``, ``sd__ses | sch.id``, ``sigma``, ``theta1``."""
        if self.group == "Residual":
            return "sigma"
        return self.term if self.group is None else f"{self.term} | {self.group}"


def parameters_of(
    fixed: Sequence[str], terms: Sequence[tuple[str, Sequence[str]]], n_thetas: int
) -> tuple[Parameter, ...]:
    """The parameters of a linear mixed model in their order.

    Parameters
    ----------
    fixed : sequence of str
        R's coefficient names.
    terms : sequence of (str, sequence of str)
        The grouping factor and the effects of each random-effects term.
    n_thetas : int
    """
    found = [Parameter("fixed", None, name) for name in fixed]
    labels = block_labels(group for group, _ in terms)
    for label, (_, names) in zip(labels, terms, strict=True):
        for i, j in cells(len(names)):
            term = parameter_name(names[i], names[j], style="broom")
            found.append(Parameter("ran_pars", label, term))
    found.append(Parameter("ran_pars", "Residual", BROOM_RESIDUAL))
    found += [Parameter("theta", None, f"theta{i + 1}") for i in range(n_thetas)]
    return tuple(found)


def varcorr_values(
    terms: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """Standard deviations and correlations in the order of the parameters, shape (R, cells).

    Parameters
    ----------
    terms : sequence of (ndarray, ndarray)
        Standard deviations (R, k) and correlations (R, k, k) of each term.
    """
    columns = [
        sd[:, i] if i == j else corr[:, i, j] for sd, corr in terms for i, j in cells(sd.shape[1])
    ]
    return np.stack(columns, axis=1)


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
