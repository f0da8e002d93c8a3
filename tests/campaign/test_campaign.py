"""A hundred models of a fixed seed, and those that failed before: no answer of pylme's is wrong."""

from __future__ import annotations

import pytest

from tests.campaign.report import markdown
from tests.campaign.run import run, seeds_of
from tests.campaign.trial import try_model

SEED = 20261127
MODELS = 100

#: Models of larger campaigns on which an answer was wrong, with what was wrong.
ONCE_WRONG = {
    9059133477598: "a search divided by a curvature of zero",
    8947373134319: "the same, beside a column far from zero",
    2318509555867: "an optimum on the boundary was taken for one inside",
    4393834494040: "levels that lack a group lost digits of r², and lme4 was said to be wrong",
    5914024882440: "estimates that are not numbers were counted as columns left out",
    16014240436056: "64 evaluations in each search along a valley that bends in theta",
    13226931647688: "the same",
    5644768474264: "the same",
    1281924979615: "the same, of a covariate and two slopes",
    3833677222831: "the same",
    14483052070811: "no finite optimum with effects of one factor in several terms, far from zero",
    10604228849976: "curvatures were measured where the criterion has no value",
    17236147598834: "a criterion that falls towards a limit was taken to have an optimum",
}


@pytest.mark.slow
@pytest.mark.needs_r
def test_no_answer_is_wrong() -> None:
    trials = list(run(seeds_of(SEED, MODELS), 2))
    assert len(trials) == MODELS
    judged = [trial for trial in trials if trial.truth is not None and trial.truth.moderate]
    assert len(judged) > MODELS // 2
    assert not any(trial.failures for trial in trials), markdown(trials, told="")


@pytest.mark.slow
@pytest.mark.needs_r
@pytest.mark.parametrize("seed", ONCE_WRONG)
def test_what_once_was_wrong_is_right(seed: int) -> None:
    trial = try_model(seed)
    assert trial.truth is not None
    assert trial.failures == []
