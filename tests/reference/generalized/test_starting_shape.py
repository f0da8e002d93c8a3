"""Where the search for the shape ϑ of a negative binomial starts."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.families import negative_binomial
from pylme.model_matrix.build import build
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.optimum.search import _rows_of_glm
from pylme.reference.generalized.optimum.starting import fit_glm, starting_shape
from pylme.results.generalized_problem import GeneralizedProblem


def start(formula, data):
    arguments = ModelArguments(family=negative_binomial(1.0), reml=False)
    spec = specified(formula, data, arguments)
    criterion = criterion_of(GeneralizedProblem.of(build(spec), spec.family, shape_free=True))
    glm = fit_glm(_rows_of_glm(criterion), criterion.Xt, criterion.offset)
    return starting_shape(criterion, glm)


def counts(shape, levels, each, seed=0):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(levels), each)
    x = rng.normal(size=len(g))
    mean = np.exp(1.0 + 0.5 * x + rng.normal(0.0, 1.2, levels)[g])
    return {"y": rng.negative_binomial(shape, shape / (shape + mean)), "x": x, "g": g}


@pytest.mark.parametrize("shape", [0.5, 2.0, 8.0])
def test_is_near_the_truth_whatever_the_levels_differ_by(shape):
    found = start("y ~ x + (1 | g)", counts(shape, 80, 10))
    assert 0.6 * shape < found < 1.7 * shape


def test_is_large_where_counts_are_not_overdispersed_within_levels():
    data = counts(1e6, 60, 8)
    assert start("y ~ x + (1 | g)", data) > 20.0


def test_levels_of_one_row_say_nothing():
    data = counts(2.0, 60, 5)
    data["row"] = np.arange(len(data["y"]))
    assert start("y ~ x + (1 | row)", data) == pytest.approx(1.0)


def test_a_search_from_there_is_short():
    data = pylme.datasets.load("grouseticks")
    fit = pylme.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", data, engine="numpy")
    assert fit.optinfo.feval <= 9
