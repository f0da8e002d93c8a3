"""What was fitted and how the search went, as the records that both engines have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.arrays import read_only
from pylme.model_matrix.response import outcomes
from pylme.reference.generalized.optimum.descent import ENOUGH, MOST_STEPS
from pylme.reference.generalized.optimum.ending import how_it_ended
from pylme.reference.record import information
from pylme.render.numbers import format_numbers
from pylme.results.optinfo import OptInfo, Trace

if TYPE_CHECKING:
    from pylme.families import Family
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.generalized.optimum.ending import GeneralizedEnding
    from pylme.results.estimates import ModelInfo
    from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["family_name", "generalized_information", "optimiser_record", "title_of"]


def title_of(problem: GeneralizedProblem) -> str:
    """The method, in lme4's words where it is lme4's."""
    if problem.n_agq == 1:
        kind = "Laplace Approximation"
    else:
        kind = f"Adaptive Gauss-Hermite Quadrature, nAGQ = {problem.n_agq}"
    if problem.laplace == "observed":
        kind += ", observed information"
    if problem.criterion == "likelihood":
        kind += ", with the dispersion"
    return f"Generalized linear mixed model fit by maximum likelihood ({kind})"


def family_name(family: Family) -> str:
    """R's name of a family, with the ϑ of a negative binomial as MASS writes it."""
    if family.shape is None:
        return family.name
    (number,) = format_numbers([round(family.shape, 4)], digits=7)
    return f"Negative Binomial({number})"


def generalized_information(
    spec: ModelSpec, design: ModelMatrices, problem: GeneralizedProblem, *, scale: bool
) -> ModelInfo:
    """What was fitted to what, by a generalized linear mixed model."""
    return information(
        spec,
        design,
        title=title_of(problem),
        object_class="glmerMod",
        family=family_name(problem.family),
        link=problem.family.link,
        reml=False,
        use_scale=scale,
        deviance_label="deviance",
        outcomes=outcomes(spec),
    )


def optimiser_record(problem: GeneralizedProblem, ending: GeneralizedEnding) -> OptInfo:
    """The search's own record, by θ and β."""
    m = problem.terms[-1].thetas.stop
    size = m if problem.n_agq == 0 else m + len(problem.x_names)
    xs, values, accepted = ending.trace
    return OptInfo(
        optimizer="BFGS",
        control={"tolerance": ENOUGH, "max_steps": MOST_STEPS},
        theta=read_only(ending.x[:m]),
        par=read_only(ending.x[:size]),
        feval=ending.evaluations,
        conv_opt=0 if ending.converged else 1,
        message=how_it_ended(ending),
        checks=None,
        gradient=read_only(ending.gradient[:size]),
        hessian=read_only(ending.hessian[:size, :size]),
        warnings=(),
        certificate=ending.certificate,
        trace=Trace(theta=read_only(xs[:, :m]), criterion=read_only(values), accepted=accepted),
    )
