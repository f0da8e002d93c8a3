"""The exact Hessian of the Laplace approximation, against differences of its gradient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pylme.families.family import family
from pylme.model_matrix.build import build
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.exact_hessian import exact_hessian
from pylme.reference.threads import one_thread
from pylme.results.generalized_problem import GeneralizedProblem
from tests.reference.generalized.models import MODELS, data, problem_of

FRAME = data()
#: What differences of fourth order lose, relative to the greatest element.
OF_DIFFERENCES = 1e-8


def difference(criterion, point, size, step=3e-4):
    """The derivatives of the gradient from four gradients along each of the first parameters."""
    H = np.empty((size, size))
    for i in range(size):
        ends = []
        for k in (-2, -1, 1, 2):
            x = point.x.copy()
            x[i] += k * step
            ends.append(criterion.at(x, start=point.mode.u, tolerance=1e-13).gradient[:size])
        H[i] = (ends[0] - 8.0 * ends[1] + 8.0 * ends[2] - ends[3]) / (12.0 * step)
    return H


KINDS = (
    {}, {"laplace": "observed"}, {"criterion": "likelihood"}, {"shape_free": True},
    {"shape_free": True, "laplace": "observed"},
)  # fmt: skip


def possible(model, kind):
    return (
        "criterion" not in kind or model.family in ("Gamma", "inverse.gaussian", "gaussian")
    ) and ("shape_free" not in kind or model.shape is not None)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_is_the_derivative_of_the_gradient(kind):
    for model in MODELS:
        if not possible(model, kind):
            continue
        problem = problem_of(model, FRAME, **kind)
        criterion = criterion_of(problem)
        extra = [np.log(model.shape or 2.0)] if problem.extra else []
        point = criterion.exactly(np.concatenate([problem.theta, problem.beta, extra]))
        H = exact_hessian(criterion, point)
        expected = difference(criterion, point, len(H))
        # With the inverse link a linear predictor of these is near zero, its only singularity.
        within = (5.0 if model.link == "inverse" else 1.0) * OF_DIFFERENCES
        np.testing.assert_allclose(
            H, expected, rtol=0, atol=within * np.abs(expected).max(), err_msg=model.name
        )


@pytest.mark.parametrize(
    ("terms", "levels"),
    [
        ("(x | g) + (0 + z | g) + (1 | h)", (12, 7)),
        ("(x | g) + (z | h)", (60, 40)),
        ("(x || g) + (1 | h) + (1 | k)", (50, 30)),
    ],
)
def test_with_correlated_effects_of_crossed_factors(terms, levels):
    rng = np.random.default_rng(3)
    n = 240
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.uniform(size=n)})
    for name, count in zip("gh", levels, strict=True):
        frame[name] = rng.integers(0, count, n).astype(str)
    frame["k"] = rng.integers(0, 20, n).astype(str)
    frame["y"] = rng.poisson(np.exp(0.5 + 0.3 * frame["x"]))
    spec = specified(
        f"y ~ x + {terms}", frame, ModelArguments(family=family("poisson", "log"), reml=False)
    )
    problem = GeneralizedProblem.of(build(spec), spec.family)
    criterion = criterion_of(problem)
    theta = 0.4 + 0.1 * rng.normal(size=criterion.m)
    with one_thread():
        point = criterion.exactly(np.concatenate([theta, [0.4, 0.3]]))
        H = exact_hessian(criterion, point)
        expected = difference(criterion, point, len(H))
    np.testing.assert_allclose(H, expected, rtol=0, atol=OF_DIFFERENCES * np.abs(expected).max())
