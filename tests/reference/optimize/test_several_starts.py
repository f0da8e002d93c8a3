"""The best of several minima, against dense matrices and SciPy's searches."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.reference.criterion.prepare import prepare
from pylme.reference.optimize.several_starts import fit
from tests.reference.dense import best_of, criterion_of
from tests.reference.several_minima import CASES

#: The lowest criteria are known to five digits behind the point.
ROUNDED = 2e-5
#: What a search may leave.
ABOVE = 1e-6


def fitted(case, **changes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        return pylme.lmer(
            case.formula, changes.get("data", case.data), reml=case.reml, weights=case.weights,
            engine="numpy",
        )  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_lowest_of_several_minima_is_found(name):
    case = CASES[name]
    found = fitted(case)
    assert found.criterion == pytest.approx(case.lowest, abs=ROUNDED)
    design = pylme.design(case.formula, case.data, weights=case.weights)
    there = criterion_of(design, found.theta, reml=case.reml)
    # Dense matrices lose digits where the signal is thousands of times the noise.
    assert there == pytest.approx(found.criterion, abs=5e-6)


@pytest.mark.parametrize("name", [name for name in CASES if "thousand" not in name])
def test_whatever_the_order_of_rows_and_the_unit_of_the_response(name):
    case = CASES[name]
    found = fitted(case)
    order = np.random.default_rng(1).permutation(len(case.data))
    shuffled = case.data.iloc[order].reset_index(drop=True)
    assert fitted(case, data=shuffled).criterion == pytest.approx(found.criterion, abs=ABOVE)
    nu = len(order) - (found.fixef.size if case.reml else 0)
    scaled = fitted(case, data=case.data.assign(y=1000.0 * case.data["y"]))
    expected = found.criterion + 2.0 * nu * np.log(1000.0)
    assert scaled.criterion == pytest.approx(expected, abs=ABOVE)


def test_the_record_says_how_many_searches_agreed():
    found = fitted(CASES["three levels of a factor, weights"])
    assert "searches ended there" in found.optinfo.message
    assert found.optinfo.trace.criterion[-1] == pytest.approx(found.criterion, abs=1e-7)
    assert found.optinfo.feval > len(found.optinfo.trace.criterion)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
        ("hsb", "math ~ cses*sector + meanses*cses + (cses | sch.id)"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ],
)
def test_one_search_is_enough_where_the_data_speak_clearly(name, formula):
    found = pylme.lmer(formula, pylme.datasets.load(name), engine="numpy")
    assert "searches" not in found.optinfo.message
    assert found.optinfo.feval == len(found.optinfo.trace.criterion) <= 12


def test_each_of_many_responses_has_its_own_starts():
    """The ordinary responses of a batch have one search, and all end as they do alone."""
    rng = np.random.default_rng(2)
    g, x = np.repeat(np.arange(15), 8), np.tile(rng.normal(size=8), 15)
    design = pylme.design("y ~ x + (x | g)", pd.DataFrame({"y": x, "x": x, "g": g}))
    b = rng.normal(size=(20, 15, 2)) * np.repeat([[[1.0, 1.0]], [[0.0, 0.0]]], 10, axis=0)
    Y = b[:, g, 0] + b[:, g, 1] * x + rng.normal(size=(20, 120))
    together = fit(prepare(design.X, Y, design.terms))
    assert (together.starts[:10] == 1).sum() >= 7
    assert (together.starts[10:] > 1).sum() >= 7
    for r in range(20):
        alone = fit(prepare(design.X, Y[r][None], design.terms))
        assert together.criterion[r] == pytest.approx(alone.criterion[0], abs=ABOVE)
        assert together.starts[r] == alone.starts[0]


FORMULAS = (
    "y ~ 1 + (1 | g)", "y ~ x + (x | g)", "y ~ 1 + (x || g)", "y ~ x + (z | g)",
    "y ~ 1 + (1 | g) + (1 | h)", "y ~ x + (x | g) + (1 | h)",
)  # fmt: skip


def random_model(seed):
    """A small model, often weighted, unbalanced and of any ratio of signal to noise."""
    rng = np.random.default_rng([seed, 8])
    n, levels = int(rng.integers(12, 30)), int(rng.integers(3, 7))
    share = rng.dirichlet(np.full(levels, rng.choice([0.5, 5.0])))
    g = np.concatenate([np.arange(levels), rng.choice(levels, n - levels, p=share)])
    data = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n), "g": g})
    data["h"] = np.concatenate([np.arange(3), rng.integers(3, size=n - 3)])
    signal = rng.choice([0.0, 0.5, 2.0, 20.0])
    data["y"] = rng.normal(size=n) + signal * rng.normal(size=levels)[g]
    data["wt"] = np.exp(rng.choice([0.0, 1.0, 3.0]) * rng.normal(size=n))
    return FORMULAS[seed % len(FORMULAS)], data, bool(rng.random() < 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 60, 10))
def test_no_search_of_small_models_finds_a_lower_point(first):
    for seed in range(first, first + 10):
        formula, data, reml = random_model(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pylme.errors.FitWarning)
            found = pylme.lmer(formula, data, weights="wt", reml=reml, engine="numpy")
        design = pylme.design(formula, data, weights="wt")
        lowest = best_of(design, reml=reml, searches=6, seed=seed)
        assert found.criterion <= lowest + ABOVE, (seed, formula)
        there = criterion_of(design, found.theta, reml=reml)
        assert there == pytest.approx(found.criterion, abs=1e-6)
