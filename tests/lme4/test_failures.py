"""R's internal errors: each has a reason and a remedy, and the remedy works when it is followed."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError, RankDeficiencyWarning, RError, ResponseError, RWarning

pytestmark = [pytest.mark.needs_r, pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")]


def _hours(rows=300):
    """Counts whose exposure is given in days, where they come by the hundred."""
    rng = np.random.default_rng(101)
    data = pd.DataFrame(
        {
            "elapsed": rng.uniform(0.001, 0.02, rows),
            "x": rng.uniform(0, 10, rows),
            "f": rng.integers(0, 15, rows),
        }
    )
    data["y"] = rng.poisson(data["elapsed"] * 24 * np.exp(1 + 0.2 * data["x"]))
    data["log_elapsed"] = np.log(data["elapsed"])
    return data


def _shares():
    rng = np.random.default_rng(101)
    data = pd.DataFrame({"s": np.repeat(np.arange(24), 4), "c": list("ABAB") * 24})
    data["yes"] = rng.integers(1, 11, 96)
    data["no"] = 10 - data["yes"]
    return data


def _with_zeros():
    rng = np.random.default_rng(101)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 20)})
    data["y"] = np.maximum(rng.normal(3, 2, 200), 0)
    return data


def _far():
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 20), "x": 1e10 + rng.normal(size=200)})
    data["y"] = rng.normal(size=10)[data["g"]] + rng.normal(size=200)
    data["count"] = rng.poisson(np.exp(data["y"] - data["y"].mean()))
    return data


def _refused(call) -> RError:
    with pytest.raises(RError) as caught:
        call()
    error = caught.value
    assert error.reason, "no reason is known"
    assert "function (" not in str(error), "R code in the message"
    assert "stopifnot" not in str(error)
    # Nothing of what R said is lost.
    assert error.message in str(error)
    return error


def _value(code: str, **names):
    return eval(code, names)  # noqa: S307


def _followed(data: pd.DataFrame, remedy: str) -> pd.DataFrame:
    """The data after the lines that a remedy writes."""
    data = data.copy()
    lines = re.findall(r"data\['\w+'\] = [^;\n]*?(?=;|\. [A-Z])", remedy)
    assert lines
    for line in lines:
        exec(line, {"data": data})  # noqa: S102
    return data


def test_an_offset_in_other_units_is_named_with_the_constant_to_add():
    data = _hours()
    formula = "y ~ ns(x, 2) + offset(log(elapsed)) + (1 | f)"
    error = _refused(lambda: pylme.glmer(formula, data, family="poisson"))
    assert "Downdated VtV" in error.message
    (written,) = re.findall(r"write (offset\(.*\)) in the formula", error.remedy)
    fit = pylme.glmer(formula.replace("offset(log(elapsed))", written), data, family="poisson")
    # The slopes are those of the fit with the exposure in hours; only the intercept moves.
    hours = pylme.glmer(
        formula.replace("log(elapsed)", "log(24 * elapsed)"), data, family="poisson"
    )
    np.testing.assert_allclose(fit.fixef.iloc[1:], hours.fixef.iloc[1:], rtol=1e-3)
    shift = float(written.rpartition("+ ")[2][:-1])
    assert fit.fixef.iloc[0] + shift == pytest.approx(hours.fixef.iloc[0] + np.log(24), abs=1e-3)


def test_an_offset_given_as_an_argument_is_named_too():
    data = _hours()
    error = _refused(
        lambda: pylme.glmer("y ~ x + (1 | f)", data, family="poisson", offset="log_elapsed")
    )
    (code,) = re.findall(r"offset=(data\[.*?\] \+ [\d.]+)\. Only", error.remedy)
    pylme.glmer("y ~ x + (1 | f)", data, family="poisson", offset=_value(code, data=data))


def test_a_log_link_of_a_binomial_keeps_within_its_range_from_the_start_given():
    data = _shares()
    formula = "cbind(yes, no) ~ c + (1 | s)"
    error = _refused(lambda: pylme.glmer(formula, data, link="log"))
    assert "probabilities above 1" in error.reason
    assert 'link="logit"' in error.remedy
    pylme.glmer(formula, data, link="logit")
    (start,) = re.findall(r"start=(\{.*?\}), control", error.remedy)
    fit = pylme.glmer(
        formula,
        data,
        link="log",
        start=_value(start),
        control=pylme.GlmerControl(n_agq_0_init=False),
    )
    assert (fit.fitted < 1).all()


@pytest.mark.parametrize("link", ["log", "inverse"])
def test_a_response_that_the_link_has_no_value_for_needs_means_to_start_from(link):
    data = _with_zeros()
    error = _refused(lambda: pylme.glmer("y ~ 1 + (1 | g)", data, family="gaussian", link=link))
    assert "mustart=" in error.remedy
    (code,) = re.findall(r"mustart=(np\.full\(.*\))\.", error.remedy)
    start = _value(code, np=np, data=data, response="y")
    fit = pylme.glmer("y ~ 1 + (1 | g)", data, family="gaussian", link=link, mustart=start)
    # A constant mean fits best at the mean of the response.
    assert fit.fitted.mean() == pytest.approx(data["y"].mean(), rel=1e-4)
    eta = np.log(start) if link == "log" else 1 / start
    other = pylme.glmer("y ~ 1 + (1 | g)", data, family="gaussian", link=link, etastart=eta)
    assert other.criterion == pytest.approx(fit.criterion, rel=1e-8)


def test_means_to_start_from_reach_r():
    data = pylme.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    plain = pylme.glmer(formula, data)
    started = pylme.glmer(formula, data, mustart=np.full(len(data), 0.3))
    assert started.criterion == pytest.approx(plain.criterion, rel=1e-8)
    np.testing.assert_array_equal(started.model_frame()["(mustart)"], 0.3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mustart": np.full(56, 1.0)}, "between 0 and 1"),
        ({"mustart": np.full(56, -0.1)}, "between 0 and 1"),
        ({"mustart": np.full(56, 0.5), "etastart": np.zeros(56)}, "one of them"),
        ({"mustart": np.array(["a"] * 56)}, "numbers"),
        ({"etastart": np.full(56, 1.0), "link": "log"}, "mean by the log link"),
    ],
)
def test_means_that_the_family_does_not_have_are_refused(given, said):
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    with pytest.raises(OptionError, match=said):
        pylme.glmer(formula, pylme.datasets.load("cbpp"), **given)


@pytest.mark.parametrize("linear", [True, False])
def test_a_covariate_far_from_zero_is_named_with_the_line_to_write(linear):
    data = _far()

    def fit(table):
        if linear:
            return pylme.lmer("y ~ x + (x | g)", table)
        return pylme.glmer("count ~ x + (x | g)", table, family="poisson")

    error = _refused(lambda: fit(data))
    assert "column x" in error.reason
    fit(_followed(data, error.remedy))


def test_a_response_in_large_units_is_named():
    rng = np.random.default_rng(101)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 20)})
    data["y"] = 1e6 * (np.maximum(rng.normal(3, 2, 200), 0) + 0.1)
    error = _refused(lambda: pylme.glmer("y ~ 1 + (1 | g)", data, family="Gamma"))
    assert "other units" in error.remedy
    pylme.glmer("y ~ 1 + (1 | g)", _followed(data, error.remedy), family="Gamma")
    pylme.glmer("y ~ 1 + (1 | g)", data, family="Gamma", link="log")


def test_quadrature_points_ask_for_one_scalar_term():
    data = pylme.datasets.load("cbpp").assign(n=1.0)
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd) + (1 | period)"
    error = _refused(lambda: pylme.glmer(formula, data, n_agq=3))
    assert "n_agq=1" in error.remedy
    pylme.glmer(formula, data, n_agq=1)


def test_start_of_the_wrong_length_says_how_many_where_r_alone_knows():
    """pylme counts theta itself where it can make the columns; cut() is R's alone."""
    data = pylme.datasets.load("sleepstudy")
    formula = "Reaction ~ cut(Days, 2) + (Days | Subject)"
    error = _refused(lambda: pylme.lmer(formula, data, start=[1.0], engine="lme4"))
    assert "fit.theta" in error.remedy
    start = pylme.lmer(formula, data, engine="lme4").theta
    pylme.lmer(formula, data, start=start, engine="lme4")


