"""Whether a fit has converged, decided from all the evidence.

The evidence is read in the order of its weight: numbers that are not finite, an optimiser that
stopped before its own criterion was met, a gradient that is not zero, a Hessian that is not
positive definite, a singular covariance matrix, and last whether anything was checked at all.
A certificate of exact derivatives, where the engine made one, comes before lme4's checks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from pylme.results.convergence import Convergence, Status, without_estimate
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.results.certificate import Certificate
    from pylme.results.estimates import Estimates
    from pylme.results.fitted_model import Condition
    from pylme.results.optinfo import Lme4Checks, OptInfo

__all__ = ["assess", "assess_certificate", "assess_checks", "convergence_code"]

#: What an optimiser says when it stops short. NLopt's code is 0 then; only the message tells.
_STOPPED = re.compile(
    r"NLOPT_(MAXEVAL_REACHED|MAXTIME_REACHED|STOPVAL_REACHED|FAILURE|FORCED_STOP|INVALID_ARGS"
    r"|OUT_OF_MEMORY)|(evaluation|iteration) limit reached|maximum number of function"
    r"|failure to converge|failed to converge in|false convergence|singular convergence"
    r"|absolute function convergence|went below allowed minimum",
    re.IGNORECASE,
)
#: NLopt could not get nearer for rounding errors: as good as it gets, if the checks are clean.
_ROUNDED = "NLOPT_ROUNDOFF_LIMITED"
#: How R's warnings tell what an optimiser, also that of an earlier stage, ended with.
_ENDING = re.compile(r"convergence code", re.IGNORECASE)
#: lme4's codes: see its checkConv. -1 and -2: gradient; -3, -4, -5, -6: Hessian or not a number.
_GRADIENT_CODES = frozenset({-1, -2})
_HESSIAN_CODES = frozenset({-3, -4, -5, -6})
_GRADIENT = re.compile(r"max\|(relative )?grad\||scaled gradient", re.IGNORECASE)
_SINGULAR = re.compile(r"boundary \(singular\)")
_HESSIAN = re.compile(r"degenerate|numerically singular|Hessian check|contains NAs", re.IGNORECASE)


def assess(
    estimates: Estimates, optinfo: OptInfo, conditions: Iterable[Condition], *, singular: bool
) -> Convergence:
    """Judge the convergence of a fit by either engine.

    Parameters
    ----------
    estimates : Estimates
    optinfo : OptInfo
    conditions : iterable of Condition
    singular : bool
        By lme4's rule and tolerance.
    """
    numbers = (estimates.beta, estimates.theta, [estimates.sigma, estimates.criterion])
    finite = all(bool(np.all(np.isfinite(part))) for part in numbers)
    if optinfo.certificate is not None:
        endless = tuple(c.message for c in conditions if without_estimate(c.message))
        return assess_certificate(optinfo, optinfo.certificate, finite=finite, endless=endless)
    return assess_checks(optinfo, conditions, singular=singular, finite=finite)


def assess_certificate(
    optinfo: OptInfo,
    certificate: Certificate,
    *,
    finite: bool,
    endless: tuple[str, ...] = (),
) -> Convergence:
    """The verdict on a search that ended at a point with this certificate.

    Parameters
    ----------
    optinfo : OptInfo
    certificate : Certificate
    finite : bool
        Whether the criterion and all estimates are finite.
    endless : tuple of str
        What was said of estimates that grow without end, such as those of separation.
    """
    stopped = optinfo.conv_opt != 0 and not certificate.unbounded
    if not finite or certificate.unbounded or certificate.unidentified or endless:
        status = Status.DEGENERATE
    elif stopped or not certificate.stationary or not certificate.enclosed or certificate.saddle:
        status = Status.NOT_CONVERGED
    elif certificate.flat:
        status = Status.DEGENERATE
    elif certificate.singular:
        status = Status.SINGULAR
    else:
        status = Status.CONVERGED
    stops = (f"{optinfo.optimizer}: {optinfo.message}",) if stopped else ()
    messages = (*stops, *certificate.messages, *(m for m in endless if not certificate.unbounded))
    return Convergence(
        status=status,
        code=1 if not messages else 0 if certificate.singular else -1,
        messages=messages,
        checked=_proved(optinfo, certificate, finite=finite),
        not_checked=("whether another, better optimum exists: no local check can tell",),
        engine="numpy",
    )


def _proved(optinfo: OptInfo, certificate: Certificate, *, finite: bool) -> tuple[str, ...]:
    curved = "curves upwards in every direction"
    if certificate.saddle:
        curved = "curves downwards in some direction"
    elif certificate.flat:
        curved = "is flat in some direction"
    if certificate.unbounded:
        return (
            "the estimates are finite" if finite else "an estimate or the criterion is not finite",
            "the residuals of least squares on the fixed and random effects are zero but for "
            "rounding errors: there is no finite optimum",
        )
    lines = [
        "the estimates are finite" if finite else "an estimate or the criterion is not finite",
        f"the search ({optinfo.optimizer}) {'stopped early' if optinfo.conv_opt else 'finished'}: "
        f"{optinfo.message}",
        f"the gradient is {'zero' if certificate.stationary else 'not zero'}: a further step is "
        f"expected to lower the criterion by {certificate.expected_fall:.1e}",
        f"the criterion {curved} (least curvature over greatest: {certificate.curvature:.1e})",
        "the covariance matrices of the random effects "
        + ("include a singular one" if certificate.singular else "have full rank")
        + ", whatever the units of the covariates",
        *(certificate.unidentified or ("the data determine all covariance parameters",)),
    ]
    if certificate.singular:
        lines.append(
            "variance added in any direction makes the criterion rise: the boundary is right"
            if certificate.enclosed
            else f"variance added in some direction lowers the criterion by "
            f"{certificate.escape:.1e}: the boundary is wrong"
        )
    return tuple(lines)


def convergence_code(checks: Lme4Checks | None, *, singular: bool) -> int:
    """1, 0 or -1 as a widely used test gives it, from what lme4's checks left.

    Parameters
    ----------
    checks : Lme4Checks or None
        None, and equally no message and no code, count as converged.
    singular : bool
        lme4's ``isSingular`` at its own tolerance.
    """
    if checks is None or not (checks.messages or checks.codes):
        return 1
    return 0 if singular else -1


def assess_checks(
    optinfo: OptInfo, conditions: Iterable[Condition], *, singular: bool, finite: bool
) -> Convergence:
    """Weigh the evidence on a fit by lme4: its optimiser's record, its checks, R's warnings.

    Parameters
    ----------
    optinfo : OptInfo
    conditions : iterable of Condition
        Everything that R said during the fit.
    singular : bool
        Whether θ lies on the boundary, by lme4's rule and tolerance.
    finite : bool
        Whether the criterion and all estimates are finite.
    """
    checks = optinfo.checks
    conditions = tuple(conditions)
    unbounded = [c.message for c in conditions if without_estimate(c.message)]
    gradient = _GRADIENT_CODES & set(optinfo.codes) or _any(_GRADIENT, optinfo.messages)
    hessian = _HESSIAN_CODES & set(optinfo.codes) or _any(_HESSIAN, optinfo.messages)
    looked = checks is not None and checks.gradient and checks.hessian
    singular_said = singular or _any(_SINGULAR, optinfo.messages)
    stops = _early_stops(optinfo, clean=looked and not gradient and not hessian)
    if not finite or unbounded:
        status = Status.DEGENERATE
    elif stops or gradient:
        status = Status.NOT_CONVERGED
    elif hessian:
        status = Status.DEGENERATE
    elif singular_said:
        status = Status.SINGULAR
    elif not looked:
        status = Status.UNCHECKED
    else:
        status = Status.CONVERGED
    checked, not_checked = _ledger(
        optinfo,
        stopped=bool(stops),
        gradient=bool(gradient),
        hessian=bool(hessian),
        singular=singular_said,
        finite=finite,
        unbounded=bool(unbounded),
    )
    said = (*unbounded, *stops, *optinfo.messages, *optinfo.warnings)
    return Convergence(
        status=status,
        code=convergence_code(optinfo.checks, singular=singular),
        messages=tuple(dict.fromkeys((*said, *_earlier(conditions, optinfo, stopped=bool(stops))))),
        checked=checked,
        not_checked=not_checked,
    )


def _any(pattern: re.Pattern[str], messages: Iterable[str]) -> bool:
    return any(pattern.search(message) for message in messages)


def _early_stops(optinfo: OptInfo, *, clean: bool) -> tuple[str, ...]:
    """All evidence that the optimiser stopped early.

    Its code, its message and the warnings kept with it are those of the last stage; R's other
    warnings may come from an earlier stage, whose end does not matter.
    """
    message = optinfo.message or ""
    said = []
    rounded = _ROUNDED in message and clean
    if (optinfo.conv_opt != 0 and not rounded) or _STOPPED.search(message):
        said.append(f"{optinfo.optimizer}: {message or 'no message'} (code {optinfo.conv_opt})")
    said += [w for w in optinfo.warnings if _STOPPED.search(w) and not (message and message in w)]
    return tuple(dict.fromkeys(said))


def _earlier(conditions: Iterable[Condition], optinfo: OptInfo, *, stopped: bool) -> list[str]:
    """How the optimisers of earlier stages ended."""
    endings = [c.message for c in conditions if c.kind == "warning" and _ENDING.search(c.message)]
    last = optinfo.message or ""
    return [f"{e} (in an earlier stage)" for e in endings if not (stopped and last and last in e)]


def _ledger(
    optinfo: OptInfo,
    *,
    stopped: bool,
    gradient: bool,
    hessian: bool,
    singular: bool,
    finite: bool,
    unbounded: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was checked, with the result, and what was not checked, with the reason."""
    words = f'"{optinfo.message}"' if optinfo.message else f"code {optinfo.conv_opt}"
    numbers = "the estimates are finite"
    if not finite:
        numbers = "an estimate or the criterion is not finite"
    elif unbounded:
        numbers = (
            "some parameters have no finite estimate: their numbers say where the search ended"
        )
    done = [
        numbers,
        f"the optimiser {optinfo.optimizer} {'stopped early' if stopped else 'finished'} ({words})",
        "the covariance matrices of the random effects "
        + ("include a singular one" if singular else "have full rank")
        + f" (by lme4's rule, tolerance {SINGULAR:g})",
    ]
    missing = []
    checks = optinfo.checks
    for what, made, failed, good, bad in (
        ("gradient", checks and checks.gradient, gradient, "zero within tolerance", "not zero"),
        (
            "Hessian",
            checks and checks.hessian,
            hessian,
            "positive definite",
            "not positive definite",
        ),
    ):
        if made or failed:
            done.append(f"the {what} is {bad if failed else good}")
        else:
            missing.append(f"the {what} at the optimum: {_reason(optinfo, singular=singular)}")
    missing.append("whether another, better optimum exists: no local check can tell")
    return tuple(done), tuple(missing)


def _reason(optinfo: OptInfo, *, singular: bool) -> str:
    """Why lme4 did not check the derivatives."""
    if optinfo.gradient is None:
        return (
            "no derivatives were computed (calc_derivs is off, n_agq is 0, or the data are large)"
        )
    if singular:
        return "lme4 skips it for a singular fit"
    return "the check is switched off"
