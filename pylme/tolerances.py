"""Tolerances that several rooms share, each with its reason."""

from __future__ import annotations

from typing import Final

__all__ = ["SINGULAR"]

#: A diagonal element of a relative covariance factor below this makes a fit singular: the default
#: of lme4's `isSingular()`.
SINGULAR: Final = 1e-4