def test_an_error_without_a_known_reason_shows_the_name_of_a_function_alone():
    source = "(function (fr, X, reTrms) { stopifnot(length(nAGQ) == 1L)"
    error = RError(message="no such thing", call=source, asked="Fitting", remedy="Report it.")
    assert "function" not in str(error)
    assert error.call == source
    named = RError(message="m", call="lme4::lFormula(a = b)", asked="Fitting", remedy="Report it.")
    assert "in lme4::lFormula() with" in str(named)


@pytest.mark.parametrize(
    ("formula", "family", "said"),
    [
        ("I(z) ~ 1 + (1 | g)", "Gamma", "above 0"),
        ("log(w) ~ 1 + (1 | g)", "inverse.gaussian", "above 0"),
        ("I(n - 1) ~ 1 + (1 | g)", "poisson", "whole numbers"),
        ("I(n / 2) ~ 1 + (1 | g)", "poisson", "whole numbers"),
        ("I(2 * w) ~ 1 + (1 | g)", "binomial", "between 0 and 1"),
        ("cbind(n, 2 - n) ~ 1 + (1 | g)", "binomial", "cbind(successes, total - successes)"),
        ("cbind(w, n) ~ 1 + (1 | g)", "binomial", "whole numbers"),
    ],
)
def test_an_expression_out_of_the_family_s_range_is_refused_before_r(formula, family, said):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 10), "z": rng.normal(size=100)})
    data["n"] = rng.poisson(3, 100)
    data["w"] = rng.uniform(0.5, 1.5, 100)
    with pytest.raises(ResponseError, match=re.escape(said)):
        pylme.glmer(formula, data, family=family)


