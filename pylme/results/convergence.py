"""Whether a fit has converged, decided from all that is known of it and said in plain words.

The evidence is read in the order of its weight: numbers that are not finite, an optimiser that
stopped before its own criterion was met, a gradient that is not zero, a Hessian that is not
positive definite, a singular covariance matrix, and last whether anything was checked at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from pylme.options import EngineName
from pylme.render.paragraphs import item, wrapped
from pylme.results.explanations import MESSAGES, NO_OPTIMUM, PROVED, STATUSES, UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.results.condition import Condition
    from pylme.results.optinfo import Lme4Checks, OptInfo

__all__ = ["Convergence", "Status", "assess", "helper_code"]


class Status(Enum):
    """What is known of a fit's convergence.

    CONVERGED: the optimiser finished, the checks were made and found nothing that speaks against
    the optimum. SINGULAR: it finished on the boundary, where some covariance matrix has not full
    rank; lme4 looks at neither gradient nor Hessian there, the engine "numpy" at both.
    NOT_CONVERGED: the optimiser stopped early, or the gradient is not zero. DEGENERATE: an estimate
    is not finite, there is no finite optimum, the data do not determine all covariance parameters,
    or the Hessian is not positive definite: no single optimum is there.
    UNCHECKED: the optimiser says that it finished, and nobody looked.
    """

    CONVERGED = "converged"
    SINGULAR = "singular"
    NOT_CONVERGED = "not converged"
    UNCHECKED = "unchecked"
    DEGENERATE = "degenerate"


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
#: What pylme adds to R's warnings where a criterion has no minimum, or a likelihood no maximum.
_NO_OPTIMUM = re.compile(r"no finite optimum", re.IGNORECASE)
_UNBOUNDED = re.compile(r"no finite (optimum|maximum-likelihood estimate)", re.IGNORECASE)
_SINGULAR = re.compile(r"boundary \(singular\)")
_HESSIAN = re.compile(r"degenerate|numerically singular|Hessian check|contains NAs", re.IGNORECASE)

#: What a status means, by whose checks it rests on.
_MEANINGS: Final = {"lme4": STATUSES, "numpy": PROVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """A verdict on convergence, with the evidence.

    Attributes
    ----------
    status : Status
    code : int
        1, 0 or -1 as the well-known helper gives: 1 where lme4's checks left nothing, else 0 for
        a singular fit, else -1. It calls a fit that nobody checked converged; `status` does not.
    messages : tuple of str
        Everything said about convergence, by the optimiser, by R's warnings, and by lme4's checks.
    checked : tuple of str
        What was looked at, and what was found.
    not_checked : tuple of str
        What was not looked at, and why.
    engine : str
        Whose checks these are, "lme4" or "numpy".
    """

    status: Status
    code: int
    messages: tuple[str, ...]
    checked: tuple[str, ...]
    not_checked: tuple[str, ...]
    engine: EngineName = "lme4"

    @property
    def ok(self) -> bool:
        """Whether the status is CONVERGED."""
        return self.status is Status.CONVERGED

    def explain(self) -> str:
        """What was checked, what was not, what each message means, and what to do."""
        title, meaning = _MEANINGS[self.engine][self.status.name]
        if _any(_NO_OPTIMUM, self.messages):
            title, meaning = NO_OPTIMUM
        elif _any(_UNBOUNDED, self.messages):
            title, meaning = UNBOUNDED
        parts = [title, "", meaning]
        for heading, lines in (("Checked:", self.checked), ("Not checked:", self.not_checked)):
            if lines:
                parts += ["", heading, *(item(line) for line in lines)]
        if self.messages:
            parts += ["", "What was said, and what it means:"]
        for message in self.messages:
            parts.append(item(message))
            words = next((words for pattern, words in MESSAGES if pattern.search(message)), None)
            parts += [wrapped(words, "      ")] if words else []
        return "\n".join(parts)

    def __str__(self) -> str:
        said = f": {' '.join(self.messages[0].split())}" if self.messages else ""
        more = f" (and {len(self.messages) - 1} more)" if len(self.messages) > 1 else ""
        return f"{self.status.name} (helper's code {self.code}){said}{more}"


def helper_code(checks: Lme4Checks | None, *, singular: bool) -> int:
    """The well-known helper's 1, 0 or -1, from what lme4's checks left.

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


def assess(
    optinfo: OptInfo, conditions: Iterable[Condition], *, singular: bool, finite: bool
) -> Convergence:
    """Weigh all the evidence.

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
    unbounded = [c.message for c in conditions if _UNBOUNDED.search(c.message)]
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
        code=helper_code(optinfo.checks, singular=singular),
        messages=tuple(dict.fromkeys((*said, *_earlier(conditions, optinfo, stopped=bool(stops))))),
        checked=checked,
        not_checked=not_checked,
    )


def _any(pattern: re.Pattern[str], messages: Iterable[str]) -> bool:
    return any(pattern.search(message) for message in messages)


def _early_stops(optinfo: OptInfo, *, clean: bool) -> tuple[str, ...]:
    """Whatever says that the optimiser stopped before it was done.

    Its code, its message and the warnings kept with it are those of the last stage; R's other
    warnings may come from an earlier one, whose ending does not matter.
    """
    message = optinfo.message or ""
    said = []
    rounded = _ROUNDED in message and clean
    if (optinfo.conv_opt != 0 and not rounded) or _STOPPED.search(message):
        said.append(f"{optinfo.optimizer}: {message or 'no message'} (code {optinfo.conv_opt})")
    said += [w for w in optinfo.warnings if _STOPPED.search(w) and not (message and message in w)]
    return tuple(dict.fromkeys(said))


def _earlier(conditions: Iterable[Condition], optinfo: OptInfo, *, stopped: bool) -> list[str]:
    """What the optimisers of earlier stages ended with."""
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
    """What was checked with its finding, and what was not with the reason."""
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
        + " (by lme4's rule, tolerance 1e-4)",
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
    """Why lme4 did not look at the derivatives."""
    if optinfo.gradient is None:
        return (
            "no derivatives were computed (calc_derivs is off, n_agq is 0, or the data are large)"
        )
    if singular:
        return "lme4 skips it for a singular fit"
    return "the check is switched off"
