"""One model fitted to many responses by lme4's steps, against lmer itself."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.lme4.fitting import prepare_again, prepare_responses
from pylme.model_matrix.spec import ModelArguments, specified

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning"),
]

GRID = pylme.expand_grid({"sch.id": range(16)}, ses=range(1, 7), sector=["0", "1"])
GRID["sch.id"] += 16 * (GRID["sector"] == "1")
DRAWN = pylme.simulate(
    "Y ~ ses * sector + (ses | sch.id)", GRID, beta=[1, 2, 0, 1], sigma=2,
    covariances={"sd": [2, 1], "corr": 0.4}, n=6, seed=3,
)  # fmt: skip


def of(formula, *, reml=True, weights=None, start=None):
    arguments = ModelArguments(weights=weights, start=start, reml=reml)
    return specified(formula, DRAWN.to_frame(0), arguments)


def told(conditions):
    return [(condition.kind, condition.message) for condition in conditions]


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("Y ~ ses + (ses | sch.id)", {}),
        ("Y ~ ses * sector + (ses:sector | sch.id)", {"reml": False}),
        ("Y ~ ses + I(2 * ses) + (1 | sch.id)", {"weights": "ses"}),
        ("Y ~ ses + (ses || sch.id)", {"start": [1.0, 0.5]}),
    ],
)
@pytest.mark.parametrize(
    "control", [None, pylme.LmerControl(optimizer="bobyqa", check_conv_grad="ignore")]
)
def test_every_fit_is_lmers(formula, options, control):
    prepared = prepare_responses(of(formula, **options), control)
    for i in range(6):
        fit = prepared.fit(DRAWN.y[:, i].copy())
        lmer = pylme.lmer(formula, DRAWN.to_frame(i), control=control, **options)
        record = fit.record()
        np.testing.assert_array_equal(record.estimates.theta, lmer.theta)
        np.testing.assert_array_equal(record.estimates.beta, lmer.fixef)
        assert record.estimates.criterion == lmer.criterion
        assert record.estimates.sigma == lmer.sigma
        np.testing.assert_allclose(record.std_error, lmer.coef_table["std_error"], rtol=1e-13)
        assert record.varcorr.to_frame().equals(lmer.varcorr.to_frame())
        assert record.optinfo.checks == lmer.optinfo.checks
        assert record.optinfo.message == lmer.optinfo.message
        assert record.singular == lmer.is_singular()
        assert told(fit.conditions) == told(lmer.conditions)
        np.testing.assert_array_equal(fit.getme("y"), DRAWN.y[:, i])


def test_a_fitted_model_is_prepared_with_its_own_control_and_left_as_it_is():
    control = pylme.LmerControl(optimizer="Nelder_Mead")
    first = pylme.lmer("Y ~ ses + (ses | sch.id)", DRAWN.to_frame(0), control=control)
    prepared = prepare_again(first._model)
    for i in (3, 4, 5):
        again = prepared.fit(DRAWN.y[:, i].copy())
        lmer = pylme.lmer("Y ~ ses + (ses | sch.id)", DRAWN.to_frame(i), control=control)
        np.testing.assert_array_equal(again.estimates().theta, lmer.theta)
        assert again.optinfo().optimizer == "Nelder_Mead"
    np.testing.assert_array_equal(first.getme("y"), DRAWN.y[:, 0])
    np.testing.assert_array_equal(first.refit_from(first.theta).getme("y"), DRAWN.y[:, 0])


def test_where_the_steps_differ_lmer_goes_on(monkeypatch):
    """As an lme4 whose lmer does more than these steps would have it."""
    from pylme.lme4.session import session

    helpers = session()._functions
    kept = helpers["same_fit"]
    from rpy2 import rinterface as ri

    ri.baseenv["assign"](
        ri.StrSexpVector(["same_fit"]), ri.evalr("function(a, b) FALSE"), envir=helpers
    )
    try:
        prepared = prepare_responses(of("Y ~ ses + (1 | sch.id)"), None)
        thetas = [prepared.fit(DRAWN.y[:, i].copy()).estimates().theta for i in range(3)]
    finally:
        ri.baseenv["assign"](ri.StrSexpVector(["same_fit"]), kept, envir=helpers)
    lmer = [pylme.lmer("Y ~ ses + (1 | sch.id)", DRAWN.to_frame(i)).theta for i in range(3)]
    np.testing.assert_array_equal(thetas, lmer)


def test_an_error_of_one_fit_leaves_the_next_alone():
    prepared = prepare_responses(of("Y ~ ses + (1 | sch.id)"), None)
    for i in range(4):
        if i % 2:
            with pytest.raises(pylme.errors.RError):
                prepared.fit(np.full(len(GRID), np.nan))
        else:
            lmer = pylme.lmer("Y ~ ses + (1 | sch.id)", DRAWN.to_frame(i))
            fit = prepared.fit(DRAWN.y[:, i].copy())
            np.testing.assert_array_equal(fit.estimates().theta, lmer.theta)
