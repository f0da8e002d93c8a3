"""The verdict on the convergence of a fit, and its explanation in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pylme.options import EngineName
from pylme.render import Document, Paragraph, Prose, Rendered
from pylme.render.text import to_text
from pylme.results.engine import ENGINES
from pylme.results.explanations import MESSAGES, NO_OPTIMUM, UNBOUNDED

__all__ = ["Convergence", "Status", "without_estimate"]


class Status(Enum):
    """The status of a fit's convergence.

    CONVERGED: the optimiser finished, the checks were made and found nothing against the
    optimum. SINGULAR: it finished on the boundary, where some covariance matrix does not have full
    rank; lme4 checks neither gradient nor Hessian there, the engine "numpy" checks both.
    NOT_CONVERGED: the optimiser stopped early, or the gradient is not zero. DEGENERATE: an estimate
    is not finite, there is no finite optimum, the data do not determine all covariance parameters,
    or the Hessian is not positive definite: there is no unique optimum.
    UNCHECKED: the optimiser reports that it finished, but gradient and Hessian were not checked.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.convergence.status
    <Status.CONVERGED: 'converged'>
    """

    CONVERGED = "converged"
    SINGULAR = "singular"
    NOT_CONVERGED = "not converged"
    UNCHECKED = "unchecked"
    DEGENERATE = "degenerate"


#: What pylme adds to R's warnings where a criterion has no minimum, or a likelihood no maximum.
_NO_OPTIMUM: Final = re.compile(r"no finite optimum", re.IGNORECASE)
_NO_ESTIMATE: Final = re.compile(r"no finite (optimum|maximum-likelihood estimate)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence(Rendered):
    """A verdict on convergence, with the evidence.

    Prints as one line; `explain` and the forms for notebooks and documents give all of it.

    Attributes
    ----------
    status : Status
    code : int
        1, 0 or -1 as a widely used test of ``fit@optinfo`` gives it: 1 where lme4's checks left no
        message, otherwise 0 for a singular fit, otherwise -1. By this code, a fit without any
        checks counts as converged; by `status` it does not.
    messages : tuple of str
        All messages about convergence: from the optimiser, R's warnings and lme4's checks.
    checked : tuple of str
        What was checked, and the result.
    not_checked : tuple of str
        What was not checked, and why.
    engine : str
        Whose checks these are, "lme4" or "numpy".

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.convergence.status.value, fit.convergence.messages
    ('converged', ())
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
        return to_text(self.describe())

    def describe(self) -> Document:
        """The status and its meaning, what was checked, and what each message means."""
        title, meaning = ENGINES[self.engine].statuses[self.status.name]
        if any(_NO_OPTIMUM.search(message) for message in self.messages):
            title, meaning = NO_OPTIMUM
        elif any(map(without_estimate, self.messages)):
            title, meaning = UNBOUNDED
        blocks = [
            Prose((Paragraph(title, heading=True),)),
            Prose((Paragraph(meaning, lines=tuple(meaning.split("\n"))),)),
        ]
        for heading, lines in (("Checked:", self.checked), ("Not checked:", self.not_checked)):
            if lines:
                items = (Paragraph(line, 1) for line in lines)
                blocks.append(Prose((Paragraph(heading, heading=True), *items)))
        if self.messages:
            said = [Paragraph("What was said, and what it means:", heading=True)]
            for message in self.messages:
                said.append(Paragraph(message, 1))
                words = next((words for pattern, words in MESSAGES if pattern.search(message)), "")
                said += [Paragraph(words, 2)] if words else []
            blocks.append(Prose(tuple(said)))
        return Document(title=None, blocks=tuple(blocks))

    def __str__(self) -> str:
        said = f": {' '.join(self.messages[0].split())}" if self.messages else ""
        more = f" (and {len(self.messages) - 1} more)" if len(self.messages) > 1 else ""
        return f"{self.status.name} (code {self.code}){said}{more}"


def without_estimate(message: str) -> bool:
    """Whether a message says that some estimate is not finite, so that no optimum exists."""
    return bool(_NO_ESTIMATE.search(message))
