"""The random part with a covariance matrix for each level: its text, its matrices, its refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import pylme
from pylme.errors import (
    ColumnTypeError,
    ColumnValueError,
    FormulaError,
    OptionError,
    UnknownColumnError,
)
from tests.tolerances import OWN_OPTIMUM

TWO_BLOCKS = (
    '(0 + dummy(sector, "Public") + dummy(sector, "Public"):ses | sch.id) + '
    '(0 + dummy(sector, "Catholic") + dummy(sector, "Catholic"):ses | sch.id)'
)


@pytest.fixture(scope="module")
def hsb():
    return pylme.datasets.load("hsb")


@pytest.fixture
def odd(hsb):
    """The same data under names that need quotes, the sector as a truth value."""
    renamed = {"ses": "a ses", "sch.id": "s id", "sector": "is public?"}
    return hsb.assign(sector=hsb["sector"] == "Public").rename(columns=renamed)


def test_the_text(hsb):
    assert pylme.group_specific("ses", group="sch.id", by="sector", data=hsb) == TWO_BLOCKS


@pytest.mark.parametrize("slope", [None, (), "1", ["1"]])
def test_intercepts_alone(slope, hsb):
    found = pylme.group_specific(slope, group="sch.id", by="sector", data=hsb)
    each = [f'(0 + dummy(sector, "{level}") | sch.id)' for level in ("Public", "Catholic")]
    assert found == " + ".join(each)


def test_several_slopes_and_expressions(hsb):
    found = pylme.group_specific(
        ["ses", "log(meanses + 5)", "cses:female"], group="sch.id", by="sector", data=hsb
    )
    design = pylme.design(f"math ~ ses + {found}", hsb)
    public = 'dummy(sector, "Public")'
    slopes = ("ses", "log(meanses + 5)", "cses:femaleNo", "cses:femaleYes")
    assert design.cnms[0] == ("sch.id", (public, *(f"{public}:{slope}" for slope in slopes)))


def test_names_that_need_quotes_and_truth_values(odd):
    found = pylme.group_specific("a ses", group="s id", by="is public?", data=odd)
    assert found.startswith(
        '(0 + dummy(`is public?`, "FALSE") + dummy(`is public?`, "FALSE"):`a ses` | `s id`)'
    )


def test_any_data_frame_will_do(hsb):
    asked = {"group": "sch.id", "by": "sector"}
    strings = hsb.astype({"sector": str, "sch.id": str})
    # As strings the levels are sorted, in categories they have their own order.
    expected = pylme.group_specific("ses", data=strings, **asked)
    assert expected.index("Catholic") < expected.index("Public")
    assert pylme.group_specific("ses", data=pl.from_pandas(strings), **asked) == expected
    plain = {name: strings[name].to_numpy() for name in ("ses", "sch.id", "sector")}
    assert pylme.group_specific("ses", data=plain, **asked) == expected


def test_missing_values_are_no_levels(hsb):
    holes = hsb.copy()
    holes.loc[::7, "sector"] = np.nan
    assert pylme.group_specific("ses", group="sch.id", by="sector", data=holes) == TWO_BLOCKS


@pytest.mark.needs_r
@pytest.mark.parametrize("kind", ["plain", "odd", "interaction"])
def test_the_matrices_are_lme4s(kind, hsb, odd):
    from tests.model_matrix.lformula import agree, lformula

    data, slope, group, by = {
        "plain": (hsb, "ses", "sch.id", "sector"),
        "odd": (odd, "a ses", "s id", "is public?"),
        "interaction": (hsb, "ses", "sch.id:minority", "sector"),
    }[kind]
    text = "math ~ meanses + " + pylme.group_specific(slope, group=group, by=by, data=data)
    agree(pylme.design(text, data), lformula(text, data))


@pytest.mark.needs_r
def test_both_engines_fit_it_and_find_the_equivalent_model(hsb):
    """(ses*sector | sch.id) allows the same covariances, with four parameters too many."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        two = [
            pylme.lmer(f"math ~ ses*sector + {TWO_BLOCKS}", hsb, engine=engine)
            for engine in ("lme4", "numpy")
        ]
        too_many = pylme.lmer("math ~ ses*sector + (ses*sector | sch.id)", hsb, engine="numpy")
    assert two[0].criterion == pytest.approx(two[1].criterion, rel=OWN_OPTIMUM)
    assert two[1].criterion == pytest.approx(too_many.criterion, abs=1e-4)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"by": "female"}, ColumnValueError, "'1224' has rows of 'No', 'Yes'"),
        ({"by": "female"}, ColumnValueError, "123 of 160"),
        ({"by": "meanses"}, ColumnTypeError, "categories or truth values"),
        ({"by": "sch.id"}, ColumnValueError, "only one sch.id belongs to"),
        ({"by": "sectr"}, UnknownColumnError, "Did you mean 'sector'"),
        ({"slope": "sess"}, UnknownColumnError, "Did you mean 'ses'"),
        ({"slope": ["ses", "log(mea)"]}, UnknownColumnError, "'mea'"),
        ({"group": "sch"}, UnknownColumnError, "'sch.id'"),
        ({"slope": "0 + ses"}, OptionError, "intercepts always vary"),
        ({"slope": "system('ls')"}, FormulaError, "not allowed"),
        ({"group": "sch.id/sector"}, OptionError, "one grouping factor"),
        ({"group": "sch.id + sector"}, FormulaError, "grouping factor"),
    ],
)
def test_what_is_refused(changed, error, said, hsb):
    asked = {"slope": "ses", "group": "sch.id", "by": "sector"} | changed
    slope = asked.pop("slope")
    with pytest.raises(error) as caught:
        pylme.group_specific(slope, data=hsb, **asked)
    assert said in str(caught.value)


def test_a_factor_of_one_level_is_refused():
    data = pd.DataFrame({"g": list("aabb"), "f": ["only"] * 4})
    with pytest.raises(ColumnValueError, match="it has one level, 'only'"):
        pylme.group_specific(group="g", by="f", data=data)
