"""Covariance structures: θ to T and back, derivatives by differences, lme4's starts and bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import block_diag

from pylme.covariance.structure import Diagonal, Unstructured, structure_of
from pylme.model_matrix.random_term import RandomTerm, in_order, lambda_template


def _term(kind, k, levels=("a", "b")):
    return RandomTerm(
        group="g",
        label="g",
        names=tuple("wxyz"[:k]),
        levels=levels,
        codes=np.zeros(4, dtype=np.int32),
        columns=np.ones((4, k)),
        structure=structure_of(kind, k),
    )


STRUCTURES = [Unstructured(size=1), Unstructured(size=3), Diagonal(size=1), Diagonal(size=4)]


@pytest.mark.parametrize("structure", STRUCTURES, ids=repr)
def test_parameters_and_factors_are_inverse(structure):
    theta = np.random.default_rng(1).normal(size=(5, structure.n_parameters))
    T = structure.factor(theta)
    assert T.shape == (5, structure.size, structure.size)
    np.testing.assert_array_equal(T, np.tril(T))
    np.testing.assert_array_equal(structure.parameters(T), theta)
    np.testing.assert_array_equal(structure.factor(theta[2]), T[2])


@pytest.mark.parametrize("structure", STRUCTURES, ids=repr)
def test_derivatives_are_those_of_the_factor(structure):
    theta = np.random.default_rng(2).normal(size=structure.n_parameters)
    step = 1e-6
    for at, derivative in enumerate(structure.derivatives(theta)):
        change = step * np.eye(len(theta))[at]
        slope = (structure.factor(theta + change) - structure.factor(theta - change)) / (2 * step)
        np.testing.assert_allclose(derivative, slope, atol=1e-9)
    step = 1e-6
    for at, second in enumerate(structure.second_derivatives(theta)):
        change = step * np.eye(len(theta))[at]
        slopes = structure.derivatives(theta + change) - structure.derivatives(theta - change)
        np.testing.assert_allclose(second, slopes / (2 * step), atol=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES, ids=repr)
def test_starts_bounds_and_names(structure):
    np.testing.assert_array_equal(structure.factor(structure.start()), np.eye(structure.size))
    on_diagonal = structure.start() == 1.0
    np.testing.assert_array_equal(structure.lower_bounds() == 0.0, on_diagonal)
    assert np.isneginf(structure.lower_bounds()[~on_diagonal]).all()
    assert np.isposinf(structure.upper_bounds()).all()
    names = structure.names("g", ["(Intercept)", "x", "z", "w"][: structure.size])
    assert len(set(names)) == structure.n_parameters


def test_a_diagonal_structure_is_one_term_for_each_effect():
    theta = np.array([2.0, 0.5])
    one, other = (term.factor(theta) for term in in_order([_term("us", 1), _term("us", 1)]))
    T = Diagonal(size=2).factor(theta)
    np.testing.assert_array_equal(T, np.diag([one[0, 0], other[0, 0]]))
    assert Diagonal(size=2).names("g", ["a", "b"]) == ("g.a", "g.b")


def test_the_factors_of_terms_follow_one_another():
    theta = np.arange(1.0, 5.0)
    first, second = (term.factor(theta) for term in in_order([_term("us", 2), _term("us", 1)]))
    np.testing.assert_array_equal(first, [[1.0, 0.0], [2.0, 3.0]])
    np.testing.assert_array_equal(second, [[4.0]])


def test_terms_follow_one_another_in_rows_and_parameters():
    terms = in_order([_term("diag", 3), _term("us", 2), _term("us", 1, levels=("a",))])
    assert [term.rows for term in terms] == [slice(0, 6), slice(6, 10), slice(10, 11)]
    assert [term.thetas for term in terms] == [slice(0, 3), slice(3, 6), slice(6, 7)]


def test_the_template_puts_each_parameter_where_its_structure_has_it():
    terms = in_order([_term("diag", 2), _term("us", 2)])
    theta = np.array([5.0, 7.0, 1.0, 2.0, 3.0])
    pointers, rows, lind = lambda_template(terms)
    Lambdat = np.zeros((8, 8))
    for column in range(8):
        own = slice(pointers[column], pointers[column + 1])
        Lambdat[rows[own], column] = theta[lind[own] - 1]
    blocks = [term.factor(theta).T for term in terms for _ in term.levels]
    np.testing.assert_array_equal(Lambdat, block_diag(*blocks))
