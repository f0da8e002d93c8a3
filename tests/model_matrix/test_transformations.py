"""What calls make of the data: infinities, missing values and sizes, refused alike before R."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import (
    ColumnValueError,
    EmptyDataError,
    InfiniteValueError,
    MissingRowsWarning,
    MissingValueError,
)

pytestmark = pytest.mark.needs_r

ENGINES = ("lme4", "numpy")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(20)
    frame = pd.DataFrame({"g": rng.integers(0, 10, 120), "x": rng.poisson(1.2, 120).astype(float)})
    frame["e"] = rng.uniform(1, 5, 120)
    frame["y"] = frame["x"] + rng.normal(size=120) + rng.normal(size=10)[frame["g"]]
    frame["k"] = rng.poisson(2, 120)
    return frame.set_index(pd.Index([f"r{i}" for i in range(120)]))


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
@pytest.mark.parametrize(
    ("formula", "call"),
    [
        ("y ~ log(x) + (1 | g)", "log(x)"),
        ("log(x) ~ e + (1 | g)", "log(x)"),
        ("y ~ e + (log(x) | g)", "log(x)"),
        ("y ~ e + offset(log(x)) + (1 | g)", "offset(log(x))"),
        ("y ~ e:I(1/x) + (1 | g)", "I(1/x)"),
        ("y ~ I(x^-2) + (1 | g)", "I(x^-2)"),
    ],
)
def test_infinities_name_column_row_and_value(data: pd.DataFrame, formula: str, call: str) -> None:
    first = data.index[data["x"] == 0][0]
    said = set()
    for engine in ENGINES:
        with pytest.raises(InfiniteValueError) as caught:
            pylme.lmer(formula, data, engine=engine)
        error = caught.value
        assert (error.column, error.row, error.count) == (call, first, int((data["x"] == 0).sum()))
        assert error.sources == {"x": (0.0, True)}
        said.add(str(error))
    (message,) = said
    assert "subset=data['x'] != 0" in message
    for engine in ENGINES:
        fit = pylme.lmer(formula, data, subset=data["x"] != 0, engine=engine)
        assert fit.nobs == int((data["x"] != 0).sum())


def test_a_zero_exposure_is_named_in_a_generalized_model(data: pd.DataFrame) -> None:
    formula = "k ~ e + offset(log(x)) + (1 | g)"
    with pytest.raises(InfiniteValueError, match=r"'offset\(log\(x\)\)'.*where 'x' is 0"):
        pylme.glmer(formula, data, family="poisson")


def test_several_values_are_left_to_python(data: pd.DataFrame) -> None:
    with pytest.raises(InfiniteValueError, match="Compute the column in Python"):
        pylme.lmer("y ~ I(1/(x * (e - e))) + (1 | g)", data.assign(x=data["x"] + 1))


@pytest.mark.filterwarnings("ignore:NaNs produced")
def test_missing_values_of_a_call_are_left_out_alike(data: pd.DataFrame) -> None:
    shifted = data.assign(x=data["x"] - 0.5)
    fits = []
    for engine in ENGINES:
        with pytest.warns(MissingRowsWarning) as caught:
            fits.append(pylme.lmer("y ~ log(x) + (1 | g)", shifted, engine=engine))
        (warning,) = [w for w in caught if isinstance(w.message, MissingRowsWarning)]
        assert warning.message.counts == {"log(x)": int((data["x"] == 0).sum())}
        with pytest.raises(MissingValueError, match=r"log\(x\)"):
            pylme.lmer("y ~ log(x) + (1 | g)", shifted, engine=engine, na_action="fail")
        with pytest.raises(EmptyDataError, match=r"log\(x\)"):
            pylme.lmer("y ~ log(x) + (1 | g)", data.assign(x=-1 - data["x"]), engine=engine)
    by_r, ours = fits
    assert by_r.nobs == ours.nobs
    pd.testing.assert_series_equal(by_r.fitted.isna(), ours.fitted.isna())


@pytest.mark.filterwarnings("ignore:NaNs produced")
def test_infinities_in_rows_without_a_value_elsewhere_do_not_count(data: pd.DataFrame) -> None:
    """R leaves a row with a missing value out before anybody looks at the infinity in it."""
    gaps = data.assign(z=np.where(data["x"] == 0, -1.0, data["e"]))
    for engine in ENGINES:
        with pytest.warns(MissingRowsWarning):
            fit = pylme.lmer("y ~ log(x) + log(z) + (1 | g)", gaps, engine=engine)
        assert fit.nobs == int((data["x"] != 0).sum())


@pytest.mark.parametrize("factor", [1e160, 1e300, 1e-160, 1e-300])
@pytest.mark.parametrize(
    ("column", "formula"),
    [
        ("x", "y ~ x + (1 | g)"),
        ("x", "y ~ e + (x | g)"),
        ("y", "y ~ x + (1 | g)"),
        ("x", "y ~ x:e + (1 | g)"),
    ],
)
def test_squares_that_overflow_or_vanish_are_refused_alike(
    data: pd.DataFrame, factor: float, column: str, formula: str
) -> None:
    scaled = data.assign(**{column: data[column] * factor})
    said = set()
    for engine in ENGINES:
        with pytest.raises(ColumnValueError, match="Rescale") as caught:
            pylme.lmer(formula, scaled, engine=engine)
        said.add(str(caught.value))
    assert len(said) == 1
    assert column in said.pop()


@pytest.mark.parametrize(
    ("size", "divisor"), [(5e-324, "1e-308"), (1e-300, "1e-300"), (1e300, "1e+300")]
)
def test_the_divisor_that_a_message_names_works(
    data: pd.DataFrame, size: float, divisor: str
) -> None:
    scaled = data.assign(x=np.where(data["x"] > 0, size, 0.0))
    with pytest.raises(ColumnValueError, match=re.escape(f"data['x'] / {divisor}.")):
        pylme.lmer("y ~ x + (1 | g)", scaled, engine="numpy")
    mended = scaled.assign(x=scaled["x"] / float(divisor))
    assert np.isfinite(pylme.lmer("y ~ x + (1 | g)", mended, engine="numpy").criterion)


def test_what_is_computed_is_not_called_a_column_of_the_data(data: pd.DataFrame) -> None:
    large = data.assign(x=data["x"].abs() + 700)
    with pytest.raises(ColumnValueError, match="compute it in Python, divide it by 1e") as caught:
        pylme.lmer("y ~ exp(x) + (1 | g)", large, engine="numpy")
    assert "data[" not in str(caught.value)


def test_a_product_may_overflow_where_its_columns_do_not(data: pd.DataFrame) -> None:
    large = data.assign(x=data["x"] * 1e50, e=data["e"] * 1e50)
    with pytest.raises(ColumnValueError, match=r"'x \* e'"):
        pylme.lmer("y ~ x:e + (1 | g)", large, engine="numpy")
