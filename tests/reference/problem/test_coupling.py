"""B = Z₁ᵀZ₂ kept dense and kept sparse does the same."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.problem import coupling as module

MODELS = {
    "nested": ("pastes", "strength ~ 1 + (1 | batch/cask)"),
    "crossed": ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    "slopes in both": (
        "sleepstudy",
        "Reaction ~ Days + (Days | Subject) + (Days | parity)",
    ),
}


def evaluated(name, formula):
    data = pylme.datasets.load(name)
    if name == "sleepstudy":
        data["parity"] = (data["Days"] % 3).astype(int)
    model = pylme.lmer(formula, data, engine="numpy")._model
    problem = problem_of(model.linear_problem())
    theta = np.where(problem.layout.diagonal, 0.8, 0.3)[None]
    return problem.criterion, problem.criterion.evaluate(problem.layout.matrices(theta))


@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_dense_and_sparse(model, monkeypatch):
    found = {}
    for kind, small, cost in (("_Dense", 0.0, np.inf), ("_Sparse", 0.0, 0.0)):
        monkeypatch.setattr(module, "SMALL", small)
        monkeypatch.setattr(module, "SPARSE_COST", cost)
        criterion, found[kind] = evaluated(*model)
        assert type(criterion.elimination.coupling).__name__ == kind
    dense, sparse = found["_Dense"], found["_Sparse"]
    for name in ("criterion", "beta", "rss", "form", "hh"):
        np.testing.assert_allclose(
            getattr(sparse, name), getattr(dense, name), rtol=1e-9, atol=1e-9
        )
    for one, other in zip(sparse.M, dense.M, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
