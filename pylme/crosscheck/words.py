"""The words for every verdict: what it means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pylme.crosscheck.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.crosscheck.comparison import Tier
    from pylme.crosscheck.report import CrossCheck

__all__ = ["advice", "findings", "meaning", "sentence", "title", "told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said of a verdict; braces stand for the facts of `_facts`.

    Attributes
    ----------
    title, meaning, advice : str
    """

    title: str
    meaning: str
    advice: str


_WORDS: Final[dict[Verdict, _Words]] = {
    Verdict.AGREES: _Words(
        title="The answer is right.",
        meaning="{who} reached {criterion}, and the best that an independent optimiser finds from "
        "{starts} is {best}: the same, but for {excess}.",
        advice="Nothing needs to be done.",
    ),
    Verdict.FALSE_ALARM: _Words(
        title="A false alarm: the answer is right, and the warning is about nothing.",
        meaning="{who} warned, but the criterion that it reached, {criterion}, lies only {excess} "
        "above {best}, the best that an independent optimiser finds from {starts}. No estimate "
        "would move by more than a hundredth of its standard error.",
        advice="Pay no attention to the warning.",
    ),
    Verdict.SINGULAR_CERTIFIED: _Words(
        title="The optimum lies on the boundary, and that is the right answer.",
        meaning="Singular are: {singular}. {who} reached {criterion}; the best that an independent "
        "optimiser finds from {starts} is {best}, {excess} away. There the criterion rises "
        "whatever variance is added, so this is what the data say, and no accident of the search.",
        advice="Report it as it is, or leave out what is estimated as zero or as exactly "
        "correlated: the simpler model fits as well. Tests and intervals of variance components "
        "that assume an optimum in the interior do not hold.",
    ),
    Verdict.STOPPED_SHORT: _Words(
        title="{who} stopped short of the optimum.",
        meaning="It stopped at {criterion}. The best that an independent optimiser finds from "
        "{starts} is {best}, which is {excess} lower, at theta = {theta}. Do not use the estimates "
        "of this fit.",
        advice="Start again from the better point by fit.refit_from(check.theta). Centre and scale "
        "the covariates, which mends most such fits.",
    ),
    Verdict.NOT_IDENTIFIED: _Words(
        title="The data do not determine all parameters of this model.",
        meaning="However long one searches, {unidentified}: the criterion does not change along "
        "{directions}, and the estimates of what takes part in it are arbitrary. {reached}",
        advice="Write the random part so that it asks only for what the data can show.",
    ),
    Verdict.DISAGREES: _Words(
        title="The two sides disagree, which is a defect of one of them.",
        meaning="From the same data or at the same theta they should have the same numbers, and "
        "they differ in: {failures}.",
        advice="Please report it, with what pylme.show_versions() and check.to_json() give. Until "
        "then do not rely on this fit.",
    ),
    Verdict.UNCHECKED: _Words(
        title="Not checked.",
        meaning="{reason}.",
        advice="Look at fit.convergence.explain(), and refit with another optimiser.",
    ),
}


def title(check: CrossCheck) -> str:
    """The verdict in a few words."""
    return _WORDS[check.verdict].title.format(**_facts(check))


def meaning(check: CrossCheck) -> str:
    """What the verdict says of this fit."""
    return _WORDS[check.verdict].meaning.format(**_facts(check))


def advice(check: CrossCheck) -> str:
    """What to do."""
    return _WORDS[check.verdict].advice


def told(tier: Tier) -> str:
    """What came of a tier."""
    if not tier.checked:
        return f"{tier.title}: {tier.reason}"
    count = len(tier.comparisons)
    if tier.failures:
        return f"{tier.title}: {len(tier.failures)} of {count} numbers differ"
    return f"{tier.title}: {count} comparisons, none of them off"


def sentence(check: CrossCheck) -> str:
    """The verdict in one sentence, for a warning."""
    facts = _facts(check)
    short: dict[Verdict, str] = {
        Verdict.AGREES: "the answer is right",
        Verdict.FALSE_ALARM: "the answer is right, and what {who} warned of ({alarms}) is nothing",
        Verdict.SINGULAR_CERTIFIED: "the fit is singular ({singular}), and that is the optimum"
        + ("; what else {who} warned of ({alarms}) is nothing" if check.false_alarm else ""),
        Verdict.STOPPED_SHORT: "{who} stopped {excess} above the optimum, {criterion} instead of "
        "{best}; start there by fit.refit_from(fit.cross_check().theta)",
        Verdict.NOT_IDENTIFIED: "the data do not determine all parameters: {unidentified}",
        Verdict.DISAGREES: "the two sides disagree in {failures}; please report it",
        Verdict.UNCHECKED: "{reason}",
    }
    return short[check.verdict].format(**facts)


def findings(check: CrossCheck) -> Iterator[str]:
    """What was found beside the verdict, in sentences."""
    facts = _facts(check)
    for direction in check.directions:
        yield f"Not identified: {', '.join(direction.names)}: {direction.reason}"
    if check.verdict in (Verdict.NOT_IDENTIFIED, Verdict.DISAGREES) and check.singular:
        yield "Singular: {singular}.".format(**facts)
    if check.alarms:
        yield (
            ("{who} warned: {alarms}. " + ("That is a false alarm." if check.false_alarm else ""))
            .format(**facts)
            .strip()
        )
    elif check.verdict in (Verdict.STOPPED_SHORT, Verdict.NOT_IDENTIFIED):
        yield "{who} gave no warning of it.".format(**facts)


def _facts(check: CrossCheck) -> dict[str, str]:
    excess = check.excess
    several = len(check.directions) > 1
    return {
        "who": "lme4" if check.engine == "lme4" else "The search",
        "criterion": f"{check.criterion:.4f}",
        "best": f"{check.best:.4f}",
        "excess": _amount(excess),
        "starts": f"{check.starts} start{'' if check.starts == 1 else 's'}",
        "theta": ", ".join(f"{value:.6g}" for value in check.theta),
        "singular": "; ".join(check.singular),
        "alarms": "; ".join(" ".join(alarm.split()) for alarm in check.alarms),
        "failures": "; ".join(c.quantity for tier in check.tiers for c in tier.failures[:3]),
        "reason": check.reason,
        "unidentified": "; ".join(", ".join(d.names) for d in check.directions)
        + (" are not determined" if several else " is not determined"),
        "directions": f"{len(check.directions)} directions" if several else "a direction",
        "reached": "The criterion that was reached is the least there is."
        if excess <= 1e-4
        else f"Beside that, the criterion that was reached is {excess:.4g} above the best found.",
    }


def _amount(excess: float) -> str:
    if excess <= 0:
        return "nothing"
    return f"{excess:.1e}" if excess < 1e-3 else f"{excess:.4g}"
