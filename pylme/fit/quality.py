"""R², influence, residuals by simulation, refits of a fitted model."""

from __future__ import annotations

from pylme.fit.base import EngineFit

__all__ = ["Quality"]


class Quality(EngineFit):
    """R², influence, residuals by simulation, refits of a fitted model."""
