"""A sparse factor, what it solves, and the inverse on its pattern, against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from pylme.reference.linalg.fronts import fronts_of
from pylme.reference.linalg.sparse_factor import selected_inverse, sparse_factor, triangles_of
from pylme.reference.linalg.supernodes import elimination_order, supernodes


def nothing(n):
    return np.zeros((n, n), dtype=bool)


def band(n):
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))) == 3


def star(n):
    ties = nothing(n)
    ties[0] = ties[:, 0] = True
    return ties


def blocks(n):
    return np.equal.outer(np.arange(n) % 9, np.arange(n) % 9)


def scattered(n):
    ties = np.random.default_rng(n).random((n, n)) < 3 / n
    return ties | ties.T


def crowded(n):
    ties = np.random.default_rng(n).random((n, n)) < 0.4
    return ties | ties.T


def grid(n):
    side = int(np.sqrt(n))
    row, column = np.divmod(np.arange(n), side)
    return np.abs(np.subtract.outer(row, row)) + np.abs(np.subtract.outer(column, column)) == 1


GRAPHS = [nothing, band, star, blocks, scattered, crowded, grid]


class Example:
    """A positive definite matrix with a block for each pair of nodes that are neighbours."""

    def __init__(self, graph, n, *, wide):
        rng = np.random.default_rng(n)
        weights = rng.integers(1, 4, size=n) if wide else np.ones(n, dtype=np.intp)
        ties = graph(n)
        i, j = np.nonzero(np.triu(ties, 1))
        first = np.cumsum(weights) - weights
        node = np.repeat(np.arange(n), weights)
        rows, columns = np.nonzero(ties[node][:, node] | np.equal.outer(node, node))
        own = node[rows] <= node[columns]
        rows, columns = rows[own], columns[own]
        size = len(node)
        A = np.zeros((size, size))
        A[rows, columns] = rng.normal(size=len(rows))
        A = A + A.T
        A[np.diag_indices(size)] = 0.5 + np.abs(A).sum(axis=1)
        tree = supernodes(i, j, elimination_order(i, j, n), weights)
        self.A, self.rows, self.columns = A, rows, columns
        self.layout = fronts_of(tree, first, weights, (rows, columns))

    def factor(self, shift=0.0):
        A = self.A - shift * np.eye(len(self.A))
        return sparse_factor(self.layout, triangles_of(self.layout), A[self.rows, self.columns])


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("n", [1, 2, 40, 225])
@pytest.mark.parametrize("graph", GRAPHS)
def test_against_the_dense_inverse(graph, n, wide):
    example = Example(graph, n, wide=wide)
    factor = example.factor()
    inverse = np.linalg.inv(example.A)
    assert factor.logdet == pytest.approx(np.linalg.slogdet(example.A)[1], rel=1e-12)
    v = np.random.default_rng(0).normal(size=(len(example.A), 3))
    np.testing.assert_allclose(factor.solve(v), inverse @ v, atol=1e-12 * np.abs(inverse).max())
    np.testing.assert_allclose(
        selected_inverse(factor),
        inverse[example.rows, example.columns],
        atol=1e-12 * np.abs(inverse).max(),
    )


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_matrix_that_is_not_positive_definite_is_refused(graph):
    example = Example(graph, 100, wide=True)
    least = np.linalg.eigvalsh(example.A)[0]
    example.factor(shift=0.99 * least)
    with pytest.raises(np.linalg.LinAlgError):
        example.factor(shift=1.01 * least)


def test_few_fronts_are_in_memory_at_a_time():
    layout = Example(grid, 900, wide=False).layout
    fronts = sum(group.count * group.size**2 for group in layout.groups)
    assert max(layout.room) < fronts / 2
    assert layout.length < 900**2 / 10
