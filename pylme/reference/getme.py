"""The items of lme4's ``getME`` for a model fitted without R, each computed on request.

Arrays, sparse matrices and scalars correspond to R's own. The names of grouping factors that come
repeatedly are made unique.
"""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from scipy import sparse

from pylme.errors import OptionError, UnknownNameError
from pylme.model_matrix.variables import categorical
from pylme.r_names import make_unique
from pylme.reference.criterion.trial_points import value_of
from pylme.reference.factorization import factorize, lambda_at, random_matrix_at
from pylme.reference.optimize.structured import free_of
from pylme.versions import has

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.solution import FixedEffectEstimates

__all__ = ["SHARED", "item", "one_of_items"]


class SolvedLinear(Protocol):
    """A fitted model, as far as the items need it."""

    @property
    def design(self) -> ModelMatrices:
        """The matrices."""
        ...

    @property
    def problem(self) -> Problem:
        """The criterion."""
        ...

    @property
    def theta(self) -> NDArray[np.float64]:
        """lme4's theta, shape (m,)."""
        ...

    @property
    def criterion(self) -> float:
        """The REML criterion or the deviance."""
        ...

    @property
    def fixed(self) -> FixedEffectEstimates:
        """The fixed effects and the residual standard deviation."""
        ...

    @property
    def effects(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The spherical random effects u and the conditional modes b, each of shape (q,)."""
        ...

    @property
    def factors(self) -> list[NDArray[np.float64]]:
        """The relative covariance factor T of each term, shapes (k, k)."""
        ...

    @property
    def mu(self) -> NDArray[np.float64]:
        """Fitted values, shape (n,)."""
        ...


def item(model: SolvedLinear, name: str) -> Any:
    """One item by lme4's name.

    Raises
    ------
    UnknownNameError
        If no such item exists.
    """
    return one_of_items(_ITEMS, model, name)


def one_of_items(items: Mapping[str, Callable[[Any], Any]], model: object, name: str) -> Any:
    """The item of that name; see `item`."""
    if name not in items:
        raise UnknownNameError(what="getME item", name=name, known=tuple(items))
    return items[name](model)


def _labels(model: SolvedLinear) -> tuple[str, ...]:
    return make_unique([term.group for term in model.design.terms])


def _by_term(model: SolvedLinear, values: list[Any]) -> dict[str, Any]:
    return dict(zip(_labels(model), values, strict=True))


def _counts(values: list[int]) -> NDArray[np.int32]:
    return np.array(values, dtype=np.int32)


def _widths(model: SolvedLinear) -> list[int]:
    return [len(term.names) for term in model.design.terms]


def _n_thetas(model: SolvedLinear) -> list[int]:
    return [term.structure.n_parameters for term in model.design.terms]


def _Zt(model: SolvedLinear) -> sparse.csc_array:
    return sparse.csc_array(model.design.Zt)


def _Ztlist(model: SolvedLinear) -> dict[str, sparse.csc_array]:
    """The rows of Zᵀ of each column that varies by level."""
    Zt = model.design.Zt.tocsr()
    parts = [(term, k) for term in model.design.terms for k in range(len(term.names))]
    names = make_unique([f"{term.group}.{term.names[k]}" for term, k in parts])
    rows = [sparse.csc_array(Zt[term.rows][k :: len(term.names)]) for term, k in parts]
    return dict(zip(names, rows, strict=True))


def _flist(model: SolvedLinear) -> dict[str, Any]:
    return {name: categorical(factor) for name, factor in model.design.group_factors.items()}


def _weighted(model: SolvedLinear) -> sparse.csc_array:
    """ΛᵀZᵀW^½, which lme4 has no name for; its A is without the weights."""
    return random_matrix_at(model.design.terms, model.theta, model.design.weights)


def _L(model: SolvedLinear) -> dict[str, Any]:
    factor = factorize(_weighted(model))
    return {"L": factor.L, "perm": factor.perm}


def _RZX(model: SolvedLinear) -> NDArray[np.float64]:
    """LR_ZX = PΛᵀZᵀWX, in the order of rows that belongs to L."""
    A = _weighted(model)
    factor = factorize(A)
    roots = np.sqrt(model.design.weights)
    right = (A @ (roots[:, None] * model.design.X))[factor.perm]
    return np.asarray(sparse.linalg.spsolve_triangular(factor.L.tocsr(), right, lower=True))


def _ST(model: SolvedLinear) -> dict[str, NDArray[np.float64]]:
    """T = T₁S with T₁ of unit diagonal: S on the diagonal, T₁ below it."""
    made = []
    for T in model.factors:
        pivots = np.diag(T)
        with np.errstate(divide="ignore", invalid="ignore"):
            made.append(np.tril(T / pivots, -1) + np.diag(pivots))
    return _by_term(model, made)


def _devcomp(model: SolvedLinear) -> dict[str, dict[str, Any]]:
    """The parts of the criterion and the dimensions."""
    design, likelihood = model.design, model.problem.likelihood
    n, p, rss = design.nobs, design.p, model.fixed.rss
    log_RX = 2.0 * float(np.log(np.diag(model.fixed.RX)).sum())
    log_L = model.criterion + float(np.log(design.weights).sum())
    log_L -= likelihood.nu * (1.0 + log(2.0 * pi * rss / likelihood.nu)) + likelihood.rho * log_RX
    u, _ = model.effects
    ussq = float(u @ u)
    criteria = {"REML": model.criterion if likelihood.reml else np.nan,
                "dev": np.nan if likelihood.reml else model.criterion}  # fmt: skip
    return {
        "cmp": {
            "ldL2": log_L, "ldRX2": log_RX, "wrss": rss - ussq, "ussq": ussq, "pwrss": rss,
            "drsum": np.nan, **criteria,
            "sigmaML": float(np.sqrt(rss / n)), "sigmaREML": float(np.sqrt(rss / (n - p))),
        },
        "dims": {
            "N": n, "n": n, "p": p, "nmp": n - p, "q": design.q, "nth": len(model.theta),
            "useSc": 1, "reTrms": len(design.terms), "spFe": 0, "REML": p * likelihood.rho,
            "GLMM": 0, "NLMM": 0, **_newer_dims(model),
        },
    }  # fmt: skip


def _newer_dims(model: SolvedLinear) -> dict[str, int | None]:
    """What lme4 2.1 has in addition; of a linear model only the number of parameters."""
    if not has("newer_dims"):
        return {}
    npar = len(free_of(model.design.terms, model.theta))
    return {"npar": npar, "dispProfile": None, "maxPhiIter": None, "qEff": None}


def _devfun(model: SolvedLinear) -> Callable[[ArrayLike], float]:
    problem, m = model.problem, len(model.theta)

    def devfun(theta: ArrayLike) -> float:
        """The criterion at another theta."""
        values = np.asarray(theta, dtype=np.float64)
        if values.shape != (m,):
            raise OptionError(option="theta", value=theta, allowed=f"{m} numbers")
        if not np.isfinite(values).all():
            raise OptionError(option="theta", value=theta, allowed="finite numbers")
        with np.errstate(over="ignore", invalid="ignore"):
            inner = problem.layout.matrices(problem.conditioned(values[None]))
        found = value_of(problem.criterion, inner)
        if not np.isfinite(found):
            raise OptionError(option="theta", value=theta, allowed=_COMPUTABLE)
        return found

    return devfun


_COMPUTABLE: Final = (
    "smaller numbers: double precision cannot hold the criterion at standard deviations so far "
    "above the residual one"
)
#: Those that any model has by its design, θ, random effects and means.
SHARED: Final[dict[str, Callable[[Any], Any]]] = {
    "X": lambda m: m.design.X,
    "Z": lambda m: sparse.csc_array(m.design.Z),
    "Zt": _Zt,
    "Ztlist": _Ztlist,
    "mmList": lambda m: {term.label: term.columns for term in m.design.terms},
    "y": lambda m: m.design.y,
    "mu": lambda m: m.mu,
    "u": lambda m: m.effects[0],
    "b": lambda m: m.effects[1][:, None],
    "Gp": lambda m: m.design.Gp,
    "Tp": lambda m: _counts([0, *np.cumsum(_n_thetas(m)).tolist()]),
    "Lambda": lambda m: sparse.csc_array(lambda_at(m.design.terms, m.theta).T),
    "Lambdat": lambda m: lambda_at(m.design.terms, m.theta),
    "Lind": lambda m: m.design.Lind,
    "Tlist": lambda m: _by_term(m, m.factors),
    "A": lambda m: sparse.csc_array(lambda_at(m.design.terms, m.theta) @ m.design.Zt),
    "flist": _flist,
    "fixef": lambda m: m.fixed.beta,
    "beta": lambda m: m.fixed.beta,
    "theta": lambda m: m.theta,
    "ST": _ST,
    "par": lambda m: free_of(m.design.terms, m.theta),
    # What devfun() takes.
    "devarg": lambda m: free_of(m.design.terms, m.theta),
    "npar": lambda m: len(free_of(m.design.terms, m.theta)),
    "n_rtrms": lambda m: len(m.design.terms),
    "n_rfacs": lambda m: len(m.design.group_factors),
    "N": lambda m: m.design.nobs,
    "n": lambda m: m.design.nobs,
    "p": lambda m: m.design.p,
    "q": lambda m: m.design.q,
    "p_i": lambda m: _counts(_widths(m)),
    "l_i": lambda m: _counts([len(f.levels) for f in m.design.group_factors.values()]),
    "q_i": lambda m: _counts([term.n_effects for term in m.design.terms]),
    "k": lambda m: len(m.design.terms),
    "m_i": lambda m: _counts(_n_thetas(m)),
    "m": lambda m: len(m.theta),
    "cnms": lambda m: _by_term(m, [term.names for term in m.design.terms]),
    "offset": lambda m: m.design.offset,
    "weights": lambda m: m.design.weights,
    "lower": lambda m: m.design.lower,
}
_ITEMS: Final[dict[str, Callable[[SolvedLinear], Any]]] = {
    **SHARED,
    "L": _L,
    "RX": lambda m: m.fixed.RX,
    "RZX": _RZX,
    "sigma": lambda m: m.fixed.sigma,
    "REML": lambda m: m.design.p * m.problem.likelihood.rho,
    "is_REML": lambda m: m.problem.likelihood.reml,
    "devcomp": _devcomp,
    "devfun": _devfun,
}
