"""Which way the remainder is kept, and what is refused."""

from __future__ import annotations

import pickle
import re
import tracemalloc

import numpy as np
import pytest

import pylme
from pylme.errors import TooLargeError
from pylme.reference.criterion import sparse_elimination
from pylme.reference.criterion.crossed_tables import crossed
from pylme.reference.criterion.dense_elimination import DenseElimination
from pylme.reference.criterion.sparse_elimination import SparseElimination
from pylme.reference.problem.sums import Sums
from pylme.reference.threads import one_thread
from tests.reference.crossed_data import kept, pupils, workers
from tests.reference.models import prepared, table

FORMULA = "y ~ x + (1 | w) + (1 | f)"


@pytest.fixture(autouse=True)
def _as_in_a_fit():
    with one_thread():
        yield


def stored(formula, data, **options):
    _, _, problem = prepared(formula, data)
    return crossed(
        problem.likelihood, Sums.of(problem.columns, problem.layout), problem.layout, **options
    ).elimination


def test_a_small_remainder_is_dense():
    assert isinstance(
        stored("strength ~ 1 + (1 | batch / cask)", table("pastes")), DenseElimination
    )


def test_a_large_remainder_is_sparse_where_its_levels_meet_few_others():
    assert isinstance(stored(FORMULA, workers(6_000, 2_000, 1_500, near=5)), SparseElimination)
    schools = pupils(20_000, 9_000, 2_000, 40)
    assert isinstance(stored("y ~ x + (1 | p) + (1 | c) + (1 | s)", schools), SparseElimination)


def test_and_dense_where_they_meet_many():
    data = pylme.datasets.load("insteval")
    assert isinstance(stored("y ~ 1 + (1 | s) + (1 | d)", data), DenseElimination)


def test_what_is_dense_becomes_sparse_where_memory_is_short():
    data = workers(3_000, 1_000, 400)
    dense, thin = (stored(FORMULA, data, storage=way).bytes for way in ("dense", "sparse"))
    assert thin < dense
    assert isinstance(stored(FORMULA, data), DenseElimination)
    assert isinstance(stored(FORMULA, data, available=dense), DenseElimination)
    assert isinstance(stored(FORMULA, data, available=dense - 1), SparseElimination)
    assert isinstance(stored(FORMULA, data, available=thin), SparseElimination)


def test_what_fits_neither_way_is_refused_with_its_bytes():
    data = workers(3_000, 1_000, 400)
    thin = stored(FORMULA, data, storage="sparse").bytes
    with pytest.raises(TooLargeError) as refused:
        stored(FORMULA, data, available=thin - 1)
    assert (refused.value.needed, refused.value.available) == (thin, thin - 1)
    assert f"it needs at least {thin:,} bytes (" in str(refused.value)
    effects = sum(data[name].cat.categories.size for name in "wf")
    assert f"{effects:,} random effects" in str(refused.value)
    again = pickle.loads(pickle.dumps(refused.value))
    assert (again.needed, str(again)) == (thin, str(refused.value))
    assert isinstance(refused.value, MemoryError)


def test_nothing_of_that_size_is_asked_for_before_it_is_refused(monkeypatch):
    monkeypatch.setattr("pylme.reference.criterion.storage.available_bytes", lambda: 100_000_000)
    monkeypatch.setattr("pylme.reference.problem.cells.TABLE", 0)
    place = np.arange(160_000)
    f, g = place // 40, (7 * place + place // 40) % 4_001
    data = workers(160_000, 40, 40).assign(f=f, g=g)
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError) as refused:
            prepared("y ~ x + (1 | f) + (1 | g)", data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1e8 < refused.value.needed


def test_the_user_is_told(monkeypatch):
    monkeypatch.setattr("pylme.reference.criterion.storage.available_bytes", lambda: 500_000)
    with pytest.raises(TooLargeError, match=r"500,000 bytes \(0\.5 MB\) are available"):
        pylme.lmer(FORMULA, workers(6_000, 2_000, 1_500, near=5), engine="numpy")


def test_memory_that_gives_out_on_the_way(monkeypatch):
    problem = kept(FORMULA, workers(900, 300, 200), "sparse")

    def none_left(*arguments):
        raise MemoryError

    monkeypatch.setattr(sparse_elimination, "sparse_factor", none_left)
    with pytest.raises(TooLargeError) as refused:
        problem.criterion.evaluate(problem.layout.matrices(problem.start()))
    assert refused.value.needed == problem.criterion.elimination.bytes
    assert re.search("Evaluating the criterion", str(refused.value))


MODELS = {
    "few firms": (FORMULA, lambda: workers(30_000, 10_000, 1_000)),
    "many firms": (FORMULA, lambda: workers(60_000, 20_000, 20_000, near=20)),
    "slopes": ("y ~ x + (x | w) + (x | f)", lambda: workers(30_000, 10_000, 5_000, near=20)),
    "schools": (
        "y ~ x + (1 | p) + (x | c) + (1 | s)",
        lambda: pupils(60_000, 30_000, 10_000, 1_000),
    ),
}


@pytest.mark.parametrize(
    ("name", "storage"), [("few firms", "dense"), *((name, "sparse") for name in MODELS)]
)
def test_the_bytes_that_are_foreseen(name, storage, monkeypatch):
    """They are what it takes, and not so many that what fits would be refused."""
    # The pairs of levels are sorted, not counted in a table of all of them.
    monkeypatch.setattr("pylme.reference.problem.cells.TABLE", 0)
    formula, data = MODELS[name]
    _, _, problem = prepared(formula, data())
    T = problem.layout.matrices(problem.start())
    tracemalloc.start()
    try:
        made = crossed(
            problem.likelihood,
            Sums.of(problem.columns, problem.layout),
            problem.layout,
            storage=storage,
        )
        # A dense remainder is foreseen with its exact second derivatives.
        (made.exactly() if storage == "dense" else made).evaluate(T)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    foreseen = made.elimination.bytes
    # The fit has more than this: the columns, and the tables of the leading factor.
    assert peak < 1.3 * foreseen + 10e6
    assert foreseen < 2.0 * peak
