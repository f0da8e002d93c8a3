"""Warnings of a fit that is checked on the spot: the verdict in place of the engine's alarms."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pylme.crosscheck.alarms import is_alarm
from pylme.crosscheck.verdict import Verdict
from pylme.errors import ConvergenceWarning, CrossCheckWarning, SingularFitWarning, warn
from pylme.warning_scopes import collected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.crosscheck.report import CrossCheck

__all__ = ["held_back", "tell", "tell_of_others"]


@contextmanager
def held_back() -> Iterator[list[Warning]]:
    """Within it, warnings are not given but collected; if it ends in an error, they are given."""
    try:
        with collected() as held:
            yield held
    except BaseException:
        for warning in held:
            warn(warning)
        raise


def tell(held: list[Warning], check: CrossCheck) -> None:
    """Give what was held back, the verdict in place of the alarms.

    An answer that is right, and that nobody doubted, is no reason for a warning.

    Parameters
    ----------
    held : list of Warning
    check : CrossCheck
    """
    tell_of_others(held, check)
    if check.verdict is not Verdict.AGREES:
        warn(CrossCheckWarning(verdict=check.verdict.name, said=check.sentence))


def tell_of_others(held: list[Warning], check: CrossCheck) -> None:
    """Give what was held back but for the alarms, of which the verdict speaks.

    Where the check could not be made the alarms are given too, as nothing better is known.
    """
    for warning in held:
        if check.verdict is Verdict.UNCHECKED or not _doubts(warning):
            warn(warning)


def _doubts(warning: Warning) -> bool:
    return isinstance(warning, ConvergenceWarning | SingularFitWarning) or is_alarm(str(warning))
