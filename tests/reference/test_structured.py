"""Covariance structures by the NumPy engine: a dense likelihood, lme4 2.1's values, invariances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import block_diag
from scipy.optimize import approx_fprime

import pylme
from pylme.covariance.structure import structure_of
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.optimize.structured import certify_structured, free_of, theta_of
from pylme.reference.solution import solution_at
from tests.structures import STRUCTURES, repeated, terms

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

#: REML and ML criterion of y ~ x + term on tests.structures.repeated(), by lme4 2.1-0 on R 4.6.1:
#: lmer(..., REML = ), REMLcrit(fit) and -2 * logLik(fit); degrees of freedom by logLik().
LME4 = {
    "diag(0 + t | s)": (1680.324445267, 1673.792936248, 7),
    "diag(0 + t | s, hom = TRUE)": (1683.616729582, 1677.126907276, 4),
    "cs(0 + t | s)": (1658.961608160, 1653.067447672, 8),
    "cs(0 + t | s, hom = TRUE)": (1662.886954776, 1657.059347469, 5),
    "ar1(0 + t | s)": (1653.444574325, 1647.630796124, 5),
    "ar1(0 + t | s, hom = FALSE)": (1648.845023162, 1642.958232873, 8),
    "us(1 + x | s)": (1696.633328679, 1691.755834894, 6),
    "diag(1 + x | s)": (1697.314571954, 1692.461512835, 5),
    "cs(1 + x | s)": (1696.633328677, 1691.755834894, 6),
    "ar1(1 + x | s)": (1700.994621058, 1696.219387630, 5),
    "diag(1 + x | s) + (1 | g)": (1697.314571954, 1692.461512835, 6),
    "ar1(0 + t | s) + (1 | g)": (1653.444574326, 1647.630796124, 6),
    "cs(0 + t | s, hom = TRUE) + (0 + x | g)": (1662.886954776, 1657.059347469, 6),
    "ar1(0 + t | g)": (1802.156022735, 1796.584974262, 5),
    "diag(0 + t | g, hom = TRUE)": (1808.038400764, 1801.373322623, 4),
    "diag(1 + x | g)": (1798.831161567, 1794.168235269, 5),
    "(1 + x || s)": (1697.314571954, 1692.461512835, 5),
    "cs(0 + t | s) + (x || g)": (1658.961608331, 1653.067447666, 10),
}


def dense(fit, sigma_of_terms):
    """The REML criterion of y ~ N(Xβ, σ²(I + ZΣZᵀ)) profiled over β and σ², by dense matrices."""
    design = fit.design
    blocks = [
        np.kron(np.eye(len(term.levels)), S)
        for term, S in zip(design.terms, sigma_of_terms, strict=True)
    ]
    Z = design.Zt.toarray().T
    V = np.eye(design.n) + Z @ block_diag(*blocks) @ Z.T
    X, y = design.X, design.y
    inverse = np.linalg.inv(V)
    S = X.T @ inverse @ X
    residual = y - X @ np.linalg.solve(S, X.T @ inverse @ y)
    nu = design.n - design.p
    rss = residual @ inverse @ residual
    logs = np.linalg.slogdet(V)[1] + np.linalg.slogdet(S)[1]
    return logs + nu * (1.0 + np.log(2.0 * np.pi * rss / nu))


@pytest.mark.parametrize("random", STRUCTURES)
def test_the_criterion_is_that_of_the_dense_model(random):
    fit = pylme.lmer(f"y ~ x + {random}", repeated(), engine="numpy")
    (term,) = fit.design.terms
    free = np.asarray(fit.getme("par"))
    here = dense(fit, [term.structure.covariance(free)])
    assert fit.criterion == pytest.approx(here, abs=1e-7)
    rng = np.random.default_rng(1)
    for _ in range(5):
        near = free * (1.0 + 0.05 * rng.normal(size=len(free)))
        assert dense(fit, [term.structure.covariance(near)]) > here - 1e-8


@pytest.mark.parametrize("random", ["cs(0 + t | s)", "ar1(0 + t | s) + (1 | g)", "diag(1 + x | g)"])
def test_derivatives_by_the_free_parameters(random):
    model = pylme.lmer(f"y ~ x + {random}", repeated(), engine="numpy")._model
    problem = model.problem
    free = free_of(problem.terms, model.theta) * 0.9 + 0.05

    def criterion(free):
        return solution_at(problem, theta_of(problem.terms, free)).criterion

    solution = solution_at(problem, theta_of(problem.terms, free))
    slope = approx_fprime(free, criterion, 1e-6)
    np.testing.assert_allclose(solution.gradient, slope, rtol=1e-4, atol=1e-3)
    step = 1e-4
    for at, change in enumerate(step * np.eye(len(free))):
        up, down = (
            solution_at(problem, theta_of(problem.terms, free + s * change)) for s in (1, -1)
        )
        np.testing.assert_allclose(
            solution.hessian[at], (up.gradient - down.gradient) / (2 * step), rtol=1e-3, atol=1e-2
        )


@pytest.mark.parametrize("random", [term for term in terms() if term in LME4])
def test_the_criterion_is_lme4s(random):
    reml, ml, df = LME4[random]
    for by_reml, theirs in ((True, reml), (False, ml)):
        fit = pylme.lmer(f"y ~ x + {random}", repeated(), reml=by_reml, engine="numpy")
        assert -2e-5 < fit.criterion - theirs < 1e-6
        assert len(repeated()) - fit.glance()["df_residual"].item() == df


def test_structures_that_are_the_same_model():
    def fit(random):
        return pylme.lmer(f"y ~ x + {random}", repeated(), engine="numpy")

    plain, double = fit("(1 + x | s)"), fit("(1 + x || s)")
    for same, other in (
        ("us(1 + x | s)", plain), ("cs(1 + x | s)", plain), ("ar1(1 + x | s, hom = FALSE)", plain),
        ("diag(1 + x | s)", double), ("cs(1 | s)", fit("(1 | s)")),
    ):  # fmt: skip
        one = fit(same)
        assert one.criterion == pytest.approx(other.criterion, abs=1e-7)
        np.testing.assert_allclose(one.vcov, other.vcov, rtol=1e-5)
        for name in ("std_error", "df"):
            np.testing.assert_allclose(
                one.coef_test().to_frame()[name], other.coef_test().to_frame()[name], rtol=1e-4
            )


def test_standard_errors_of_the_diagonal_structure_are_those_of_separate_terms():
    one = pylme.lmer("y ~ x + diag(1 + x | s)", repeated(), engine="numpy").varcorr_table
    two = pylme.lmer("y ~ x + (1 + x || s)", repeated(), engine="numpy").varcorr_table
    own = one[one["var2"].isna()].reset_index(drop=True)
    for name in ("vcov_std_error", "sdcor_std_error"):
        np.testing.assert_allclose(own[name], two[name], rtol=1e-4)


def test_units_do_not_matter():
    data = repeated()
    fit = pylme.lmer("y ~ x + cs(1 + x | s)", data, engine="numpy")
    scaled = data.assign(x=1000 * data["x"])
    other = pylme.lmer("y ~ x + cs(1 + x | s)", scaled, engine="numpy")
    assert other.criterion - fit.criterion == pytest.approx(2 * np.log(1e3), abs=1e-6)
    np.testing.assert_allclose(other.getme("par")[1] * 1000, fit.getme("par")[1], rtol=1e-4)


def test_homogeneous_is_lme4s_default_for_ar1_alone():
    assert structure_of("ar1", 3).hom
    assert not structure_of("cs", 3).hom
    assert not structure_of("diag", 3).hom


def test_a_homogeneous_term_is_printed_in_one_row():
    fit = pylme.lmer("y ~ x + ar1(0 + t | s)", repeated(), engine="numpy")
    lines = str(fit.varcorr).splitlines()
    assert lines[1].split()[:2] == ["s", "tt1"]
    assert lines[1].rstrip().endswith("(ar1)")
    assert len(lines) == 3
    frame = fit.varcorr.to_frame()
    assert len(frame) == 11
    assert fit.cross_check().verdict.name == "AGREES"


@pytest.mark.parametrize("left_out", ["s02", "s06"])
def test_a_correlation_that_is_not_seen_hides_no_lower_criterion(left_out):
    """At a standard deviation of zero the sign of the correlation decides whether it may grow."""
    few = repeated()[repeated()["s"].isin([f"s{i + 1:02d}" for i in range(8)])]
    data = few[few["s"] != left_out]
    pattern, plain = (
        pylme.lmer(f"y ~ x + {random} + (1 | g)", data, engine="numpy")
        for random in ("cs(1 + x | s)", "(1 + x | s)")
    )
    assert pattern.criterion == pytest.approx(plain.criterion, abs=1e-7)
    # A fit that stopped there is found out.
    linear = pattern._model.linear_problem()
    alone = pylme.lmer("y ~ x + (1 | s) + (1 | g)", data, engine="numpy")
    stuck = np.array([alone.theta[0], 0.0, 0.0, alone.theta[1]])
    certificate = certify_structured(problem_of(linear), stuck)
    assert certificate.escape > 0.1
    assert not certificate.enclosed


def test_a_shared_effect_is_no_better_than_the_structure_that_contains_it():
    """Both engines once stopped at a standard deviation of zero of ar1(), where ρ is not seen."""
    wider, shared = (
        pylme.lmer(f"y ~ x + diag(0 + t | s) + {random}", repeated(), engine="numpy")
        for random in ("ar1(0 + t | g)", "(1 | g)")
    )
    assert wider.criterion <= shared.criterion + 1e-8
    assert shared.criterion < 1680.0
