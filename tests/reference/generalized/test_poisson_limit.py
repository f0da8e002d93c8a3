"""The derivative of a negative binomial's criterion by 1/ϑ where ϑ is infinite."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.optimum.poisson_limit import slope_at_poisson
from tests.reference.generalized.models import MODELS, data, problem_of

FRAME = data()
COUNTS = tuple(model for model in MODELS if model.shape is not None)


@pytest.mark.parametrize("laplace", ["expected", "observed"])
@pytest.mark.parametrize("model", COUNTS, ids=lambda model: model.name)
def test_is_the_limit_of_differences(model, laplace):
    problem = problem_of(model, FRAME, shape_free=True, laplace=laplace)
    criterion = criterion_of(problem)
    x = np.concatenate([problem.theta, problem.beta])
    found = slope_at_poisson(criterion, criterion.exactly(np.append(x, 8.0)))
    if model.weights is not None:
        assert found is None
        return
    inverse = 1e-3 * np.arange(1, 6)
    values = [criterion.at(np.append(x, -np.log(k)), tolerance=1e-13).value for k in inverse]
    assert found == pytest.approx(np.polyfit(inverse, values, 4)[-2], rel=1e-5)


def test_its_sign_says_whether_counts_are_overdispersed():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 10)
    effects = rng.normal(0, 0.3, 30)[g]
    under = rng.binomial(8, 0.2 * np.exp(effects).clip(0, 4))
    with pytest.warns(pylme.errors.NotOverdispersedWarning) as given:
        fit = pylme.glmer_nb("y ~ 1 + (1 | g)", {"y": under, "g": g}, engine="numpy")
    # ln ϑ has no curvature there, and the certificate is of the other parameters.
    assert len(given) == 1
    certificate = fit.optinfo.certificate
    assert certificate.stationary
    assert not certificate.flat
    assert not certificate.saddle
    over = rng.negative_binomial(1.5, 1.5 / (1.5 + 2.0 * np.exp(effects)))
    fit = pylme.glmer_nb("y ~ 1 + (1 | g)", {"y": over, "g": g}, engine="numpy")
    assert fit.convergence.ok
