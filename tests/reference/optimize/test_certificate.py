"""Certificates and the verdicts from them: each status, its words, its warnings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.reference.optimize.boundary import rank_reduced
from pylme.reference.optimize.certificate import _confirmed, certify
from pylme.results.assessment import assess_certificate
from tests.reference.dense import criterion_of
from tests.reference.models import at_theta, prepared, table

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(SLEEP, table("sleepstudy"), engine="numpy")


def test_a_minimum(fit):
    certificate = fit.optinfo.certificate
    assert certificate.holds
    assert (certificate.messages, certificate.problems, fit.conditions) == ((), (), ())
    convergence = fit.convergence
    assert (convergence.status, convergence.code) == (pylme.Status.CONVERGED, 1)
    assert convergence.ok
    said = " ".join(convergence.explain().split())
    assert "exact derivatives prove a minimum" in said
    assert "lme4" not in said
    assert "another, better optimum" in said


def test_the_expected_fall_is_the_distance_from_the_minimum(fit):
    """½ gᵀH⁻¹g near a minimum, to second order."""
    for step in (1e-2, 1e-3):
        away = fit.theta + step * np.array([1.0, -0.5, 0.3])
        moved = at_theta(SLEEP, table("sleepstudy"), away)
        fall = moved.optinfo.certificate.expected_fall
        assert fall == pytest.approx(moved.criterion - fit.criterion, rel=30 * step)
        assert moved.convergence.status is pylme.Status.NOT_CONVERGED
        assert "still falls" in moved.convergence.messages[0]


def test_a_singular_fit_is_proved(recwarn):
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", table("dyestuff2"), engine="numpy")
    (warning,) = recwarn
    assert warning.category is pylme.errors.SingularFitWarning
    words = "boundary (singular) fit: in (1 | Batch) the variance of (Intercept) is zero"
    assert str(warning.message) == words
    assert [c.message for c in fit.conditions] == [words]
    assert (fit.convergence.status, fit.convergence.code) == (pylme.Status.SINGULAR, 0)
    assert fit.optinfo.certificate.holds
    said = " ".join(fit.convergence.explain().split())
    assert "the boundary is right" in said
    assert words in said
    assert str(fit.summary()).rstrip().endswith(words)


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_zero_variances_and_correlations_of_one_are_exact():
    zero = pylme.lmer("Reaction ~ Days + (Days | Subject) + (1 | Days)", table("sleepstudy"),
                      engine="numpy")  # fmt: skip
    assert zero.varcorr["Days"].sd.iloc[0] == 0.0
    assert "(1 | Days)" in zero.optinfo.messages[0]
    one = pylme.lmer("math ~ ses*sector + (ses | sch.id)", table("hsb"), engine="numpy")
    assert one.theta[2] == 0.0
    assert "the correlation of (Intercept) and ses is 1" in one.optinfo.messages[0]


def test_three_effects_that_span_two():
    """No pair is perfectly correlated: a combination is named."""
    certificate = at_theta(
        "angle ~ recipe + t + (recipe | replicate)", table("cake"),
        np.array([1.0, 0.5, 0.5, 1.0, 0.5, 0.0]),
    ).optinfo.certificate  # fmt: skip
    (words,) = certificate.singular
    assert "does not vary" in words
    assert all(name in words for name in ("(Intercept)", "recipeB", "recipeC"))


def test_a_false_zero_is_not_enclosed():
    certificate = at_theta(SLEEP, table("sleepstudy"), np.zeros(3)).optinfo.certificate
    assert certificate.stationary
    assert not certificate.enclosed
    assert certificate.escape > 10
    assert not certificate.holds
    assert certificate.singular == (
        "in (Days | Subject) the variance of (Intercept) is zero",
        "in (Days | Subject) the variance of Days is zero",
    )


def test_verdicts_by_weight(fit):
    info = fit.optinfo
    kind = pylme.Status

    def status(finite=True, conv_opt=0, **changes):
        certificate = replace(info.certificate, **changes)
        changed = replace(info, certificate=certificate, conv_opt=conv_opt)
        return assess_certificate(changed, certificate, finite=finite)

    assert status(finite=False).status is kind.DEGENERATE
    assert status(conv_opt=1).status is kind.NOT_CONVERGED
    assert status(expected_fall=1.0).status is kind.NOT_CONVERGED
    assert status(curvature=-0.1).status is kind.NOT_CONVERGED
    assert status(curvature=1e-12).status is kind.DEGENERATE
    assert status(singular=("x",)).status is kind.SINGULAR
    assert status(singular=("x",), escape=1.0).status is kind.NOT_CONVERGED
    assert status(singular=("x",), curvature=0.0).status is kind.DEGENERATE
    for changes in ({"expected_fall": 1.0}, {"curvature": -0.1}, {"curvature": 0.0}):
        said = status(**changes)
        assert said.code == -1
        assert "      " in said.explain()  # every message is explained


def test_it_does_not_depend_on_how_columns_are_written(fit):
    """At the same point of the same model, in other units and from another zero."""
    data = table("sleepstudy")
    base = fit.optinfo.certificate
    for scale, shift in ((1e6, 0.0), (1.0, 1e6), (1e-4, 3.0)):
        moved = pylme.lmer(
            "Reaction ~ D + (D | Subject)",
            data.assign(D=scale * data["Days"] + shift),
            engine="numpy",
        )
        assert moved.optinfo.certificate.curvature == pytest.approx(base.curvature, rel=1e-3)


def test_small_pivots_of_a_factor_are_taken_out():
    T = np.array([[0.0, 0.0, 0.0], [1.0, 1e-9, 0.0], [2.0, 3.0, 0.5]])
    smaller = rank_reduced(T, 1e-6)
    np.testing.assert_allclose(smaller @ smaller.T, _without_first(T), atol=1e-8)
    assert not np.triu(smaller, 1).any()
    for j in range(3):
        if smaller[j, j] == 0.0:
            assert not smaller[:, j].any()


def _without_first(T):
    """TTᵀ of an effect without variance has a zero row and column."""
    covariance = T @ T.T
    covariance[0], covariance[:, 0] = 0.0, 0.0
    return covariance


def test_of_a_large_model_the_certificate_is_exact():
    """Its search does with average information; the record is made with exact derivatives."""
    formula = "y ~ service + (1 | s) + (1 | d)"
    data = pylme.datasets.load("insteval")
    few = data[data["d"].astype(int) < 900]
    fit = pylme.lmer(formula, few, engine="numpy")
    _, design, problem = prepared(formula, few)
    assert fit.optinfo.certificate.holds
    exact = problem.criterion.exactly()
    assert exact is not problem.criterion
    inner = problem.layout.matrices(problem.conditioned(fit.theta[None]))
    certificate = certify(problem, design.terms, fit.theta, exact.evaluate(inner))
    assert fit.optinfo.certificate.curvature == pytest.approx(certificate.curvature, rel=1e-6)


def steep_and_gentle():
    """A correlation of -1 at signals a thousand times the noise, weights of six decades."""
    rng = np.random.default_rng(1046)
    n, levels = int(rng.integers(12, 40)), int(rng.integers(3, 6))
    g, x = rng.integers(0, levels, n), rng.standard_normal(n) + rng.choice([0, 0, 1e4])
    w = 10 ** rng.uniform(-3, 3, n)
    signal = 10 ** rng.uniform(-1, 4)
    effects = signal * rng.standard_normal((2, levels))
    y = x - x.mean() + effects[0][g] + effects[1][g] * (x - x.mean()) + rng.standard_normal(n)
    return pd.DataFrame({"y": y, "x": x, "w": w, "g": [f"g{i}" for i in g]})


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
def test_rounding_errors_of_second_derivatives_make_no_saddle():
    """Along theta the criterion rises as 1/theta², across it by 1: an error of 5e-7 hides that."""
    data, formula = steep_and_gentle(), "y ~ x + (x | g)"
    fit = pylme.lmer(formula, data, engine="numpy", weights="w", reml=False)
    assert fit.convergence.status is pylme.Status.SINGULAR
    assert fit.cross_check().verdict is pylme.Verdict.SINGULAR_CERTIFIED
    design = pylme.design(formula, data, weights="w")
    best = criterion_of(design, fit.theta, reml=False)
    for factor in (0.9, 1.1):
        assert criterion_of(design, factor * fit.theta, reml=False) > best + 1e-3
    # The same of every shift of the covariate.
    for shift in (0.07, -3.0, 100.0):
        moved = data.assign(x=data["x"] + shift)
        again = pylme.lmer(formula, moved, engine="numpy", weights="w", reml=False)
        assert again.convergence.status is pylme.Status.SINGULAR
        assert again.criterion == pytest.approx(fit.criterion, abs=2e-6)


def test_a_curvature_downwards_is_measured():
    """Far above the optimum the criterion rises ever slower: there it truly curves downwards."""
    dyestuff = pylme.datasets.load("dyestuff")
    model = pylme.lmer("Yield ~ 1 + (1 | Batch)", dyestuff, engine="numpy")._model
    problem = model.problem
    for theta in (5.0, 20.0):
        inner = problem.conditioned(np.array([[theta]]))
        # The size of theta in the model's own terms, and the same criterion along it.
        unit, step = float(inner[0, 0]), 1e-3 * theta
        low, middle, high = (
            criterion_of(model.design, np.array([theta + change]), reml=True)
            for change in (-step, 0.0, step)
        )
        expected = (low - 2.0 * middle + high) / (1e-3 * unit) ** 2
        found = _confirmed(
            problem, problem.layout.matrices(inner), np.array([-1e-9, 1.0]), np.ones((1, 2)),
            scale=unit, tolerance=1e-12,
        )  # fmt: skip
        assert expected < 0.0
        assert found == pytest.approx([expected, 1.0], rel=1e-3)
