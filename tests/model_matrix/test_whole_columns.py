"""Calls that learn from a whole column: infinite and missing values in their arguments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import FormulaError, InfiniteValueError

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings(
        "ignore::pylme.errors.MissingRowsWarning",
        "ignore::pylme.errors.SingularFitWarning",
        "ignore::pylme.errors.RWarning",
    ),
]

ENGINES = ("lme4", "numpy")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(20)
    x = np.where(rng.uniform(size=120) < 0.3, 0.0, rng.uniform(1, 4, 120))
    frame = pd.DataFrame({"g": rng.integers(0, 10, 120), "x": x})
    frame["z"] = rng.normal(size=120)
    frame["e"] = rng.uniform(1, 5, 120)
    frame["f"] = np.where(rng.uniform(size=120) < 0.4, "a", "b")
    frame["y"] = frame["e"] + rng.normal(size=120) + rng.normal(size=10)[frame["g"]]
    return frame


@pytest.mark.parametrize(
    ("formula", "argument"),
    [
        ("y ~ ns(1/x, 3) + (1 | g)", "1/x"),
        ("y ~ bs(log(x), 4) + (1 | g)", "log(x)"),
        ("y ~ poly(log(x), 2) + (1 | g)", "log(x)"),
        ("y ~ e + (scale(log(x)) | g)", "log(x)"),
        ("scale(log(x)) ~ e + (1 | g)", "log(x)"),
        ("y ~ e + offset(ave(log(x), g)) + (1 | g)", "log(x)"),
        ("y ~ I(e - mean(log(x))) + (1 | g)", "log(x)"),
        ("y ~ cut(log(x), 3) + (1 | g)", "log(x)"),
        ("y ~ cumsum(log(x)) + (1 | g)", "log(x)"),
    ],
)
def test_the_argument_is_named_where_one_infinite_value_spoils_all_rows(data, formula, argument):
    said = set()
    for engine in ENGINES:
        with pytest.raises(InfiniteValueError) as caught:
            pylme.lmer(formula, data, engine=engine)
        assert caught.value.column == argument
        assert caught.value.count == int((data["x"] == 0).sum())
        assert caught.value.sources == {"x": (0.0, True)}
        said.add(str(caught.value))
    with pytest.raises(InfiniteValueError) as caught:
        pylme.explain(formula, data)
    assert said == {str(caught.value)}
    # What the message says to do; cut() and cumsum() are R's alone.
    assert "subset=data['x'] != 0" in str(caught.value)
    assert pylme.lmer(formula, data, subset=data["x"] != 0).nobs == int((data["x"] != 0).sum())


def test_a_summary_that_is_finite_all_the_same_is_taken(data):
    frame = data.assign(x=np.where(np.arange(120) == 7, 0.0, data["x"] + 1))
    formula = "y ~ ave(log(x), f, FUN = median) + (1 | g)"
    by_r, ours = (pylme.lmer(formula, frame, engine=engine) for engine in ENGINES)
    assert ours.criterion == pytest.approx(by_r.criterion, abs=1e-6)
    with np.errstate(divide="ignore"):
        medians = np.log(frame["x"]).groupby(frame["f"]).transform("median")
    np.testing.assert_allclose(ours.getme("X")[:, 1], medians, rtol=1e-12)


@pytest.mark.parametrize(
    "term", ["ns(sqrt(z), 3)", "bs(sqrt(z), df = 4)", "scale(sqrt(z))", "scale(cbind(e, sqrt(z)))"]
)
def test_missing_values_are_left_out_of_what_is_learnt_as_r_does(data, term):
    by_r, ours = (pylme.lmer(f"y ~ {term} + (1 | g)", data, engine=engine) for engine in ENGINES)
    assert by_r.nobs == ours.nobs == int((data["z"] >= 0).sum())
    np.testing.assert_allclose(ours.getme("X"), by_r.getme("X"), rtol=1e-10, atol=1e-12)
    assert ours.criterion == pytest.approx(by_r.criterion, abs=1e-6)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("poly(sqrt(z), 2)", r"sqrt\(z\) has no value in \d+ of 120 rows"),
        ("scale(e, center = ave(e, g), scale = FALSE)", "one for each column"),
        ("I(f > 'a')", "have no order"),
        ("ave(e, g:f)", "':' crosses factors, and g is none"),
    ],
)
def test_what_r_refuses_is_refused_alike_before_it(data, term, said):
    for engine in ENGINES:
        with pytest.raises(FormulaError, match=said):
            pylme.lmer(f"y ~ {term} + (1 | g)", data, engine=engine)


@pytest.mark.parametrize(
    ("test", "by_pandas"),
    [
        ("size > 'small'", lambda size: size > "small"),
        ("size >= 'middle'", lambda size: size >= "middle"),
        ("'middle' > size", lambda size: size < "middle"),
        ("size <= 'small'", lambda size: size <= "small"),
    ],
)
def test_ordered_levels_are_compared(data, test, by_pandas):
    levels = ["small", "middle", "large"]
    size = pd.Categorical(np.take(levels, np.arange(120) % 3), categories=levels, ordered=True)
    frame = data.assign(size=size)
    by_r, ours = (
        pylme.lmer(f"y ~ I({test}) + (1 | g)", frame, engine=engine) for engine in ENGINES
    )
    for fit in (by_r, ours):
        np.testing.assert_array_equal(fit.getme("X")[:, 1], by_pandas(frame["size"]))
    assert ours.criterion == pytest.approx(by_r.criterion, abs=1e-6)


def test_a_level_that_an_ordered_factor_lacks(data):
    size = pd.Categorical(["s", "l"] * 60, categories=["s", "l"], ordered=True)
    with pytest.raises(FormulaError, match="'xl' is not among 's', 'l'"):
        pylme.lmer("y ~ I(size < 'xl') + (1 | g)", data.assign(size=size))


def test_crossed_factors_group_as_both_do(data):
    frame = data.assign(h=np.where(np.arange(120) % 2, "u", "v"))
    crossed, both = (
        pylme.design(f"y ~ ave(e, {groups}) + (1 | g)", frame) for groups in ("h:f", "h, f")
    )
    np.testing.assert_array_equal(crossed.X, both.X)
    by_r = pylme.lmer("y ~ ave(e, h:f) + (1 | g)", frame)
    np.testing.assert_allclose(by_r.getme("X"), crossed.X, rtol=1e-12)
