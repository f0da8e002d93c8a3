"""The text for every verdict: what it means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pylme.crosscheck.tiers.registry import contradictions
from pylme.crosscheck.verdict import Verdict
from pylme.results.engine import ENGINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pylme.crosscheck.comparison import Tier
    from pylme.crosscheck.verdict import Judgement

__all__ = ["LOOK", "advice", "findings", "meaning", "outcome", "sentence", "title"]

#: What to do where no search ended at a minimum.
LOOK: Final = (
    "Read fit.convergence.explain(), rescale the variables, and refit with another optimiser or "
    "with the other engine."
)

#: Differences that the digits of a report show.
_SHOWN: Final = 5e-5
#: The tiers on which the verdict depends; those behind them are on request.
_TIERS: Final = 4
#: Criteria nearer to each other than this are called the same: what lies below is the accident of
#: where lme4's optimiser stopped, and differs between machines.
SAME: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The text for a verdict; names in braces are replaced by the facts of `_facts`."""

    title: str
    meaning: str
    sentence: str
    advice: str


_WORDS: Final[dict[Verdict, _Words]] = {
    Verdict.AGREES: _Words(
        title="The answer is right.",
        meaning="{reached} {compared}",
        sentence="the answer is right",
        advice="Nothing needs to be done.",
    ),
    Verdict.FALSE_ALARM: _Words(
        title="A false alarm: the answer is right.",
        meaning="{reached} {compared} No estimate would move by more than a hundredth of its "
        "standard error.",
        sentence="the answer is right, and the warning from {source} is a false alarm ({alarms})",
        advice="Ignore the warning.",
    ),
    Verdict.SINGULAR_CERTIFIED: _Words(
        title="The optimum lies on the boundary, and that is the right answer.",
        meaning="At the optimum, {singular}. {reached} {compared} There the criterion rises "
        "whatever variance is added, so this is the estimate, and not an accident of the search.",
        sentence="at the optimum, as the derivatives there prove, {singular}{beside}",
        advice="Report the fit as it is, or remove the terms that are estimated as zero or as "
        "exactly correlated: the simpler model fits equally well. Tests and intervals of variance "
        "components that assume an optimum in the interior are not valid here.",
    ),
    Verdict.STOPPED_SHORT: _Words(
        title="{who} stopped short of the optimum.",
        meaning="{reached} {compared} The better point is {point}. With such a "
        "difference in the criterion, an estimate can be off by {off} of its standard errors.",
        sentence="{who} stopped {excess} above the optimum, at {recomputed} instead of {best}; "
        "continue from the better point with fit.refit_from(fit.cross_check())",
        advice="Continue from the better point with fit.refit_from(check). Centre and scale "
        "the covariates, which corrects most such fits.",
    ),
    Verdict.NOT_IDENTIFIED: _Words(
        title="The data do not determine all parameters of this model.",
        meaning="The criterion is the same along {directions}, so the estimates of the "
        "parameters involved are arbitrary. {reached} {compared}",
        sentence="the data do not determine {unidentified}",
        advice="Reduce the random part to what the data can determine. "
        "pylme.design(formula, data).identifiability() checks a formula before it is fitted.",
    ),
    Verdict.NO_FINITE_ESTIMATE: _Words(
        title="No finite estimate exists.",
        meaning="The likelihood rises without end: {reason}. {reached} The numbers of the fit are "
        "those at which the search stopped.",
        sentence="{reason}",
        advice="Do not report the estimates and standard errors concerned. Change the model as the "
        "finding says, or give the parameter a prior.",
    ),
    Verdict.DISAGREES: _Words(
        title="The two sides disagree, which is a defect of one of them.",
        meaning="From the same data, or at the same theta, both should have the same numbers, but "
        "they differ in: {failures}.",
        sentence="the two sides disagree in {failures}; please report it",
        advice="Please report it, with the output of pylme.show_versions() and check.to_json(). Do "
        "not rely on this fit until the cause is known.",
    ),
    Verdict.UNCHECKED: _Words(
        title="Not checked.",
        meaning="The reason: {reason}.",
        sentence="{reason}",
        advice="{remedy}",
    ),
}


#: Verdicts that lme4 should have warned of.
_SILENT: Final = frozenset({Verdict.STOPPED_SHORT, Verdict.NOT_IDENTIFIED})


def title(check: Judgement) -> str:
    """The verdict in a few words."""
    return _WORDS[check.verdict].title.format(**_facts(check))


def meaning(check: Judgement) -> str:
    """What the verdict means for this fit."""
    return _WORDS[check.verdict].meaning.format(**_facts(check))


def sentence(check: Judgement) -> str:
    """The verdict in one sentence, for a warning."""
    return _WORDS[check.verdict].sentence.format(**_facts(check))


def advice(check: Judgement) -> str:
    """What to do."""
    return _WORDS[check.verdict].advice.format(**_facts(check))


