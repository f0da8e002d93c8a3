"""The truth of the campaign against lme4's function, published optima, differences, known facts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pylme
from tests.campaign.answer import answer, factors_of
from tests.campaign.columns import codes_of
from tests.campaign.dense import Dense
from tests.campaign.generator import generate
from tests.campaign.judgement import judge
from tests.campaign.kinds import KINDS
from tests.campaign.model import Model, Term
from tests.campaign.search import Objective
from tests.campaign.trial import try_model
from tests.campaign.truth import truth


def _model(data: str, *, reml: bool) -> Model:
    """Dyestuff with intercepts, or sleepstudy with slopes too."""
    frame = pylme.datasets.load(data)
    response, group, slope = COLUMNS[data]
    columns = {"y": frame[response].to_numpy(dtype=float), "g": frame[group].astype(str).to_numpy()}
    X = np.ones((len(frame), 1))
    if slope is not None:
        X = np.column_stack([X, frame[slope].to_numpy(dtype=float)])
    term = Term(group="g", columns=X, codes=codes_of("g", columns))
    return Model(
        seed=0, kind="", formula="", data=columns, reml=reml, weights=None, offset=None, X=X,
        terms=(term,),
    )  # fmt: skip


COLUMNS = {
    "dyestuff": ("Yield", "Batch", None),
    "sleepstudy": ("Reaction", "Subject", "Days"),
}


@pytest.mark.parametrize(("reml", "published"), [(False, 327.327059881), (True, 319.654276842)])
def test_a_published_optimum(reml: bool, published: float) -> None:
    found = truth(Dense.of(_model("dyestuff", reml=reml)), [], np.random.default_rng(0))
    assert found.criterion == pytest.approx(published, abs=1e-7)
    assert found.moderate
    assert found.identified
    assert found.singular is False


def test_a_published_criterion() -> None:
    model = _model("sleepstudy", reml=False)
    factors = factors_of(model, [0.9292297, 0.0181647, 0.2226460])
    assert Dense.of(model).exact(factors) == pytest.approx(1751.939344464, abs=1e-6)


@pytest.mark.needs_r
@pytest.mark.parametrize(
    "seed", [32 + place for place, kind in enumerate(KINDS) if kind != "shifted"]
)
def test_the_criterion_is_lme4s(seed: int) -> None:
    model = generate(seed)
    _, fit = answer(model, "lme4")
    dense = Dense.of(model)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        theta = rng.standard_normal(sum(term.size for term in model.terms))
        factors = factors_of(model, theta)
        at_lme4 = fit.getme("devfun")(theta)
        assert dense.exact(factors) == pytest.approx(at_lme4, rel=1e-9, abs=1e-7)
        sound = dense.in_sound(factors)
        assert dense.exact(sound, sound=True) == pytest.approx(at_lme4, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("seed", range(16, 16 + len(KINDS)))
def test_the_gradient_is_the_slope(seed: int) -> None:
    model = generate(seed)
    objective = Objective(Dense.of(model))
    theta = np.random.default_rng(seed).standard_normal(objective.ends[-1])
    _, gradient = objective(theta)
    step = 1e-5
    for place, slope in enumerate(gradient):
        unit = np.eye(len(theta))[place] * step
        difference = (objective(theta + unit)[0] - objective(theta - unit)[0]) / (2 * step)
        assert slope == pytest.approx(difference, rel=1e-5, abs=1e-5 * np.abs(gradient).max())


def test_a_repeated_term_is_not_identified() -> None:
    model = generate(34)
    twice = replace(model, terms=(*model.terms, *model.terms))
    assert truth(Dense.of(model), [], np.random.default_rng(0)).identified
    assert truth(Dense.of(twice), [], np.random.default_rng(0)).unidentified


def test_a_response_without_errors_has_no_optimum() -> None:
    model = generate(34)
    exact = replace(model, data=model.data | {"y": model.terms[0].codes.astype(float)})
    assert truth(Dense.of(exact), [], np.random.default_rng(0)).finite is False


def test_a_covariance_of_lower_rank_may_leave_no_residual() -> None:
    """All effects span the 16 rows; with one combination of h's effects they span 15."""
    dense = Dense.of(generate(15032837603140))
    along = [[np.array([[t]]), t * np.array([[1.0, 0.0], [2.0, 0.0]])] for t in (300.0, 3000.0)]
    near, far = (dense.exact(factors) for factors in along)
    assert near - far == pytest.approx(2.0 * np.log(10.0), abs=0.2)
    assert truth(dense, [], np.random.default_rng(0)).finite is False


@pytest.mark.needs_r
def test_wrong_answers_are_found() -> None:
    trial = try_model(2)
    assert trial.truth.moderate
    assert not trial.failures
    ours, lme4 = trial.answers
    trial.excess["numpy"] = trial.excess["lme4"] = 1.0
    trial.error["numpy"] = 1e-3
    ours.status, ours.evaluations, lme4.verdict = "CONVERGED", 51, "DISAGREES"
    found = {failure.kind for failure in judge(trial, refused=False, conditioned=True)}
    assert found == {"miss", "criterion", "certified", "wrong DISAGREES"}
    trial.excess = dict.fromkeys(trial.excess, 0.0)
    ours.verdict, ours.good = "NOT_IDENTIFIED", False
    lme4.verdict, lme4.good = "STOPPED_SHORT", False
    found = {failure.kind for failure in judge(trial, refused=False, conditioned=True)}
    assert found == {"criterion", "evaluations", "wrong NOT_IDENTIFIED", "wrong STOPPED_SHORT"}
