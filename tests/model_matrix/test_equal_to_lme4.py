"""Every matrix equals lme4's, element by element, in cases of each kind."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pylme
from pylme.errors import MissingRowsWarning, RankDeficiencyWarning
from tests.model_matrix.design_cases import CASES
from tests.model_matrix.lformula import agree, lformula

if TYPE_CHECKING:
    from tests.model_matrix.design_cases import Case

pytestmark = pytest.mark.needs_r


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equal(case: Case) -> None:
    data = pylme.datasets.load(case.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        design = pylme.design(case.formula, data, **case.arguments)
    agree(design, lformula(case.formula, data, **case.arguments), exact=case.exact)


@pytest.mark.parametrize("group", ["`the subject`", "`the subject`:early"])
def test_equal_where_names_need_quotes(group: str) -> None:
    data = pylme.datasets.load("sleepstudy").rename(columns={"Subject": "the subject"})
    data["the day"], data["early"] = data["Days"] * 1.0, data["Days"] < 5
    formula = f"Reaction ~ `the day` + (`the day` | {group})"
    agree(pylme.design(formula, data), lformula(formula, data))


def test_rows_lost_to_a_transformation_are_left_out_and_their_levels_dropped() -> None:
    data = pylme.datasets.load("sleepstudy")
    data["shifted"] = data["Days"] - 2.0
    data.loc[data["Subject"] == "308", "shifted"] = -1.0
    formula = "Reaction ~ sqrt(shifted) + factor(Days > 5) + (1 | Subject)"
    with pytest.warns(MissingRowsWarning, match="sqrt"):
        design = pylme.design(formula, data)
    agree(design, lformula(formula, data), exact=False)
    assert "308" not in design.flist["Subject"].levels
    assert int(np.count_nonzero(design.rows.kept)) == design.n == 17 * 8
