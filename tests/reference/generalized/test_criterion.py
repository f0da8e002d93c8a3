"""The criterion and its derivatives at fixed parameters: against lme4's devfun, and differences."""

from __future__ import annotations

import subprocess

import numpy as np
import pandas as pd
import pytest

from pylme.families.family import has_dispersion
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.evaluate import evaluate
from pylme.reference.generalized.mode import back, dot
from pylme.versions import has
from tests.reference.generalized.models import MODELS, FixedModel, data, problem_of

#: lme4's tolerance in these evaluations, relative to D + uᵀu.
TOLERANCE = 1e-14
#: What is left to rounding errors, and of quadratures, whose nodes hang on the last step as well.
ROUNDING, OF_NODES = 1e-9, 2e-6


def bound(problem):
    """How far lme4's value may be off: its determinant is that of the iterate before the last.

    The last step is shorter than the root of its tolerance in the norm of A; the criterion's slope
    by u, in the norm of A⁻¹, says what that does to first order.
    """
    criterion = criterion_of(problem)
    algebra, T = criterion.algebra, criterion.factors(problem.theta)
    point = criterion.exactly(np.concatenate([problem.theta, problem.beta]))
    mode = point.mode
    rows = mode.values  # noqa: PD011  (no frame)
    d = rows.derivatives
    A = algebra.factor(T, d.expected)
    h, _ = algebra.leverage_and_blocks(T, A, d.expected)
    score = criterion.objective.at(mode.eta, rows, mode.usq, 1.0).score
    pdev = float(rows.deviance.sum()) + mode.usq
    of_logdet = back(T, algebra.gather(d.expected_slope * h))
    of_rest = [2.0 * (u - v) for u, v in zip(mode.u, back(T, algebra.gather(score)), strict=True)]
    lengths = [np.sqrt(dot(v, A.solve(v))) for v in (of_logdet, of_rest)]
    return sum(lengths) * np.sqrt(TOLERANCE * pdev) + TOLERANCE * pdev


FRAME = data()
QUADRATURE = tuple(
    model for model in MODELS if "(1 | g)" in model.formula and "|" not in model.formula[:-8]
)
CASES = (
    *((model, 1) for model in MODELS),
    *((model, 9) for model in QUADRATURE if model.shape is None and model.weights is None),
    *((model, 0) for model in MODELS[:6] + MODELS[10:11]),
)


def name(case):
    model, n_agq = case
    return f"{model.name}, {n_agq}"


@pytest.fixture(scope="module")
def devfun(tmp_path_factory):
    """lme4's values by case, of one R process."""
    folder = tmp_path_factory.mktemp("devfun")
    lines = []
    for model, n_agq in CASES:
        problem = problem_of(model, FRAME)
        lines.append(
            {
                "formula": model.formula, "family": model.family, "link": model.link,
                "weights": model.weights, "offset": model.offset, "shape": model.shape,
                "n_agq": n_agq, "theta": ";".join(map(repr, problem.theta.tolist())),
                "beta": ";".join(map(repr, problem.beta.tolist())),
            }
        )  # fmt: skip
    FRAME.to_csv(folder / "data.csv", index=False, float_format="%.17g")
    pd.DataFrame(lines).to_csv(folder / "models.csv", index=False)
    script = f"{__file__.rpartition('/')[0]}/devfun.R"
    subprocess.run(
        ["Rscript", script, folder / "data.csv", folder / "models.csv", folder / "values"],
        check=True,
        capture_output=True,
    )
    values = np.genfromtxt(folder / "values")
    return {name(case): value for case, value in zip(CASES, values, strict=True)}


@pytest.mark.needs_r
@pytest.mark.parametrize("case", CASES, ids=name)
def test_criterion_is_that_of_lme4(case, devfun):
    model, n_agq = case
    problem = problem_of(model, FRAME, n_agq=n_agq)
    if n_agq > 1 and has_dispersion(problem.family) and has("quadrature_constant"):
        pytest.skip("lme4 2.1 adds a constant with a dispersion that it estimates")
    found = evaluate(problem).criterion
    expected = devfun[name(case)]
    if not np.isfinite(expected):
        assert (model.family, model.link) == ("poisson", "identity")
        pytest.skip("the iterations of lme4 leave the means that this link allows, and give NaN")
    within = OF_NODES if n_agq > 1 else bound(problem) + ROUNDING
    assert found == pytest.approx(expected, rel=0, abs=within)


def four_points(criterion, point, i, step=2e-4):
    """The derivative by parameter i from four values of the criterion."""
    values = []
    for k in (-2, -1, 1, 2):
        x = point.x.copy()
        x[i] += k * step
        values.append(criterion.at(x, start=point.mode.u, tolerance=1e-13, gradient=False).value)
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)


KINDS = (
    {}, {"laplace": "observed"}, {"n_agq": 7}, {"n_agq": 7, "laplace": "observed"}, {"n_agq": 0},
    {"criterion": "likelihood"}, {"shape_free": True}, {"shape_free": True, "laplace": "observed"},
)  # fmt: skip


