"""Everything read from a fit equals what R's accessors give for the same fit in R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.native import native

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning"),
    pytest.mark.filterwarnings("ignore::pylme.errors.ConvergenceWarning"),
]

#: The fit in Python and the same in R.
PAIRS = {
    "correlated slopes": (
        lambda: pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy")),
        "lmer(Reaction ~ Days + (Days | Subject), sleepstudy)",
    ),
    "a factor with two terms": (
        lambda: pylme.lmer(
            "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)",
            pylme.datasets.load("sleepstudy"),
            reml=False,
        ),
        "lmer(Reaction ~ Days + (1 | Subject) + (0 + Days | Subject), sleepstudy, REML = FALSE)",
    ),
    "crossed": (
        lambda: pylme.lmer(
            "diameter ~ 1 + (1 | plate) + (1 | sample)", pylme.datasets.load("penicillin")
        ),
        "lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)",
    ),
    "nested": (
        lambda: pylme.lmer("strength ~ 1 + (1 | batch/cask)", pylme.datasets.load("pastes")),
        "lmer(strength ~ 1 + (1 | batch/cask), Pastes)",
    ),
    "singular": (
        lambda: pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2")),
        "lmer(Yield ~ 1 + (1 | Batch), Dyestuff2)",
    ),
    "binomial": (
        lambda: pylme.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", pylme.datasets.load("cbpp")
        ),
        "glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, family = binomial)",
    ),
}


def both(name):
    """A fit of ours, and a function that evaluates R code about the same fit as `fit`."""
    make, code = PAIRS[name]
    return make(), lambda expression: native(f"fit <- {code}; {expression}")


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    return both(request.param)


@pytest.fixture(scope="module", params=[name for name in PAIRS if name != "binomial"])
def linear_pair(request):
    """A GLMM's factor belongs to its working weights, and its criterion takes beta too."""
    return both(request.param)


def test_fixed_effects(pair):
    fit, r = pair
    names, values = r("list(names(fixef(fit)), unname(fixef(fit)))")
    assert list(fit.fixef.index) == list(np.atleast_1d(names))
    np.testing.assert_array_equal(fit.fixef, np.atleast_1d(values))
    np.testing.assert_array_equal(fit.vcov, r("as.matrix(vcov(fit))"))
    table = r("unname(coef(summary(fit)))")
    np.testing.assert_allclose(fit.coef_table, table, rtol=1e-12)


def test_numbers_of_the_fit(pair):
    fit, r = pair
    values = r("c(sigma(fit), logLik(fit), AIC(fit), BIC(fit), df.residual(fit), nobs(fit))")
    np.testing.assert_array_equal(
        [fit.sigma, fit.loglik, fit.aic, fit.bic, fit.df_resid, fit.nobs], values
    )
    np.testing.assert_array_equal(fit.theta, np.atleast_1d(r("unname(getME(fit, 'theta'))")))
    assert fit.ngrps == {k: int(v) for k, v in r("as.list(ngrps(fit))").items()}
    assert fit.is_singular() is r("isSingular(fit)")


@pytest.mark.parametrize("order", ["cov.last", "lower.tri"])
def test_varcorr_frame_equals_r_in_every_cell(pair, order):
    fit, r = pair
    theirs = r(f"as.list(as.data.frame(VarCorr(fit), order = '{order}'))")
    frame = fit.varcorr.to_frame(order=order)
    assert list(frame.columns) == list(theirs)
    for name in ("grp", "var1", "var2"):
        texts = [None if pd.isna(v) else v for v in frame[name]]
        column = theirs[name]
        assert texts == ([column] if isinstance(column, str | None) else list(column))
    for name in ("vcov", "sdcor"):
        np.testing.assert_allclose(frame[name], np.atleast_1d(theirs[name]), rtol=1e-14)


def test_varcorr_prints_as_lme4_prints(pair):
    fit, r = pair
    theirs = r("utils::capture.output(print(VarCorr(fit)))")
    assert str(fit.varcorr).splitlines() == list(theirs)


def test_a_zero_variance_has_no_correlation():
    data = pylme.datasets.load("sleepstudy")
    control = pylme.LmerControl(opt_ctrl={"maxeval": 1}, calc_derivs=False, boundary_tol=0.0)
    with pytest.warns(pylme.errors.PylmeWarning):
        fit = pylme.lmer(
            "Reaction ~ Days + (Days | Subject)", data, start=[0.0, 0.0, 1.0], control=control
        )
    assert fit.theta[0] == 0
    assert np.isnan(fit.varcorr["Subject"].corr.loc["(Intercept)", "Days"])
    assert np.isnan(fit.varcorr.to_frame()["sdcor"][2])
    assert "NaN" in str(fit.varcorr)


def test_random_effects(pair):
    fit, r = pair
    for group, frame in fit.ranef.items():
        modes = r(f"as.matrix(ranef(fit)[['{group}']])")
        np.testing.assert_array_equal(frame, modes)
        names = r(f"list(rownames(ranef(fit)[['{group}']]), colnames(ranef(fit)[['{group}']]))")
        assert [list(frame.index), list(frame.columns)] == [list(np.atleast_1d(n)) for n in names]
        assert frame.index.name == group


