"""The methods by which denominator degrees of freedom are found."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["Ddf"]

#: "normal" takes them for infinite: z tests, and chi-square for F.
Ddf: TypeAlias = Literal["satterthwaite", "kenward-roger", "normal"]
