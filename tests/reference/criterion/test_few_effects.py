"""All factors as one block, many covariances at once: the same as block by block."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.reference.criterion.few_effects import few_effects
from pylme.reference.criterion.prepare import prepare
from pylme.reference.optimize import several_starts
from pylme.reference.optimize.several_starts import fit
from tests.reference.dense import criterion_of

FORMULAS = ("y ~ x + (1 | g) + (1 | h)", "y ~ x + (x | g) + (z | h)", "y ~ 1 + (x || g) + (1 | h)")

#: Rounding errors of what is zero.
SMALL = 1e-12


def model(formula, *, reml=True):
    rng = np.random.default_rng(4)
    data = {name: rng.normal(size=50) for name in ("x", "z", "y")}
    data |= {"g": rng.integers(7, size=50), "h": rng.integers(4, size=50)}
    data["w"] = np.exp(rng.normal(size=50))
    design = pylme.design(formula, pd.DataFrame(data), weights="w")
    problem = prepare(design.X, design.y[None], design.terms, weights=design.weights, reml=reml)
    return design, problem


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("size", [0.0, 0.3, 20.0])
def test_the_same_as_block_by_block(formula, reml, size):
    _, problem = model(formula, reml=reml)
    theta = size * np.random.default_rng(5).normal(size=(6, len(problem.layout.row)))
    T = problem.layout.matrices(theta)
    one_by_one = problem.criterion.exactly().subset(np.zeros(6, dtype=np.intp)).evaluate(T)
    together = few_effects(problem.likelihood, problem.columns, problem.layout).evaluate(T)
    np.testing.assert_allclose(together.criterion, one_by_one.criterion, atol=1e-9)
    for name in ("beta", "rss", "RX", "form", "hh"):
        ours, theirs = getattr(together, name), getattr(one_by_one, name)
        np.testing.assert_allclose(
            ours, theirs, rtol=1e-7, atol=SMALL + 1e-9 * np.abs(theirs).max()
        )
    for ours, theirs in zip(together.M, one_by_one.M, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_criterion_from_its_definition(formula):
    design, problem = model(formula)
    theta = np.abs(np.random.default_rng(6).normal(size=(3, len(problem.layout.row))))
    criterion = few_effects(problem.likelihood, problem.columns, problem.layout)
    found = criterion.evaluate(problem.layout.matrices(problem.conditioned(theta)))
    for value, point in zip(found.criterion, theta, strict=True):
        assert value == pytest.approx(criterion_of(design, point, reml=True), abs=1e-9)


@pytest.mark.parametrize("formula", FORMULAS)
def test_many_responses_are_searched_together_as_each_alone(formula):
    design, _ = model(formula)
    Y = np.random.default_rng(7).normal(size=(6, design.n))
    Y[:3] += np.random.default_rng(8).normal(size=7)[design.terms[0].codes]
    problem = prepare(design.X, Y, design.terms, weights=design.weights)
    together = fit(problem)
    for r in range(len(Y)):
        alone = fit(prepare(design.X, Y[r : r + 1], design.terms, weights=design.weights))
        assert together.criterion[r] == pytest.approx(alone.criterion[0], abs=1e-10)
        np.testing.assert_allclose(together.theta[r], alone.theta[0], atol=1e-5)
        assert (together.starts[r], together.agreed[r]) == (alone.starts[0], alone.agreed[0])


def test_more_responses_than_a_batch_holds(monkeypatch):
    design, _ = model(FORMULAS[0])
    Y = np.random.default_rng(9).normal(size=(5, design.n))
    problem = prepare(design.X, Y, design.terms, weights=design.weights)
    whole = fit(problem)
    monkeypatch.setattr(several_starts, "BATCH", 2 * problem.searched().batch_numbers)
    parts = fit(problem)
    np.testing.assert_allclose(parts.criterion, whole.criterion, atol=1e-10)
    assert parts.theta.shape == whole.theta.shape
