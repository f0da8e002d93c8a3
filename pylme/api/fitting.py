"""What the functions that fit models share: checks of arguments, and the verdict on the spot."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from pylme.crosscheck.fitting import fit_model
from pylme.errors import OptionError, OutOfMemoryError, PylmeError
from pylme.fit import Fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.options import EngineName
    from pylme.results.engine import FitRequest

__all__ = ["checked", "fitted", "require_kind", "within_memory"]

P = ParamSpec("P")


def within_memory(fitting: Callable[P, Fit]) -> Callable[P, Fit]:
    """Name the function that ran when the memory was exhausted."""

    @wraps(fitting)
    def wrapped(*arguments: P.args, **options: P.kwargs) -> Fit:
        try:
            return fitting(*arguments, **options)
        except MemoryError as error:
            if isinstance(error, PylmeError):
                raise
            raise OutOfMemoryError(asked=f"Fitting a model by {fitting.__name__}()") from error

    return wrapped


def require_kind(option: str, value: object, kind: type) -> None:
    """Raise for an argument that is neither None nor of its class."""
    if value is not None and not isinstance(value, kind):
        raise OptionError(option=option, value=value, allowed=f"a pylme.{kind.__name__}(...)")


def fitted(engine: EngineName, request: FitRequest) -> Fit:
    """The fit that an engine makes of a request; its conditions become warnings."""
    model = fit_model(engine, request)
    model.announce()
    return Fit(model, request)


def checked(fitting: Callable[[], Fit]) -> Fit:
    """A fit with the verdict on it in place of the engine's warnings."""
    from pylme.crosscheck.alarms import collected_warnings, warn_with_verdict

    with collected_warnings() as held:
        fit = fitting()
        check = fit.cross_check()
    warn_with_verdict(held, check)
    return fit
