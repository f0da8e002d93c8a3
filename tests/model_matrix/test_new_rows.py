"""The same columns on other rows: an invariance, R's own answers, and levels that are new."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import (
    ColumnTypeError,
    ColumnValueError,
    MissingRowsWarning,
    OptionError,
    RankDeficiencyWarning,
    UnknownColumnError,
)
from tests.model_matrix.design_cases import CASES

if TYPE_CHECKING:
    from tests.model_matrix.design_cases import Case


def _design(formula: str, data: Any, **arguments: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        return pylme.design(formula, data, **arguments)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_some_rows_of_the_data_give_those_rows(case: Case) -> None:
    data = pylme.datasets.load(case.data)
    design = _design(case.formula, data, **case.arguments)
    # Few rows, so that means, ranges and levels all differ from those of the whole.
    rows = np.random.default_rng(1).choice(len(data), 7, replace=False)
    some = data.iloc[rows].reset_index(drop=True)
    new = design.on(some)
    assert new.x_names == design.x_names
    np.testing.assert_allclose(new.X, design.X[rows], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(new.offset, design.offset[rows], rtol=1e-15)
    assert abs(new.Z - design.Z[rows]).max() < 1e-13
    assert not any(mask.any() for mask in new.unseen.values())
    assert not new.new_levels


@cache
def _model_matrix() -> Any:
    from rpy2 import rinterface as ri

    from pylme.lme4.session import session

    session()
    return ri.evalr(
        """function(text, data, new) suppressWarnings({
          home <- new.env(parent = globalenv())
          home$ns <- splines::ns
          home$bs <- splines::bs
          fit <- stats::lm(as.formula(text, env = home), data)
          kept <- stats::delete.response(stats::terms(fit))
          frame <- stats::model.frame(kept, new, xlev = fit$xlevels)
          X <- stats::model.matrix(kept, frame, contrasts.arg = fit$contrasts)
          list(X = matrix(as.numeric(X), nrow(X)), names = colnames(X))
        })"""
    )


@pytest.mark.needs_r
@pytest.mark.parametrize(
    "fixed",
    [
        "poly(Days, 3)",
        "poly(Days, 2, raw = TRUE)",
        "scale(Days) * factor(half)",
        "ns(Days, df = 4)",
        "ns(Days, knots = c(2, 5))",
        "ns(Days, df = 3, intercept = TRUE) - 1",
        "ns(Days, 3, Boundary.knots = c(1, 7))",
        "bs(Days, df = 5)",
        "bs(Days, degree = 2, knots = 4)",
        "bs(Days, Boundary.knots = c(-2, 12))",
        "half + half:poly(Days, 2)",
    ],
)
def test_beyond_the_range_of_the_data_as_in_r(fixed: str) -> None:
    from rpy2 import rinterface as ri

    from pylme.frame import read_frame
    from pylme.lme4.from_r import from_r
    from pylme.lme4.to_r import to_r

    data = pylme.datasets.load("sleepstudy")
    data["half"] = np.where(np.arange(len(data)) % 2, "odd", "even")
    new = pd.DataFrame(
        {
            "Days": np.array([-1.5, 0.0, 0.5, 3.2, 8.9, 9.0, 11.0]),
            "half": ["odd", "odd", "even", "odd", "even", "odd", "odd"],
            "Subject": "308",
        }
    )
    ours = pylme.design(f"Reaction ~ {fixed} + (1 | Subject)", data).on(new)
    native = from_r(
        _model_matrix()(
            ri.StrSexpVector([f"Reaction ~ {fixed}"]),
            to_r(read_frame(data, ["Reaction", "Days", "half"])),
            to_r(read_frame(new, ["Days", "half"])),
        )
    )
    assert ours.x_names == tuple(native["names"])
    np.testing.assert_allclose(ours.X, native["X"], rtol=1e-11, atol=1e-11)


@pytest.fixture
def sleepstudy() -> pd.DataFrame:
    return pylme.datasets.load("sleepstudy")


def test_a_new_group_is_told_apart_and_has_no_random_effect(sleepstudy: pd.DataFrame) -> None:
    design = pylme.design("Reaction ~ Days + (Days | Subject)", sleepstudy)
    new = design.on({"Days": [1, 2, 3], "Subject": ["999", "309", "998"]})
    np.testing.assert_array_equal(new.unseen["Subject"], [True, False, True])
    assert sorted(new.new_levels["Subject"]) == ["998", "999"]
    assert new.Z.shape == (3, design.q)
    np.testing.assert_array_equal(np.diff(new.Zt.indptr), [0, 2, 0])
    place = 2 * design.flist["Subject"].levels.index("309")
    np.testing.assert_array_equal(new.Z[[1], place : place + 2].toarray(), [[1.0, 2.0]])
    assert "2 new levels" in repr(new)


def test_a_new_combination_of_known_levels_is_a_new_group() -> None:
    data = pylme.datasets.load("pastes")
    data = data[~((data["batch"] == "A") & (data["cask"] == "b"))]
    design = pylme.design("strength ~ 1 + (1 | batch/cask)", data)
    new = design.on({"batch": ["A", "A"], "cask": ["b", "c"]})
    np.testing.assert_array_equal(new.unseen["cask:batch"], [True, False])
    np.testing.assert_array_equal(new.unseen["batch"], [False, False])
    assert new.new_levels == {"cask:batch": ("b:A",)}


@pytest.mark.parametrize("random", ["1", "recipe"])
@pytest.mark.parametrize("fixed", ["recipe", "factor(recipe)", "C(recipe, contr.sum)"])
def test_a_new_level_of_a_fixed_factor_is_refused_by_name(fixed: str, random: str) -> None:
    design = pylme.design(f"angle ~ {fixed} + ({random} | replicate)", pylme.datasets.load("cake"))
    with pytest.raises(ColumnValueError, match=r"recipe.*'D' did not occur"):
        design.on({"recipe": ["A", "D"], "replicate": ["1", "2"]})


def test_the_response_is_not_needed_and_the_rest_is(sleepstudy: pd.DataFrame) -> None:
    design = pylme.design("Reaction ~ Days + (Days | Subject)", sleepstudy)
    assert design.on(sleepstudy.drop(columns="Reaction")).X.shape == (180, 2)
    with pytest.raises(UnknownColumnError, match="Days"):
        design.on({"Subject": ["308"]})


def test_a_column_of_another_type_is_refused(sleepstudy: pd.DataFrame) -> None:
    design = pylme.design("Reaction ~ Days + (Days | Subject)", sleepstudy)
    with pytest.raises(ColumnTypeError, match=r"'Days'.*number"):
        design.on({"Days": ["one"], "Subject": ["308"]})


def test_missing_values_leave_rows_out(sleepstudy: pd.DataFrame) -> None:
    design = pylme.design("Reaction ~ sqrt(Days) + (1 | Subject)", sleepstudy)
    with pytest.warns(MissingRowsWarning):
        new = design.on({"Days": [1.0, np.nan, 4.0], "Subject": ["308", "309", "310"]})
    np.testing.assert_array_equal(new.X[:, 1], [1.0, 2.0])
    with pytest.warns(MissingRowsWarning, match="sqrt"):
        new = design.on({"Days": [1.0, -1.0, 4.0], "Subject": ["308", "309", "310"]})
    np.testing.assert_array_equal(new.rows.kept, [True, False, True])


def test_an_offset_given_as_an_array_has_to_be_given_anew(sleepstudy: pd.DataFrame) -> None:
    formula = "Reaction ~ Days + offset(Days) + (1 | Subject)"
    design = pylme.design(formula, sleepstudy, offset=np.arange(180.0))
    np.testing.assert_array_equal(design.offset, np.arange(180.0) + sleepstudy["Days"])
    with pytest.raises(OptionError, match="offset"):
        design.on(sleepstudy)
    new = design.on(sleepstudy.head(2), offset=[5.0, 6.0])
    np.testing.assert_array_equal(new.offset, [5.0, 7.0])
