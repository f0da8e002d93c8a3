"""The cross-check of a fit by either engine: examination, then verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.crosscheck import words
from pylme.crosscheck.evidence import impossible
from pylme.crosscheck.report import CrossCheck
from pylme.crosscheck.tiers.registry import contradictions
from pylme.crosscheck.tolerances import NEGLIGIBLE
from pylme.crosscheck.verdict import Findings, Verdict, decide
from pylme.results.engine import ENGINES

if TYPE_CHECKING:
    from pylme.crosscheck.evidence import Examination
    from pylme.options import EngineName
    from pylme.results.certificate import Certificate
    from pylme.results.fitted_model import FittedModel

__all__ = ["cross_check"]

_NO_MATRICES: Final = (
    "the fit came from JSON, which carries neither the data nor the model's matrices"
)
_UNPROVED: Final = "no search ended at a minimum, so the optimum is not known"
_TOO_FEW: Final = (
    "the searches from {starts} found nothing better, but with few rows or levels, uneven weights, "
    "or an optimum near the boundary, so few searches can miss a better optimum"
)
_MORE: Final = "Leave `starts` out of fit.cross_check(), or give {count} or more."


def cross_check(
    model: FittedModel, *, starts: int | None, quadrature: int | None = None
) -> CrossCheck:
    """Check a fitted model.

    Parameters
    ----------
    model : FittedModel
        Fitted by lme4 or by the NumPy engine, or read from JSON.
    starts : int or None
        The number of starts of the search for the optimum; None for as many as are cheap.
    quadrature : int or None
        Of a generalized model, the points of the quadrature to compare the approximation with.
    """
    if model.spec is None:
        saved = model.estimates().criterion
        examination = impossible(_NO_MATRICES, model.info().formula, saved)
    else:
        examination = ENGINES[model.engine].examine(model, starts, quadrature)
    return _judged(examination, model.engine)


def _judged(examination: Examination, engine: EngineName) -> CrossCheck:
    found, certificate = examination.found, examination.certificate
    singular = () if found is None else found.certificate.singular
    best = np.nan if found is None else found.criterion
    findings = Findings(
        impossible=bool(examination.reason),
        endless=bool(examination.endless),
        contradicted=any(contradictions(examination.tiers)),
        unidentified=bool(examination.directions),
        excess=examination.recomputed - best,
        negligible=NEGLIGIBLE.value,
        proved=(found is not None and found.proved)
        or (certificate is not None and _proves(certificate)),
        searched=not _missing(examination),
        singular=bool(singular),
        alarmed=bool(examination.alarms),
    )
    verdict = decide(findings)
    reason, remedy = examination.reason, examination.remedy
    if verdict is Verdict.UNCHECKED and not reason:
        reason, remedy = _unsettled(examination, proved=findings.proved)
    return CrossCheck(
        verdict=verdict,
        formula=examination.formula,
        engine=engine,
        tiers=examination.tiers,
        criterion=examination.criterion,
        recomputed=examination.recomputed,
        best=best,
        theta=np.empty(0) if found is None else found.theta,
        beta=getattr(found, "beta", np.empty(0)),
        shape=getattr(found, "shape", None),
        starts=0 if found is None else found.starts,
        agreed=0 if found is None else found.agreed,
        others=() if found is None else found.others,
        singular=singular,
        alarms=examination.alarms,
        false_alarm=findings.false_alarm,
        directions=examination.directions,
        reason=reason or "; ".join(examination.endless),
        remedy=remedy,
    )


def _proves(certificate: Certificate) -> bool:
    """Whether theta is an optimum, in the interior or on the boundary, or negligibly near one."""
    return (
        certificate.expected_fall <= NEGLIGIBLE.value
        and certificate.escape <= NEGLIGIBLE.value
        and not certificate.saddle
        and not certificate.flat
    )


def _missing(examination: Examination) -> int:
    """How many more starts than requested the data need; the fit's own searches count."""
    found = examination.found
    if found is None:
        return 0
    return max(0, found.wanted - found.starts - examination.searched)


def _count(starts: int) -> str:
    return "1 start" if starts == 1 else f"{starts} starts"


def _unsettled(examination: Examination, *, proved: bool) -> tuple[str, str]:
    """The reason and the remedy where the searches are inconclusive."""
    found = examination.found
    if found is None or not proved:
        return _UNPROVED, words.LOOK
    count = found.starts + _missing(examination)
    return _TOO_FEW.format(starts=_count(found.starts)), _MORE.format(count=count)
