"""The two sides that the tiers compare: the checked fit, and the independent computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.search import Search
from pylme.lme4.records import System
from pylme.model_matrix.lazy.summed import Summed
from pylme.model_matrix.matrices import ModelMatrices
from pylme.model_matrix.random_term import RandomTerm
from pylme.reference.solution import Solution
from pylme.results.certificate import Certificate

__all__ = ["Estimated", "Sides"]


class Estimated(Protocol):
    """The numbers of a fit, under the names of `pylme.lme4.records.System`, which is one."""

    @property
    def x_names(self) -> tuple[str, ...]:
        """The fixed effects."""
        ...

    @property
    def criterion(self) -> float:
        """The REML criterion or the deviance."""
        ...

    @property
    def theta(self) -> NDArray[np.float64]:
        """In lme4's order, shape (m,)."""
        ...

    @property
    def beta(self) -> NDArray[np.float64]:
        """Shape (p,)."""
        ...

    @property
    def b(self) -> NDArray[np.float64]:
        """Conditional modes, shape (q,)."""
        ...

    @property
    def sigma(self) -> float:
        """The residual standard deviation."""
        ...

    @property
    def weights(self) -> NDArray[np.float64]:
        """Prior weights, shape (n,)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """Both sides of a cross-check, as far as they are known.

    Attributes
    ----------
    fit : Estimated or None
        The numbers of the fit.
    terms : tuple of RandomTerm
        Those that were fitted.
    system : System or None
        lme4's own matrices and numbers; None for a fit by the NumPy engine.
    design : ModelMatrices or None
        pylme's matrices of the same data.
    solution, certificate : Solution and Certificate, or None
        The fitted problem solved again at the theta of the fit, and what the derivatives prove
        there.
    gradient : ndarray, shape (m,), or None
        lme4's own gradient, by finite differences.
    found, best : Search and Solution, or None
        The best optimum, and the problem solved there.
    summed : Summed or None
        Where the fit was made from sums of lazy data.
    reasons : mapping
        Why a part is None, by its name.
    reason : str
        Why all other missing parts are None.
    """

    fit: Estimated | None = None
    terms: tuple[RandomTerm, ...] = ()
    system: System | None = None
    design: ModelMatrices | None = None
    solution: Solution | None = None
    certificate: Certificate | None = None
    gradient: NDArray[np.float64] | None = None
    found: Search | None = None
    best: Solution | None = None
    summed: Summed | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    def why_without(self, part: str) -> str:
        """Why a part is missing."""
        return self.reasons.get(part, self.reason)
