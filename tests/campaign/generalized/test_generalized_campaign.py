"""A model of each kind: no answer about a generalized model is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tests.campaign.generalized.__main__ import markdown
from tests.campaign.generalized.dense import DenseCriterion
from tests.campaign.generalized.generator import KINDS, generate
from tests.campaign.generalized.trial import try_model


@pytest.mark.slow
@pytest.mark.needs_r
def test_no_answer_is_wrong() -> None:
    trials = [try_model(seed) for seed in range(2 * len(KINDS))]
    report = markdown(trials, seconds=0.0, first=0)
    assert not any(trial.failures for trial in trials), report
    assert "NO_FINITE_ESTIMATE" in report


def test_the_dense_criterion_does_not_know_the_units_of_a_covariate() -> None:
    model = generate(1)
    criterion = DenseCriterion(model)
    x = np.array([0.4] * criterion.m + [0.2, 0.3, -0.1])
    value = criterion(x)
    model.X[:, 1] *= 10.0
    x[criterion.m + 1] /= 10.0
    if model.terms[0][1].shape[1] == 1:
        assert DenseCriterion(model)(x) == pytest.approx(value, rel=1e-12)
