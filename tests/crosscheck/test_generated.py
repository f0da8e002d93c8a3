"""Verdicts on models with hard data, against what extended precision says of both points."""

from __future__ import annotations

import pytest

import pylme
from pylme import Verdict
from pylme.crosscheck.tolerances import NEGLIGIBLE
from pylme.errors import RError, ResponseError
from tests.crosscheck.extended import extended
from tests.crosscheck.generated import KINDS

pytestmark = [pytest.mark.needs_r, pytest.mark.filterwarnings("ignore::pylme.errors.PylmeWarning")]

SEEDS = range(8)
#: The verdict whatever lme4 did.
ALWAYS = {"unidentified": Verdict.NOT_IDENTIFIED, "noiseless": Verdict.UNCHECKED}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_verdict_that_the_truth_demands(kind, seed):
    formula, data, weights = KINDS[kind](seed)
    try:
        fit = pylme.lmer(formula, data, weights=weights)
    except ResponseError as error:
        refused = str(error)
    except RError:
        # lme4's arithmetic broke down: there is nothing to check.
        return
    else:
        refused = ""
    if refused:
        assert kind == "noiseless"
        assert "no finite optimum" in refused
        return
    check = fit.cross_check()
    assert check.verdict is not Verdict.DISAGREES, check.explain()
    if kind in ALWAYS:
        assert check.verdict is ALWAYS[kind]
        return
    system = fit._model.system()
    here, best = (extended(system, theta).criterion for theta in (fit.theta, check.theta))
    assert check.excess == pytest.approx(here - best, abs=2e-6, rel=1e-3)
    # lme4's own criterion is no part of it: only what it is at lme4's theta.
    assert (check.verdict is Verdict.STOPPED_SHORT) == (here - best > NEGLIGIBLE.value)
    assert check.verdict.good or check.verdict is Verdict.STOPPED_SHORT


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_fits_by_numpy(kind, seed):
    formula, data, weights = KINDS[kind](seed)
    check = pylme.lmer(formula, data, weights=weights, engine="numpy").cross_check()
    if kind in ALWAYS:
        assert check.verdict is ALWAYS[kind]
    else:
        assert check.verdict.good, check.explain()
