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


@pytest.mark.parametrize("case", LINEAR, ids=str)
@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
def test_criterion_and_theta(case, reml):
    published = case.reml if reml else case.ml
    if published is None:
        pytest.skip(f"no published value for {'REML' if reml else 'ML'}")
    fit = pylme.lmer(case.formula, pylme.datasets.load(case.data), reml=reml)
    assert fit.criterion == pytest.approx(published, rel=OWN_OPTIMUM)
    if not reml and case.theta is not None:
        np.testing.assert_allclose(fit.theta, case.theta, atol=OWN_THETA, rtol=OWN_THETA)
