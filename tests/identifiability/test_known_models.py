"""Models whose rank can be counted by hand, and what is said of them.

In data where each group lies in one sector the rows show, of a term with an intercept and a slope,
a 2 × 2 covariance matrix for each sector: at most 6 numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pylme

if TYPE_CHECKING:
    import pandas as pd

NEVER = "no level of sch.id has both {} and {}"
CONSTANT = "sector does not vary within sch.id, where it takes 2 values"


@pytest.fixture(scope="module")
def hsb() -> pd.DataFrame:
    return pylme.datasets.load("hsb")


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    """40 schools of 10 rows, 20 in each of two sectors."""
    school = np.repeat(np.arange(40), 10)
    return {
        "Y": np.random.default_rng(3).normal(size=400),
        "ses": np.tile(np.arange(1.0, 11.0), 40),
        "sch.id": [f"{i:02}" for i in school],
        "sector": [str(i // 20) for i in school],
    }


HSB = [
    # 2 × 2, the same for both sectors
    ("(ses | sch.id)", 3, 3),
    ("(ses || sch.id)", 2, 2),
    # 2 × 2 for each sector
    ("(ses * sector | sch.id)", 10, 6),
    # a variance of intercepts for all, a variance and a covariance of slopes for each sector
    ("(ses:sector | sch.id)", 6, 5),
    ("(ses + ses:sector | sch.id)", 6, 5),
    # a variance and a covariance of intercepts for each sector, one variance of slopes
    ("(ses + sector | sch.id)", 6, 5),
    # lme4 gives each of sector and ses:sector a term with an indicator for each sector
    ("(ses * sector || sch.id)", 8, 4),
    ("(0 + sector | sch.id)", 3, 2),
    # more values than two: the variance is a square of the mean, seen at 160 of its values
    ("(meanses | sch.id)", 3, 3),
    ("(meanses + sector | sch.id)", 6, 5),
    (
        "(0 + dummy(sector, 'Public') + dummy(sector, 'Public'):ses | sch.id)"
        " + (0 + dummy(sector, 'Catholic') + dummy(sector, 'Catholic'):ses | sch.id)",
        6,
        6,
    ),
]


@pytest.mark.parametrize(("random", "parameters", "rank"), HSB, ids=[case[0] for case in HSB])
def test_hsb(hsb: pd.DataFrame, random: str, parameters: int, rank: int) -> None:
    found = pylme.design(f"math ~ ses * sector + {random}", hsb).identifiability()
    assert (found.n_parameters, found.rank) == (parameters, rank)
    assert len(found.directions) == parameters - rank
    assert found.identified == (parameters == rank)


def test_slopes_of_two_sectors_have_no_covariance(hsb: pd.DataFrame) -> None:
    found = pylme.design("math ~ ses * sector + (ses:sector | sch.id)", hsb).identifiability()
    (direction,) = found.directions
    assert direction.names == ("cov(ses:sectorPublic, ses:sectorCatholic | sch.id)",)
    assert direction.weights == (1.0,)
    assert direction.reason == NEVER.format("ses:sectorPublic", "ses:sectorCatholic")


def test_a_variance_beside_a_covariance_with_the_intercept(hsb: pd.DataFrame) -> None:
    # Var of the Catholic schools' intercepts: var(1) + 2 cov(1, sector) + var(sector).
    found = pylme.design("math ~ ses * sector + (ses + sector | sch.id)", hsb).identifiability()
    (direction,) = found.directions
    assert direction.names == (
        "cov((Intercept), sectorCatholic | sch.id)",
        "var(sectorCatholic | sch.id)",
    )
    assert direction.weights == pytest.approx((0.5, -1.0))
    assert direction.reason == CONSTANT


def test_all_directions_of_the_full_model_are_the_sector(hsb: pd.DataFrame) -> None:
    found = pylme.design("math ~ ses * sector + (ses * sector | sch.id)", hsb).identifiability()
    assert {direction.reason for direction in found.directions} == {CONSTANT}
    assert all(len(direction.names) == 2 for direction in found.directions)


@pytest.mark.parametrize(
    ("random", "parameters", "rank"),
    [
        ("(ses:sector | sch.id)", 6, 5),
        ("(ses * sector | sch.id)", 10, 6),
        ("(dummy(sector, '0'):ses | sch.id) + (dummy(sector, '1'):ses | sch.id)", 6, 5),
        (
            "(0 + dummy(sector, '0') + dummy(sector, '0'):ses | sch.id)"
            " + (0 + dummy(sector, '1') + dummy(sector, '1'):ses | sch.id)",
            6,
            6,
        ),
    ],
)
def test_study(study: dict[str, Any], random: str, parameters: int, rank: int) -> None:
    found = pylme.design(f"Y ~ ses * sector + {random}", study).identifiability()
    assert (found.n_parameters, found.rank) == (parameters, rank)


@pytest.mark.parametrize(
    ("data", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
        ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
        ("pastes", "strength ~ 1 + (1 | batch/cask)"),
        ("dyestuff", "Yield ~ 1 + (1 | Batch)"),
        ("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)"),
    ],
)
def test_textbook_models_are_identified(data: str, formula: str) -> None:
    found = pylme.design(formula, pylme.datasets.load(data)).identifiability()
    assert found.rank == found.n_parameters == len(found.parameters)
    assert found.directions == ()
    assert found.identified
    assert "all identified" in str(found)
    assert found.to_frame().empty


def test_one_row_for_each_level(hsb: pd.DataFrame) -> None:
    hsb = hsb.assign(obs=[f"o{i}" for i in range(len(hsb))])
    found = pylme.design("math ~ ses + (1 | sch.id) + (1 | obs)", hsb).identifiability()
    assert (found.n_parameters, found.rank) == (2, 1)
    (direction,) = found.directions
    assert direction.names == ("var((Intercept) | obs)", "sigma^2")
    assert direction.weights == pytest.approx((1.0, -1.0))
    assert "each level of obs has one row" in direction.reason


def test_known_weights_tell_a_variance_of_rows_from_the_residual() -> None:
    # V = σ_o² I + σ² W⁻¹: two different diagonals, as in a meta-analysis.
    data = {"y": [1.0, 3.0, 2.0, 5.0], "o": list("abcd"), "w": [1.0, 2.0, 3.0, 4.0]}
    assert pylme.design("y ~ 1 + (1 | o)", data, weights="w").identifiability().rank == 1
    assert pylme.design("y ~ 1 + (1 | o)", data).identifiability().rank == 0


def test_a_fixed_effect_for_each_level_leaves_no_variance() -> None:
    sleepstudy = pylme.datasets.load("sleepstudy")
    found = pylme.design("Reaction ~ Subject + (Days | Subject)", sleepstudy).identifiability()
    assert (found.n_parameters, found.rank) == (3, 1)
    assert [direction.names for direction in found.directions] == [
        ("var((Intercept) | Subject)",),
        ("cov((Intercept), Days | Subject)",),
    ]
    for direction in found.directions:
        assert direction.reason.startswith(
            "the fixed effects already contain (Intercept) for every level of Subject"
        )


def test_no_row_left_beside_the_fixed_effects() -> None:
    data = {"y": [1.0, 3.0, 2.0, 5.0], "f": list("abcd"), "g": list("aabb")}
    found = pylme.design("y ~ f + (1 | g)", data).identifiability()
    assert (found.n_parameters, found.rank) == (1, 0)
    assert found.directions[-1].names == ("sigma^2",)
    assert "4 rows and 4 fixed effects leave 0 free numbers" in found.directions[-1].reason


def test_printed(hsb: pd.DataFrame) -> None:
    found = pylme.design("math ~ ses + (0 + sector | sch.id)", hsb).identifiability()
    assert str(found) == (
        "Identifiability of math ~ ses + (0 + sector | sch.id)\n"
        "  covariance parameters: 3, of which the data identify 2\n"
        "  fixed effects: 2, all identified\n"
        "The data cannot see\n"
        "  cov(sectorPublic, sectorCatholic | sch.id)\n"
        "    because no level of sch.id has both sectorPublic and sectorCatholic"
    )
    assert str(found.directions[0]) == (
        "cov(sectorPublic, sectorCatholic | sch.id): "
        "no level of sch.id has both sectorPublic and sectorCatholic"
    )


def test_long_combinations_are_cut_when_printed_and_whole_in_the_frame() -> None:
    sleepstudy = pylme.datasets.load("sleepstudy")
    found = pylme.design("Reaction ~ 1 + (factor(Days) | Subject)", sleepstudy).identifiability()
    assert (found.n_parameters, found.rank) == (55, 54)
    assert "+ … (50 more)" in str(found)
    frame = found.to_frame()
    assert list(frame) == ["direction", "parameter", "weight", "reason"]
    assert len(frame) == 56
    assert set(frame["direction"]) == {1}
    assert frame["parameter"].iloc[-1] == "sigma^2"


def test_parameters_stand_in_the_order_of_theta() -> None:
    sleepstudy = pylme.datasets.load("sleepstudy")
    design = pylme.design("Reaction ~ 1 + (Days | Subject) + (0 + Days | Subject)", sleepstudy)
    found = design.identifiability()
    assert len(found.parameters) == len(design.theta)
    assert found.parameters == (
        "var((Intercept) | Subject)",
        "cov((Intercept), Days | Subject)",
        "var(Days | Subject)",
        "var(Days | Subject.1)",
    )
