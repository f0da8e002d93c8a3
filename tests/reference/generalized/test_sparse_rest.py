"""The algebra of several factors against matrices written out, densely and sparsely kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.families.family import family
from pylme.model_matrix.build import build
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.reference.generalized.algebra import several_factors_of
from pylme.reference.generalized.algebra.sparse_rest import sparse_rest
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.threads import one_thread
from pylme.results.generalized_problem import GeneralizedProblem

TERMS = ("(1 | g) + (1 | h)", "(x | g) + (z | h)", "(x || g) + (x | h) + (1 | k)", "(1 | h/k)")


def problem_of(terms, n=260):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.uniform(size=n)})
    for name, count in {"g": 60, "h": 35, "k": 15}.items():
        frame[name] = rng.integers(0, count, n).astype(str)
    frame["y"] = rng.poisson(np.exp(0.5 + 0.3 * frame["x"]))
    arguments = ModelArguments(family=family("poisson", "log"), reml=False)
    spec = specified(f"y ~ x + {terms}", frame, arguments)
    return GeneralizedProblem.of(build(spec), spec.family)


def sparsely(criterion):
    """The same with what is left by elimination as a sparse matrix."""
    algebra = criterion.algebra
    widths = [len(z) for z in algebra.z]
    sparse = sparse_rest(algebra.meetings, algebra.rest, widths, algebra.levels, algebra.offsets)
    return replace(criterion, algebra=replace(algebra, sparse=sparse))


def written_out(criterion, T, w):
    """ΛᵀZᵀWZΛ + I as one matrix, in the order (factor, column, level)."""
    algebra = criterion.algebra
    columns = []
    for T_f, z, codes, J in zip(T, algebra.z, algebra.codes, algebra.levels, strict=True):
        for column in T_f.T @ z:
            matrix = np.zeros((len(w), J))
            matrix[np.arange(len(w)), codes] = column
            columns.append(matrix)
    ZL = np.concatenate(columns, axis=1)
    return ZL.T @ (w[:, None] * ZL) + np.eye(ZL.shape[1]), ZL


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("keep", [lambda c: c, sparsely], ids=["dense", "sparse"])
def test_is_the_algebra_of_the_whole_matrix(terms, keep):
    criterion = keep(criterion_of(problem_of(terms)))
    algebra, rng = criterion.algebra, np.random.default_rng(6)
    T = criterion.factors(0.5 + 0.2 * rng.normal(size=criterion.m))
    w = rng.uniform(0.2, 2.0, len(criterion.offset))
    with one_thread():
        A = algebra.factor(T, w)
        whole, ZL = written_out(criterion, T, w)
        inverse = np.linalg.inv(whole)
        assert A.logdet == pytest.approx(np.linalg.slogdet(whole)[1], rel=1e-12)
        v = [rng.normal(size=(3, *shape)) for shape in algebra.shapes]
        flat = np.concatenate([part.reshape(3, -1) for part in v], axis=1)
        solved = np.concatenate([part.reshape(3, -1) for part in A.solve(v)], axis=1)
        np.testing.assert_allclose(solved, flat @ inverse, rtol=1e-9, atol=1e-11)
        h, blocks = algebra.leverage_and_blocks(T, A, w)
        expected = np.einsum("ni,ij,nj->n", ZL, inverse, ZL)
        np.testing.assert_allclose(h, expected, rtol=1e-9)
        start = 0
        for f, (K, J) in enumerate(algebra.shapes):
            own = inverse[start : start + K * J, start : start + K * J].reshape(K, J, K, J)
            np.testing.assert_allclose(
                algebra.inverse_blocks(A, f), np.einsum("ajbj->abj", own), rtol=1e-9, atol=1e-12
            )
            start += K * J
        # tr(Λ̇ᵀ ZᵀWZΛA⁻¹) = ½ d log|A|, for one element of each T.
        for f, T_f in enumerate(T):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [each.copy() for each in T]
                moved[f][-1, 0] += step
                ends.append(algebra.factor(moved, w).logdet)
            slope = (ends[0] - ends[1]) / 2e-5
            assert 2.0 * blocks[f][len(T_f) - 1, 0] == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("terms", TERMS)
def test_the_criterion_is_the_same_either_way(terms):
    criterion = criterion_of(problem_of(terms))
    x = np.concatenate([np.full(criterion.m, 0.4), [0.4, 0.3]])
    with one_thread():
        dense, sparse = criterion.exactly(x), sparsely(criterion).exactly(x)
    assert sparse.value == pytest.approx(dense.value, rel=1e-13)
    np.testing.assert_allclose(sparse.gradient, dense.gradient, rtol=1e-9, atol=1e-9)


def test_a_large_nested_model_is_sparse(monkeypatch):
    """Fitted either way: the same optimum, and a certificate by differences of the gradient."""
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(120), 12)
    h = np.repeat(np.arange(720), 2)
    eta = rng.normal(0, 0.6, 120)[g] + rng.normal(0, 0.5, 720)[h]
    k = rng.integers(0, 25, len(g))
    eta += rng.normal(0, 0.5, 25)[k]
    data = {"y": rng.poisson(np.exp(0.7 + eta)), "g": g, "h": h, "k": k}
    formula = "y ~ 1 + (1 | g) + (1 | h) + (1 | k)"
    dense = pylme.glmer(formula, data, family="poisson", engine="numpy")
    monkeypatch.setattr(several_factors_of, "SMALL", 0)
    monkeypatch.setattr(several_factors_of, "MOST_DENSE", 0)
    sparse = pylme.glmer(formula, data, family="poisson", engine="numpy")
    assert sparse._model.criterion_function.algebra.sparse is not None
    assert dense._model.criterion_function.algebra.sparse is None
    assert sparse.criterion == pytest.approx(dense.criterion, abs=1e-8)
    np.testing.assert_allclose(sparse.theta, dense.theta, rtol=1e-6)
    np.testing.assert_allclose(sparse.vcov, dense.vcov, rtol=1e-6)
    assert sparse.convergence.ok
