"""The user's own numbers of each fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pylme.errors import OptionError
from pylme.frame import Rows
from pylme.results.protocol import FittedModel

__all__ = ["Collect"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collect:
    """The user's function of a `Fit`, for this room, which has fitted models alone.

    Attributes
    ----------
    own : callable
        Takes a `Fit` and gives numbers by name.
    wrap : callable
        Makes a `Fit` of a fitted model and its rows.
    """

    own: Callable[[Any], Mapping[str, float]]
    wrap: Callable[[FittedModel, Rows], Any]

    def __post_init__(self) -> None:
        if not callable(self.own):
            raise OptionError(
                option="the function of each fit", value=self.own, allowed="a function of a fit"
            )

    def __call__(self, model: FittedModel, rows: Rows) -> Mapping[str, float]:
        """The numbers of a fitted model."""
        return self.own(self.wrap(model, rows))
