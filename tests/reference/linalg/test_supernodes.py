"""The structure of a factor against elimination done on a table of all pairs of nodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylme.reference.linalg.supernodes import elimination_order, supernodes


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 30))
    pairs = draw(st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=60))
    found = sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]})
    i, j = np.array(found, dtype=np.intp).reshape(-1, 2).T
    return n, i, j


def filled(n, i, j, position):
    """Which places of the lower triangle fill, in the order of elimination."""
    ties = np.zeros((n, n), dtype=bool)
    ties[position[i], position[j]] = ties[position[j], position[i]] = True
    for k in range(n):
        later = np.flatnonzero(ties[k, k + 1 :]) + k + 1
        ties[np.ix_(later, later)] = True
    return np.tril(ties, -1)


@given(graphs())
def test_all_that_fills_has_a_place(graph):
    n, i, j = graph
    tree = supernodes(i, j, elimination_order(i, j, n), np.ones(n, dtype=np.intp))
    assert sorted(tree.position.tolist()) == list(range(n))
    room = np.zeros((n, n), dtype=bool)
    for s in range(len(tree.own)):
        places = tree.position[tree.nodes[tree.starts[s] : tree.starts[s + 1]]]
        assert (np.diff(places) > 0).all()
        own = tree.own[s]
        room[np.ix_(places, places[:own])] = True
        if tree.parent[s] >= 0:
            p = tree.parent[s]
            assert p > s
            above = tree.position[tree.nodes[tree.starts[p] : tree.starts[p + 1]]]
            assert set(places[own:]) <= set(above)
            assert places[own] in set(above[: tree.own[p]])
        else:
            assert own == len(places)
    assert (room | ~filled(n, i, j, tree.position)).all()


@pytest.mark.parametrize("n", [3, 50])
def test_the_hub_of_a_star_comes_last(n):
    i, j = np.zeros(n - 1, dtype=np.intp), np.arange(1, n)
    assert elimination_order(i, j, n)[0] >= n - 2
