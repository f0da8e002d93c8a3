"""The items of lme4's ``getME`` for a generalized model fitted without R."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from scipy import sparse

from pylme.errors import OptionError
from pylme.reference.factorization import factorize, random_matrix_at
from pylme.reference.getme import SHARED, one_of_items
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.reference.generalized.criterion import GeneralizedCriterion
    from pylme.reference.generalized.optimum.ending import GeneralizedEnding
    from pylme.reference.generalized.solution import GeneralizedSolution

__all__ = ["item"]


class SolvedGeneralized(Protocol):
    """A fitted generalized model, as far as the items need it."""

    @property
    def design(self) -> ModelMatrices:
        """The matrices."""
        ...

    @property
    def criterion_function(self) -> GeneralizedCriterion:
        """The criterion in the caller's columns."""
        ...

    @property
    def ending(self) -> GeneralizedEnding:
        """The end of the search."""
        ...

    @property
    def solution(self) -> GeneralizedSolution:
        """All that follows from the parameters."""
        ...

    @property
    def theta(self) -> NDArray[np.float64]:
        """lme4's theta, shape (m,)."""
        ...

    @property
    def shape(self) -> float | None:
        """ϑ of a negative binomial."""
        ...

    @property
    def deviance(self) -> float:
        """The sum of the rows' deviances."""
        ...


def item(model: SolvedGeneralized, name: str) -> Any:
    """One item by lme4's name.

    Raises
    ------
    UnknownNameError
        If no such item exists.
    """
    return one_of_items(_ITEMS, model, name)


def _working_weights(model: SolvedGeneralized) -> NDArray[np.float64]:
    """W, in the order of the data."""
    solution = model.solution
    w = np.empty(model.design.n)
    w[solution.criterion.algebra.order] = solution.mode.values.derivatives.expected
    return w


def _factor(model: SolvedGeneralized) -> Any:
    return factorize(random_matrix_at(model.design.terms, model.theta, _working_weights(model)))


def _L(model: SolvedGeneralized) -> dict[str, Any]:
    factor = _factor(model)
    return {"L": factor.L, "perm": factor.perm}


def _RZX(model: SolvedGeneralized) -> NDArray[np.float64]:
    """LR_ZX = PΛᵀZᵀWX, in the order of rows that belongs to L."""
    w = _working_weights(model)
    A = random_matrix_at(model.design.terms, model.theta, w)
    factor = factorize(A)
    right = (A @ (np.sqrt(w)[:, None] * model.design.X))[factor.perm]
    return np.asarray(sparse.linalg.spsolve_triangular(factor.L.tocsr(), right, lower=True))


def _devcomp(model: SolvedGeneralized) -> dict[str, dict[str, Any]]:
    """The parts of the criterion and the dimensions."""
    solution, design = model.solution, model.design
    n, p = design.n, design.p
    wrss, usq = float((solution.pearson**2).sum()), float(solution.mode.usq)
    with one_thread():
        log_L = float(solution.A.logdet)
    scale = model.criterion_function.objective.dispersed
    ml = float(np.sqrt((wrss + usq) / n))
    return {
        "cmp": {
            "ldL2": log_L, "ldRX2": 2.0 * float(np.log(np.diag(solution.RX)).sum()),
            "wrss": wrss, "ussq": usq, "pwrss": wrss + usq,
            "drsum": model.deviance, "REML": np.nan, "dev": model.ending.value,
            "sigmaML": ml if scale else np.nan,
            "sigmaREML": ml * float(np.sqrt(n / (n - p))) if scale else np.nan,
        },
        "dims": {
            "N": n, "n": n, "p": p, "nmp": n - p, "q": design.q, "nth": len(model.theta),
            "useSc": int(scale), "reTrms": len(design.terms), "spFe": 0, "REML": 0,
            "GLMM": 1, "NLMM": 0, "nAGQ": model.criterion_function.problem.n_agq,
        },
    }  # fmt: skip


def _devfun(model: SolvedGeneralized) -> Callable[[ArrayLike], float]:
    criterion = model.criterion_function
    m = criterion.m
    size = m if criterion.joint else m + criterion.p

    def devfun(parameters: ArrayLike) -> float:
        """The criterion at other parameters: θ, and β unless it is a part of the mode."""
        values = np.asarray(parameters, dtype=np.float64)
        if values.shape != (size,) or not np.isfinite(values).all():
            raise OptionError(
                option="parameters", value=parameters, allowed=f"{size} finite numbers"
            )
        rest = model.ending.x[size:]
        with one_thread():
            return float(criterion.exactly(np.concatenate([values, rest])).value)

    return devfun


_ITEMS: Final[dict[str, Callable[[SolvedGeneralized], Any]]] = {
    **SHARED,
    "y": lambda m: m.criterion_function.problem.y,
    "weights": lambda m: m.criterion_function.problem.weights,
    "L": _L,
    "RX": lambda m: m.solution.RX,
    "RZX": _RZX,
    "sigma": lambda m: m.solution.sigma,
    "REML": lambda _: 0,
    "is_REML": lambda _: False,
    "devcomp": _devcomp,
    "devfun": _devfun,
    "glmer.nb.theta": lambda m: m.shape,
}
