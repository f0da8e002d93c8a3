"""Dropped columns of the fixed effects, and what they equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import pylme
from pylme.errors import RankDeficiencyWarning

if TYPE_CHECKING:
    import pandas as pd

    from pylme import Design


@pytest.fixture
def sleepstudy() -> pd.DataFrame:
    return pylme.datasets.load("sleepstudy")


def _deficient(formula: str, data: pd.DataFrame) -> Design:
    with pytest.warns(RankDeficiencyWarning):
        return pylme.design(formula, data)


@pytest.mark.parametrize("shift", [0.0, 2000.0])
def test_a_dropped_column_is_named_as_a_combination(sleepstudy: pd.DataFrame, shift: float) -> None:
    sleepstudy["day"] = sleepstudy["Days"] + shift
    sleepstudy["same"] = 2 * sleepstudy["day"] - 3
    design = _deficient("Reaction ~ day + same + (1 | Subject)", sleepstudy)
    fixed = design.identifiability().fixed
    assert (fixed.n_columns, fixed.rank) == (3, 2)
    assert fixed.kept == ("(Intercept)", "day")
    (alias,) = fixed.dropped
    assert (alias.name, alias.names) == ("same", ("(Intercept)", "day"))
    assert alias.weights == pytest.approx((-3.0, 2.0), rel=1e-6)
    assert str(alias) == "same = -3 (Intercept) + 2 day"


def test_the_dropped_columns_are_x_times_the_aliases(sleepstudy: pd.DataFrame) -> None:
    sleepstudy["late"] = np.where(sleepstudy["Days"] > 4, "late", "early")
    design = _deficient("Reaction ~ factor(Days) + late + Days + (1 | Subject)", sleepstudy)
    dropped = np.column_stack([sleepstudy["late"] == "late", sleepstudy["Days"]])
    assert design.dropped == ("latelate", "Days")
    np.testing.assert_allclose(design.X @ design.aliases, dropped, atol=1e-12)
    assert not design.aliases.flags.writeable
    (late, _) = design.identifiability().fixed.dropped
    assert late.names == tuple(f"factor(Days){day}" for day in range(5, 10))


def test_a_column_of_zeros_equals_nothing(sleepstudy: pd.DataFrame) -> None:
    design = _deficient("Reaction ~ Days + I(0 * Days) + (1 | Subject)", sleepstudy)
    (alias,) = design.identifiability().fixed.dropped
    assert str(alias) == "I(0 * Days) = 0"


def test_without_a_column_that_is_kept(sleepstudy: pd.DataFrame) -> None:
    design = _deficient("Reaction ~ 0 + I(0 * Days) + (1 | Subject)", sleepstudy)
    found = design.identifiability()
    assert (found.fixed.n_columns, found.fixed.rank) == (1, 0)
    assert found.rank == 1


def test_reported_and_framed(sleepstudy: pd.DataFrame) -> None:
    sleepstudy["same"] = 2 * sleepstudy["Days"]
    found = _deficient("Reaction ~ Days + same + (1 | Subject)", sleepstudy).identifiability()
    assert not found.identified
    assert "  fixed effects: 3, of which the data identify 2\n    same = 2 Days" in str(found)
    frame = found.fixed.to_frame()
    assert frame.to_dict("list") == {
        "dropped": ["same"],
        "column": ["Days"],
        "weight": [pytest.approx(2.0)],
    }


def test_nothing_is_dropped_where_nothing_depends(sleepstudy: pd.DataFrame) -> None:
    design = pylme.design("Reaction ~ Days + (1 | Subject)", sleepstudy)
    assert design.aliases.shape == (2, 0)
    assert design.identifiability().fixed.to_frame().empty
