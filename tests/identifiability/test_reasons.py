"""Each fact of the data is found where it holds, and said in words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pylme
from pylme.errors import RankDeficiencyWarning


def _data() -> dict[str, Any]:
    """Six groups of four rows; k, s and m are constant within them, x and t vary."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(6), 4)
    x = rng.normal(size=24)
    k = np.array([0, 0, 1, 1, 2, 2])[g]
    return {
        "y": rng.normal(size=24),
        "x": x,
        "v": rng.normal(size=24),
        "x2": 2 * x,
        "zero": np.zeros(24),
        "m": np.array([1.5, 1.5, 1.5, 4.0, 4.0, 4.0])[g],
        "multiple": x * np.arange(1.0, 7.0)[g],
        "k": [f"k{i}" for i in k],
        "s": [f"s{i % 2}" for i in g],
        "t": [f"t{i % 4}" for i in range(24)],
        "g": [f"g{i}" for i in g],
        "same": [f"other{5 - i}" for i in g],
        "pair": [f"p{i // 2}" for i in range(24)],
        "row": [f"r{i}" for i in range(24)],
    }


CASES = [
    ("(zero | g)", "zero is zero in every row"),
    ("(1 | row)", "each level of row has one row, so its variance cannot be distinguished from"),
    ("(1 | g:row)", "each level of g:row has one row"),
    ("(0 + t | g)", "no level of g has two rows with tt0, tt1, tt2 and tt3, so these variances"),
    ("(t | g)", "no level of g has more rows (4) than these are columns (4), so their variances"),
    ("(0 + k | g)", "no level of g has both kk0 and kk1"),
    ("(0 + s:x | g)", "no level of g has both ss0:x and ss1:x"),
    ("(1 | g) + (1 | same)", "g and same divide the rows into the same groups"),
    ("(1 | g) + (x | g)", "two terms on g span the same column: (Intercept)"),
    ("(0 + x | g) + (0 + x2 | g)", "two terms on g span the same column: x and x2"),
    ("(x + x2 | g)", "the columns x and x2 are linearly dependent"),
    ("(x + v + I(x + v) | g)", "the columns x, v and I(x + v) are linearly dependent"),
    ("(k | g)", "k does not vary within g, where it takes 3 values"),
    ("(k | g)", "no level of g has both kk1 and kk2"),
    ("(m | g)", "m does not vary within g, where it takes 2 values"),
    ("(x * s | g)", "s does not vary within g, where it takes 2 values"),
    ("(x + x:s | g)", "s does not vary within g, where it takes 2 values"),
    ("(1 | g) + (0 + s | g)", "s does not vary within g, where it takes 2 values"),
    ("(1 | g) + (0 + s | same)", "divide the rows into the same groups"),
]


@pytest.mark.parametrize(("random", "words"), CASES, ids=[" ".join(case) for case in CASES])
def test_in_the_rows(random: str, words: str) -> None:
    found = pylme.design(f"y ~ 1 + {random}", _data()).identifiability()
    assert any(words in direction.reason for direction in found.directions), str(found)


def test_a_factor_of_which_one_column_alone_is_constant() -> None:
    # Level k2 stands in a group of its own; k0 and k1 meet in the others.
    data = _data()
    data["k"] = ["k2" if g == "g5" else f"k{i % 2}" for i, g in enumerate(data["g"])]
    found = pylme.design("y ~ 1 + (k | g)", data).identifiability()
    reasons = {direction.reason for direction in found.directions}
    assert "kk2 does not vary within g, where it takes 2 values" in reasons
    assert "no level of g has both kk1 and kk2" in reasons


def test_a_product_of_which_one_column_alone_is_a_multiple() -> None:
    data = _data()
    data["k"] = ["k2" if g == "g5" else f"k{i % 2}" for i, g in enumerate(data["g"])]
    found = pylme.design("y ~ 1 + (x + x:k | g)", data).identifiability()
    reasons = {direction.reason for direction in found.directions}
    assert "x:kk2 is a multiple of x within every level of g" in reasons


