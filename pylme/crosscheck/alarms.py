"""What lme4 said against its own fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.errors import ConvergenceWarning, SingularFitWarning
from pylme.lme4.conditions import classify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.results.condition import Condition

__all__ = ["alarms_of", "is_alarm"]

#: What lme4 concludes from the Hessian's eigenvalues. That predictors are on different scales is
#: advice, and doubts no answer.
_FLAT: Final = re.compile(r"nearly unidentifiable", re.IGNORECASE)


def is_alarm(message: str) -> bool:
    """Whether a message of R's says that the fit is not to be relied on."""
    return (
        issubclass(classify(message), ConvergenceWarning | SingularFitWarning)
        or _FLAT.search(message) is not None
    )


def alarms_of(conditions: Iterable[Condition], *, singular: bool) -> tuple[str, ...]:
    """The alarms among what R said, each once.

    Parameters
    ----------
    conditions : iterable of Condition
    singular : bool
        Whether the optimum is singular: then to say so is no alarm.
    """
    said = dict.fromkeys(" ".join(c.message.split()) for c in conditions if is_alarm(c.message))
    return tuple(
        message
        for message in said
        if not (singular and issubclass(classify(message), SingularFitWarning))
    )