def possible(model, kind):
    one = model in QUADRATURE and model.shape is None
    return (
        (one or kind.get("n_agq", 1) < 2)
        and ("criterion" not in kind or model.family in ("Gamma", "inverse.gaussian", "gaussian"))
        and ("shape_free" not in kind or model.shape is not None)
        and (kind.get("n_agq", 1) != 0 or model.canonical)
    )


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_gradient_is_exact(kind):
    """Against differences of fourth order; what those lose is of the order of 1e-8 here."""
    for model in MODELS:
        if not possible(model, kind):
            continue
        problem = problem_of(model, FRAME, **kind)
        criterion = criterion_of(problem)
        extra = [np.log(model.shape or 2.0)] if problem.extra else []
        point = criterion.exactly(np.concatenate([problem.theta, problem.beta, extra]))
        slopes = np.zeros(len(point.x))
        for i in criterion.free:
            slopes[i] = four_points(criterion, point, i)
        within = 3e-7 * (1.0 + np.abs(slopes).max())
        np.testing.assert_allclose(point.gradient, slopes, atol=within, err_msg=model.name)


def test_hessian_is_symmetric_and_that_of_the_gradient():
    problem = problem_of(MODELS[3], FRAME)
    criterion = criterion_of(problem)
    H = evaluate(problem, hessian=True).hessian
    x = np.concatenate([problem.theta, problem.beta])
    step = 1e-5 * np.random.default_rng(1).normal(size=len(x))
    change = criterion.exactly(x + step).gradient - criterion.exactly(x - step).gradient
    np.testing.assert_allclose(H @ (2 * step), change, rtol=0, atol=1e-7 * np.abs(change).max())


def test_order_of_rows_does_not_matter():
    model = MODELS[3]
    shuffled = FRAME.sample(frac=1.0, random_state=4)
    a, b = (evaluate(problem_of(model, frame)) for frame in (FRAME, shuffled))
    assert a.criterion == pytest.approx(b.criterion, rel=1e-13)
    np.testing.assert_allclose(a.gradient, b.gradient, rtol=1e-9)


@pytest.mark.parametrize("kind", [{}, {"laplace": "observed"}], ids=str)
def test_hessian_is_that_of_the_gradient_in_all_models(kind):
    """Along one direction: H d against the difference of exact gradients."""
    rng = np.random.default_rng(7)
    for model in MODELS:
        problem = problem_of(model, FRAME, **kind)
        criterion = criterion_of(problem)
        H = evaluate(problem, hessian=True).hessian
        x = np.concatenate([problem.theta, problem.beta])
        step = 2e-6 * rng.normal(size=len(x))
        change = criterion.exactly(x + step).gradient - criterion.exactly(x - step).gradient
        within = 2e-6 * np.abs(change).max() + 2e-12 * np.abs(criterion.exactly(x).gradient).max()
        np.testing.assert_allclose(H @ (2 * step), change, rtol=0, atol=within, err_msg=model.name)
        np.testing.assert_allclose(H, H.T, rtol=1e-9, atol=1e-7 * np.abs(H).max())


def test_a_covariate_that_is_shifted_and_scaled_changes_no_value():
    """θ and β of the other columns give the same model, its gradient by the chain rule."""
    a, c = 3.0, 40.0
    frame = FRAME.assign(x=(FRAME["x"] - c) / a)
    for model in (MODELS[0], MODELS[10], MODELS[14], MODELS[23]):
        plain, moved = problem_of(model, FRAME), problem_of(model, frame)
        beta = np.array([plain.beta[0] + c * plain.beta[1], a * plain.beta[1]])
        # A random slope: T of (1, (x - c)/a) is RT for (1, x) = ((x - c)/a) R, by lme4's triangle.
        T = np.array([[plain.theta[0], 0.0], [plain.theta[1], plain.theta[2]]])
        R = np.array([[1.0, c], [0.0, a]])
        L = np.linalg.cholesky(R @ T @ T.T @ R.T)
        theta = np.concatenate([[L[0, 0], L[1, 0], L[1, 1]], plain.theta[3:]])
        there = evaluate(moved.at(theta, beta))
        here = evaluate(plain)
        assert there.criterion == pytest.approx(here.criterion, rel=1e-11), model.name
        of_beta = here.gradient[len(plain.theta) :]
        by_chain = np.array([of_beta[0], (of_beta[1] - c * of_beta[0]) / a])
        within = 1e-6 * np.abs(of_beta).max()
        np.testing.assert_allclose(there.gradient[len(theta) :], by_chain, atol=within)


def test_binary_rows_that_are_merged_to_counts_change_the_criterion_by_a_constant():
    """-2 Σ ln (m choose k), whatever the parameters."""
    from scipy.special import gammaln

    data = FRAME.assign(k=np.digitize(FRAME["z"], [0.3, 0.6]).astype(float))
    cells = data.groupby(["g", "k"], as_index=False).agg(
        hits=("binary", "sum"), size=("binary", "size")
    )
    cells["misses"] = cells["size"] - cells["hits"]
    differences = []
    for beta in ((0.2, 0.4), (-0.5, 0.1)):
        by_row, by_cell = (
            FixedModel(
                name="x", formula=f"{y} ~ k + (1 | g)", family="binomial", link="logit", beta=beta
            )
            for y in ("binary", "cbind(hits, misses)")
        )
        one = evaluate(problem_of(by_row, data))
        other = evaluate(problem_of(by_cell, cells))
        differences.append(one.criterion - other.criterion)
        np.testing.assert_allclose(one.gradient, other.gradient, rtol=1e-8, atol=1e-8)
    m, k = cells["size"], cells["hits"]
    constant = 2.0 * (gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1)).sum()
    np.testing.assert_allclose(differences, constant, rtol=1e-10)
