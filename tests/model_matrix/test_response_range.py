"""Responses that no model of their family can have, refused alike by all that take a formula."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import ResponseError

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning"),
]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"g": np.repeat(np.arange(20), 10), "x": rng.normal(size=200)})
    frame["b"] = rng.binomial(1, 1 / (1 + np.exp(-frame["x"] - rng.normal(size=20)[frame["g"]])))
    frame["t"] = np.take(["a", "b", "c"], np.arange(200) % 3)
    frame["k"] = rng.poisson(3, 200)
    frame["w"] = rng.uniform(1, 2, 200)
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["k"], unit="D")
    return frame


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ("factor(b)", "this is a factor"),
        ("ordered(t)", "this is a factor"),
        ("cbind(k, w)", "this is a matrix of 2 columns"),
        ("I(day)", "this is a date or time"),
    ],
)
def test_a_linear_model_of_no_numbers(data, response, said):
    formula = f"{response} ~ x + (1 | g)"
    for call in (
        lambda: pylme.lmer(formula, data),
        lambda: pylme.lmer(formula, data, engine="numpy"),
        lambda: pylme.explain(formula, data),
        lambda: pylme.design(formula, data),
    ):
        with pytest.raises(ResponseError, match=said):
            call()


@pytest.mark.parametrize(
    ("response", "family", "said"),
    [
        ("factor(b)", "poisson", "a model of counts has one in each row, and this is a factor"),
        ("factor(b)", "Gamma", "a Gamma model has one number in each row"),
        ("cbind(k, k)", "poisson", "this is a matrix of 2 columns"),
        ("cbind(k, k, k)", "binomial", "this is a matrix of 3 columns"),
        ("factor(t)", "binomial", "it has 3 levels"),
        ("ordered(t)", "binomial", "it is ordinal"),
        ("I(2 * w)", "binomial", "200 values are not between 0 and 1"),
        ("I(k / 2)", "poisson", "not whole numbers of 0 or more"),
        ("cbind(k, 2 - k)", "binomial", "counts are not whole numbers"),
    ],
)
def test_a_generalized_model_of_what_its_family_lacks(data, response, family, said):
    formula = f"{response} ~ x + (1 | g)"
    for call in (pylme.glmer, pylme.explain, pylme.design):
        with pytest.raises(ResponseError, match=re.escape(said)):
            call(formula, data, family=family)


@pytest.mark.parametrize("response", ["I(b + 1)", "coded", "as.numeric(factor(b))"])
def test_two_values_of_another_coding_are_told_the_line_that_fits(data, response):
    frame = data.assign(coded=2 * data["b"] - 1)
    with pytest.raises(ResponseError, match="which of its two is the success") as caught:
        pylme.glmer(f"{response} ~ x + (1 | g)", frame)
    line = caught.value.remedy.partition("success: ")[2]
    fit = pylme.glmer(line, frame)
    assert fit.criterion == pytest.approx(pylme.glmer("b ~ x + (1 | g)", frame).criterion, abs=1e-6)


def test_one_value_out_of_range_is_told_in_the_singular(data):
    frame = data.assign(w=np.where(np.arange(200) == 5, -1.0, data["w"]))
    with pytest.raises(ResponseError, match="1 value is not above 0: -1"):
        pylme.glmer("w ~ x + (1 | g)", frame, family="Gamma")


def test_counts_of_a_negative_binomial_model_are_not_called_poisson(data):
    with pytest.raises(ResponseError) as caught:
        pylme.glmer_nb("w ~ x + (1 | g)", data)
    assert "poisson" not in str(caught.value).lower()
