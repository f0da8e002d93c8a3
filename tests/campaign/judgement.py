"""Which of pylme's answers are wrong.

Everything is held against the truth alone. Where precision does not tell what is true (a field of
`Truth` is None), nothing is called wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .answer import Answer
    from .trial import Trial
    from .truth import Truth

__all__ = ["KINDS_OF_FAILURE", "Failure", "judge"]

#: By how much more than the truth an optimum is missed.
MISS: Final = 1e-6
#: What a good verdict promises: then no estimate is off by more than a hundredth of its standard
#: error.
PROMISED: Final = 1e-4
#: The criterion's own error, of n + |d|.
ARITHMETIC: Final = 1e-9
EVALUATIONS: Final = 50

#: Each kind with its meaning.
KINDS_OF_FAILURE: Final = {
    "error": "an error or a warning that is not pylme's own, a number that is not finite, a column "
    "of X too many or too few",
    "refused": "the NumPy engine refuses a model that has an answer",
    "not refused": "an engine fits what lmer refuses",
    "miss": f"the NumPy engine ends more than {MISS:g} above the optimum",
    "criterion": f"the NumPy engine's criterion is off by more than {ARITHMETIC:g} of n + |d|",
    "certified": f"a good verdict on a fit more than {PROMISED:g} above the optimum",
    "check missed": f"the check's best point is more than {MISS:g} above the optimum",
    "wrong NOT_IDENTIFIED": "the covariance parameters are identified",
    "not identified, unseen": "the covariance parameters are not identified, and the verdict or "
    "the status of a NumPy fit does not say so",
    "no optimum, unseen": "the criterion has no least value, and verdict or status do not say so",
    "wrong DISAGREES": "nothing but a defect justifies this verdict",
    "wrong UNCHECKED": "the optimum exists, is identified and of moderate size",
    "wrong STOPPED_SHORT": "the fit is at the optimum",
    "wrong SINGULAR": "the optimum lies inside",
    "singular, unseen": "the optimum lies on the boundary",
    "wrong status": "NOT_CONVERGED or DEGENERATE of a NumPy fit that is at an identified optimum",
    "evaluations": f"more than {EVALUATIONS} evaluations a search, of an identified model",
    "truth disputed": "lme4's own function has another value at the optimum: a fault of the "
    "campaign, or of lme4",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that is wrong."""

    kind: str
    engine: str
    said: str = ""


def judge(trial: Trial, *, refused: bool, conditioned: bool) -> Iterator[Failure]:
    """All that is wrong with the answers on one model.

    Parameters
    ----------
    trial : Trial
    refused : bool
        Whether lmer takes no such model.
    conditioned : bool
        Whether lme4's function is exact enough to confirm the truth.
    """
    for given in trial.answers:
        for said in given.broken:
            yield Failure(kind="error", engine=given.engine, said=said)
        if refused or trial.truth is None:
            if refused and given.outcome == "fit":
                yield Failure(kind="not refused", engine=given.engine)
            continue
        for kind, said in _wrong(trial, given, trial.truth):
            yield Failure(kind=kind, engine=given.engine, said=said)
    gap = abs(trial.devfun)
    if conditioned and trial.truth and gap > 1e-7 * (trial.n + abs(trial.truth.criterion)):
        yield Failure(kind="truth disputed", engine="lme4", said=f"by {trial.devfun:.1e}")


def _wrong(trial: Trial, given: Answer, true: Truth) -> Iterator[tuple[str, str]]:
    answerable = true.moderate and true.identified is True
    if given.outcome != "fit":
        if given.engine == "numpy" and answerable:
            yield "refused", f"{given.outcome}: {given.said}"
        return
    excess = trial.excess.get(given.engine, np.nan)
    if given.engine == "numpy":
        yield from _wrong_fit(trial, given, true, excess)
    yield from _wrong_verdict(given, true, excess)


def _wrong_fit(
    trial: Trial, given: Answer, true: Truth, excess: float
) -> Iterator[tuple[str, str]]:
    error = trial.error[given.engine]
    if true.moderate and excess > MISS:
        yield "miss", f"by {excess:.2e}, {given.status}"
    if true.moderate and abs(error) > ARITHMETIC * (trial.n + abs(true.criterion)):
        yield "criterion", f"off by {error:.1e} at theta up to {true.theta:.2g}"
    if not (true.moderate and excess <= MISS and true.identified is True):
        return
    if given.status in {"NOT_CONVERGED", "DEGENERATE"}:
        yield "wrong status", given.status
    if given.evaluations > EVALUATIONS:
        yield "evaluations", f"{given.evaluations:.0f} in each of {given.searches} searches"


def _wrong_verdict(given: Answer, true: Truth, excess: float) -> Iterator[tuple[str, str]]:
    verdict, numpy = given.verdict, given.engine == "numpy"
    if given.good and excess > PROMISED:
        yield "certified", f"{verdict}, {excess:.2e} above"
    if true.moderate and given.best - true.criterion > MISS * (1 + ARITHMETIC * abs(given.best)):
        yield "check missed", f"by {given.best - true.criterion:.2e}, {verdict}"
    if verdict == "DISAGREES":
        yield "wrong DISAGREES", given.reason
    if true.finite is False:
        if given.good or (numpy and given.status in {"CONVERGED", "SINGULAR"}):
            yield "no optimum, unseen", f"{verdict}, {given.status}"
        return
    if verdict == "NOT_IDENTIFIED" and true.identified is True:
        yield "wrong NOT_IDENTIFIED", ""
    if true.unidentified:
        if verdict != "NOT_IDENTIFIED" or (numpy and given.status == "CONVERGED"):
            yield "not identified, unseen", f"{verdict}, {given.status}"
        return
    if not true.moderate or true.identified is not True:
        return
    if verdict == "UNCHECKED":
        yield "wrong UNCHECKED", given.reason
    if verdict == "STOPPED_SHORT" and excess < PROMISED / 2:
        yield "wrong STOPPED_SHORT", f"{excess:.1e} above"
    if true.singular is False:
        said = verdict == "SINGULAR_CERTIFIED", numpy and given.status == "SINGULAR"
        if any(said) and excess < MISS:
            yield "wrong SINGULAR", f"{verdict}, {given.status}"
    if true.singular is True and excess < MISS:
        said = verdict in {"AGREES", "FALSE_ALARM"}, numpy and given.status == "CONVERGED"
        if any(said):
            yield "singular, unseen", f"{verdict}, {given.status}"
