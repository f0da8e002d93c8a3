"""Where lme4 or another package is known to go wrong: bad scales, false optima, poor starts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pylme
from tests.reference.models import both, table
from tests.tolerances import NOT_ABOVE, SAME_OPTIMUM

SLEEP = "Reaction ~ D + (D | Subject)"
#: The REML criterion and the deviance of sleepstudy's model, as published.
REML, ML = 1743.628271960, 1751.939344464
FALSE_OPTIMUM = "math ~ cses*sector + meanses*cses + (cses | sch.id)"


def sleepstudy(scale=1.0, shift=0.0):
    data = table("sleepstudy")
    return data.assign(D=scale * data["Days"] + shift)


@pytest.mark.parametrize("shift", [2000.0, 100.0, 1e6, -1e6])
@pytest.mark.parametrize(("reml", "published"), [(True, REML), (False, ML)])
def test_a_shifted_covariate(shift, reml, published):
    fit = pylme.lmer(SLEEP, sleepstudy(shift=shift), reml=reml, engine="numpy")
    assert fit.criterion == pytest.approx(published, abs=NOT_ABOVE)
    assert fit.convergence.status is pylme.Status.CONVERGED
    # The correlation of intercept and slope says where zero is, and nothing of singularity.
    assert not fit.optinfo.certificate.singular
    devfun = fit.getme("devfun")
    assert devfun(fit.theta) == pytest.approx(published, abs=NOT_ABOVE)


@pytest.mark.parametrize("scale", [1e6, 1e-6, 1e9])
def test_a_covariate_in_other_units(scale):
    fit = pylme.lmer(SLEEP, sleepstudy(scale=scale), engine="numpy")
    assert fit.criterion - 2 * np.log(scale) == pytest.approx(REML, abs=NOT_ABOVE)
    assert fit.convergence.status is pylme.Status.CONVERGED
    assert fit.is_singular() is (scale > 1e3)  # lme4's rule knows the units
    assert fit.conditions == ()


def test_double_bars_with_a_covariate_in_other_units():
    base, moved = (
        pylme.lmer("Reaction ~ D + (D || Subject)", sleepstudy(scale=scale), engine="numpy")
        for scale in (1.0, 1e6)
    )
    assert moved.criterion - 2 * np.log(1e6) == pytest.approx(base.criterion, abs=NOT_ABOVE)
    assert not moved.optinfo.certificate.singular


@pytest.fixture(scope="module")
def hsb_fit():
    return pylme.lmer(FALSE_OPTIMUM, table("hsb"), engine="numpy")


def test_the_false_optimum_of_high_school_and_beyond_is_left(hsb_fit):
    """At correlation 1, 0.175 above: the gradient in theta is zero there."""
    assert hsb_fit.criterion == pytest.approx(46503.66287, abs=1e-5)
    false = np.array([0.25438002, 0.02080708, 0.0])
    assert hsb_fit.getme("devfun")(false) == pytest.approx(hsb_fit.criterion + 0.17485, abs=1e-4)
    again = pylme.lmer(FALSE_OPTIMUM, table("hsb"), start=false, engine="numpy")
    assert again.criterion == pytest.approx(hsb_fit.criterion, abs=NOT_ABOVE)
    assert again.convergence.status is pylme.Status.CONVERGED
    np.testing.assert_allclose(again.theta, hsb_fit.theta, rtol=1e-3, atol=1e-4)


def test_the_certificate_of_the_false_optimum(hsb_fit):
    from pylme.reference.optimize.certificate import certify

    model = hsb_fit._model
    false = np.array([0.25438002, 0.02080708, 0.0])
    certificate = certify(model.problem, model.design.terms, false)
    assert certificate.stationary
    assert certificate.curvature > 0
    assert not certificate.enclosed
    assert not certificate.holds
    assert any("false optimum" in words for words in certificate.problems)


@pytest.mark.parametrize(
    "start", [[0, 0, 0], [0, 1, 0], [1e-3, 0, 1e-3], [10, 0, 10], [0, 0, 5], [1e3, -1e3, 1e3]]
)
def test_poor_starts(start):
    fit = pylme.lmer(SLEEP, sleepstudy(), start=start, engine="numpy")
    assert fit.criterion == pytest.approx(REML, abs=NOT_ABOVE)


@pytest.mark.parametrize("start", [[0, 0], [1e-9, 1e-9], [0, 3], [1e4, 1e-4]])
def test_poor_starts_with_crossed_factors(start):
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    fit = pylme.lmer(formula, table("penicillin"), start=start, engine="numpy")
    assert fit.criterion == pytest.approx(330.860589, abs=NOT_ABOVE)


@pytest.mark.needs_r
def test_a_false_alarm_of_lme4s_is_none():
    """lme4 warns of its gradient; the covariance matrix is singular, and that is right."""
    ours, theirs = both("a false alarm")
    assert theirs.convergence.status is pylme.Status.NOT_CONVERGED
    assert ours.convergence.status is pylme.Status.SINGULAR
    assert theirs.criterion - ours.criterion == pytest.approx(0.0, abs=1e-4)
    assert ours.varcorr["sch.id"].corr.iloc[0, 1] == pytest.approx(1.0, abs=1e-12)


def test_a_parameter_that_the_data_do_not_see():
    """The variance of the groups and their means are the same thing."""
    data = table("cake")
    with pytest.warns(pylme.errors.ConvergenceWarning, match="do not determine"):
        fit = pylme.lmer("angle ~ recipe + (1 | recipe) + (1 | replicate)", data, engine="numpy")
    assert fit.convergence.status is pylme.Status.DEGENERATE
    assert fit.optinfo.certificate.flat
    assert "flat in some direction" in fit.convergence.explain()


def test_groups_of_one_row():
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=40), "g": [f"{i}" for i in range(38)] + ["0", "1"]}
    fit = pylme.lmer("y ~ 1 + (1 | g)", data, engine="numpy")
    assert fit.convergence.status in {pylme.Status.CONVERGED, pylme.Status.SINGULAR}


def _start(rng):
    """Theta of two effects at random: its diagonal is not negative."""
    theta = 2 * rng.normal(size=3)
    return np.array([abs(theta[0]), theta[1], abs(theta[2])])


@pytest.mark.parametrize("seed", range(6))
def test_small_noisy_data_end_at_the_best_of_several_starts(seed):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(6), 5)
    x = rng.normal(size=30)
    data = {"y": rng.normal(size=30) + 0.3 * rng.normal(size=6)[g] * x, "x": x, "g": g}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        fit = pylme.lmer("y ~ x + (x | g)", data, engine="numpy")
        others = [
            pylme.lmer("y ~ x + (x | g)", data, engine="numpy", start=_start(rng)) for _ in range(5)
        ]
    assert all(fit.criterion <= other.criterion + SAME_OPTIMUM * 100 for other in others)
    assert fit.optinfo.certificate.holds
