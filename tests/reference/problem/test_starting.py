"""Where a search begins: near the truth on data that have one, and never on the boundary."""

from __future__ import annotations

import numpy as np
import pandas as pd

import pylme
from pylme.reference.criterion.prepare import prepare
from pylme.reference.problem.starting import first_starts, further_starts


def test_large_balanced_data_begin_near_the_truth():
    rng = np.random.default_rng(6)
    g = np.repeat(np.arange(400), 25)
    x = np.tile(rng.normal(size=25), 400)
    b = rng.multivariate_normal([0, 0], [[4.0, 0.6], [0.6, 1.0]], 400)
    data = pd.DataFrame({"y": b[g, 0] + b[g, 1] * x + rng.normal(size=len(g)), "x": x, "g": g})
    design = pylme.design("y ~ x + (x | g)", data)
    problem = prepare(design.X, design.y[None], design.terms)
    T = problem.layout.matrices(problem.callers(problem.start()))[0][0]
    np.testing.assert_allclose(T @ T.T, [[4.0, 0.6], [0.6, 1.0]], atol=0.6)


def test_data_without_groups_begin_off_the_boundary():
    rng = np.random.default_rng(7)
    data = pd.DataFrame({"y": rng.normal(size=200), "g": np.tile(np.arange(20), 10)})
    design = pylme.design("y ~ 1 + (1 | g)", data)
    problem = prepare(design.X, design.y[None], design.terms)
    assert problem.start()[0, 0] > 0.05


def test_starts_have_correlations_of_both_signs_and_none_twice():
    sleepstudy = pylme.datasets.load("sleepstudy")
    design = pylme.design("Reaction ~ Days + (Days | Subject)", sleepstudy)
    layout = prepare(design.X, design.y[None], design.terms).layout
    starts = np.concatenate([first_starts(layout), further_starts(layout)])
    T = layout.matrices(starts)[0]
    covariances = (T @ T.swapaxes(1, 2)).reshape(len(T), 4)
    sizes = covariances[:, [0, 3]].sum(axis=1)
    in_one_direction = covariances[np.isclose(sizes, 100.0018, rtol=1e-7)]
    assert len(in_one_direction) == 8
    for one in in_one_direction:
        assert np.isclose(in_one_direction * [1.0, -1.0, -1.0, 1.0], one).all(axis=1).any()
    assert len(np.unique(covariances.round(6), axis=0)) == len(covariances)
