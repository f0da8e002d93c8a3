"""Columns made well-conditioned, and the pictures of the parameters' matrices."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.identifiability.analysis import analysed, conditioned
from pylme.identifiability.null_space import echelon, null_space
from pylme.identifiability.sketch import TermBlock, sketched
from tests.identifiability.oracle import full_matrices, projected


@pytest.mark.parametrize("shift", [0.0, 2000.0, -1e6])
def test_conditioned_columns_make_up_the_raw_ones(shift: float) -> None:
    rng = np.random.default_rng(1)
    x, s = rng.normal(size=200) + shift, np.arange(200) % 2
    raw = np.array([np.ones(200), x, s, x * s, 3 * x - 1, np.zeros(200)])
    new = conditioned(raw)
    lengths = np.linalg.norm(raw, axis=1)
    np.testing.assert_allclose((new.columns.T @ new.R).T, raw, atol=1e-13 * max(lengths.max(), 1.0))
    squares = np.mean(new.columns**2, axis=1)
    np.testing.assert_allclose(squares, [1, 1, 1, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(new.inverse @ new.R, np.eye(6), atol=1e-9)
    # However x is shifted: a few figures are lost in the products of columns, not all.
    others = new.columns[:4] @ new.columns[:4].T / 200
    assert np.linalg.cond(others) < 1e3


def test_columns_that_are_not_nearly_dependent_are_only_scaled() -> None:
    rng = np.random.default_rng(2)
    raw = np.array([np.ones(100), 3 * rng.normal(size=100), np.arange(100) % 2 + 0.0])
    new = conditioned(raw)
    assert (np.diag(np.diag(new.R)) == new.R).all()


def test_pictures_are_of_the_matrices_in_full() -> None:
    # GᵀBG and (PG)ᵀB(PG), so that the pictures of a combination are the combination of pictures,
    # and one is zero where the other is.
    sleepstudy = pylme.datasets.load("sleepstudy").iloc[:60]
    design = pylme.design("Reaction ~ Days + (Days > 4 | Subject) + (1 | Days)", sleepstudy)
    analysis = analysed(design)
    sketches = analysis.sketches
    for found, full in (
        (sketches.plain, full_matrices(design)),
        (sketches.projected, projected(design)),
    ):
        flat = full.reshape(len(full), -1)
        assert np.linalg.matrix_rank(found, tol=1e-9) == np.linalg.matrix_rank(flat, tol=1e-9)
    # Squares outside the diagonal are, on average, in proportion to the squared lengths.
    lengths = np.linalg.norm(full_matrices(design)[[-2, -1]], axis=(1, 2))
    ratio = sketches.lengths[-2] / sketches.lengths[-1]
    assert 0.5 < ratio / (lengths[0] / lengths[1]) < 2


def test_no_fixed_effects_project_nothing() -> None:
    rng = np.random.default_rng(3)
    block = TermBlock(
        codes=np.arange(20, dtype=np.int32) % 4,
        levels=4,
        columns=rng.normal(size=(1, 20)),
        a=np.array([0]),
        b=np.array([0]),
        rounding=np.array([1e-16]),
    )
    sketches = sketched([block], np.empty((20, 0)))
    np.testing.assert_array_equal(sketches.plain, sketches.projected)
    assert null_space(sketches.plain, sketches.rounding).shape == (0, 2)


def test_an_echelon_form_keeps_single_entries_and_the_space() -> None:
    rng = np.random.default_rng(4)
    space = np.array([[0, 0, 1, 0, 0.0], [1, 0, 0, -2, 0], [0, 0, 0, 1, 1]])
    found = echelon(rng.normal(size=(3, 3)) @ space, np.full(5, 1e-8))
    assert [0, 0, 1, 0, 0] in found.tolist()
    assert np.count_nonzero(found) == 5
    assert np.linalg.matrix_rank(np.vstack([found, space])) == 3
