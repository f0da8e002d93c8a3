"""The problem of a generalized fit by lme4, and what it says of the fit's own numbers."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.reference.generalized.evaluate import evaluate

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.ConvergenceWarning"),
]
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.mark.parametrize("n_agq", [0, 1, 9])
def test_counts(n_agq):
    """The reported criterion has an error of first order: see the bound in `test_criterion`."""
    fit = pylme.glmer(CBPP, pylme.datasets.load("cbpp"), n_agq=n_agq, engine="lme4")
    problem = fit._model.generalized_problem()
    assert problem.n_agq == n_agq
    np.testing.assert_array_equal(problem.offset, 0.0)
    assert evaluate(problem).criterion == pytest.approx(fit.criterion, abs=1e-2)


def test_shape_of_a_negative_binomial():
    data = pylme.datasets.load("grouseticks")
    fit = pylme.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", data, engine="lme4")
    problem = fit._model.generalized_problem()
    assert problem.family.shape == fit.getme("glmer.nb.theta")
    found = evaluate(problem)
    assert found.criterion == pytest.approx(fit.criterion, abs=1e-2)
    assert len(found.gradient) == len(fit.theta) + len(fit.fixef) + 1


def test_a_linear_model_has_none():
    data = pylme.datasets.load("sleepstudy")
    for engine in ("lme4", "numpy"):
        fit = pylme.lmer("Reaction ~ Days + (1 | Subject)", data, engine=engine)
        assert fit._model.generalized_problem() is None
        assert pylme.from_json(fit.to_json())._model.generalized_problem() is None
