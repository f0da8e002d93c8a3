"""The acceleration: against closed forms, matrices of all rows, and scores that were drawn."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.covariance.structure import structure_of
from pylme.simulation.bootstrap import acceleration
from pylme.simulation.bootstrap.acceleration import (
    accelerations,
    gradients_by_regression,
    gradients_of_parameters,
)


def part_of(formula, data, **parameters):
    (part,) = pylme.simulator(formula, data, **parameters).parts
    return part


def gradients_of(part):
    structures = [term.structure for term in part.design.terms]
    return gradients_of_parameters(part.design.p, part.covariances, structures)


def of_parameters(part):
    return accelerations(part, gradients_of(part))


ONE_WAY = pylme.expand_grid(unit=range(3), batch=range(12))


def test_a_balanced_one_way_layout_in_closed_form():
    """λ₁ = σ², λ₂ = σ² + mτ² are scales of independent χ², with J(m - 1) and J degrees."""
    J, m, sigma, tau = 12, 3, 1.5, 0.8
    part = part_of("y ~ 1 + (1 | batch)", ONE_WAY, beta=0, sigma=sigma, covariances={"sd": tau})
    scales = np.array([sigma**2, sigma**2 + m * tau**2])
    degrees = np.array([J * (m - 1), J])

    def closed(gradient):
        direction = gradient * 2 * scales**2 / degrees
        c = direction / scales
        return (degrees @ c**3) / (6 * (degrees @ c**2 / 2) ** 1.5)

    expected = [0, closed(np.array([-1, 1]) / m), closed(np.array([1, 0]))]
    np.testing.assert_allclose(of_parameters(part), expected, rtol=1e-10)
    assert expected[2] == pytest.approx(np.sqrt(8 / (J * (m - 1))) / 6)


def dense(part):
    """The formula with matrices of all rows, written down once more."""
    design = part.design
    Z = design.Z.toarray()
    derivatives, start = [], 0
    covariance = np.zeros((design.q, design.q))
    for term, own in zip(design.terms, part.covariances, strict=True):
        levels, k = len(term.levels), len(term.names)
        for i in range(k):
            for j in range(i, k):
                cell = np.zeros((k, k))
                cell[i, j] = cell[j, i] = 1
                whole = np.zeros_like(covariance)
                block = slice(start, start + levels * k)
                whole[block, block] = np.kron(np.eye(levels), cell)
                derivatives.append(Z @ whole @ Z.T)
        covariance[block, block] = np.kron(np.eye(levels), own)
        start += levels * k
    derivatives.append(np.diag(1 / design.weights))
    inverse = np.linalg.inv(Z @ covariance @ Z.T + part.sigma**2 * derivatives[-1])
    maps = [inverse @ derivative for derivative in derivatives]
    information = np.array([[np.trace(a @ b) / 2 for b in maps] for a in maps])
    gradients = gradients_of(part)[:, design.p :]
    found = []
    for gradient in gradients[design.p :]:
        C = sum(d * a for d, a in zip(np.linalg.solve(information, gradient), maps, strict=True))
        found.append(np.trace(C @ C @ C) / (6 * (np.trace(C @ C) / 2) ** 1.5))
    return [0.0] * design.p + found


def weighted(data):
    return data.assign(w=np.linspace(0.5, 2, len(data)))


SLOPES = pylme.expand_grid(x=range(4), g=range(6))
CROSSED = pylme.expand_grid(a=range(5), b=range(4), rep=range(2))


@pytest.mark.parametrize(
    ("formula", "data", "covariances"),
    [
        ("y ~ x + (x | g)", SLOPES, {"sd": [2, 1], "corr": 0.4}),
        ("y ~ x + (x || g)", SLOPES, {"g": np.diag([2.0, 1.0])}),
        ("y ~ 1 + (1 | a) + (1 | b)", CROSSED, {"a": {"sd": 1}, "b": {"sd": 2}}),
        ("y ~ rep + (rep | a) + (1 | b)", CROSSED, {"a": {"sd": [1, 1], "corr": 0.2}, "b": [[4]]}),
    ],
)
def test_blocks_of_levels_are_as_good_as_matrices_of_all_rows(formula, data, covariances):
    part = part_of(
        formula, weighted(data), beta=np.zeros(2 if "~ 1" not in formula else 1), sigma=1.3,
        covariances=covariances, weights="w",
    )  # fmt: skip
    np.testing.assert_allclose(of_parameters(part), dense(part), rtol=1e-8, atol=1e-12)


def test_it_is_a_sixth_of_the_skewness_of_the_score():
    part = part_of("y ~ 1 + (1 | batch)", ONE_WAY, beta=0, sigma=1, covariances={"sd": 1})
    V = np.kron(np.eye(12), np.ones((3, 3))) + np.eye(36)
    inverse = np.linalg.inv(V)
    B = np.kron(np.eye(12), np.ones((3, 3)))
    maps = [inverse @ B, inverse]
    information = np.array([[np.trace(a @ b) / 2 for b in maps] for a in maps])
    direction = np.linalg.solve(information, [1, 0])
    quadratic = inverse @ (direction[0] * B + direction[1] * np.eye(36)) @ inverse
    y = np.random.default_rng(3).multivariate_normal(np.zeros(36), V, size=100_000)
    scores = np.einsum("ri,ij,rj->r", y, quadratic, y, optimize=True)
    centred = scores - scores.mean()
    skewness = (centred**3).mean() / (centred**2).mean() ** 1.5
    assert of_parameters(part)[1] == pytest.approx(skewness / 6, rel=0.05)


def test_the_regression_finds_the_gradients_of_functions_of_the_parameters():
    fit = pylme.lmer(
        "Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"), engine="numpy"
    )
    found = fit.bootstrap(400, seed=2)
    replicates = found.replicates.to_numpy()
    (part,) = found.simulator.parts
    variances = replicates[:, [5, 2, 1]] ** np.array([2, 2, 1])
    slopes = gradients_by_regression(variances, replicates, 2, [structure_of("us", 2)])
    expected = np.zeros((3, 6))
    expected[0, 5] = expected[1, 2] = expected[2, 1] = 1
    np.testing.assert_allclose(slopes, expected, atol=1e-8)
    np.testing.assert_allclose(
        accelerations(part, slopes), found.acceleration.iloc[[5, 2, 1]], rtol=1e-6, atol=1e-12
    )
    constant = gradients_by_regression(
        np.full((400, 1), 3.0), replicates, 2, [structure_of("us", 2)]
    )
    assert accelerations(part, constant).tolist() == [0.0]
    few = gradients_by_regression(variances[:5], replicates[:5], 2, [structure_of("us", 2)])
    assert np.isnan(few).all()


def test_a_standard_deviation_of_zero_has_one_and_its_correlation_none():
    part = part_of(
        "y ~ x + (x | g)", SLOPES, beta=[0, 1], sigma=1, covariances={"sd": [2, 0], "corr": 0}
    )
    a = of_parameters(part)
    assert np.isfinite(a[[0, 1, 2, 4, 5]]).all()
    assert np.isnan(a[3])


def test_what_the_data_do_not_identify_has_none():
    grid = pylme.expand_grid(x=range(4), g=range(12)).assign(f=lambda d: (d["g"] % 2).astype(str))
    part = part_of(
        "y ~ 1 + (0 + f | g)", grid, beta=0, sigma=1, covariances={"sd": [1, 2], "corr": 0.5}
    )
    a = dict(zip(["mean", "sd0", "cor", "sd1", "sigma"], of_parameters(part), strict=True))
    assert np.isnan(a["cor"])
    for name, degrees in (("sd0", 6), ("sd1", 6), ("sigma", 36)):
        assert 0 < a[name] < 2 * np.sqrt(8 / degrees) / 6


def test_too_many_crossed_effects_are_refused(monkeypatch):
    monkeypatch.setattr(acceleration, "MOST_EFFECTS", 8)
    part = part_of(
        "y ~ 1 + (1 | a) + (1 | b)", CROSSED, beta=0, sigma=1, covariances={"a": [[1]], "b": [[1]]}
    )
    with pytest.raises(pylme.errors.NotAvailableError, match="percentile"):
        of_parameters(part)


def test_a_structure_has_the_accelerations_of_the_same_model_without_one():
    """The acceleration does not depend on how a model is parametrised."""
    data = pylme.expand_grid(t=list("abc"), unit=range(2), g=range(9))
    data["x"] = np.random.default_rng(5).normal(size=len(data))

    def found(random, covariance):
        model = {"beta": [1, 2], "sigma": 1.0, "covariances": covariance}
        return of_parameters(part_of(f"y ~ x + {random}", data, **model))

    matrix = np.array([[1.44, 0.3], [0.3, 0.5]])
    plain = found("(1 + x | g)", matrix)
    np.testing.assert_allclose(found("cs(1 + x | g)", matrix), plain[[0, 1, 2, 4, 3, 5]], rtol=1e-9)
    one = found("(1 | g:t)", np.array([[0.64]]))
    same = found("diag(0 + t | g, hom = TRUE)", 0.64 * np.eye(3))
    np.testing.assert_allclose(same, one, rtol=1e-9)
