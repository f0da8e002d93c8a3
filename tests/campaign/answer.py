"""What pylme answers on a model: a fit by one engine, its check, errors and warnings."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import pylme
from pylme.errors import PylmeError, PylmeWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .dense import Matrices
    from .model import Model

__all__ = ["Answer", "answer", "factors_of"]

NONE = float("nan")


@dataclass(slots=True, kw_only=True)
class Answer:
    """One engine's answer.

    Attributes
    ----------
    engine : str
    outcome : str
        "fit", or the class of the error that the fit ended with.
    said : str
        The error's first line.
    broken : list of str
        Errors that are none of pylme's own, its warnings that are none either, and numbers that are
        not finite.
    criterion, sigma : float
    theta, checked_theta : list of float
        Where the fit ended, and the best point of its check.
    status, verdict, reason : str
        Empty where there is none.
    good : bool
    searches : int
        By how many searches the NumPy engine found its end.
    evaluations : float
        Of one search of the fit, on average.
    starts, agreed : int
        The check's.
    best : float
        The check's.
    columns : int
        Fixed effects.
    seconds, check_seconds : float
    """

    engine: str
    outcome: str = "fit"
    said: str = ""
    broken: list[str] = field(default_factory=list)
    criterion: float = NONE
    sigma: float = NONE
    theta: list[float] = field(default_factory=list)
    checked_theta: list[float] = field(default_factory=list)
    status: str = ""
    verdict: str = ""
    reason: str = ""
    good: bool = False
    searches: int = 1
    evaluations: float = 0.0
    starts: int = 0
    agreed: int = 0
    best: float = NONE
    columns: int = 0
    seconds: float = 0.0
    check_seconds: float = 0.0


def answer(model: Model, engine: str) -> tuple[Answer, pylme.Fit | None]:
    """Fit a model by one engine, and check the fit."""
    given = Answer(engine=engine)
    data = pd.DataFrame(model.data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = _fitted(model, data, given)
        if fit is not None:
            _checked(fit, given)
    for warning in caught:
        if not issubclass(warning.category, PylmeWarning):
            given.broken.append(f"{warning.category.__name__}: {_line(warning.message)}")
    given.broken = list(dict.fromkeys(given.broken))
    return given, fit


def _fitted(model: Model, data: pd.DataFrame, given: Answer) -> pylme.Fit | None:
    started = time.perf_counter()
    try:
        fit = pylme.lmer(
            model.formula, data, reml=model.reml, engine=given.engine,
            weights=model.weights, offset=model.offset,
        )  # fmt: skip
        given.criterion, given.sigma = fit.criterion, fit.sigma
        given.theta = fit.theta.tolist()
        # Not those that are numbers: where a fit broke down, none is.
        given.columns = len(fit._estimates.names)
        numbers = [fit.criterion, fit.sigma, *fit.theta, *fit.fixef]
        given.status = fit.convergence.status.name
        if given.engine == "numpy":
            given.searches = fit._model.ending.starts
        given.evaluations = (fit.optinfo.feval or 0) / given.searches
        given.seconds = time.perf_counter() - started
        if not np.isfinite(numbers).all() and given.status != "DEGENERATE":
            given.broken.append("an estimate is not finite")
    except PylmeError as error:
        given.outcome, given.said = type(error).__name__, _line(error)
        return None
    except Exception as error:  # noqa: BLE001 what is looked for
        given.outcome, given.said = type(error).__name__, _line(error)
        given.broken.append(f"{type(error).__name__} at the fit: {_line(error)}")
        return None
    return fit


def _checked(fit: pylme.Fit, given: Answer) -> None:
    started = time.perf_counter()
    try:
        check = fit.cross_check()
        given.verdict, given.good, given.reason = check.verdict.name, check.ok, check.reason
        given.best, given.starts, given.agreed = check.best, check.starts, check.agreed
        given.checked_theta = check.theta.tolist()
        if np.isnan(check.excess) and given.verdict != "UNCHECKED":
            given.broken.append("the excess is not a number")
        check.explain()
    except Exception as error:  # noqa: BLE001 what is looked for
        given.broken.append(f"{type(error).__name__} at the check: {_line(error)}")
    given.check_seconds = time.perf_counter() - started


def factors_of(model: Model, theta: list[float] | NDArray) -> Matrices | None:
    """T_t of the raw columns from lme4's theta; None where it is no such vector."""
    values = np.asarray(theta, dtype=float)
    if len(values) != sum(term.size for term in model.terms) or not np.isfinite(values).all():
        return None
    factors, at = [], 0
    for term in model.terms:
        T = np.zeros((term.k, term.k))
        columns, rows = np.triu_indices(term.k)
        T[rows, columns] = values[at : at + term.size]
        factors.append(T)
        at += term.size
    return factors


def _line(said: object) -> str:
    return " ".join(str(said).split())[:160]
