"""lme4 through the bridge gives the values published for its own data sets."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from tests.cases import LINEAR
from tests.tolerances import OWN_OPTIMUM, OWN_THETA

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning"),
]


PUBLISHED = [
    pytest.param(case, reml, value, id=f"{case} {'REML' if reml else 'ML'}")
    for case in LINEAR
    for reml, value in ((False, case.ml), (True, case.reml))
    if value is not None and not case.large
]


@pytest.mark.parametrize(("case", "reml", "published"), PUBLISHED)
def test_criterion_and_theta(case, reml, published):
    fit = pylme.lmer(case.formula, pylme.datasets.load(case.data), reml=reml)
    assert fit.criterion == pytest.approx(published, rel=OWN_OPTIMUM)
    if not reml and case.theta is not None:
        np.testing.assert_allclose(fit.theta, case.theta, atol=OWN_THETA, rtol=OWN_THETA)
