"""The user's own numbers of each fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from pylme.errors import OptionError
from pylme.options import mapping
from pylme.results.fitted_model import FittedModel

__all__ = ["Collect"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collect:
    """The user's function of a `Fit`, for this room, which has fitted models alone.

    Attributes
    ----------
    own : callable
        Takes a `Fit` and gives numbers by name.
    wrap : callable
        Makes a `Fit` of a fitted model.
    """

    own: Callable[[Any], Mapping[str, float]]
    wrap: Callable[[FittedModel], Any]

    def __post_init__(self) -> None:
        if not callable(self.own):
            raise OptionError(
                option="the function of each fit", value=self.own, allowed="a function of a fit"
            )

    def __call__(self, model: FittedModel) -> Mapping[str, float]:
        """The numbers of a fitted model.

        Raises
        ------
        OptionError
            If the user's function gives anything else.
        """
        found: object = self.own(self.wrap(model))
        option = "what the function of each fit returns"
        numbers = mapping(option, found, allowed="a mapping from names to numbers")
        for name, value in numbers.items():
            if not _is_real(value):
                raise OptionError(option=f"{option} as {name!r}", value=value, allowed="a number")
        return numbers


def _is_real(value: object) -> bool:
    """Whether `float` makes a number of it that it is: NaN and truth values too, no text."""
    if isinstance(value, Real):
        return True
    return (
        isinstance(value, np.ndarray | np.generic) and not value.ndim and value.dtype.kind in "biuf"
    )
