"""The user's own numbers of each fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylme.frame import Rows
    from pylme.results.protocol import FittedModel

__all__ = ["Collect"]


class Collect(Protocol):
    """Gives the user's function the fit that it asks for; this room has fitted models alone."""

    @property
    def own(self) -> Callable[[Any], Mapping[str, float]]:
        """The user's function of a `Fit`."""
        ...

    def __call__(self, model: FittedModel, rows: Rows) -> Mapping[str, float]:
        """Its numbers of a fitted model."""
        ...
