"""The reference at its own optimum against the values published for lme4, without R."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from tests.cases import LINEAR
from tests.tolerances import NOT_ABOVE, OWN_THETA, PUBLISHED_DIGITS

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")

PUBLISHED = [
    pytest.param(case, reml, value, id=f"{case} {'REML' if reml else 'ML'}")
    for case in LINEAR
    for reml, value in ((False, case.ml), (True, case.reml))
    if value is not None
]


@pytest.mark.parametrize(("case", "reml", "published"), PUBLISHED)
def test_criterion_and_theta(case, reml, published):
    fit = pylme.lmer(case.formula, pylme.datasets.load(case.data), reml=reml, engine="numpy")
    assert fit.criterion <= published + NOT_ABOVE
    assert fit.criterion == pytest.approx(published, rel=PUBLISHED_DIGITS)
    theta = case.theta_reml if reml else case.theta
    if theta is not None:
        np.testing.assert_allclose(fit.theta, theta, atol=OWN_THETA, rtol=OWN_THETA)
    singular = 0.0 in (case.theta or ())
    expected = pylme.Status.SINGULAR if singular else pylme.Status.CONVERGED
    assert fit.convergence.status is expected
