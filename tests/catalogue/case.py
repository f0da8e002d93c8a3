"""A message, what triggers it, and its remedy carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pylme.versions import Change

__all__ = ["DATA", "Case"]

#: Two crossed grouping factors, a covariate, counts, and a response of two values.
_RNG = np.random.default_rng(11)
DATA = pd.DataFrame(
    {
        "g": np.repeat([f"g{i}" for i in range(8)], 10),
        "h": np.tile([f"h{i}" for i in range(10)], 8),
        "x": _RNG.normal(size=80),
        "f": np.tile(["a", "b"], 40),
        "two": np.tile([0, 1, 1, 0, 1], 16),
        "count": _RNG.poisson(3, 80),
        "w": _RNG.uniform(1, 2, 80),
    }
)
DATA["y"] = _RNG.normal(size=8).repeat(10) + DATA["x"] + _RNG.normal(size=80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A trigger of a message.

    Attributes
    ----------
    trigger : callable
        What raises or warns.
    kind : str
        The class, by its name in `pylme.errors`.
    said : str
        A fragment of the message.
    remedy : callable or None
        What the message says to do, done; None where it names no single step.
    parsed : str or None
        A pattern of the message. The remedy is called with its groups: it does what the message
        says, in the words of the message.
    needs_r : bool
    """

    trigger: Callable[[], object]
    kind: str
    said: str
    remedy: Callable[..., object] | None = None
    parsed: str | None = None
    needs_r: bool = False
    until: Change | None = None