def test_conditional_variances(pair):
    """Against lme4's own, by term: it gives no covariances between the terms of a factor."""
    fit, r = pair
    for group in fit.ranef:
        theirs = r(f"attr(ranef(fit, condVar = TRUE)[['{group}']], 'postVar')")
        blocks = theirs.values() if isinstance(theirs, dict) else [theirs]
        at = 0
        for block in blocks:
            k = block.shape[0]
            ours = fit.ranef_var[group][:, at : at + k, at : at + k]
            np.testing.assert_allclose(ours, np.moveaxis(block, -1, 0), rtol=1e-8, atol=1e-12)
            at += k


def test_fitted_and_residuals(pair):
    fit, r = pair
    np.testing.assert_array_equal(fit.fitted, r("unname(fitted(fit))"))
    np.testing.assert_array_equal(fit.residuals, r("unname(residuals(fit))"))
    for kind in ("deviance", "pearson", "response", "working"):
        np.testing.assert_array_equal(
            fit.residuals_of(kind), r(f"unname(residuals(fit, type = '{kind}'))")
        )


def test_optinfo(pair):
    fit, r = pair
    theirs = r(
        "i <- fit@optinfo; list(opt = i$conv$opt, msg = i$message, g = i$derivs$gradient,"
        " H = i$derivs$Hessian, val = i$val, feval = i$feval, null = is.null(i$conv$lme4),"
        " messages = unlist(i$conv$lme4$messages), optimizer = i$optimizer)"
    )
    info = fit.optinfo
    assert info.conv_opt == theirs["opt"]
    assert info.message == theirs["msg"]
    assert info.feval == theirs["feval"]
    assert (info.checks is None) is theirs["null"]
    assert list(info.messages) == list(np.atleast_1d(theirs["messages"] or ()))
    np.testing.assert_array_equal(info.par, np.atleast_1d(theirs["val"]))
    np.testing.assert_array_equal(info.gradient, np.atleast_1d(theirs["g"]))
    np.testing.assert_array_equal(info.hessian, np.atleast_2d(theirs["H"]))


def test_getme_gives_every_item_that_lme4_has(pair):
    fit, r = pair
    for name in r("setdiff(eval(formals(lme4:::getME.merMod)$name), c('devfun', 'L', 'ALL'))"):
        ours = fit.getme(name)
        if hasattr(ours, "toarray"):
            np.testing.assert_array_equal(ours.toarray(), r(f"as.matrix(getME(fit, '{name}'))"))
        elif isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours.ravel(order="F"), np.ravel(
                r(f"as.numeric(as.matrix(getME(fit, '{name}')))")
            ))  # fmt: skip


def test_the_cholesky_factor_reproduces_its_matrix(linear_pair):
    """P (Lambda' Z'WZ Lambda + I) P' = L L' for a linear model without weights."""
    fit, _ = linear_pair
    factor = fit.getme("L")
    A = (fit.getme("Lambdat") @ fit.getme("Zt")).toarray()
    A = A @ A.T + np.eye(len(A))
    perm = np.atleast_1d(factor["perm"])
    L = factor["L"].toarray()
    np.testing.assert_allclose(L @ L.T, A[np.ix_(perm, perm)], rtol=1e-10, atol=1e-10)


def test_devfun_is_the_criterion_and_leaves_the_fit_alone(linear_pair):
    fit, r = linear_pair
    devfun = fit.getme("devfun")
    assert devfun(fit.theta) == pytest.approx(fit.criterion, rel=1e-10)
    away = np.where(fit._estimates.lower == 0, 0.5, 0.1)
    text = ", ".join(map(repr, away.tolist()))
    assert devfun(away) == pytest.approx(r(f"getME(fit, 'devfun')(c({text}))"), rel=1e-12)
    np.testing.assert_array_equal(fit.getme("theta"), fit.theta)
    np.testing.assert_array_equal(fit.getme("u"), r("getME(fit, 'u')"))


def test_unknown_getme_item(pair):
    fit, _ = pair
    with pytest.raises(pylme.errors.UnknownNameError, match="Lambdat"):
        fit.getme("Lamdat")


@pytest.mark.parametrize("group", ["t/c/r", "(r)", "r:(c)", "r:(c:t)"])
def test_names_of_grouping_factors(group):
    """Newer versions of lme4 leave out the parentheses; both engines name as the installed one."""
    data = pylme.expand_grid(r=list("abcdefg"), c=list("uvw"), t=list("pq"), i=range(2))
    data["y"] = np.random.default_rng(3).normal(size=len(data))
    theirs, ours = (
        pylme.lmer(f"y ~ 1 + (1 | {group})", data, engine=engine) for engine in ("lme4", "numpy")
    )
    assert ours.ngrps == theirs.ngrps
    assert not theirs.cross_check().tiers[0].failures
