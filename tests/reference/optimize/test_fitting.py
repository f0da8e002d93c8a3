"""Searches from several starts at once are those from each alone."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.reference.optimize.newton import minimise
from pylme.reference.optimize.several_starts import fit


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ],
)
def test_each_start_alone(name, formula):
    problem = pylme.lmer(formula, pylme.datasets.load(name), engine="numpy")._model.problem
    m = len(problem.layout.row)
    starts = np.stack([np.full(m, 0.5), np.full(m, 2.0), np.full(m, 1.0)])
    criterion = problem.criterion.subset(np.zeros(3, dtype=np.intp))
    together = minimise(criterion, problem.layout, problem.conditioned(starts))
    for i, start in enumerate(starts):
        alone = fit(problem, start)
        assert together.evaluation.criterion[i] == pytest.approx(alone.criterion[0], abs=1e-9)
        assert together.evaluations[i] == alone.optimum.evaluations[0]
        np.testing.assert_allclose(
            problem.callers(together.theta[i][None])[0], alone.theta[0], atol=1e-6
        )
        there, own = together.evaluation, alone.optimum.evaluation
        np.testing.assert_allclose(there.rss[i], own.rss[0], rtol=1e-9)
        assert [part[i].shape for part in there.M] == [part[0].shape for part in own.M]
