"""Optima of lme4 2 and of the NumPy engine, and verdicts, of more models with structures."""

from __future__ import annotations

import pytest

import pylme
from pylme.versions import has
from tests.structures import MORE, repeated

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning"),
    pytest.mark.skipif(not has("structures"), reason="lme4 has covariance structures since 2.0"),
]

#: Where lme4 2.1 stops at a standard deviation of zero, at which it does not see the correlation.
STUCK = {"diag(0 + t | s) + ar1(0 + t | g)"}
#: Verdicts on a fit that is right.
RIGHT = {"AGREES", "SINGULAR_CERTIFIED", "FALSE_ALARM"}


@pytest.mark.parametrize("random", MORE)
def test_optimum_and_verdict(random):
    theirs, ours = (
        pylme.lmer(f"y ~ x + {random}", repeated(), engine=engine) for engine in ("lme4", "numpy")
    )
    above = theirs.criterion - ours.criterion
    assert above > -1e-6
    assert theirs.glance()["df_residual"].item() == ours.glance()["df_residual"].item()
    assert ours.cross_check().verdict.name in RIGHT
    stopped = {"STOPPED_SHORT"} if random in STUCK else RIGHT
    assert theirs.cross_check().verdict.name in stopped
