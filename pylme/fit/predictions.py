"""Predictions, marginal means and slopes of a fitted model."""

from __future__ import annotations

from pylme.fit.base import EngineFit

__all__ = ["Predictions"]


class Predictions(EngineFit):
    """Predictions, marginal means and slopes of a fitted model."""
