"""Standard errors of variance components against differences of lme4's own criterion.

lme4's parts give the criterion before σ² is profiled out, D(θ, s) = log|A| + ρ log|S| + νs + r²/σ²
with s = log σ². Its Hessian and the change of parameters are taken here by differences.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.reference.solution import joint_inverse
from tests.native import native
from tests.reference.models import both, table
from tests.tolerances import FINITE_DIFFERENCES

CASES = {
    "correlated slopes": "lmer(Reaction ~ Days + (Days | Subject), sleepstudy)",
    "maximum likelihood": "lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)",
    "double bar": "lmer(Reaction ~ Days + (Days || Subject), sleepstudy)",
    "crossed": "lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)",
    "nested": "lmer(strength ~ 1 + (1 | batch/cask), Pastes)",
    "two terms on a factor": "lmer(Reaction ~ Days + (1 | Subject) + (0 + Days + I(Days^2) |"
    " Subject), sleepstudy, REML = FALSE)",
}

JOINT = """
f <- {code}
at <- {theta}
devfun <- update(f, devFunOnly = TRUE)
inside <- environment(devfun)
nu <- if (isREML(f)) df.residual(f) + length(getME(f, "theta")) + 1 else nobs(f)
joint <- function(v) {{
  devfun(v[-length(v)])
  s <- v[length(v)]
  logdets <- inside$pp$ldL2() + (if (isREML(f)) inside$pp$ldRX2() else 0)
  logdets + nu * s + (inside$pp$sqrL(1) + inside$resp$wrss()) * exp(-s)
}}
v <- c(at, 2 * log({sigma}))
h <- 1e-3 * pmax(abs(v), 0.05)
m <- length(v)
H <- matrix(0, m, m)
for (i in 1:m) for (j in 1:m) {{
  d <- function(a, b) {{ w <- v; w[i] <- w[i] + a * h[i]; w[j] <- w[j] + b * h[j]; joint(w) }}
  H[i, j] <- (d(1, 1) - d(1, -1) - d(-1, 1) + d(-1, -1)) / (4 * h[i] * h[j])
}}
H
"""


def components(fit, theta, s):
    """What `varcorr_table` lists at other parameters: the column vcov, then the column sdcor."""
    sigma = np.exp(s / 2)
    rows = []
    for term in fit._model.design.terms:
        k = len(term.names)
        T = np.zeros((k, k))
        columns, places = np.triu_indices(k)
        T[places, columns] = theta[term.thetas]
        cov = sigma**2 * (T @ T.T)
        sd = np.sqrt(np.diag(cov))
        pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
        rows += [(cov[i, i], sd[i]) for i in range(k)]
        rows += [(cov[i, j], cov[i, j] / (sd[i] * sd[j])) for i, j in pairs]
    rows.append((sigma**2, sigma))
    return np.array(rows).T.ravel()


@pytest.mark.needs_r
@pytest.mark.parametrize("name", CASES)
def test_errors_against_differences(name):
    ours, _ = both(name)
    theta = f"c({', '.join(repr(float(v)) for v in ours.theta)})"
    H = native(JOINT.format(code=CASES[name], theta=theta, sigma=repr(ours.sigma)))
    v = np.append(ours.theta, 2 * np.log(ours.sigma))
    slopes = []
    for k in range(len(v)):
        away = np.zeros(len(v))
        away[k] = 1e-6 * max(abs(v[k]), 0.05)
        above, below = (components(ours, u[:-1], u[-1]) for u in (v + away, v - away))
        slopes.append((above - below) / (2 * away[k]))
    J = np.array(slopes)
    expected = np.sqrt(np.diag(J.T @ (2 * np.linalg.inv(H)) @ J))
    found = ours.varcorr_table
    values = np.concatenate([found["vcov"], found["sdcor"]])
    np.testing.assert_allclose(values, components(ours, v[:-1], v[-1]), rtol=1e-12)
    errors = np.concatenate([found["vcov_std_error"], found["sdcor_std_error"]])
    np.testing.assert_allclose(errors, expected, rtol=5 * FINITE_DIFFERENCES)


def test_they_do_not_depend_on_the_units_of_a_covariate():
    data = table("sleepstudy")
    base = pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy").varcorr_table
    for scale, shift in ((1e6, 0.0), (1e-6, 0.0), (1.0, 2000.0)):
        moved = data.assign(D=scale * data["Days"] + shift)
        fit = pylme.lmer("Reaction ~ D + (D | Subject)", moved, engine="numpy").varcorr_table
        slope, residual = fit.iloc[1], fit.iloc[3]
        assert slope["sdcor_std_error"] * scale == pytest.approx(
            base["sdcor_std_error"][1], rel=1e-6
        )
        assert residual["vcov_std_error"] == pytest.approx(base["vcov_std_error"][3], rel=1e-6)
        if shift == 0.0:
            assert fit["sdcor_std_error"][2] == pytest.approx(base["sdcor_std_error"][2], rel=1e-6)


def test_a_term_on_the_boundary_has_none_and_the_others_do():
    data, formula = table("sleepstudy"), "Reaction ~ Days + (Days | Subject)"
    with pytest.warns(pylme.errors.SingularFitWarning, match=r"\(1 \| Days\) the variance"):
        fit = pylme.lmer(f"{formula} + (1 | Days)", data, engine="numpy")
    found = fit.varcorr_table.set_index("grp")[["vcov_std_error", "sdcor_std_error"]]
    assert found.loc["Days"].isna().all()
    without = pylme.lmer(formula, data, engine="numpy").varcorr_table
    kept = found.loc[["Subject", "Residual"]]
    np.testing.assert_allclose(kept, without[["vcov_std_error", "sdcor_std_error"]], rtol=1e-5)


def test_the_joint_covariance_of_theta_and_log_sigma_squared():
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    fit = pylme.lmer(formula, table("penicillin"), engine="numpy")
    model = fit._model
    solution = model.solution
    joint = joint_inverse(solution.hessian, solution.profiled, model.problem.likelihood.nu)
    assert joint.shape == (3, 3)
    # σ² itself, and the standard deviations σθ of the factors.
    errors = fit.varcorr_table[["vcov_std_error", "sdcor_std_error"]].to_numpy()
    assert np.sqrt(joint[2, 2]) * fit.sigma**2 == pytest.approx(errors[2, 0], rel=1e-5)
    for k in (0, 1):
        slope = fit.sigma * np.array([1.0, fit.theta[k] / 2])
        variance = slope @ joint[np.ix_([k, 2], [k, 2])] @ slope
        assert np.sqrt(variance) == pytest.approx(errors[k, 1], rel=1e-5)


@pytest.mark.needs_r
def test_those_of_lme4s_fits_are_computed_from_its_matrices():
    ours, theirs = both("one factor")
    columns = ["vcov_std_error", "sdcor_std_error"]
    np.testing.assert_allclose(
        theirs.varcorr_table[columns], ours.varcorr_table[columns], rtol=1e-3
    )


def test_a_saved_fit_keeps_them():
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", table("dyestuff"), engine="numpy")
    saved = pylme.from_json(fit.to_json())
    pd.testing.assert_frame_equal(saved.varcorr_table, fit.varcorr_table)
