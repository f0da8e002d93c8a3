"""A hundred models of a fixed seed: no answer of pylme's is wrong."""

from __future__ import annotations

import pytest

from tests.campaign.report import markdown
from tests.campaign.run import run, seeds_of

SEED = 20261127
MODELS = 100


@pytest.mark.slow
@pytest.mark.needs_r
def test_no_answer_is_wrong() -> None:
    trials = list(run(seeds_of(SEED, MODELS), 2))
    assert len(trials) == MODELS
    judged = [trial for trial in trials if trial.truth is not None and trial.truth.moderate]
    assert len(judged) > MODELS // 2
    assert not any(trial.failures for trial in trials), markdown(trials, told="")
