"""Profile likelihood and intervals of a fitted model."""

from __future__ import annotations

from pylme.fit.base import EngineFit

__all__ = ["Intervals"]


class Intervals(EngineFit):
    """Profile likelihood and intervals of a fitted model."""
