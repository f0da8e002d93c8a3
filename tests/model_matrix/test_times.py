"""Dates and times in formulas: R's numbers and R's labels, on both engines and on new rows."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import FitWarning, FormulaError, PylmeError
from pylme.versions import has
from tests.formula.rscript import ask_r

pytestmark = pytest.mark.needs_r

ENGINES = ("lme4", "numpy")
CLOCK = ["2014-01-15 00:00:00", "2014-02-17 06:30:00", "2014-03-20 12:00:05", "2014-07-02 18:00:00"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(162)
    times = pd.to_datetime(pd.Series(CLOCK))
    frame = pd.DataFrame({"time": times.repeat(18).to_numpy(), "block": np.tile(np.arange(6), 12)})
    frame["midnight"] = frame["time"].dt.normalize()
    frame["day"] = frame["time"].dt.date
    frame["zoned"] = frame["time"].dt.tz_localize("America/New_York")
    frame["y"] = rng.normal(size=6)[frame["block"]] + rng.normal(size=72)
    return frame


def _fit(formula: str, data: pd.DataFrame, engine: str) -> pylme.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return pylme.lmer(formula, data, engine=engine)


LABELS = {
    "day": [text[:10] for text in CLOCK],
    "midnight": [text[:10] for text in CLOCK],
    "time": CLOCK,
    "zoned": CLOCK,
}


@pytest.mark.parametrize("column", list(LABELS))
@pytest.mark.parametrize("call", ["factor", "as.factor", "ordered"])
def test_levels_have_the_labels_of_r(column: str, call: str, data: pd.DataFrame) -> None:
    formula = f"y ~ 0 + {call}({column}) + (1 | block)"
    by_r, ours = (_fit(formula, data, engine) for engine in ENGINES)
    assert list(ours.fixef.index) == list(by_r.fixef.index)
    np.testing.assert_allclose(ours.fixef, by_r.fixef, rtol=1e-6, atol=1e-9)
    assert list(by_r.fixef.index) == [f"{call}({column}){label}" for label in LABELS[column]]
    assert by_r.cross_check().ok


def test_these_labels_are_what_r_writes(tmp_path) -> None:
    body = """
      times <- strsplit(line, ";")[[1]]
      list(levels(factor(as.POSIXct(times, tz = "America/New_York"))))[[1]]
    """
    whole, midnights = (";".join(CLOCK), ";".join(text[:10] for text in CLOCK))
    short = [text.removesuffix(" 00:00:00") for text in CLOCK]
    expected = short if has("short_midnights") else CLOCK
    assert ask_r(body, [whole, midnights], tmp_path) == [expected, LABELS["day"]]


@pytest.mark.parametrize("column", list(LABELS))
@pytest.mark.parametrize(
    "term",
    [
        *("{0}", "I({0} + 3)", "scale({0})", "poly({0}, 2)", "as.numeric({0})"),
        *("I({0} > mean({0}))", "I(as.numeric({0}) - min(as.numeric({0})))"),
    ],
)
def test_numbers_are_those_of_r(column: str, term: str, data: pd.DataFrame) -> None:
    formula = f"y ~ {term.format(column)} + (1 | block)"
    by_r, ours = (_fit(formula, data, engine) for engine in ENGINES)
    assert list(ours.fixef.index) == list(by_r.fixef.index)
    np.testing.assert_allclose(ours.getme("X"), by_r.getme("X"), rtol=1e-9, atol=1e-9)
    for one, other in zip(*(fit.model_frame().items() for fit in (ours, by_r)), strict=True):
        assert one[0] == other[0]
        np.testing.assert_allclose(np.asarray(one[1], float), np.asarray(other[1], float))


def test_differences_of_dates_are_days(data: pd.DataFrame) -> None:
    fits = [_fit("y ~ I(day - min(day)) + (1 | block)", data, engine) for engine in ENGINES]
    days = (pd.to_datetime(data["day"]) - pd.Timestamp("2014-01-15")).dt.days
    for fit in fits:
        np.testing.assert_array_equal(fit.getme("X")[:, 1], days)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        ("log(time)", "log(as.numeric(time))"),
        ("I(day * 2)", "I(as.numeric(day) * 2)"),
        ("I(time - min(time))", "I(as.numeric(time) - as.numeric(min(time)))"),
        ("offset(day)", "offset(as.numeric(day))"),
    ],
)
def test_what_r_does_not_define_is_refused_alike(
    call: str, remedy: str, data: pd.DataFrame
) -> None:
    said = set()
    for engine in ENGINES:
        with pytest.raises(FormulaError) as caught:
            pylme.lmer(f"y ~ {call} + (1 | block)", data, engine=engine)
        said.add(str(caught.value))
    assert len(said) == 1
    criteria = [_fit(f"y ~ {remedy} + (1 | block)", data, engine).criterion for engine in ENGINES]
    assert criteria[0] == pytest.approx(criteria[1], abs=1e-4)


def test_times_that_r_writes_alike_are_refused_as_a_factor(data: pd.DataFrame) -> None:
    close = data.assign(time=data["time"] + pd.to_timedelta(np.arange(72) % 2 * 0.5, unit="s"))
    for engine in ENGINES:
        with pytest.raises(PylmeError, match="same text in R"):
            pylme.lmer("y ~ factor(time) + (1 | block)", close, engine=engine)
    close["time"] = close["time"].astype(str)
    assert pylme.lmer("y ~ factor(time) + (1 | block)", close, engine="numpy").nobs == 72


@pytest.mark.parametrize("column", ["time", "zoned", "midnight", "day"])
def test_new_rows_meet_the_levels_of_the_model(column: str, data: pd.DataFrame) -> None:
    """A row alone may have no hours to show; its label is still the model's."""
    for formula in (f"y ~ factor({column}) + (1 | block)", f"y ~ 1 + (1 | {column})"):
        design = pylme.design(formula, data)
        whole = design.on(data)
        for row in (0, 20, 40, 71):
            alone = design.on(data.iloc[[row]])
            np.testing.assert_array_equal(alone.X, whole.X[[row]])
            assert alone.new_levels == {}
            for term, of_all in zip(alone.terms, whole.terms, strict=True):
                assert term.codes[0] == of_all.codes[row]
