"""Variances, degrees of freedom and their derivatives, against matrices of n by n."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import sparse

import pylme
from pylme.inference.joint_test import joint_test
from pylme.inference.kernels import Kernels, equilibrated_inverse
from pylme.inference.targets import NewEffects, Targets, infer
from tests.inference.dense import Dense

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")


def unbalanced():
    rng = np.random.default_rng(1)
    data = pylme.datasets.load("sleepstudy")
    data["w"] = rng.uniform(0.5, 2.0, len(data))
    data["o"] = rng.normal(size=len(data))
    data = data.iloc[np.sort(rng.permutation(len(data))[:120])].copy()
    data["f"] = rng.choice(list("abc"), len(data))
    return data


CASES = {
    "slopes": ("Reaction ~ f*Days + offset(o) + (Days | Subject)", unbalanced, {"weights": "w"}),
    "ml": ("Reaction ~ f + Days + (Days | Subject)", unbalanced, {"reml": False}),
    "independent": ("Reaction ~ f + Days + (Days || Subject)", unbalanced, {}),
    "aliased": ("Reaction ~ Days + I(2*Days) + (1 | Subject)", unbalanced, {}),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin", {}),
    "nested": ("strength ~ 1 + (1 | batch/cask)", "pastes", {"reml": False}),
    "crossed slopes": ("Reaction ~ Days + (Days | Subject) + (1 | f)", unbalanced, {}),
    "singular": ("Yield ~ 1 + (1 | Batch)", "dyestuff2", {}),
}


@cache
def linear_of(case):
    formula, source, options = CASES[case]
    data = pylme.datasets.load(source) if isinstance(source, str) else source()
    return pylme.lmer(formula, data, engine="numpy", **options)._model.linear_problem()


def some_targets(linear, count=4):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(count, linear.X.shape[1]))
    q = linear.terms[-1].rows.stop
    return x, sparse.csr_array(rng.normal(size=(count, q)) * (rng.random((count, q)) < 0.3))


def satterthwaite(dense, targets):
    """2f²/(gᵀCg) with f = σ̂²(θ)φ(θ) and derivatives by differences, for each target."""
    theta, m, step = dense.linear.theta, len(dense.linear.theta), 1e-3

    def values(change):
        other = Dense(replace(dense.linear, theta=theta + step * change))
        logs = [np.log(other.sigma2 * other.target(*target)[0]) for target in targets]
        return np.array([criterion(other), *logs])

    unit = np.eye(m)
    here, ahead, back = values(0.0 * theta), *([values(s * e) for e in unit] for s in (1, -1))
    slopes = np.array([(a - b)[1:] for a, b in zip(ahead, back, strict=True)]) / (2 * step)
    H = np.zeros((m, m))
    for k in range(m):
        H[k, k] = (ahead[k] + back[k] - 2 * here)[0]
        for j in range(k):
            both = values(unit[k] + unit[j])[0] + values(-unit[k] - unit[j])[0]
            H[k, j] = H[j, k] = (
                both + 2 * here[0] - sum((ahead[i] + back[i])[0] for i in (k, j))
            ) / 2
    over_nu = slopes.T @ np.linalg.solve(H / step**2, slopes)
    return 1.0 / (1.0 / dense.nu + over_nu.diagonal())


def criterion(dense):
    V = np.linalg.inv(dense.Vi)
    value = np.linalg.slogdet(V)[1] + dense.nu * np.log(dense.rss)
    if dense.linear.reml:
        value += np.linalg.slogdet(dense.X.T @ dense.Vi @ dense.X)[1]
    return value


@pytest.mark.parametrize("case", CASES)
def test_variances_are_those_of_the_definition(case):
    linear = linear_of(case)
    kernels, dense = Kernels.of(linear), Dense(linear)
    x, z = some_targets(linear)
    found = infer(kernels, Targets(x=x, z=z), ddf="normal")
    expected = [dense.target(*pair)[0] * dense.sigma2 for pair in zip(x, z.toarray(), strict=True)]
    assert found.std_error**2 == pytest.approx(expected, rel=1e-11)
    assert kernels.beta == pytest.approx(dense.beta, rel=1e-10)
    assert kernels.b == pytest.approx(dense.b, rel=1e-8, abs=1e-9)
    # Variances of sums of targets are sums of covariances.
    both = Targets(x=np.ones((1, 4)) @ x, z=sparse.csr_array(np.ones((1, 4)) @ z.toarray()))
    together = infer(kernels, both, ddf="normal").std_error[0] ** 2
    assert found.covariance.sum() == pytest.approx(together, rel=1e-10)
    apart = infer(kernels, Targets(x=x, z=z), ddf="normal", joint=False)
    assert apart.std_error == pytest.approx(found.std_error, rel=1e-13)
    assert apart.covariance is None


@pytest.mark.parametrize("case", ["slopes", "ml", "crossed"])
def test_satterthwaite_df_are_those_of_differences(case):
    linear = linear_of(case)
    kernels = Kernels.of(linear)
    x, z = some_targets(linear, 2)
    nothing = np.zeros(z.shape[1])
    targets = [*zip(x, z.toarray(), strict=True), (x[0], nothing), (x[1], nothing)]
    of_effects = infer(kernels, Targets(x=x, z=z), ddf="satterthwaite").df
    contrasts = infer(kernels, Targets(x=x), ddf="satterthwaite").df
    found = [*of_effects, *contrasts]
    assert found == pytest.approx(satterthwaite(Dense(linear), targets), rel=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_kenward_roger_is_that_of_large_matrices(case):
    linear = linear_of(case)
    kernels = Kernels.of(linear)
    dense = Dense(kernels.restricted.linear)
    information, traces = dense.information()
    half = equilibrated_inverse(information)
    B = dense.cells()
    x, z = some_targets(linear)
    for rows in (z, None):
        found = infer(kernels, Targets(x=x, z=rows), ddf="kenward-roger", adjusted=True)
        for i in range(len(x)):
            phi, v = dense.target(x[i], np.zeros(z.shape[1]) if rows is None else z.toarray()[i])
            Bv = np.array([b @ v for b in B])
            lacking = 2.0 * np.sum(2.0 * half * (Bv @ dense.PZ @ Bv.T))
            assert found.std_error[i] ** 2 == pytest.approx(
                dense.sigma2 * (phi + lacking), rel=1e-10
            )
            slopes = Bv @ v / phi - traces / dense.nu
            df = 1.0 / (1.0 / dense.nu + slopes @ half @ slopes)
            assert found.df[i] == pytest.approx(df, rel=1e-9)


@pytest.mark.parametrize("case", ["slopes", "independent", "crossed", "nested", "crossed slopes"])
def test_many_targets_are_those_of_each_by_itself(case):
    """More targets than random effects are combined from what is known of each effect."""
    kernels = Kernels.of(linear_of(case))
    q = kernels.linear.terms[-1].rows.stop
    x, z = some_targets(kernels.linear, q + 40)
    many, few = Targets(x=x, z=z), Targets(x=x[:9], z=z[:9])
    for ddf, adjusted in (("satterthwaite", False), ("kenward-roger", True)):
        found = infer(kernels, many, ddf=ddf, adjusted=adjusted, joint=False)
        each = infer(kernels, few, ddf=ddf, adjusted=adjusted)
        assert found.std_error[:9] == pytest.approx(each.std_error, rel=1e-9)
        assert found.df[:9] == pytest.approx(each.df, rel=1e-8)


def test_new_levels_and_noise_add_their_variance():
    linear = linear_of("slopes")
    kernels, dense = Kernels.of(linear), Dense(linear)
    x, _ = some_targets(linear, 3)
    columns = np.array([[1.0, 2.0], [1.0, 5.0], [1.0, 2.0]])
    new = NewEffects(term=0, levels=np.array([0, 0, 1]), columns=columns)
    targets = Targets(x=x, new=(new,), noise=np.array([1.0, 0.0, 0.5]))
    plain = infer(kernels, Targets(x=x), ddf="normal").covariance
    found = infer(kernels, targets, ddf="normal").covariance
    Sigma = dense.sigma2 * dense.T[0] @ dense.T[0].T
    added = columns @ Sigma @ columns.T
    added[2, :2] = added[:2, 2] = 0.0
    added += dense.sigma2 * np.diag([1.0, 0.0, 0.5])
    assert found == pytest.approx(plain + added, rel=1e-11)
    # A level without rows in the data is a new one.
    wide = infer(kernels, targets, ddf="satterthwaite")
    assert (wide.df < kernels.nu).all()


def test_joint_test_of_one_row_is_the_square_of_t():
    kernels = Kernels.of(linear_of("slopes"))
    row = np.eye(6)[[3]]
    for ddf in ("satterthwaite", "kenward-roger", "normal"):
        one = infer(kernels, Targets(x=row), ddf=ddf)
        test = joint_test(kernels, row, ddf=ddf)
        assert test.statistic == pytest.approx((kernels.beta[3] / one.std_error[0]) ** 2, rel=1e-10)
        assert test.df == pytest.approx(one.df[0], rel=1e-10)
        # Dependent rows count once.
        twice = joint_test(kernels, np.vstack([row, 2.0 * row]), ddf=ddf)
        assert twice.df_num == 1
        assert twice.statistic == pytest.approx(test.statistic, rel=1e-10)


def test_inverse_leaves_null_directions_out_whatever_the_units():
    A = np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    scale = np.array([1e6, 1e-6, 1.0])
    inverse = equilibrated_inverse(scale[:, None] * A * scale)
    expected = np.zeros((3, 3))
    expected[:2, :2] = np.linalg.inv(A[:2, :2])
    assert inverse * scale[:, None] * scale == pytest.approx(expected, rel=1e-12)
