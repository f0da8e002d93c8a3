"""lme4's warnings, and which of them are passed on where a fit is checked immediately.

The verdict replaces the alarms: an answer that is right, and about which lme4 did not warn, gives
no warning.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pylme.crosscheck.verdict import Verdict
from pylme.errors import ConvergenceWarning, CrossCheckWarning, SingularFitWarning, warn
from pylme.lme4.conditions import classify
from pylme.warning_scopes import collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pylme.crosscheck.report import CrossCheck
    from pylme.results.fitted_model import Condition

__all__ = ["alarms_of", "collected_warnings", "is_alarm", "warn_of_others", "warn_with_verdict"]

#: What lme4 concludes from the Hessian's eigenvalues. That predictors are on different scales is
#: advice, and doubts no answer.
_FLAT: Final = re.compile(r"nearly unidentifiable", re.IGNORECASE)


def is_alarm(message: str) -> bool:
    """Whether a message from R says that the fit is not reliable."""
    return (
        issubclass(classify(message), ConvergenceWarning | SingularFitWarning)
        or _FLAT.search(message) is not None
    )


def alarms_of(conditions: Iterable[Condition], *, singular: bool) -> tuple[str, ...]:
    """The alarms among R's messages, each once.

    Parameters
    ----------
    conditions : iterable of Condition
    singular : bool
        Whether the optimum is singular: then a message that says so is not an alarm.
    """
    said = dict.fromkeys(" ".join(c.message.split()) for c in conditions if is_alarm(c.message))
    return tuple(
        message
        for message in said
        if not (singular and issubclass(classify(message), SingularFitWarning))
    )


@contextmanager
def collected_warnings() -> Iterator[list[Warning]]:
    """Collect warnings instead of giving them; after an error they are given."""
    try:
        with collected() as caught:
            yield caught
    except BaseException:
        for warning in caught:
            warn(warning)
        raise


def warn_with_verdict(caught: list[Warning], check: CrossCheck) -> None:
    """Give the warnings that were collected, with the verdict in place of the alarms.

    Parameters
    ----------
    caught : list of Warning
    check : CrossCheck
    """
    warn_of_others(caught, check)
    if check.verdict is not Verdict.AGREES:
        warn(CrossCheckWarning(verdict=check.verdict.name, said=check.sentence))


def warn_of_others(caught: list[Warning], check: CrossCheck) -> None:
    """Give the warnings that were collected, except the alarms, which the verdict covers.

    Where the check could not be made, the alarms are given too.
    """
    for warning in caught:
        if check.verdict is Verdict.UNCHECKED or not _doubts(warning):
            warn(warning)


def _doubts(warning: Warning) -> bool:
    return isinstance(warning, ConvergenceWarning | SingularFitWarning) or is_alarm(str(warning))
