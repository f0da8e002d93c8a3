"""The models that the reference is compared on, fitted once by each engine for the whole suite."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

import pylme
from pylme.model_matrix.build import build
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.ending import Ending
from pylme.reference.model import ReferenceModel
from pylme.reference.optimize.certificate import certify
from pylme.reference.optimize.newton import TracePoint
from pylme.results.linear_problem import LinearProblem

if TYPE_CHECKING:
    import pandas as pd

    from pylme.model_matrix import matrices
    from pylme.reference.criterion.prepare import Problem

__all__ = ["MODELS", "Model", "at_theta", "both", "prepared", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A formula, its data, and the arguments of the call, with R's call of the same."""

    formula: str
    data: str
    arguments: dict[str, Any] = field(default_factory=dict)


MODELS = {
    "correlated slopes": Model(formula="Reaction ~ Days + (Days | Subject)", data="sleepstudy"),
    "maximum likelihood": Model(
        formula="Reaction ~ Days + (Days | Subject)", data="sleepstudy", arguments={"reml": False}
    ),
    "weights and offset": Model(
        formula="Reaction ~ Days + (Days | Subject)",
        data="sleepstudy",
        arguments={"weights": "w", "offset": "o"},
    ),
    "offset in the formula": Model(
        formula="Reaction ~ Days + offset(o) + (Days | Subject)",
        data="sleepstudy",
        arguments={"weights": "w", "reml": False},
    ),
    "double bar": Model(formula="Reaction ~ Days + (Days || Subject)", data="sleepstudy"),
    "two terms on a factor": Model(
        formula="Reaction ~ Days + (1 | Subject) + (0 + Days + I(Days^2) | Subject)",
        data="sleepstudy",
        arguments={"reml": False},
    ),
    "dependent columns": Model(
        formula="Reaction ~ Days + I(2 * Days) + (Days | Subject)", data="sleepstudy"
    ),
    "no fixed effects": Model(formula="Reaction ~ 0 + (1 | Subject)", data="sleepstudy"),
    "one factor": Model(formula="Yield ~ 1 + (1 | Batch)", data="dyestuff"),
    "no variance": Model(formula="Yield ~ 1 + (1 | Batch)", data="dyestuff2"),
    "slopes of a factor": Model(
        formula="angle ~ recipe * temp + (0 + recipe | replicate)", data="cake"
    ),
    "contrasts": Model(
        formula="angle ~ recipe + temperature + (1 | recipe:replicate)",
        data="cake",
        arguments={"contrasts": {"recipe": "sum"}},
    ),
    "crossed": Model(formula="diameter ~ 1 + (1 | plate) + (1 | sample)", data="penicillin"),
    "nested": Model(formula="strength ~ 1 + (1 | batch/cask)", data="pastes"),
    "nested slopes": Model(
        formula="angle ~ recipe + t + (t | replicate) + (1 | recipe:replicate)",
        data="cake",
        arguments={"weights": "w"},
    ),
    "a long formula": Model(
        formula="angle ~ recipe + t + recipe:t + I(t^2) + (1 | recipe:replicate) + (1 | replicate)"
        " + (0 + t | replicate)",
        data="cake",
    ),
    "three factors": Model(
        formula="strength ~ 1 + (1 | batch) + (1 | cask) + (1 | batch:cask)",
        data="pastes",
        arguments={"reml": False},
    ),
    "crossed slopes": Model(
        formula="Reaction ~ Days + (Days | Subject) + (1 | Days)", data="sleepstudy"
    ),
    "unbalanced": Model(
        formula="Reaction ~ Days + (Days | Subject)",
        data="sleepstudy",
        arguments={"subset": "some"},
    ),
    "high school": Model(formula="math ~ cses * sector + (cses | sch.id)", data="hsb"),
    "a false alarm": Model(formula="math ~ ses * sector + (ses | sch.id)", data="hsb"),
}


@cache
def table(name: str) -> pd.DataFrame:
    """A data set, with weights `w`, an offset `o`, a covariate `t`, and `some` of its rows."""
    data = pylme.datasets.load(name)
    place = np.arange(len(data))
    t = (data["temp"] - 200.0) / 25.0 if "temp" in data else 0.0
    return data.assign(w=1.0 + place % 3, o=2.0 * (place % 7), some=place % 11 != 0, t=t)


@cache
def both(name: str) -> tuple[pylme.Fit, pylme.Fit]:
    """A model fitted by the reference, and by lme4."""
    model = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        ours, theirs = (
            pylme.lmer(model.formula, table(model.data), engine=engine, **model.arguments)
            for engine in ("numpy", "lme4")
        )
    return ours, theirs


def prepared(formula: str, data: Any, **arguments: Any) -> tuple[Any, matrices.Design, Problem]:
    """A model ready to be fitted: specification, design, problem."""
    spec = specified(formula, data, ModelArguments(**arguments))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        design = build(spec)
    return spec, design, problem_of(LinearProblem.of(design, reml=spec.reml))


def at_theta(formula: str, data: Any, theta: Any, **arguments: Any) -> pylme.Fit:
    """The fit object that the reference gives at a theta, whether or not that is an optimum."""
    spec, design, problem = prepared(formula, data, **arguments)
    inner = problem.conditioned(theta[None])
    evaluation = problem.criterion.evaluate(problem.layout.matrices(inner))
    step = TracePoint(theta=inner, criterion=evaluation.criterion, accepted=np.array([True]))
    ending = Ending(
        theta=theta,
        evaluation=evaluation,
        certificate=certify(problem, design.terms, theta, evaluation),
        converged=True,
        evaluations=1,
        starts=1,
        agreed=1,
        trace=(step,),
    )
    return pylme.Fit(ReferenceModel(spec, design, problem, ending, ()))
