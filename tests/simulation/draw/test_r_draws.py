"""Data drawn by R's generators, against R's own calls."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from tests.native import native

pytestmark = pytest.mark.needs_r

GRID = pylme.expand_grid(school=range(20), ses=range(1, 11))
#: The order of draws in the published study: effects first, then errors.
BY_HAND = """
t(vapply(c(SEEDS), function(i) {
  set.seed(i)
  b <- MASS::mvrnorm(20, c(0, 0), matrix(c(4, 0.8, 0.8, 1), 2), empirical = EMPIRICAL)
  e <- rnorm(200, sd = 2)
  d <- expand.grid(school = 1:20, ses = 1:10)
  1 + 2 * d$ses + (b[d$school, 1] + b[d$school, 2] * d$ses) + e
}, numeric(200)))
"""


def drawn(n, **changes):
    return pylme.simulate(
        "Y ~ ses + (ses | school)", GRID, beta=[1, 2], sigma=2,
        covariances={"sd": [2, 1], "corr": 0.4}, rng="R", n=n, **changes,
    )  # fmt: skip


@pytest.mark.parametrize("empirical", [True, False])
def test_every_number_is_rs_own(empirical):
    code = BY_HAND.replace("SEEDS", "5:8").replace("EMPIRICAL", str(empirical).upper())
    ours = drawn(4, seed=5, empirical=empirical)
    np.testing.assert_array_equal(ours.y.T, native(code))


def test_factors_are_drawn_in_lme4s_order_and_parts_in_that_of_their_levels():
    grid = pylme.expand_grid(g=range(6), h=range(4), part=["b", "a"], x=[1, 2])
    ours = pylme.simulate(
        "Y ~ 1 + (1 | h) + (x | g)", grid, beta=0, sigma={"a": 1, "b": 2}, by="part",
        covariances={"g": {"sd": [1, 2]}, "h": {"sd": 3}}, seed=1, rng="R",
    )  # fmt: skip
    by_hand = native(
        """
        set.seed(1)
        one <- function(sd) {
          g <- MASS::mvrnorm(6, c(0, 0), diag(c(1, 4)))
          h <- MASS::mvrnorm(4, 0, matrix(9))
          list(g = g, h = h, e = rnorm(48, sd = sd))
        }
        list(a = one(1), b = one(2))
        """
    )
    for row, part in enumerate("ab"):
        for group, label in (("g", "x | g"), ("h", "1 | h")):
            n = len(by_hand[part][group])
            own = ours.random_effects[label][0, row * n : (row + 1) * n]
            np.testing.assert_array_equal(own, np.reshape(by_hand[part][group], own.shape))
        rows = grid["part"] == part
        np.testing.assert_array_equal(ours.errors[rows, 0], by_hand[part]["e"])


def test_a_replicate_does_not_depend_on_those_before_it():
    np.testing.assert_array_equal(drawn(3, seed=1).y[:, 2:], drawn(1, seed=3).y)


def test_the_users_generator_is_left_as_it_was():
    from rpy2 import rinterface as ri

    ri.evalr("RNGkind('Wichmann-Hill', 'Box-Muller'); set.seed(1)")
    try:
        before = list(ri.evalr(".Random.seed"))
        ours = drawn(1, seed=5)
        assert list(ri.evalr(".Random.seed")) == before
    finally:
        ri.evalr("RNGkind('default', 'default', 'default')")
    np.testing.assert_array_equal(ours.y, drawn(1, seed=5).y)


def test_weights_are_one_standard_deviation_for_each_row():
    ours = drawn(1, seed=1, weights=np.arange(1.0, 201.0))
    by_hand = native(
        "set.seed(1); MASS::mvrnorm(20, c(0, 0), diag(2)); rnorm(200, sd = 2 / sqrt(1:200))"
    )
    np.testing.assert_array_equal(ours.errors[:, 0], by_hand)


def test_from_a_fit_of_lme4():
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    ours = pylme.simulate(fit, n=2, seed=3, empirical=True, rng="R")
    effects = ours.ranef(1)["Days | Subject"]
    np.testing.assert_allclose(effects.cov(), fit.varcorr["Subject"].cov, rtol=1e-10)
    glmm = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", pylme.datasets.load("cbpp")
    )
    with pytest.raises(pylme.errors.OptionError, match='"numpy" for a generalized model'):
        pylme.simulate(glmm, rng="R")
