"""Responses with levels: success is named, and three levels are refused with a line that works."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError, ResponseError

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning"),
]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"g": np.repeat(np.arange(20), 30), "x": rng.normal(size=600)})
    chance = 1 / (1 + np.exp(-frame["x"] - rng.normal(size=20)[frame["g"]]))
    yes = rng.uniform(size=600) < chance
    frame["two"] = np.where(yes, "yes", "no")
    frame["truth"] = yes
    frame["number"] = yes.astype(int)
    frame["three"] = np.where(rng.uniform(size=600) < 0.25, "not sure", frame["two"])
    return frame


def test_three_levels_are_refused_and_the_line_works(data: pd.DataFrame) -> None:
    for formula in ("three ~ x + (1 | g)", "factor(three) ~ x + (1 | g)"):
        with pytest.raises(ResponseError, match="3 levels, 'no', 'not sure', 'yes'") as caught:
            pylme.glmer(formula, data)
        line = str(caught.value).rpartition("success: ")[2]
        fit = pylme.glmer(line, data)
        same = pylme.glmer("z ~ x + (1 | g)", data.assign(z=(data["three"] == "yes").astype(int)))
        np.testing.assert_allclose(fit.fixef, same.fixef, rtol=1e-6)


@pytest.mark.parametrize(
    ("response", "success"),
    [
        ("two", "yes"),
        ("truth", "TRUE"),
        ("number", None),
        ("relevel(factor(two), ref = 'yes')", "no"),
    ],
)
def test_success_is_named(response: str, success: str | None, data: pd.DataFrame) -> None:
    fit = pylme.glmer(f"{response} ~ x + (1 | g)", data)
    assert fit.success == success
    assert (f"success is {success!r}" in repr(fit)) is (success is not None)
    assert pylme.from_json(fit.to_json()).success == success
    assert bool(fit.fixef["x"] > 0) is (success != "no")


def test_ordinal_responses_are_pointed_to_clmm(data: pd.DataFrame) -> None:
    ordered = pd.Categorical(data["three"], ["no", "not sure", "yes"], ordered=True)
    for fit in (pylme.lmer, pylme.glmer, pylme.glmer_nb):
        with pytest.raises(ResponseError, match=r"ordinal.*no < not sure < yes\n.*clmm"):
            fit("o ~ x + (1 | g)", data.assign(o=ordered))


@pytest.mark.parametrize(
    ("family", "remedy"),
    [
        ("nbinom", "glmer_nb"),
        ("negative.binomial", "glmer_nb"),
        ("Negative Binomial", "glmer_nb"),
        ("binomal", "Did you mean 'binomial'"),
        ("gamma", "Did you mean 'Gamma'"),
        ("Gaussian", "lmer"),
        ("bernoulli", "family='binomial'"),
        ("cumulative", "clmm"),
        ("tweedie", "glmmTMB"),
    ],
)
def test_families_that_are_none_are_answered(family: str, remedy: str, data: pd.DataFrame) -> None:
    with pytest.raises(OptionError, match=remedy):
        pylme.glmer("number ~ x + (1 | g)", data, family=family)
