"""The columns of a model taken to pieces: their product is the column that R has."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pylme
from pylme.errors import RankDeficiencyWarning
from pylme.explanation.effects import Effect, coded_effects, uncoded_effects
from pylme.explanation.notation import meaning
from pylme.formula import model_terms, parse_formula
from pylme.frame import read_frame
from pylme.model_matrix.evaluation.values import of_column
from tests.model_matrix.design_cases import CASES

if TYPE_CHECKING:
    from tests.model_matrix.design_cases import Case


def parts(design):
    """The effects of each model matrix of a design, with its columns."""
    recipe = design.recipe
    if not design.dropped:
        fixed = coded_effects(recipe.terms.fixed, recipe.codings, design.x_names, design.assign)
        yield fixed, design.X
    for place, term in zip(recipe.order, design.terms, strict=True):
        bar = recipe.bars[place]
        yield coded_effects(bar.part.terms, bar.codings, term.names, term.assign), term.columns


def product(effect, data):
    """The column that the pieces of an effect make of plain columns of the data."""
    column = np.ones(len(data))
    for piece in effect.pieces:
        values = data[piece.variable]
        column = column * (
            values.astype(str).map(piece.at).to_numpy(float)
            if piece.values
            else values.to_numpy(float)
        )
    return column


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_column_has_its_effect(case: Case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        design = pylme.design(case.formula, pylme.datasets.load(case.data), **case.arguments)
    for effects, columns in parts(design):
        assert len(effects) == columns.shape[1]
    for (effects, _), names in zip(
        list(parts(design))[-len(design.terms) :], (t.names for t in design.terms), strict=True
    ):
        assert tuple(effect.name for effect in effects) == names


@pytest.mark.parametrize(
    ("data", "formula", "contrasts"),
    [
        ("hsb", "math ~ ses*sector + (ses*sector | sch.id)", None),
        ("hsb", "math ~ ses:sector + female*minority*ses + (0 + sector | sch.id)", None),
        ("hsb", 'math ~ ses + (0 + dummy(sector, "Public"):ses | sch.id)', None),
        ("cake", "angle ~ recipe * temp + (recipe | replicate)", {"recipe": "sum"}),
        ("cake", "angle ~ recipe * temp + (recipe:temp | replicate)", {"recipe": "helmert"}),
        ("cake", "angle ~ 0 + temperature:recipe + (temperature | replicate)", None),
        ("cake", "angle ~ recipe / temp + (0 + temp:recipe | replicate)", {"recipe": "SAS"}),
    ],
)
def test_a_column_is_the_product_of_its_pieces(data, formula, contrasts):
    table = pylme.datasets.load(data)
    design = pylme.design(formula, table, contrasts=contrasts)
    for effects, columns in parts(design):
        for effect, column in zip(effects, columns.T, strict=True):
            np.testing.assert_allclose(product(effect, table), column, atol=1e-12)


def test_truth_values_are_factors_of_two_levels():
    data = pylme.datasets.load("hsb").assign(rich=lambda d: d["ses"] > 0)
    design = pylme.design("math ~ rich*ses + (rich | sch.id)", data)
    frame = read_frame(data, ["rich"])
    assert of_column(frame.columns["rich"]).dtype == bool
    effects, _ = list(parts(design))[-1]
    (piece,) = effects[1].pieces
    assert (piece.kind, piece.level, piece.base) == ("contrast", "TRUE", "FALSE")


@pytest.mark.parametrize(
    ("formula", "effect", "said"),
    [
        ("(ses*sector | sch.id)", "(Intercept)", "level where ses is 0 and sector is Public"),
        ("(ses*sector | sch.id)", "ses", "slope of ses where sector is Public"),
        (
            "(ses*sector | sch.id)",
            "ses:sectorCatholic",
            "difference of the slope of ses between Catholic and Public (sector)",
        ),
        (
            "(ses*sector | sch.id)",
            "sectorCatholic",
            "difference between Catholic and Public (sector) where ses is 0",
        ),
        ("(ses:sector | sch.id)", "(Intercept)", "level where ses is 0"),
        ("(ses:sector | sch.id)", "ses:sectorPublic", "slope of ses where sector is Public"),
        ("(0 + sector | sch.id)", "sectorPublic", "level where sector is Public"),
        ("(1 | sch.id)", "(Intercept)", "level"),
        ("(ses*cses | sch.id)", "ses:cses", "interaction of ses and cses"),
    ],
)
def test_effects_in_words(formula, effect, said):
    design = pylme.design(f"math ~ ses + {formula}", pylme.datasets.load("hsb"))
    effects, _ = list(parts(design))[-1]
    (found,) = [each for each in effects if each.name == effect]
    assert meaning(found, effects) == said


@pytest.mark.parametrize(
    ("contrast", "said"),
    [
        ("sum", "contrast recipe1"),
        ("treatment", "difference between B and A (recipe)"),
        ("SAS", "difference between A and C (recipe)"),
    ],
)
def test_contrasts_in_words(contrast, said):
    design = pylme.design(
        "angle ~ recipe + (1 | replicate)",
        pylme.datasets.load("cake"),
        contrasts={"recipe": contrast},
    )
    effects, _ = next(parts(design))
    assert meaning(effects[1], effects) == said
    averaged = "recipe is averaged over"
    assert (averaged in meaning(effects[0], effects)) == (contrast == "sum")


def test_without_data_a_term_is_an_effect():
    terms = model_terms(parse_formula('y ~ x*f + dummy(f, "a"):x + (1 | g)').fixed)
    effects = uncoded_effects(terms)
    assert [effect.name for effect in effects] == ["(Intercept)", *terms.labels]
    said = [meaning(effect, effects) for effect in effects]
    assert said[:3] == ["level", "effect of x", "effect of f"]
    assert said[3] == "interaction of x and f"
    assert said[4] == "effect of x where f is a"
    assert isinstance(effects[0], Effect)
