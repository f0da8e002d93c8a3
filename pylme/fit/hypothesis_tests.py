"""Tests of a fitted model: coefficients, hypotheses, terms, variances."""

from __future__ import annotations

from pylme.fit.base import EngineFit

__all__ = ["Tests"]


class Tests(EngineFit):
    """Tests of a fitted model: coefficients, hypotheses, terms, variances."""
