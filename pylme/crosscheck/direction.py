"""A combination of covariance parameters that the data do not see, as a design tells of it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Direction"]


class Direction(Protocol):
    """What `Design.identifiability` lists."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that take part."""
        ...

    @property
    def reason(self) -> str:
        """Why, in words."""
        ...
