"""A warning or message that the engine gave during a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Condition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One warning or message.

    Attributes
    ----------
    kind : {"warning", "message"}
    message : str
        The text, without a line end.
    call : str or None
        The call that gave it, as R shows it.
    """

    kind: Literal["warning", "message"]
    message: str
    call: str | None = None

    def __str__(self) -> str:
        origin = f" [in {self.call}]" if self.call else ""
        return f"{self.kind}: {self.message}{origin}"
