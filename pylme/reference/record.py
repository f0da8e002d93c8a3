"""What was fitted and how the search went, as the records that both engines have."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy

from pylme._version import __version__
from pylme.arrays import read_only
from pylme.formula import deparse_lines
from pylme.reference.ending import end_of
from pylme.reference.optimize.descent import ENOUGH
from pylme.reference.optimize.newton import MAX_ESCAPES, MAX_EVALUATIONS
from pylme.reference.optimize.structured import free_of
from pylme.results.estimates import ModelInfo
from pylme.results.optinfo import OptInfo, Trace
from pylme.versions import has

if TYPE_CHECKING:
    from pylme.formula import Formula
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.ending import Ending
    from pylme.reference.solution import Solution
    from pylme.results.certificate import Certificate

__all__ = ["information", "is_reml", "linear_information", "optimiser_record"]

#: lme4's words, with the space at the end of one of them.
_TITLES: Final = {
    True: "Linear mixed model fit by REML",
    False: "Linear mixed model fit by maximum likelihood ",
}


def is_reml(spec: ModelSpec, design: ModelMatrices) -> bool:
    """Whether the fit is by REML; without fixed effects that is ML, and called so by lme4 too."""
    return spec.reml and design.p > 0


def linear_information(spec: ModelSpec, design: ModelMatrices) -> ModelInfo:
    """What was fitted to what, by a linear mixed model."""
    reml = is_reml(spec, design)
    return information(
        spec,
        design,
        title=_TITLES[reml],
        object_class="lmerMod",
        reml=reml,
        use_scale=True,
        deviance_label="-2*log(L)" if has("-2*log(L)") else "deviance",
    )


def information(
    spec: ModelSpec,
    design: ModelMatrices,
    *,
    title: str,
    object_class: str,
    deviance_label: str,
    reml: bool,
    use_scale: bool,
    family: str | None = None,
    link: str | None = None,
    outcomes: tuple[str, str] | None = None,
) -> ModelInfo:
    """What was fitted to what, in lme4's words, so that a summary prints as lme4's."""
    call = [("formula", _shown(spec.formula)), ("data", "data")]
    call += [
        (role, name)
        for role, name in (("weights", spec.weights), ("offset", spec.offset))
        if name is not None
    ]
    return ModelInfo(
        formula=str(spec.formula),
        call=tuple(call),
        nobs=design.nobs,
        ngrps={name: len(factor.levels) for name, factor in design.group_factors.items()},
        fit_messages=_rank_message(design),
        versions={"numpy": np.__version__, "scipy": scipy.__version__, "pylme": __version__},
        title=title,
        object_class=object_class,
        deviance_label=deviance_label,
        reml=reml,
        use_scale=use_scale,
        family=family,
        link=link,
        outcomes=outcomes,
    )


@lru_cache(maxsize=256)
def _shown(formula: Formula) -> str:
    """The formula in lines, as a summary prints it."""
    return "\n".join(deparse_lines(formula.tree))


def _rank_message(design: ModelMatrices) -> tuple[str, ...]:
    """lme4's message on columns of X that were dropped."""
    dropped = len(design.dropped)
    if not dropped:
        return ()
    what = "column / coefficient" if dropped == 1 else "columns / coefficients"
    return (f"fixed-effect model matrix is rank deficient so dropping {dropped} {what}",)


def optimiser_record(
    problem: Problem, ending: Ending, solution: Solution, certificate: Certificate
) -> OptInfo:
    """The search's own record, in terms of lme4's theta."""
    steps = ending.trace
    return OptInfo(
        optimizer="trust-region Newton",
        control={
            "tolerance": ENOUGH,
            "max_evaluations": MAX_EVALUATIONS,
            "max_escapes": MAX_ESCAPES,
        },
        theta=read_only(ending.theta),
        par=read_only(free_of(problem.terms, ending.theta)),
        feval=ending.evaluations,
        conv_opt=0 if ending.converged else 1,
        message=end_of(ending),
        checks=None,
        gradient=read_only(solution.gradient),
        hessian=read_only(solution.hessian),
        warnings=(),
        certificate=certificate,
        trace=Trace(
            theta=read_only(problem.callers(np.concatenate([step.theta for step in steps]))),
            criterion=read_only(np.concatenate([step.criterion for step in steps])),
            accepted=tuple(bool(step.accepted[0]) for step in steps),
        ),
    )