def test_proportions_without_trials_are_told_how_to_give_them():
    data = pylme.datasets.load("cbpp").assign(share=lambda d: d["incidence"] / d["size"])
    with pytest.warns(RWarning, match="numbers of trials as weights"):
        pylme.glmer("share ~ period + (1 | herd)", data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pylme.glmer("share ~ period + (1 | herd)", data, weights="size")


def test_dropped_columns_are_named_by_the_way_that_the_warning_shows():
    data = pylme.datasets.load("sleepstudy")
    formula = "Reaction ~ Days + I(2 * Days) + (1 | Subject)"
    with pytest.warns(RankDeficiencyWarning, match=r"\.dropped names them"):
        pylme.lmer(formula, data)
    assert pylme.design(formula, data).dropped == ("I(2 * Days)",)


def test_a_check_that_stops_says_that_the_control_asked_for_it():
    data = _far().assign(x=lambda d: 1e9 * (d["x"] - 1e10))
    control = pylme.LmerControl(check_scalex="stop")
    error = _refused(lambda: pylme.lmer("y ~ x + count + (1 | g)", data, control=control))
    assert '"warning"' in error.remedy
    pylme.lmer("y ~ x + count + (1 | g)", data, control=pylme.LmerControl(check_scalex="warning"))


def test_no_start_of_fixed_effects_without_a_search_for_them():
    data = pylme.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    start = {"theta": [1.0], "fixef": [0.0, 0.0, 0.0, 0.0]}
    error = _refused(lambda: pylme.glmer(formula, data, n_agq=0, start=start))
    assert "n_agq=1" in error.remedy
    pylme.glmer(formula, data, n_agq=1, start=start)
