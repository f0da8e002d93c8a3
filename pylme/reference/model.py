"""A model fitted by the NumPy engine, behind the protocol that both engines implement.

It holds the specification, its design and the end of the search. Everything else is computed from
these on first access.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from pylme.arrays import read_only
from pylme.covariance.correlation import correlation
from pylme.covariance.names import block_labels
from pylme.errors import warn
from pylme.model_matrix.variables import model_frame
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import examined, search, warnings_of
from pylme.reference.getme import item
from pylme.reference.optimize.certificate import certify
from pylme.reference.record import linear_information, optimiser_record
from pylme.reference.rows import hat_values, influence, linear_predictor, residuals
from pylme.reference.solution import (
    conditional_variances,
    fixed_effects,
    random_effects,
    solution_at,
)
from pylme.reference.standard_errors import standard_errors
from pylme.reference.threads import one_thread
from pylme.results.estimates import Estimates
from pylme.results.fitted_model import Condition, fit_record
from pylme.results.linear_problem import LinearProblem
from pylme.results.ranef import RandomEffects
from pylme.results.varcorr import VarCorr, VarCorrTerm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.frame import Rows
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.ending import Ending
    from pylme.reference.solution import FixedEffectEstimates, Solution
    from pylme.results.estimates import ModelInfo
    from pylme.results.fitted_model import FitRecord, ResidualType
    from pylme.results.optinfo import OptInfo
    from pylme.results.varcorr import VarianceErrors

__all__ = ["ReferenceModel"]


class ReferenceModel:
    """A linear mixed model fitted in NumPy.

    Parameters
    ----------
    spec : ModelSpec
    design : ModelMatrices
    problem : Problem
        Of that design.
    ending : Ending
    conditions : tuple of Condition
    """

    engine: Final = "numpy"
    design: ModelMatrices
    problem: Problem

    def __init__(
        self,
        spec: ModelSpec,
        design: ModelMatrices,
        problem: Problem,
        ending: Ending,
        conditions: tuple[Condition, ...],
    ) -> None:
        self.spec = spec
        self.design = design
        self.problem = problem
        self.ending = ending
        self.conditions = conditions

    def __reduce__(self) -> tuple[Any, ...]:
        # The problem is made from the design in less time than it takes to be carried.
        return _revived, (type(self), self.spec, self.design, self.ending, self.conditions)

    @property
    def theta(self) -> NDArray[np.float64]:
        """lme4's theta, shape (m,)."""
        return self.ending.theta

    @property
    def criterion(self) -> float:
        """The REML criterion or the deviance."""
        return float(self.ending.evaluation.criterion[0])

    @cached_property
    def fixed(self) -> FixedEffectEstimates:
        """The fixed effects and the residual standard deviation."""
        return fixed_effects(self.problem, self.ending.evaluation)

    @cached_property
    def exact(self) -> Evaluation:
        """The criterion at theta with exact second derivatives, which a search may do without."""
        exactly = self.problem.criterion.exactly()
        if exactly is self.problem.criterion:
            return self.ending.evaluation
        inner = self.problem.layout.matrices(self.problem.conditioned(self.theta[None]))
        with one_thread():
            return exactly.evaluate(inner)

    @cached_property
    def solution(self) -> Solution:
        """All that follows from theta."""
        return solution_at(self.problem, self.theta, evaluation=self.exact)

    @cached_property
    def effects(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The spherical random effects u and the conditional modes b, each of shape (q,)."""
        with one_thread():
            return random_effects(self.problem, self.theta)

    @cached_property
    def factors(self) -> list[NDArray[np.float64]]:
        """The relative covariance factor T of each term, shapes (k, k)."""
        return [term.factor(self.theta) for term in self.design.terms]

    @cached_property
    def mu(self) -> NDArray[np.float64]:
        """Fitted values, shape (n,)."""
        return linear_predictor(self.design, self.fixed.beta, self.effects[1])

    def refit_from(self, theta: NDArray[np.float64]) -> Self:
        """The same problem once more, the search starting at `theta`."""
        ending = search(self.problem, self.design.terms, theta)
        ending = examined(ending, self.problem, self.design)
        before = {str(warning) for warning in warnings_of(self.ending)}
        kept = [c for c in self.conditions if c.message not in before]
        said = [Condition(kind="warning", message=str(each)) for each in warnings_of(ending)]
        return type(self)(self.spec, self.design, self.problem, ending, (*kept, *said))

    @property
    def rows(self) -> Rows:
        """The rows of the data that were used."""
        return self.design.rows

    @property
    def has_rows(self) -> bool:
        """Whether the design has the rows of the data, and not others that stand for them."""
        return self.design.represented is None

    def announce(self) -> None:
        """Give what the search ended with as Python warnings."""
        for warning in warnings_of(self.ending):
            warn(warning)

    def leaves_little(self) -> bool:
        """False: whether there is a finite optimum is a part of the search's ending."""
        return False

    def with_conditions(self, more: tuple[Condition, ...]) -> Self:
        """The same fit with further conditions."""
        conditions = (*self.conditions, *more)
        return type(self)(self.spec, self.design, self.problem, self.ending, conditions)

    def record(self) -> FitRecord:
        """What a study keeps of a fit."""
        return fit_record(self)

    def info(self) -> ModelInfo:
        """What was fitted to what."""
        return linear_information(self.spec, self.design)

    def estimates(self) -> Estimates:
        """The numbers that define the fit."""
        return Estimates(
            names=self.design.x_names,
            beta=read_only(self.fixed.beta),
            theta=read_only(self.theta),
            lower=read_only(self.design.lower),
            sigma=self.fixed.sigma,
            criterion=self.criterion,
            deviance=self.criterion,
            loglik=-0.5 * self.criterion,
            df=self.design.p + sum(t.structure.n_free for t in self.design.terms) + 1,
            dropped=self.design.dropped,
        )

    def vcov(self) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects, shape (p, p)."""
        return read_only(self.fixed.vcov)

    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        labels = block_labels(term.group for term in self.design.terms)
        terms = []
        for term, label, T in zip(self.design.terms, labels, self.factors, strict=True):
            half = self.fixed.sigma * T
            cov = half @ half.T
            terms.append(
                VarCorrTerm(
                    group=term.group,
                    label=label,
                    names=term.names,
                    cov=read_only(cov),
                    sd=read_only(np.sqrt(np.diag(cov))),
                    corr=read_only(correlation(cov)),
                    kind=term.structure.kind,
                    hom=term.structure.hom,
                )
            )
        return VarCorr(terms=tuple(terms), sigma=self.fixed.sigma)

    def variance_errors(self) -> VarianceErrors:
        """Standard errors of the variance components."""
        return standard_errors(self.problem, self.design.terms, self.theta, self.exact)

    def linear_problem(self) -> LinearProblem:
        """The linear mixed model that was fitted."""
        return LinearProblem.of(self.design, reml=self.spec.reml, theta=self.theta)

    def generalized_problem(self) -> None:
        """None: this is a linear model."""

    def optinfo(self) -> OptInfo:
        """The optimiser's record."""
        certificate = self.ending.certificate
        if certificate is None or self.exact is not self.ending.evaluation:
            certificate = certify(self.problem, self.design.terms, self.theta, self.exact)
        known = self.ending.known(certificate)
        return optimiser_record(self.problem, self.ending, self.solution, known)

    def is_singular(self, tol: float) -> bool:
        """Whether a diagonal element of theta lies below `tol`: lme4's rule."""
        pivots = self.problem.full(self.theta)[self.problem.layout.diagonal]
        return bool((pivots < tol).any())

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
        with one_thread():
            variances = conditional_variances(self.problem, self.theta, self.fixed.sigma, group)
        return read_only(variances)

    def fitted(self) -> NDArray[np.float64]:
        """Fitted values, shape (nobs,)."""
        return read_only(self.mu)

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Residuals of one kind, shape (nobs,)."""
        return read_only(residuals(self.design, self.mu, self.fixed.sigma, kind))

    def getme(self, name: str) -> Any:
        """One of the items of lme4's ``getME``, or "weights"; "devfun" is a function of theta.

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
        hat = None
        if self.design.p:
            hat = hat_values(self.problem, self.theta, self.ending.evaluation)
        fixed = linear_predictor(self.design, self.fixed.beta)
        parts = influence(self.design, self.mu, fixed, hat, self.fixed.sigma)
        return {name: read_only(part) for name, part in parts.items()}


def _revived(
    kind: type[ReferenceModel],
    spec: ModelSpec,
    design: ModelMatrices,
    ending: Ending,
    conditions: tuple[Condition, ...],
) -> ReferenceModel:
    problem = problem_of(LinearProblem.of(design, reml=spec.reml))
    return kind(spec, design, problem, ending, conditions)