def test_fewer_rows_within_a_level_than_columns() -> None:
    # In each of two levels of two rows a form of three variables is seen on a plane: 6 numbers, of
    # which those on the line where the planes meet agree.
    data = {name: column[:4] for name, column in _data().items()}
    found = pylme.design("y ~ 0 + (x + v | pair)", data).identifiability()
    assert (found.n_parameters, found.rank) == (6, 5)
    (direction,) = found.directions
    assert direction.reason == (
        "no level of pair has more than 2 rows, too few to tell the columns (Intercept), x and v "
        "apart"
    )


def test_columns_dependent_within_every_level_by_other_coefficients_in_each() -> None:
    # As above: of rank two in each group, though there are rows enough.
    data = _data() | {"e": np.concatenate([_data()["x"][:4], _data()["v"][4:]])}
    two = {name: column[:8] for name, column in data.items()}
    found = pylme.design("y ~ 0 + (0 + x + v + e | g)", two).identifiability()
    assert (found.n_parameters, found.rank) == (6, 5)
    (direction,) = found.directions
    assert (
        direction.reason == "the columns x, v and e are linearly dependent within every level of g"
    )


def test_a_multiple_in_each_level_where_no_variable_is_held() -> None:
    data = {name: column[:8] for name, column in _data().items()}
    found = pylme.design("y ~ 0 + (0 + x + multiple | g)", data).identifiability()
    (direction,) = found.directions
    assert direction.reason == "multiple is a multiple of x within every level of g"


def test_the_way_round_is_found_for_a_multiple_that_is_zero_somewhere() -> None:
    data = {name: column[:8] for name, column in _data().items()}
    data["part"] = np.where(np.arange(8) < 4, data["x"], 0.0)
    for effects in ("0 + part + x", "0 + x + part"):
        found = pylme.design(f"y ~ 0 + ({effects} | g)", data).identifiability()
        assert "part is a multiple of x within every level of g" in str(found)


BESIDE = [
    ("y ~ g", "(1 | g)", "the fixed effects already contain (Intercept) for every level of g"),
    ("y ~ g * x", "(0 + x | g)", "the fixed effects already contain x for every level of g"),
    ("y ~ g * x", "(x | g)", "the fixed effects already contain (Intercept) and x for every level"),
    # Among two groups in each of three classes, intercepts that differ by class are fixed.
    (
        "y ~ s",
        "(m | g2)",
        "once the fixed effects are taken out, the 2 levels of g2 show fewer variances and "
        "covariances than (m | g2) has",
    ),
    (
        "y ~ 1",
        "(1 | s) + (0 + s | s)",
        "once the fixed effects are taken out, in these rows the same covariances come about in "
        "more than one way from (1 | s) and (0 + s | s)",
    ),
]


@pytest.mark.parametrize(("fixed", "random", "words"), BESIDE, ids=[case[1] for case in BESIDE])
def test_beside_the_fixed_effects(fixed: str, random: str, words: str) -> None:
    data = _data()
    data["g2"] = [f"h{m}" for m in data["m"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        found = pylme.design(f"{fixed} + {random}", data).identifiability()
    assert any(words in direction.reason for direction in found.directions), str(found)


def test_the_residual_beside_two_factors() -> None:
    # Rows in pairs: what the pair does not explain is the difference of its two halves.
    data = {
        "y": np.arange(8.0),
        "pair": [f"p{i // 2}" for i in range(8)],
        "half": [f"h{i}" for i in range(8)],
        "side": [f"s{i % 2}" for i in range(8)],
    }
    found = pylme.design("y ~ 1 + (0 + side | pair)", data).identifiability()
    assert "no level of pair has two rows with sides0 and sides1" in str(found)
    found = pylme.design("y ~ side + (1 | pair) + (1 | side:pair)", data).identifiability()
    assert "each level of side:pair has one row" in str(found)
