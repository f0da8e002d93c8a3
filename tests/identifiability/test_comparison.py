"""Which formulas specify the same covariances, and which do so in part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import DataError
from pylme.identifiability.comparison import compare_covariances
from tests.identifiability.oracle import full_matrices

BLOCKS = (
    "(0 + dummy(sector, 'Public') + dummy(sector, 'Public'):ses | sch.id)"
    " + (0 + dummy(sector, 'Catholic') + dummy(sector, 'Catholic'):ses | sch.id)"
)
SLOPES = "(dummy(sector, 'Public'):ses | sch.id) + (dummy(sector, 'Catholic'):ses | sch.id)"


@pytest.fixture(scope="module")
def hsb() -> pd.DataFrame:
    hsb = pylme.datasets.load("hsb")
    kept = hsb["sch.id"].isin(hsb["sch.id"].unique()[::10])
    hsb = hsb[kept].reset_index(drop=True)
    return hsb.assign(
        obs=[f"o{i}" for i in range(len(hsb))],
        other="x" + hsb["sch.id"].astype(str),
        year=2000 + hsb["ses"],
        nothing=0.0,
    )


#: First, second, whether each matrix of the first is one of the second, and the other way round,
#: and whether they are combinations of the same.
CASES = [
    ("(sector | sch.id)", "(0 + sector | sch.id)", True, True, True),
    ("(ses | sch.id)", "(year | sch.id)", True, True, True),
    ("(ses * sector | sch.id)", "(0 + sector + sector:ses | sch.id)", True, True, True),
    ("(ses + sector | sch.id)", "(0 + sector + ses | sch.id)", True, True, True),
    # A covariance matrix for each sector.
    ("(ses * sector | sch.id)", BLOCKS, True, True, True),
    # Here an intercept of one variance, which the two terms split: not every pair of covariances.
    ("(ses:sector | sch.id)", SLOPES, False, True, True),
    ("(1 | sch.id)", "(1 | sch.id) + (1 | other)", True, True, True),
    ("(1 | sch.id)", "(1 | other)", True, True, True),
    ("(1 | sch.id) + (1 | obs)", "(1 | sch.id)", True, True, True),
    ("(1 | sch.id) + (0 + nothing | obs)", "(1 | sch.id)", True, True, True),
    # A variance that only adds to another.
    ("(1 | sch.id) + (0 + dummy(sector) | sch.id)", "(sector | sch.id)", True, False, True),
    ("(ses || sch.id)", "(ses | sch.id)", True, False, False),
    ("(1 | sch.id)", "(ses | other)", True, False, False),
    ("(ses + sector | sch.id)", "(ses * sector | sch.id)", True, False, False),
    ("(ses + sector | sch.id)", "(ses:sector | sch.id)", False, False, False),
    ("(1 | sch.id)", "(1 | sector:female)", False, False, False),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}, {case[1]}" for case in CASES])
def test_known(hsb: pd.DataFrame, case: tuple[str, str, bool, bool, bool]) -> None:
    one, other, forth, back, same = case
    first, second = (pylme.design(f"math ~ ses + {random}", hsb) for random in (one, other))
    found = compare_covariances(first, second)
    assert (found.first_in_second, found.second_in_first) == (forth, back)
    assert found.same_combinations == same
    assert found.equivalent == (forth and back)
    assert found.same_fixed
    turned = compare_covariances(second, first)
    assert (turned.first_in_second, turned.second_in_first) == (back, forth)
    assert turned.ranks == (found.ranks[1], found.ranks[0], found.ranks[2])


@pytest.mark.parametrize(("one", "other"), [case[:2] for case in CASES])
def test_ranks_are_those_of_the_matrices_in_full(hsb: pd.DataFrame, one: str, other: str) -> None:
    few = hsb.groupby("sch.id", observed=True).head(8).reset_index(drop=True)
    designs = [pylme.design(f"math ~ ses + {random}", few) for random in (one, other)]
    full = [full_matrices(design).reshape(-1, len(few) ** 2) for design in designs]
    # Years from 2000 on, of which only the squared differences count, need an exact basis.
    ranks = [int(np.linalg.matrix_rank(_scaled(each), tol=1e-9)) - 1 for each in full]
    both = int(np.linalg.matrix_rank(_scaled(np.vstack(full)), tol=1e-9)) - 1
    assert compare_covariances(*designs).ranks == (*ranks, both)


def _scaled(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("ses + (sector | sch.id)", "ses + (0 + sector | sch.id)", "they are the same model."),
        ("ses + (1 | sch.id)", "sector + (1 | other)", "their fixed effects differ."),
        ("ses + (1 | sch.id)", "ses * sector + (1 | other)", "their fixed effects differ."),
        ("ses + (ses | sch.id)", "ses + (1 | sch.id)", "the second allows is one that the first"),
        ("ses + (ses:sector | sch.id)", f"ses + {SLOPES}", "the first may allow more values."),
        ("1 + (1 | sch.id)", "1 + (1 | female)", "They allow different covariance matrices."),
    ],
)
def test_printed(hsb: pd.DataFrame, one: str, other: str, words: str) -> None:
    found = compare_covariances(*(pylme.design(f"math ~ {text}", hsb) for text in (one, other)))
    assert words in str(found)
    assert found.first in str(found)


def test_the_same_combinations_without_a_proof_of_the_same_values() -> None:
    # Two indicators of half of the groups each, with variances of their own: the first pair adds
    # to the variance of groups a and b, the second to that of b and c.
    data = pd.DataFrame({"y": np.arange(24.0), "g": np.repeat([f"g{i}" for i in range(6)], 4)})
    kind = np.repeat([0, 0, 1, 1, 2, 2], 4)
    for name, kinds in (("a", [0]), ("b", [1]), ("ab", [0, 1]), ("bc", [1, 2]), ("c", [2])):
        data[name] = np.isin(kind, kinds).astype(float)
    one, other = (
        pylme.design(f"y ~ 1 + {bars}", data)
        for bars in (
            "(0 + ab | g) + (0 + b | g) + (0 + c | g)",
            "(0 + bc | g) + (0 + b | g) + (0 + a | g)",
        )
    )
    found = compare_covariances(one, other)
    assert found.same_combinations
    assert not found.first_in_second
    assert not found.second_in_first
    assert "may allow different values" in str(found)


def test_other_rows_or_weights_are_refused(hsb: pd.DataFrame) -> None:
    design = pylme.design("math ~ 1 + (1 | sch.id)", hsb)
    with pytest.raises(DataError, match="not the same ones"):
        compare_covariances(
            design, pylme.design("math ~ 1 + (1 | sch.id)", hsb, subset=hsb["ses"] > 0)
        )
    weights = np.arange(1.0, len(hsb) + 1)
    weighted = pylme.design("math ~ 1 + (1 | sch.id)", hsb, weights=weights)
    with pytest.raises(DataError, match="different weights"):
        compare_covariances(design, weighted)
    twice = pylme.design("math ~ 1 + (1 | sch.id)", hsb, weights=2 * weights)
    assert compare_covariances(weighted, twice).equivalent
