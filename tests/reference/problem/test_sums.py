"""Sums are additive over rows, and levels that are alike are joined without loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pylme
from pylme.reference.criterion.prepare import prepare
from pylme.reference.problem.sums import Sums, merged, patterns
from tests.reference.models import prepared


def test_the_levels_of_a_balanced_design_are_one_pattern():
    within = np.repeat(np.random.default_rng(0).normal(size=(5, 2, 1)), 12, axis=2)
    assert patterns(within).tolist() == [0] * 12


def test_rounding_errors_do_not_tell_levels_apart():
    rng = np.random.default_rng(1)
    within = np.tile(rng.normal(size=(5, 2, 3)), (1, 1, 10))
    noisy = within * (1 + 1e-15 * rng.choice([-1, 0, 1], size=within.shape))
    assert len(set(patterns(noisy).tolist())) == 3


def test_levels_that_differ_are_left_alone():
    assert patterns(np.random.default_rng(2).normal(size=(5, 2, 30))) is None


def test_levels_whose_mixtures_agree_by_chance_are_told_apart():
    within = np.repeat(np.random.default_rng(3).normal(size=(3, 1, 1)), 8, axis=2)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, 3)
    within[0, 0, :4] += 1.0
    within[1, 0, :4] -= weights[0] / weights[1]
    assert patterns(within) is None


@pytest.mark.parametrize("levels", [1, 3, 20])
def test_joining_keeps_sums_and_second_moments(levels):
    rng = np.random.default_rng(levels)
    kinds = np.repeat([0, 1], levels)
    within = np.repeat(rng.normal(size=(5, 2, 2)), levels, axis=2)
    y = rng.normal(size=(3, 2, 2 * levels))
    counts, representative, columns = merged(kinds, within, y)
    assert counts.tolist() == [levels, levels]
    for g in (0, 1):
        own = y[..., kinds == g]
        np.testing.assert_allclose(columns[:, 0, :, g] * levels**0.5, own.sum(axis=-1))
        squares = np.einsum("raj,rbj->rab", own, own)
        np.testing.assert_allclose(
            np.einsum("rca,rcb->rab", columns[..., g], columns[..., g]), squares, atol=1e-12
        )
        np.testing.assert_allclose(representative[2:, :, g] / levels**0.5, within[2:, :, -g])


def test_a_balanced_model_is_computed_with_one_pattern():
    design = pylme.design("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    criterion = prepare(design.X, design.y[None], design.terms).criterion
    assert criterion.counts.tolist() == [18.0]


def halves(problem):
    """The sums over the even rows and over the odd ones, of the same columns."""
    columns, layout = problem.columns, problem.layout
    made = []
    for start in (0, 1):
        rows = slice(start, None, 2)
        factors = tuple(replace(f, codes=f.codes[rows]) for f in layout.factors)
        part = replace(columns, base=columns.base[:, rows], y=columns.y[:, rows])
        made.append(Sums.of(part, replace(layout, factors=factors)))
    return made


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
        ("angle ~ recipe + temp + (temp | replicate) + (1 | recipe:replicate)", "cake"),
    ],
)
def test_the_sums_of_two_halves_are_those_of_the_whole(formula, data):
    _, _, problem = prepared(formula, pylme.datasets.load(data))
    whole = Sums.of(problem.columns, problem.layout)
    one, other = halves(problem)
    np.testing.assert_allclose(one.gram + other.gram, whole.gram, rtol=1e-12, atol=1e-10)
    for name in ("levels", "responses"):
        for a, b, both in zip(*(getattr(s, name) for s in (one, other, whole)), strict=True):
            np.testing.assert_allclose(a + b, both, rtol=1e-12, atol=1e-10)
    for pair, cells in whole.cells.items():
        dense = np.zeros((*cells.values.shape[:2], *(np.max([cells.rows, cells.columns], 1) + 1)))
        for part in (one.cells[pair], other.cells[pair]):
            np.add.at(dense, (slice(None), slice(None), part.rows, part.columns), part.values)
        found = dense[:, :, cells.rows, cells.columns]
        np.testing.assert_allclose(found, cells.values, rtol=1e-12, atol=1e-10)
