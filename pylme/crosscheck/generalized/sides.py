"""The two sides of the check of a generalized model, and what each knows of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck.generalized.search import GeneralizedSearch
from pylme.lme4.records import System
from pylme.model_matrix.matrices import ModelMatrices
from pylme.model_matrix.random_term import RandomTerm
from pylme.results.certificate import Certificate
from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["Derivatives", "GeneralizedSides", "Reported", "parameter_names"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reported:
    """The numbers of the fit.

    Attributes
    ----------
    criterion : float
        As the engine reports it.
    x : ndarray, shape (m + p [+ 1],)
        θ, β and, where it was estimated, ln ϑ or ln 1/φ.
    std_error : ndarray, shape (p,), or None
        Of the fixed effects.
    tight : float
        lme4's own criterion at `x` with the tolerance of its iterations at `tolerance`; NaN where
        its iterations fail at every tolerance.
    tolerance, own_tolerance : float
        Of the iterations for `tight`, and of those of the fit.
    """

    criterion: float
    x: NDArray[np.float64]
    std_error: NDArray[np.float64] | None = None
    tight: float = np.nan
    tolerance: float = 0.0
    own_tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derivatives:
    """The exact criterion at the parameters of the fit.

    Attributes
    ----------
    criterion : float
    gradient, hessian : ndarray
        By θ, β and what follows.
    std_error : ndarray, shape (m + p [+ 1],)
        From the inverse of the Hessian; NaN across the boundary.
    bound, tight_bound : float
        How far lme4's value may be off with the tolerance of the fit, and with that of `tight`.
    """

    criterion: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    std_error: NDArray[np.float64]
    bound: float = 0.0
    tight_bound: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedSides:
    """Both sides of a cross-check, as far as they are known.

    Attributes
    ----------
    fit : Reported or None
    problem : GeneralizedProblem or None
        The model that was fitted, as the engine's own matrices define it.
    terms : tuple of RandomTerm
    system : System or None
        lme4's matrices; None for a fit by the NumPy engine.
    design : ModelMatrices or None
        pylme's matrices of the same data.
    solution : Derivatives or None
    certificate : Certificate or None
        At the parameters of the fit.
    gradient : ndarray or None
        lme4's own, by finite differences.
    found : GeneralizedSearch or None
    accurate : GeneralizedSearch or None
        The optimum of the integral by quadrature, where it was asked for.
    reasons : mapping
        Why a part is None, by its name.
    reason : str
        Why all other missing parts are None.
    """

    fit: Reported | None = None
    problem: GeneralizedProblem | None = None
    terms: tuple[RandomTerm, ...] = ()
    system: System | None = None
    design: ModelMatrices | None = None
    solution: Derivatives | None = None
    certificate: Certificate | None = None
    gradient: NDArray[np.float64] | None = None
    found: GeneralizedSearch | None = None
    accurate: GeneralizedSearch | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    def why_without(self, part: str) -> str:
        """Why a part is missing."""
        return self.reasons.get(part, self.reason)


def parameter_names(problem: GeneralizedProblem) -> tuple[str, ...]:
    """The names of θ, β and what follows."""
    m = problem.terms[-1].thetas.stop
    names = [f"theta [{k + 1}]" for k in range(m)] + [f"beta {name}" for name in problem.x_names]
    return tuple(names if problem.extra is None else [*names, problem.extra])
