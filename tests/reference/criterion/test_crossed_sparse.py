"""Models whose remainder is sparse: against the dense way, lme4, and SuperLU on the whole."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import splu

import pylme
from pylme.reference.criterion.dense_elimination import DenseElimination
from pylme.reference.criterion.sparse_elimination import SparseElimination
from pylme.reference.optimize.several_starts import fit
from pylme.reference.rows import hat_values
from pylme.reference.solution import solution_at
from pylme.reference.threads import one_thread
from tests.reference.crossed_data import kept, pupils, workers
from tests.reference.models import MODELS, both, prepared, table
from tests.tolerances import FINITE_DIFFERENCES, SAME_OPTIMUM, SAME_THETA, TWO_WAYS


@pytest.fixture(autouse=True)
def _as_in_a_fit():
    with one_thread():
        yield


@cache
def lectures():
    data = pylme.datasets.load("insteval")
    data = data[(data["s"].cat.codes < 150) & (data["d"].cat.codes < 300)]
    names = ("s", "d", "dept")
    return data.assign(**{name: data[name].cat.remove_unused_categories() for name in names})


CASES = {
    "penicillin": ("diameter ~ 1 + (1 | plate) + (1 | sample)", lambda: table("penicillin")),
    "pastes": ("strength ~ 1 + (1 | batch/cask)", lambda: table("pastes")),
    "pastes, three": (
        "strength ~ 1 + (1 | batch) + (1 | cask) + (1 | batch:cask)",
        lambda: table("pastes"),
    ),
    "lectures": ("y ~ service + (1 | s) + (1 | d) + (1 | dept)", lectures),
    "lectures, slopes": (
        "y ~ service + (service | s) + (service | d) + (1 | dept) + (0 + service | dept)",
        lectures,
    ),
    "workers": ("y ~ x + (1 | w) + (1 | f)", lambda: workers(900, 300, 200)),
    "workers, slopes": ("y ~ x + (x | w) + (x | f)", lambda: workers(900, 300, 200)),
    "pupils": ("y ~ x + (1 | p) + (x | c) + (1 | s)", lambda: pupils(900, 400, 100, 20)),
}


@cache
def ways(name):
    formula, data = CASES[name]
    return [kept(formula, data(), way, reml=name != "pastes") for way in ("dense", "sparse")]


def thetas(problem):
    """The start, something near it, one singular term, no variance, almost none."""
    start = problem.start()
    rng = np.random.default_rng(4)
    near = start + 0.3 * np.abs(start).max() * rng.normal(size=start.shape)
    singular = near.copy()
    singular[0, -1] = 0.0
    return start, near, singular, np.zeros_like(start), 1e-9 * near


def close(mine, reference, tolerance):
    reference = np.asarray(reference)
    scale = np.abs(reference).max(initial=0.0)
    np.testing.assert_allclose(mine, reference, rtol=0, atol=tolerance * scale + 1e-300)


@pytest.mark.parametrize("name", CASES)
def test_both_ways_agree_at_a_theta(name):
    dense, thin = ways(name)
    assert isinstance(dense.criterion.elimination, DenseElimination)
    assert isinstance(thin.criterion.elimination, SparseElimination)
    for theta in thetas(dense):
        T = dense.layout.matrices(theta)
        theirs = replace(dense.criterion, exact=False).evaluate(T)
        ours = replace(thin.criterion, exact=False).evaluate(T)
        assert ours.criterion == pytest.approx(theirs.criterion, rel=SAME_THETA)
        for mine, reference in zip(ours.M, theirs.M, strict=True):
            close(mine, reference, TWO_WAYS)
        for field in ("rss", "RX", "form", "hh"):
            close(getattr(ours, field), getattr(theirs, field), TWO_WAYS)
        # Of least-squares residuals, on orthonormal columns: nothing where all is balanced.
        np.testing.assert_allclose(ours.beta, theirs.beta, atol=TWO_WAYS)


@pytest.mark.parametrize("name", CASES)
def test_exact_second_derivatives_are_differences(name):
    dense, thin = ways(name)
    for theta in thetas(dense)[:4]:
        T = dense.layout.matrices(theta)
        ours, theirs = (p.criterion.exactly().evaluate(T) for p in (thin, dense))
        close(ours.form, theirs.form, 1e-3 * FINITE_DIFFERENCES)


@pytest.mark.parametrize("name", CASES)
def test_both_ways_agree_on_the_effects(name):
    dense, thin = ways(name)
    for theta in thetas(dense):
        T = dense.layout.matrices(theta)
        ours, theirs = (p.criterion.effects(T) for p in (thin, dense))
        for mine, reference in zip(ours, theirs, strict=True):
            close(mine, reference, TWO_WAYS)
        for f in range(len(T)):
            close(thin.criterion.spread(T, f), dense.criterion.spread(T, f), TWO_WAYS)
        ours, theirs = (p.criterion.moments() for p in (thin, dense))
        for mine, reference in zip((*ours[0], *ours[1]), (*theirs[0], *theirs[1]), strict=True):
            close(mine, reference, TWO_WAYS)


@pytest.mark.parametrize("name", CASES)
def test_both_ways_have_one_optimum(name):
    ours, theirs = (fit(problem) for problem in reversed(ways(name)))
    assert ours.optimum.converged.all()
    assert ours.criterion == pytest.approx(theirs.criterion, abs=SAME_OPTIMUM)


@pytest.mark.parametrize("name", ["penicillin", "lectures, slopes", "workers", "pupils"])
def test_hat_values(name, monkeypatch):
    monkeypatch.setattr("pylme.reference.criterion.sparse_elimination._PRODUCTS", 2000.0)
    found = []
    for problem in ways(name):
        theta = problem.callers(thetas(problem)[1])[0]
        evaluation = problem.criterion.evaluate(
            problem.layout.matrices(problem.conditioned(theta[None]))
        )
        found.append(hat_values(problem, theta, evaluation))
    close(found[1], found[0], TWO_WAYS)


@pytest.mark.needs_r
@pytest.mark.parametrize(
    "name", ["crossed", "nested", "nested slopes", "three factors", "crossed slopes"]
)
def test_the_criterion_is_lme4s(name):
    model = MODELS[name]
    problem = kept(model.formula, table(model.data), "sparse", **model.arguments)
    _, theirs = both(name)
    reference = theirs.getme("devfun")
    rng = np.random.default_rng(3)
    for theta in (theirs.theta, 0.0 * theirs.theta, np.abs(rng.normal(size=len(theirs.theta)))):
        found = problem.criterion.evaluate(
            problem.layout.matrices(problem.conditioned(theta[None]))
        )
        assert found.criterion[0] == pytest.approx(reference(theta), rel=SAME_THETA)


@pytest.mark.needs_r
def test_a_large_crossed_design_is_lme4s():
    data = workers(20_000, 6_000, 4_000, near=20)
    formula = "y ~ x + (1 | w) + (1 | f)"
    theirs = pylme.lmer(formula, data, engine="lme4")
    ours = pylme.lmer(formula, data, engine="numpy")
    assert isinstance(ours._model.problem.criterion.elimination, SparseElimination)
    assert ours.criterion == pytest.approx(theirs.criterion, abs=1e-6)
    assert ours.getme("devfun")(theirs.theta) == pytest.approx(theirs.criterion, rel=SAME_THETA)


def on_the_whole(design, theta):
    """The REML criterion from one sparse factor of all random effects, by SuperLU."""
    Lambdat = design.Lambdat.copy()
    Lambdat.data = theta[design.Lind - 1]
    A = sparse.csc_array(Lambdat @ design.Zt)
    solver = splu(
        sparse.csc_array(A @ A.T + sparse.eye_array(A.shape[0])),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    Xy = np.column_stack([design.X, design.y])
    S = Xy.T @ Xy - (A @ Xy).T @ solver.solve(A @ Xy)
    beta = np.linalg.solve(S[:-1, :-1], S[:-1, -1])
    nu = len(Xy) - len(beta)
    rss = S[-1, -1] - S[-1, :-1] @ beta
    logdet = np.log(solver.U.diagonal()).sum() + np.linalg.slogdet(S[:-1, :-1])[1]
    return logdet + nu * (1 + np.log(2 * np.pi * rss / nu))


LARGE = {
    "workers anywhere": ("y ~ x + (1 | w) + (1 | f)", lambda: workers(100_000, 20_000, 20_000)),
    "pupils in classes in schools": (
        "y ~ x + (1 | p) + (1 | c) + (1 | s)",
        lambda: pupils(150_000, 60_000, 50_000, 5_000),
    ),
    "classes in schools": ("y ~ x + (1 | s / c)", lambda: pupils(150_000, 60_000, 50_000, 5_000)),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_designs(name):
    formula, data = LARGE[name]
    _, design, problem = prepared(formula, data())
    found = fit(problem)
    assert isinstance(problem.criterion.elimination, SparseElimination)
    assert found.optimum.converged.all()
    solution = solution_at(problem, found.theta[0])
    assert np.abs(solution.gradient).max() < 1e-2
    assert np.linalg.eigvalsh(solution.hessian)[0] > 0
    whole = on_the_whole(design, found.theta[0])
    assert found.criterion[0] == pytest.approx(whole, rel=SAME_THETA)


@pytest.mark.parametrize(
    ("name", "limit"), [("workers anywhere", 100e6), ("classes in schools", 50e6)]
)
def test_large_designs_need_little_memory(name, limit):
    formula, data = LARGE[name]
    _, _, problem = prepared(formula, data())
    T = problem.layout.matrices(problem.start())
    tracemalloc.start()
    try:
        problem.criterion.evaluate(T)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit < 8.0 * problem.criterion.remainder.size**2
