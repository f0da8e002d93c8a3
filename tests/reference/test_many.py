"""Many responses at once against one at a time, and against R's numbers for the study's design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError, ResponseError
from pylme.reference import fit_many
from pylme.reference import many as module
from tests.native import native

CASES = (
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("pastes", "strength ~ 1 + (1 | batch/cask)"),
)


def responses(design, R, seed=0):
    rng = np.random.default_rng(seed)
    spread = np.std(design.y)
    return design.y + 0.3 * spread * rng.normal(size=(R, design.n))


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(("name", "formula"), CASES)
def test_each_is_as_if_it_were_alone(name, formula, reml):
    data = pylme.datasets.load(name)
    design = pylme.design(formula, data)
    Y = responses(design, 5)
    fits = fit_many(design, Y, reml=reml)
    assert fits.converged.all()
    response = formula.split(" ~ ", maxsplit=1)[0]
    for r in range(5):
        alone = pylme.lmer(formula, data.assign(**{response: Y[r]}), reml=reml, engine="numpy")
        assert fits.criterion[r] == pytest.approx(alone.criterion, abs=1e-7)
        np.testing.assert_allclose(fits.beta[r], alone.fixef, rtol=1e-6)
        np.testing.assert_allclose(fits.vcov[r], alone.vcov, rtol=1e-4)
        np.testing.assert_allclose(fits.sigma[r], alone.sigma, rtol=1e-5)
        sd = np.concatenate([own[r] for own in fits.sd])
        expected = np.concatenate([term.sd for term in alone.varcorr.terms])
        np.testing.assert_allclose(sd, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.needs_r
def test_the_studys_combined_design_is_fitted_as_r_fits_it():
    code = """
      data <- expand.grid(ses = 1:10, pupil = 1:20, sector = factor(0:1))
      data$school <- factor(as.integer(data$sector) * 100 + data$pupil)
      set.seed(1); Y <- sapply(1:6, function(i) {
        b <- matrix(rnorm(80), 40); b[, 2] <- .4 * b[, 1] + .9 * b[, 2]
        at <- as.integer(data$school)
        1 + 2 * data$ses + 2 * b[at, 1] + b[at, 2] * data$ses + rnorm(400, sd = 2)
      })
      list(ses = as.numeric(data$ses), sector = as.integer(data$sector),
           school = as.integer(data$school), Y = Y, criteria = apply(Y, 2, function(y) {
        lme4::REMLcrit(lme4::lmer(y ~ ses * sector + (ses:sector | school), cbind(data, y = y)))
      }))"""
    parts = native(code)
    data = pd.DataFrame({name: parts[name] for name in ("ses", "sector", "school")})
    data["sector"] = pd.Categorical(data["sector"].astype(int).astype(str))
    data["y"] = parts["Y"][:, 0]
    design = pylme.design("y ~ ses * sector + (ses:sector | school)", data)
    fits = fit_many(design, parts["Y"].T)
    assert (fits.criterion <= parts["criteria"] + 1e-6).all()
    np.testing.assert_allclose(fits.criterion, parts["criteria"], atol=1e-3)


def test_batches_of_any_size_give_the_same(monkeypatch):
    design = pylme.design("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    Y = responses(design, 7)
    whole = fit_many(design, Y)
    monkeypatch.setattr(module, "MOST_NUMBERS", 2 * 180)
    parts = fit_many(design, Y)
    np.testing.assert_allclose(parts.theta, whole.theta, rtol=1e-8)
    np.testing.assert_allclose(parts.corr[0], whole.corr[0], rtol=1e-7)


def test_the_frame_has_a_row_for_each_response():
    design = pylme.design("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    fits = fit_many(design, responses(design, 3))
    frame = fits.to_frame()
    assert len(frame) == len(fits) == 3
    assert frame.columns.tolist() == [
        "criterion", "sigma", "beta[(Intercept)]", "beta[Days]", "sd[(Intercept) | Subject]",
        "sd[Days | Subject]", "corr[(Intercept), Days | Subject]", "converged", "singular",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="read-only"):
        fits.theta[0] = 0


@pytest.mark.parametrize(
    ("Y", "words"),
    [
        (np.zeros(180), r"one of shape \(R, 180\)"),
        (np.zeros((2, 179)), r"one of shape \(R, 180\)"),
        (np.full((2, 180), np.nan), "finite numbers"),
    ],
)
def test_wrong_responses_are_refused(Y, words):
    design = pylme.design("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    with pytest.raises(OptionError, match=words):
        fit_many(design, Y)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (1 | g) + (1 | h)"])
def test_responses_without_any_residual(formula):
    """Constant within groups: the criterion of these alone has no minimum."""
    rng = np.random.default_rng(4)
    g, x = np.repeat(np.arange(6), 10), rng.normal(size=60)
    data = pd.DataFrame({"x": x, "g": g.astype(str), "h": np.tile(list("abcde"), 12)})
    noise = rng.normal(size=60)
    Y = rng.normal(size=6)[g] + x + np.array([0.0, 1.0, 1e-6, 0.0])[:, None] * noise
    design = pylme.design(formula, data.assign(y=noise))
    fits = fit_many(design, Y)
    assert fits.unbounded.tolist() == [True, False, False, True]
    with pytest.raises(ResponseError, match=r"row 1 of Y.*fixed effects alone"):
        fit_many(design, np.stack([Y[1], 1 + 2 * x]))
