"""The class of pylme's warnings for each warning or message from R."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.errors import (
    ConvergenceWarning,
    NotOverdispersedWarning,
    RankDeficiencyWarning,
    RWarning,
    ScalingWarning,
    warn,
)
from pylme.results.findings import CLASSES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pylme.errors import FitWarning
    from pylme.results.fitted_model import Condition

__all__ = ["classify", "raise_as_warnings"]

#: The first pattern that matches decides: first those of pylme's own findings.
_CLASSES: Final[tuple[tuple[re.Pattern[str], type[FitWarning]], ...]] = CLASSES + tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"rank deficient|dropping \d+ column", RankDeficiencyWarning),
        (r"very different scales|nearly unidentifiable|rescal", ScalingWarning),
        (
            r"converge|max\|(relative )?grad\||scaled gradient|Hessian"
            r"|maximum number of function|iteration limit|unable to evaluate",
            ConvergenceWarning,
        ),
    )
)


#: What R says where the dispersion's own search stops, at whatever value.
_LIMIT: Final = "iteration limit reached"
#: What R says where a function has no value, as the logarithm of a negative number.
_NO_VALUE: Final = "NaNs produced"
#: R's evaluation of all variables of a formula.
_VARIABLES: Final = "eval(predvars, data, env)"


#: What to do about a remark of R's that does not say it; joined to its text.
_ADVICE: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), f"\n{advice}")
    for pattern, advice in (
        (
            r"non-integer (#successes|counts)",
            "A binomial response counts: give cbind(successes, failures), or a proportion with the "
            "numbers of trials as weights, such that their products are whole numbers.",
        ),
        (
            r"rank deficient so dropping",
            "The columns dropped are combinations of others: pylme.design(formula, data).dropped "
            "names them. Leave them out of the formula.",
        ),
        (
            r"fitted (probabilities|rates) numerically",
            "Some rows are predicted with certainty: pylme.explain(formula, data, family=...) "
            "says whether covariates separate the response.",
        ),
    )
)


def classify(message: str) -> type[FitWarning]:
    """The class of warning for a message from R; RWarning where no other fits."""
    return next((kind for pattern, kind in _CLASSES if pattern.search(message)), RWarning)


def raise_as_warnings(
    conditions: Iterable[Condition], *, calls: Collection[str] = frozenset()
) -> None:
    """Give each condition once, as a Python warning, in their order.

    R's remark that the search for a negative binomial's dispersion reached its limit is left out
    where pylme gives the reason. So is its remark that one of `calls` has no value in some rows:
    a warning counted these rows when the calls were evaluated.
    """
    conditions = tuple(conditions)
    known = any(classify(each.message) is NotOverdispersedWarning for each in conditions)
    for condition in conditions:
        if known and condition.message == _LIMIT:
            continue
        if condition.message == _NO_VALUE and condition.call in (_VARIABLES, *calls):
            continue
        advice = next((a for pattern, a in _ADVICE if pattern.search(condition.message)), "")
        warn(classify(condition.message)(condition.message + advice))
