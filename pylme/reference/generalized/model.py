"""A generalized model fitted by the NumPy engine, behind the protocol that both engines implement.

It holds the specification, its design and the end of the search. Everything else is computed from
these on first access.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.arrays import read_only
from pylme.covariance.correlation import correlation
from pylme.covariance.names import block_labels
from pylme.model_matrix.variables import model_frame
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.fitting import fitted
from pylme.reference.generalized.getme import item
from pylme.reference.generalized.messages import announce
from pylme.reference.generalized.record import generalized_information, optimiser_record
from pylme.reference.generalized.solution import GeneralizedSolution, fixed_covariance
from pylme.reference.generalized.variance_errors import variance_errors
from pylme.reference.rows import linear_predictor
from pylme.results.estimates import Estimates
from pylme.results.fitted_model import fit_record
from pylme.results.ranef import RandomEffects
from pylme.results.varcorr import VarCorr, VarCorrTerm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.frame import Rows
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.generalized.criterion import GeneralizedCriterion
    from pylme.reference.generalized.optimum.ending import GeneralizedEnding
    from pylme.results.estimates import ModelInfo
    from pylme.results.fitted_model import Condition, FitRecord, ResidualType
    from pylme.results.generalized_problem import GeneralizedProblem
    from pylme.results.optinfo import OptInfo
    from pylme.results.varcorr import VarianceErrors

__all__ = ["GeneralizedModel"]


class GeneralizedModel:
    """A generalized linear mixed model fitted in NumPy.

    Parameters
    ----------
    spec : ModelSpec
    design : ModelMatrices
    problem : GeneralizedProblem
        Of that design, without parameters.
    ending : GeneralizedEnding
    conditions : tuple of Condition
    solution : GeneralizedSolution, optional
        At the end; computed again where it is not given.
    """

    engine: Final = "numpy"
    has_rows: Final = True
    design: ModelMatrices
    ending: GeneralizedEnding

    def __init__(
        self,
        spec: ModelSpec,
        design: ModelMatrices,
        problem: GeneralizedProblem,
        ending: GeneralizedEnding,
        conditions: tuple[Condition, ...],
        *,
        solution: GeneralizedSolution | None = None,
    ) -> None:
        self.spec = spec
        self.design = design
        self.problem = problem
        self.ending = ending
        self.conditions = conditions
        if solution is not None:
            self.solution = solution

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.spec, self.design, self.problem, self.ending, self.conditions)

    @property
    def criterion_function(self) -> GeneralizedCriterion:
        """The criterion in the caller's columns."""
        return self.solution.criterion

    @cached_property
    def solution(self) -> GeneralizedSolution:
        """All that follows from the parameters."""
        return GeneralizedSolution(criterion=criterion_of(self.problem), x=self.ending.x)

    @property
    def theta(self) -> NDArray[np.float64]:
        """lme4's theta, shape (m,)."""
        return self.ending.x[: self.problem.terms[-1].thetas.stop]

    @property
    def beta(self) -> NDArray[np.float64]:
        """The fixed effects, shape (p,)."""
        m = len(self.theta)
        return self.ending.x[m : m + self.design.p]

    @property
    def fixed(self) -> Any:
        """The fixed effects and the scale, as the items of ``getME`` ask for them."""
        return SimpleNamespace(beta=self.beta, sigma=self.solution.sigma)

    @property
    def effects(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The spherical random effects u and the conditional modes b, each of shape (q,)."""
        return self.solution.effects

    @property
    def mu(self) -> NDArray[np.float64]:
        """Fitted means, shape (n,)."""
        return self.solution.mu

    @property
    def factors(self) -> list[NDArray[np.float64]]:
        """The relative covariance factor T of each term, shapes (k, k)."""
        return [term.factor(self.theta) for term in self.design.terms]

    @property
    def shape(self) -> float | None:
        """ϑ of a negative binomial."""
        if not self.problem.shape_free:
            return self.problem.family.shape
        return float(np.exp(self.ending.x[-1]))

    @cached_property
    def deviance(self) -> float:
        """The sum of the rows' deviances at the mode."""
        return float(self.solution.mode.values.deviance.sum())

    def refit_from(self, theta: NDArray[np.float64]) -> GeneralizedModel:
        """The same problem once more, the search starting at `theta`; β may follow θ.

        The ϑ of a negative binomial, which may follow β, is started anew.
        """
        m, p = len(self.theta), len(self.problem.x_names)
        start: Any = np.asarray(theta[:m])
        if len(theta) > m:
            start = {"theta": start, "fixef": np.asarray(theta[m : m + p])}
        spec = replace(self.spec, start=start)
        ending, conditions, solution = fitted(spec, self.design, self.problem)
        return GeneralizedModel(
            self.spec, self.design, self.problem, ending, conditions, solution=solution
        )

    @property
    def rows(self) -> Rows:
        """The rows of the data that were used."""
        return self.design.rows

    def announce(self) -> None:
        """Give the warnings of the fit as Python warnings."""
        announce(self.conditions)

    def leaves_little(self) -> bool:
        """False: whether there is a finite optimum is a part of the search's ending."""
        return False

    def with_conditions(self, more: tuple[Condition, ...]) -> GeneralizedModel:
        """The same fit with further conditions."""
        conditions = (*self.conditions, *more)
        return GeneralizedModel(
            self.spec, self.design, self.problem, self.ending, conditions, solution=self.solution
        )

    def record(self) -> FitRecord:
        """What a study keeps of a fit."""
        return fit_record(self)

    def generalized_problem(self) -> GeneralizedProblem:
        """The generalized model that was fitted, with its parameters."""
        extra = float(self.ending.x[-1]) if self.problem.extra else None
        return self.problem.at(self.theta, self.beta, extra)

    def linear_problem(self) -> None:
        """None: this is a generalized model."""

    def info(self) -> ModelInfo:
        """What was fitted to what."""
        scale = self.criterion_function.objective.dispersed
        return generalized_information(
            self.spec, self.design, self.generalized_problem(), scale=scale
        )

    def estimates(self) -> Estimates:
        """The numbers that define the fit."""
        scale = self.criterion_function.objective.dispersed
        return Estimates(
            names=self.design.x_names,
            beta=read_only(self.beta.copy()),
            theta=read_only(self.theta.copy()),
            lower=read_only(self.design.lower),
            sigma=self.solution.sigma,
            criterion=self.ending.value,
            deviance=self.deviance,
            loglik=-0.5 * self.ending.value,
            df=self.design.p + len(self.theta) + int(scale) + int(self.problem.shape_free),
            dropped=self.design.dropped,
        )

    def vcov(self) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects, shape (p, p), by the Hessian as in lme4."""
        kind = "rx" if self.problem.n_agq == 0 else "hessian"
        return self.vcov_of(kind)

    def vcov_of(self, kind: str) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects by the Hessian or by R_X, shape (p, p).

        The one by the Hessian is that of R_X where it is not defined.
        """
        hessian = self.ending.hessian if kind == "hessian" else None
        return read_only(fixed_covariance(self.solution, hessian, self.ending.free))

    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        sigma = self.solution.sigma
        labels = block_labels(term.group for term in self.design.terms)
        terms = []
        for term, label, T in zip(self.design.terms, labels, self.factors, strict=True):
            cov = sigma**2 * T @ T.T
            terms.append(
                VarCorrTerm(
                    group=term.group, label=label, names=term.names, cov=read_only(cov),
                    sd=read_only(np.sqrt(np.diag(cov))), corr=read_only(correlation(cov)),
                )
            )  # fmt: skip
        scale = self.criterion_function.objective.dispersed
        return VarCorr(terms=tuple(terms), sigma=sigma if scale else None)

    def variance_errors(self) -> VarianceErrors | None:
        """Standard errors of the variance components, where the criterion is a likelihood."""
        return variance_errors(self.generalized_problem(), self.ending.hessian, self.ending.free)

    def optinfo(self) -> OptInfo:
        """The optimiser's record."""
        return optimiser_record(self.problem, self.ending)

    def is_singular(self, tol: float) -> bool:
        """Whether a diagonal element of theta lies below `tol`: lme4's rule."""
        return bool((self.theta[self.design.lower == 0] < tol).any())

    def ranef(self) -> tuple[RandomEffects, ...]:
        """Conditional modes, a record for each grouping factor."""
        records = []
        b = self.effects[1]
        for group, factor in self.design.group_factors.items():
            terms = [term for term in self.design.terms if term.group == group]
            modes = [b[t.rows].reshape(-1, len(t.names)) for t in terms]
            records.append(
                RandomEffects(
                    group=group,
                    names=tuple(name for term in terms for name in term.names),
                    levels=factor.levels,
                    modes=read_only(np.concatenate(modes, axis=1)),
                )
            )
        return tuple(records)

    def ranef_var(self, group: str) -> NDArray[np.float64]:
        """Conditional variances of one grouping factor, shape (levels, k, k)."""
        return read_only(self.solution.conditional_variances(group))

    def fitted(self) -> NDArray[np.float64]:
        """Fitted means, shape (nobs,)."""
        return read_only(self.mu)

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Residuals of one kind, shape (nobs,)."""
        return read_only(self.solution.residuals(kind))

    def getme(self, name: str) -> Any:
        """One of the items of lme4's ``getME``, or "weights"; "devfun" is a function of θ and β.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """
        return item(self, name)

    def columns(self) -> Mapping[str, Any]:
        """The columns of the model frame, by R's names for them."""
        return model_frame(self.spec, self.design.recipe.memory)

    def row_quantities(self) -> Mapping[str, NDArray[np.float64]]:
        """What broom.mixed's augment adds to the model frame."""
        solution = self.solution
        distances = {}
        if self.design.p:
            hat = solution.hat_values()
            with np.errstate(divide="ignore", invalid="ignore"):
                cooks = (solution.pearson / (1.0 - hat)) ** 2 * hat
                cooks /= solution.sigma**2 * self.design.p
            cooks[np.isinf(cooks)] = np.nan
            distances = {".hat": hat, ".cooksd": cooks}
        roots = solution.root_of_weights
        parts = {
            ".fitted": solution.eta, ".resid": solution.residuals("deviance"), **distances,
            ".fixed": linear_predictor(self.design, self.beta), ".mu": solution.mu,
            ".offset": self.design.offset, ".sqrtXwt": np.abs(solution.slope) * roots,
            ".sqrtrwt": roots, ".weights": self.problem.weights, ".wtres": solution.pearson,
            ".eta": solution.eta,
        }  # fmt: skip
        return {name: read_only(np.array(part)) for name, part in parts.items()}
