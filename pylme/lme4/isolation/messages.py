"""What an isolated session asks of the process that holds R, and what that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pylme.results.fitted_model import Condition

__all__ = ["Ask", "Held", "Kept", "Raised", "Returned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An R object in the other process, by its number."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ask:
    """A call of one of pylme's R functions.

    Attributes
    ----------
    function : str or None
        None asks for the versions of R and its packages.
    arguments : tuple
    held : bool
        Whether the value stays in R.
    timeout : float or None
        In seconds.
    released : tuple of int
        Objects that nobody holds any more.
    """

    function: str | None
    arguments: tuple[Any, ...] = ()
    held: bool = False
    timeout: float | None = None
    released: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Returned:
    """The value of a call, and the warnings of pylme's that it gave."""

    value: Any
    warnings: tuple[Warning, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """The number of a value that stays in R, and R's messages."""

    kept: Kept
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raised:
    """What the call ended with."""

    error: BaseException