def outcome(tier: Tier) -> str:
    """The outcome of a tier that was checked."""
    count = len(tier.comparisons)
    if tier.failures:
        return f"{tier.title}: {len(tier.failures)} of {count} comparisons beyond the tolerance"
    if not any(c.decides for c in tier.comparisons):
        off = sum(not c.ok for c in tier.comparisons)
        return f"{tier.title}: {off} of {count} comparisons differ, which decides nothing"
    return f"{tier.title}: {count} comparisons, all within tolerance"


def findings(check: Judgement) -> Iterator[str]:
    """Further findings, in sentences."""
    facts = _facts(check)
    for direction in check.directions:
        yield f"Not determined: {', '.join(direction.names)}, as {direction.reason}."
    if check.singular and check.verdict is Verdict.NOT_IDENTIFIED:
        yield "At the best point found, {singular}.".format(**facts)
    for other in check.others:
        yield (
            f"Another minimum of the criterion lies {other.criterion - check.best:.4g} higher, at "
            f"{other.criterion:.4f}, with theta = {_numbers(other.theta)}; "
            f"{other.searches} of {check.starts} searches ended there."
        )
    yield from _approximation(check)
    if check.alarms:
        yield "{who} warned: {alarms}.".format(**facts)
    if check.false_alarm and check.verdict is not Verdict.FALSE_ALARM:
        yield "That warning is a false alarm."
    if not check.alarms and check.verdict in _SILENT:
        yield "{who} did not warn about it.".format(**facts)


def _approximation(check: Judgement) -> Iterator[str]:
    """Where the Laplace approximation differs from the integral, if that was asked for."""
    for tier in check.tiers[_TIERS:]:
        off = [c for c in tier.comparisons if not c.ok]
        if off:
            moved = ", ".join(
                f"{c.quantity} {c.fit:.4g} instead of {c.independent:.4g} "
                f"({c.difference:.2g} standard errors)"
                for c in off
                if not isinstance(c.fit, str) and not isinstance(c.independent, str)
            )
            yield (
                f"The Laplace approximation is inaccurate for these data: {moved}. Fit the model "
                "with n_agq=25."
            )
        elif tier.checked:
            yield (
                "The Laplace approximation is accurate here: by quadrature no estimate moves by "
                "more than a tenth of its standard error."
            )


def _facts(check: Judgement) -> dict[str, str]:
    engine = ENGINES[check.engine]
    who = engine.subject
    alarms = "; ".join(alarm.rstrip(".") for alarm in check.alarms)
    return {
        "who": who,
        "source": engine.source,
        "recomputed": f"{check.recomputed:.4f}",
        "best": f"{check.best:.4f}",
        "excess": f"{check.excess:.4g}",
        # -2 log L rises by (δ/se)² with an estimate's distance δ from the optimum.
        "off": f"{max(check.excess, 0.0) ** 0.5:.2g}",
        "reached": _reached(who, check),
        "compared": f"{engine.other_search} optimiser finds "
        f"{check.best:.4f} from {_searches(check)}, "
        f"{_below(check.excess)}.",
        "point": _point(check),
        "singular": "; ".join(check.singular),
        "alarms": alarms,
        "beside": f"; the warning from {engine.source} is a false alarm ({alarms})"
        if check.false_alarm
        else "",
        "failures": "; ".join(
            c.quantity for failures in contradictions(check.tiers) for c in failures[:3]
        ),
        "reason": check.reason,
        "remedy": check.remedy,
        "unidentified": "; ".join(", ".join(d.names) for d in check.directions),
        "directions": "one direction"
        if len(check.directions) == 1
        else f"{len(check.directions)} directions",
    }


def _reached(who: str, check: Judgement) -> str:
    """The criterion of the fit; of a generalized model lme4's own value is inexact."""
    if abs(check.criterion - check.recomputed) > _SHOWN:
        return (
            f"{who} reported the criterion {check.criterion:.4f}; at its parameters the exact "
            f"value is {check.recomputed:.4f}."
        )
    return f"{who} reached the criterion {check.criterion:.4f}."


def _point(check: Judgement) -> str:
    """The better point: theta, and of a generalized model what its criterion depends on beside."""
    parts = [f"theta = {_numbers(check.theta)}"]
    if len(check.beta):
        parts.append(f"fixed effects {_numbers(check.beta)}")
    if check.shape is not None:
        parts.append(f"a negative binomial theta of {check.shape:.6g}")
    return ", ".join(parts)


def _searches(check: Judgement) -> str:
    """The number of starts, and how many of the searches ended at the best point."""
    if check.starts == 1:
        return "1 start"
    agreed = "all" if check.agreed == check.starts else f"{check.agreed}"
    return f"{check.starts} starts ({agreed} of them ended there)"


def _numbers(theta: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.6g}" for value in theta)


def _below(excess: float) -> str:
    """How the best criterion compares with the fit's."""
    if not excess > SAME:
        return f"which is the same within {SAME:g}"
    return f"which is {excess:.1e} lower" if excess < 1e-3 else f"which is {excess:.4g} lower"
